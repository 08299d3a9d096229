//! What makes rules unfit: nobody could satisfy them, or one key alone could.

use std::collections::BTreeSet;

use super::{Policies, Policy, ProposalKind, WHOLE_BP};
use crate::{Defect, Member, MemberId};

const MINUTE_NS: u64 = 60 * 1_000_000_000;
const HOUR_NS: u64 = 60 * MINUTE_NS;
const MONTH_NS: u64 = 30 * 24 * HOUR_NS;
const MOST_PROPOSALS: u32 = 100;

impl Policies {
    /// Everything that is wrong with these rules for these members.
    pub fn defects(&self, members: &[Member]) -> Vec<Defect> {
        let mut defects = self.default.defects("policies.default", members);
        let mut seen = BTreeSet::new();
        // One more than there are: it is reported as a second one.
        for (index, own) in self.kinds.iter().enumerate().take(ProposalKind::ALL.len() + 1) {
            let field = format!("policies.kinds[{index}]");
            defects.extend(own.policy.defects(&format!("{field}.policy"), members));
            if !seen.insert(own.kind) {
                let found = format!("{:?} a second time", own.kind);
                defects.push(Defect::new(format!("{field}.kind"), found, "each kind once", "Leave one out."));
            }
        }
        for (field, found) in [("most_open", self.most_open), ("most_per_day", self.most_per_day)] {
            if !(1..=MOST_PROPOSALS).contains(&found) {
                let allowed = format!("1 to {MOST_PROPOSALS}");
                let hint = "Leave room for work, and none for floods.";
                defects.push(Defect::new(format!("policies.{field}"), found.to_string(), allowed, hint));
            }
        }
        defects.extend(self.emergency_defect());
        if defects.is_empty() {
            defects.extend(self.strictest_defect(members));
        }
        defects
    }

    /// What is urgent may be quicker than the rest, and never need less.
    fn emergency_defect(&self) -> Option<Defect> {
        let urgent = self.of_kind(ProposalKind::Revocation);
        let is_lighter = urgent.least_yes_members < self.default.least_yes_members
            || urgent.approval_bp < self.default.approval_bp
            || urgent.quorum_bp < self.default.quorum_bp;
        is_lighter.then(|| {
            Defect::new(
                "policies.kinds: Revocation",
                "a lighter rule than the default",
                "at least the default's members, approval and quorum; times may be shorter",
                "Raise it: what is quick needs no fewer hands. A freeze needs one member only.",
            )
        })
    }

    /// Membership is decided by all rules together, which therefore must be satisfiable together.
    fn strictest_defect(&self, members: &[Member]) -> Option<Defect> {
        let strictest =
            ProposalKind::ALL.into_iter().fold(self.of_kind(ProposalKind::Members).clone(), |rule, kind| {
                rule.stricter(self.of_kind(kind))
            });
        let voters = strictest.fewest_voters(members);
        (strictest.least_yes_members as usize > voters).then(|| {
            Defect::new(
                "policies",
                format!(
                    "rules that together need {} members to say yes where {voters} vote",
                    strictest.least_yes_members
                ),
                "rules that can all be met at once, as a change of members needs",
                "Lower the greatest number, or let the proposer's own vote count everywhere.",
            )
        })
    }
}

impl Policy {
    /// How many members vote on a proposal of one of them.
    fn fewest_voters(&self, members: &[Member]) -> usize {
        members.len().saturating_sub(usize::from(!self.proposer_votes))
    }

    fn defects(&self, at: &str, members: &[Member]) -> Vec<Defect> {
        let mut defects = Vec::new();
        if members.is_empty() {
            // Reported with the members.
            return defects;
        }
        let mut check = |field: &str, found: u64, least: u64, most: u64, hint: &str| {
            if !(least..=most).contains(&found) {
                let allowed = if least <= most {
                    format!("{least} to {most}")
                } else {
                    format!("at least {least}, which this group cannot reach")
                };
                defects.push(Defect::new(format!("{at}.{field}"), found.to_string(), allowed, hint));
            }
        };
        let least_yes = if members.len() == 1 { 1 } else { 2 };
        check(
            "least_yes_members",
            self.least_yes_members.into(),
            least_yes,
            self.fewest_voters(members) as u64,
            "One key must not decide alone, and those who vote must be able to.",
        );
        check(
            "approval_bp",
            self.approval_bp.into(),
            0,
            u64::from(WHOLE_BP) - 1,
            "Yes must be more than this.",
        );
        check("quorum_bp", self.quorum_bp.into(), 0, WHOLE_BP.into(), "In hundredths of a percent.");
        let period_ns = self.voting_period_ns;
        check("voting_period_ns", period_ns, MINUTE_NS, MONTH_NS, "Vote for one minute to 30 days.");
        check("late_swing_ns", self.late_swing_ns, 0, period_ns, "At most the voting period.");
        check("timelock_ns", self.timelock_ns, 0, MONTH_NS, "Wait at most 30 days.");
        check(
            "execution_window_ns",
            self.execution_window_ns,
            HOUR_NS,
            MONTH_NS,
            "Leave one hour to 30 days to begin it.",
        );
        for (field, named) in [("proposers", &self.proposers), ("guardians", &self.guardians)] {
            defects.extend(named_defects(&format!("{at}.{field}"), named, members));
        }
        defects
    }
}

fn named_defects(field: &str, named: &[MemberId], members: &[Member]) -> Vec<Defect> {
    let mut defects = Vec::new();
    let mut seen = BTreeSet::new();
    // One more than there are: it is reported as unknown or as a second one.
    for id in named.iter().take(members.len() + 1) {
        if !seen.insert(id) || !members.iter().any(|member| member.id == *id) {
            let hint = "Name members by number, each once; take out who leaves the group.";
            defects.push(Defect::new(field, id.to_string(), "members of this group, each once", hint));
        }
    }
    defects
}
