//! The group a DAO canister is installed with: members, proposers and the rule of voting.

use std::{fs, path::Path, time::Duration};

use candid::Principal;
use release_types::{Member, MemberId, Policies, Proposer, member::MAX_MEMBERS};
use serde::Deserialize;

use crate::failure::{Failure, Outcome};

/// A group, as a TOML or JSON file gives it.
///
/// ```toml
/// voting_period = "3d"
/// quorum_percent = 40.0
/// approval_percent = 50.0
/// [[members]]
/// name = "Ada"
/// principal = "2vxsx-fae"
/// [[proposers]]
/// name = "ci"
/// principal = "2vxsx-fae"
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    #[serde(default)]
    pub members: Vec<GroupMember>,
    #[serde(default)]
    pub proposers: Vec<GroupProposer>,
    /// How long voting is open, e.g. `3d` or `12h`.
    pub voting_period: Option<String>,
    /// Share of all voting power that must take part.
    pub quorum_percent: Option<f64>,
    /// Yes must be more than this share of yes and no together.
    pub approval_percent: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupMember {
    pub name: String,
    pub principal: Principal,
    #[serde(default = "one_vote")]
    pub voting_power: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupProposer {
    pub name: String,
    pub principal: Principal,
}

fn one_vote() -> u64 {
    1
}

impl Group {
    /// Reads a group from a file; `.json` is JSON, everything else TOML.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| Failure::file("read the group", path, error))?;
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        let failed = |error: String| Failure::file("understand the group", path, error);
        if is_json {
            serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
        } else {
            toml::from_str(&text).map_err(|error| failed(error.to_string()))
        }
    }

    /// The members as the canister takes them.
    ///
    /// # Errors
    /// When there is none, too many, one twice, or one that cannot vote.
    pub fn members(&self) -> Outcome<Vec<Member>> {
        let count = self.members.len();
        if count == 0 || count > MAX_MEMBERS {
            return Err(Failure::usage(format!("members: found {count}; allowed: 1 to {MAX_MEMBERS}"))
                .hint("name them with --member NAME=PRINCIPAL or in a file given with --group FILE"));
        }
        for (position, member) in self.members.iter().enumerate() {
            let field = format!("member {:?}", member.name);
            if member.principal == Principal::anonymous() {
                return Err(Failure::usage(format!("{field}: the anonymous principal cannot vote")));
            }
            if member.voting_power == 0 {
                return Err(Failure::usage(format!("{field}: voting power 0; allowed: at least 1")));
            }
            if self.members[..position].iter().any(|earlier| earlier.principal == member.principal) {
                return Err(Failure::usage(format!("{field}: {} is listed twice", member.principal)));
            }
        }
        let member = |(id, m): (u32, &GroupMember)| Member {
            id: MemberId(id),
            name: m.name.clone(),
            voting_power: m.voting_power,
            keys: vec![m.principal],
        };
        Ok((1..).zip(&self.members).map(member).collect())
    }

    /// The proposers as the canister takes them.
    pub fn proposers(&self) -> Vec<Proposer> {
        let proposer = |p: &GroupProposer| Proposer { principal: p.principal, name: p.name.clone() };
        self.proposers.iter().map(proposer).collect()
    }

    /// The rules: those recommended for a group of this size, each with the period and shares given.
    ///
    /// # Errors
    /// When a share or the period is out of range.
    pub fn policies(&self) -> Outcome<Policies> {
        let mut policies = Policies::recommended(u32::try_from(self.members.len()).unwrap_or(u32::MAX));
        let period_ns =
            self.voting_period.as_deref().map(|text| duration("voting period", text)).transpose()?;
        let period_ns = period_ns
            .map(|period| u64::try_from(period.as_nanos()))
            .transpose()
            .map_err(|_| Failure::usage("voting period: longer than time can be counted"))?;
        let quorum_bp = self.quorum_percent.map(|share| basis_points("quorum", share)).transpose()?;
        let approval_bp = self.approval_percent.map(|share| basis_points("approval", share)).transpose()?;
        let all = std::iter::once(&mut policies.default);
        for policy in all.chain(policies.kinds.iter_mut().map(|own| &mut own.policy)) {
            if let Some(period_ns) = period_ns {
                policy.voting_period_ns = period_ns;
                policy.late_swing_ns = policy.late_swing_ns.min(period_ns);
            }
            policy.quorum_bp = quorum_bp.unwrap_or(policy.quorum_bp);
            policy.approval_bp = approval_bp.unwrap_or(policy.approval_bp);
        }
        Ok(policies)
    }
}

/// A duration such as `90d`, `12h` or `5m`.
///
/// # Errors
/// When it is none.
pub fn duration(field: &str, text: &str) -> Outcome<Duration> {
    humantime::parse_duration(text).map_err(|error| {
        Failure::usage(format!(
            "{field}: found {text:?} ({error}); allowed: a duration such as 90d, 12h or 5m"
        ))
    })
}

fn basis_points(field: &str, percent: f64) -> Outcome<u16> {
    let points = (percent * 100.0).round();
    if !(0.0..=10_000.0).contains(&points) {
        return Err(Failure::usage(format!("{field}: found {percent} %; allowed: 0 to 100")));
    }
    // In range by the check above, so nothing is cut off.
    Ok(points as u16)
}

/// A member as a flag gives it: `NAME=PRINCIPAL` or `NAME=PRINCIPAL:POWER`.
///
/// # Errors
/// When it has another form.
pub fn parse_member(text: &str) -> Result<GroupMember, MemberSyntax> {
    let syntax = || MemberSyntax(text.to_string());
    let (name, rest) = text.split_once('=').ok_or_else(syntax)?;
    let (principal, power) = rest.split_once(':').unwrap_or((rest, "1"));
    Ok(GroupMember {
        name: name.to_string(),
        principal: principal.parse().map_err(|_| syntax())?,
        voting_power: power.parse().map_err(|_| syntax())?,
    })
}

/// A proposer as a flag gives it: `NAME=PRINCIPAL`.
///
/// # Errors
/// When it has another form.
pub fn parse_proposer(text: &str) -> Result<GroupProposer, ProposerSyntax> {
    let syntax = || ProposerSyntax(text.to_string());
    let (name, principal) = text.split_once('=').ok_or_else(syntax)?;
    Ok(GroupProposer { name: name.to_string(), principal: principal.parse().map_err(|_| syntax())? })
}

#[derive(Debug, thiserror::Error)]
#[error("found {0:?}; allowed: NAME=PRINCIPAL or NAME=PRINCIPAL:VOTING_POWER")]
pub struct MemberSyntax(String);

#[derive(Debug, thiserror::Error)]
#[error("found {0:?}; allowed: NAME=PRINCIPAL")]
pub struct ProposerSyntax(String);

#[cfg(test)]
mod tests;
