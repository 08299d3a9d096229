//! Rules in sentences, and where they are weak.

use release_types::{Member, MemberId, Policies, Policy, ProposalKind};

use crate::{
    operations::period,
    output::{WARNING, printable, styled},
};

/// A rule, in sentences.
pub fn sentences(policy: &Policy, members: &[Member]) -> Vec<String> {
    let mut needs = vec![format!("at least {}", people(policy.least_yes_members))];
    if policy.approval_bp > 0 {
        needs.push(format!("more than {} % of the power of yes and no", percent(policy.approval_bp)));
    }
    let mut lines = vec![format!("adopted when {} say yes", needs.join(" with "))];
    if policy.quorum_bp > 0 {
        lines.push(format!("{} % of all power must take part", percent(policy.quorum_bp)));
    }
    let late = match policy.late_swing_ns {
        0 => String::new(),
        late_ns => format!("; a late ballot that turns the outcome gives {} to answer", period(late_ns)),
    };
    lines.push(format!("open for {}{late}", period(policy.voting_period_ns)));
    if policy.timelock_ns > 0 {
        lines.push(format!("carried out {} after it was adopted", period(policy.timelock_ns)));
    }
    lines.push(format!("lapses if not begun within {} after that", period(policy.execution_window_ns)));
    let mut say = |holds: bool, sentence: &str| {
        if holds {
            lines.push(sentence.to_owned());
        }
    };
    say(!policy.proposer_votes, "who proposes has no vote on it");
    say(!policy.abstention, "no abstentions");
    say(policy.vote_change, "a ballot may be changed until the decision");
    say(policy.checked_ballots, "a yes to a release needs the digests that the voter computed");
    say(policy.void_suspended, "a yes of a key that is suspended before the decision is void");
    say(policy.outsiders_propose, "proposers who are no members may propose it");
    if !policy.proposers.is_empty() {
        lines.push(format!("of the members only {} may propose it", names(&policy.proposers, members)));
    }
    if !policy.guardians.is_empty() {
        lines.push(format!("{} may each stop it", names(&policy.guardians, members)));
    }
    lines
}

/// What a group should know of its rules. Nothing here is forbidden; each has its price.
pub fn weak_points(policies: &Policies, members: &[Member]) -> Vec<String> {
    let mut found = Vec::new();
    for kind in ProposalKind::ALL {
        let policy = policies.of_kind(kind);
        let voters = members.len() - usize::from(!policy.proposer_votes);
        if members.len() > 1 && policy.least_yes_members as usize == voters {
            found.push(format!("{kind:?}: everybody must say yes, so one lost key blocks it for good"));
        }
        let half = members.len() / 2 + 1;
        if (policy.least_yes_members as usize) < half && policy.quorum_bp < 5_000 {
            found.push(format!(
                "{kind:?}: {} can decide while the others are away",
                people(policy.least_yes_members)
            ));
        }
        if policy.proposer_votes && policy.least_yes_members == 2 && members.len() > 2 {
            found.push(format!("{kind:?}: who proposes and one more member decide"));
        }
        let is_grave = matches!(kind, ProposalKind::Members | ProposalKind::Policies | ProposalKind::Upgrade);
        if is_grave && policy.timelock_ns == 0 && members.len() > 1 {
            found.push(format!("{kind:?}: takes effect at once; no time to answer a surprise"));
        }
        if !policy.guardians.is_empty() && is_grave {
            found.push(format!(
                "{kind:?}: a guardian can stop their own removal; two members can suspend their keys"
            ));
        }
        if kind == ProposalKind::Release && !policy.checked_ballots {
            found.push("Release: a yes is counted from who computed no digest".to_owned());
        }
    }
    if members.len() == 1 {
        found.push("the only member decides alone: one stolen key is enough".to_owned());
    }
    found
}

/// All rules, then their weak points.
pub fn explain(policies: &Policies, members: &[Member]) -> String {
    let mut text = format!("rules, version {}\n\nevery kind without a rule of its own\n", policies.version);
    let list = |policy: &Policy| -> String {
        sentences(policy, members).iter().map(|sentence| format!("  {sentence}\n")).collect()
    };
    text.push_str(&list(&policies.default));
    for own in &policies.kinds {
        text.push_str(&format!("\n{:?}\n{}", own.kind, list(&own.policy)));
    }
    text.push_str(&format!(
        "\nA change of members meets all of these rules, a change of rules its own and those that it touches.\n\
         A member or proposer has at most {} proposals open, and {} a day.\n\
         Any member freezes custody; any two suspend a key.\n",
        policies.most_open, policies.most_per_day
    ));
    let weak = weak_points(policies, members);
    if !weak.is_empty() {
        text.push_str(&format!("\n{}\n", styled(WARNING, "weak points")));
        text.extend(weak.iter().map(|point| format!("  {point}\n")));
    }
    text
}

fn percent(basis_points: u16) -> f64 {
    f64::from(basis_points) / 100.0
}

fn people(count: u32) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

fn names(ids: &[MemberId], members: &[Member]) -> String {
    let name = |id: &MemberId| match members.iter().find(|member| member.id == *id) {
        Some(member) => printable(&member.name),
        None => format!("member {id}"),
    };
    ids.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use candid::Principal;

    use super::*;

    fn members(count: u32) -> Vec<Member> {
        let member = |id: u32| Member {
            id: MemberId(id),
            name: format!("m{id}"),
            voting_power: 1,
            keys: vec![Principal::from_slice(&id.to_be_bytes())],
        };
        (1..=count).map(member).collect()
    }

    #[test]
    fn should_recommend_rules_that_are_valid_for_every_size() {
        for count in 1..=100 {
            assert_eq!(Policies::recommended(count).defects(&members(count)), [], "{count} members");
        }
    }

    #[test]
    fn should_name_the_price_of_a_rule() {
        let policies = Policies::recommended(5);
        let found = weak_points(&policies, &members(5));
        assert_eq!(found, ["Release: a yes is counted from who computed no digest"]);
        let mut weak = policies.clone();
        weak.default.least_yes_members = 5;
        weak.default.guardians = vec![MemberId(2)];
        let found = weak_points(&weak, &members(5)).join("\n");
        assert!(found.contains("one lost key blocks it"), "{found}");
        assert!(explain(&weak, &members(5)).contains("m2 may each stop it"));
        let mut weak = policies;
        weak.kinds.clear();
        weak.default.least_yes_members = 2;
        let found = weak_points(&weak, &members(5)).join("\n");
        assert!(found.contains("Members: takes effect at once"), "{found}");
        assert!(found.contains("Release: 2 members can decide while the others are away"), "{found}");
        assert!(found.contains("who proposes and one more member decide"), "{found}");
    }
}
