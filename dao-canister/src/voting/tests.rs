use super::*;
use crate::test_fixtures::policies;

fn policy(quorum_bp: u16, approval_bp: u16) -> Policy {
    m_of_n(1, quorum_bp, approval_bp)
}

fn m_of_n(least_yes_members: u32, quorum_bp: u16, approval_bp: u16) -> Policy {
    Policy { least_yes_members, quorum_bp, approval_bp, ..policies().default }
}

/// As many members voted, of as many as could, that heads decide nothing.
fn tally(yes: u64, no: u64, abstain: u64, total: u64) -> Count {
    let heads = Heads { yes: u32::from(yes > 0), voted: 1, total: 2 };
    Count { tally: Tally { yes, no, abstain, total }, heads }
}

mod deadline {
    use super::*;

    #[test]
    fn should_adopt_exactly_above_the_approval_share() {
        let half = policy(1, 5_000);
        assert_eq!(outcome(&half, &tally(5, 5, 0, 10), Voting::Closed), Some(Outcome::Rejected));
        assert_eq!(outcome(&half, &tally(6, 4, 0, 10), Voting::Closed), Some(Outcome::Adopted));
        let two_thirds = policy(1, 6_667);
        assert_eq!(
            outcome(&two_thirds, &tally(6_667, 3_333, 0, 10_000), Voting::Closed),
            Some(Outcome::Rejected)
        );
        assert_eq!(
            outcome(&two_thirds, &tally(6_668, 3_332, 0, 10_000), Voting::Closed),
            Some(Outcome::Adopted)
        );
    }

    #[test]
    fn should_count_abstentions_for_the_quorum_and_not_for_approval() {
        let rule = policy(6_000, 5_000);
        assert_eq!(outcome(&rule, &tally(2, 1, 3, 10), Voting::Closed), Some(Outcome::Adopted));
        assert_eq!(outcome(&rule, &tally(2, 1, 2, 10), Voting::Closed), Some(Outcome::Rejected));
    }

    #[test]
    fn should_meet_the_quorum_at_exactly_its_share() {
        let rule = policy(3_000, 5_000);
        assert_eq!(outcome(&rule, &tally(3, 0, 0, 10), Voting::Closed), Some(Outcome::Adopted));
        assert_eq!(outcome(&rule, &tally(2, 0, 0, 10), Voting::Closed), Some(Outcome::Rejected));
        let rule = policy(3_001, 5_000);
        assert_eq!(outcome(&rule, &tally(3, 0, 0, 10), Voting::Closed), Some(Outcome::Rejected));
    }

    #[test]
    fn should_reject_when_nobody_says_yes_or_no() {
        let rule = policy(1, 5_000);
        assert_eq!(outcome(&rule, &tally(0, 0, 10, 10), Voting::Closed), Some(Outcome::Rejected));
        assert_eq!(outcome(&rule, &tally(0, 0, 10, 10), Voting::Running), Some(Outcome::Rejected));
        assert_eq!(outcome(&rule, &tally(0, 0, 0, 10), Voting::Closed), Some(Outcome::Rejected));
    }

    #[test]
    fn should_close_at_the_deadline_itself() {
        assert_eq!(Voting::at(99, 100), Voting::Running);
        assert_eq!(Voting::at(100, 100), Voting::Closed);
    }

    #[test]
    fn should_not_overflow_with_the_largest_electorate() {
        let rule = policy(10_000, 9_999);
        let all = tally(u64::MAX, 0, 0, u64::MAX);
        assert_eq!(outcome(&rule, &all, Voting::Running), Some(Outcome::Adopted));
        assert_eq!(outcome(&rule, &tally(0, 0, 0, u64::MAX), Voting::Running), None);
    }
}

mod early_decision {
    use super::*;

    const CHOICES: [Choice; 3] = [Choice::Yes, Choice::No, Choice::Abstain];

    /// Every outcome that is possible at the deadline when those in `powers` may still vote or stay away.
    fn possible(rule: &Policy, count: &Count, powers: &[u64]) -> (bool, bool) {
        let Some((power, rest)) = powers.split_first() else {
            let adopted = outcome(rule, count, Voting::Closed) == Some(Outcome::Adopted);
            return (adopted, !adopted);
        };
        let absent = possible(rule, count, rest);
        CHOICES.iter().fold(absent, |(adopted, rejected), choice| {
            let (a, r) = possible(rule, &count.with(*choice, *power), rest);
            (adopted || a, rejected || r)
        })
    }

    /// Walks all orders of votes of an electorate and compares each early answer with all possible futures.
    fn walk(rule: &Policy, count: &Count, powers: &[u64]) {
        let expected = match possible(rule, count, powers) {
            (true, true) => None,
            (true, false) => Some(Outcome::Adopted),
            (false, _) => Some(Outcome::Rejected),
        };
        assert_eq!(outcome(rule, count, Voting::Running), expected, "{rule:?} {count:?} left {powers:?}");
        if let Some((power, rest)) = powers.split_first() {
            for choice in CHOICES {
                let next = count.with(choice, *power);
                assert_eq!(next.without(choice, *power), *count);
                walk(rule, &next, rest);
            }
        }
    }

    #[test]
    fn should_decide_early_exactly_when_waiting_could_not_change_the_outcome() {
        let electorates: [&[u64]; 6] =
            [&[1], &[1, 1], &[1, 1, 1, 1], &[3, 1, 1], &[1, 2, 3, 4], &[10, 1, 1, 1]];
        for powers in electorates {
            let heads = Heads { total: powers.len() as u32, ..Heads::default() };
            let start = Count { tally: Tally { total: powers.iter().sum(), ..Tally::default() }, heads };
            for least_yes in [1, 2, 4] {
                for quorum_bp in [0, 2_500, 6_000, 10_000] {
                    for approval_bp in [0, 5_000, 6_666, 9_999] {
                        walk(&m_of_n(least_yes, quorum_bp, approval_bp), &start, powers);
                    }
                }
            }
        }
    }

    #[test]
    fn should_decide_by_heads_when_power_would_decide_otherwise() {
        let rule = m_of_n(2, 0, 5_000);
        let count = |yes, voted, yes_heads| Count {
            tally: Tally { yes, no: 0, abstain: 0, total: 100 },
            heads: Heads { yes: yes_heads, voted, total: 3 },
        };
        assert_eq!(outcome(&rule, &count(98, 1, 1), Voting::Running), None, "one member, nearly all power");
        assert_eq!(outcome(&rule, &count(98, 1, 1), Voting::Closed), Some(Outcome::Rejected));
        assert_eq!(outcome(&rule, &count(99, 2, 2), Voting::Running), Some(Outcome::Adopted));
        assert_eq!(outcome(&rule, &count(1, 3, 1), Voting::Running), Some(Outcome::Rejected));
    }

    #[test]
    fn should_not_adopt_early_before_the_quorum() {
        let rule = policy(8_000, 5_000);
        assert_eq!(outcome(&rule, &tally(7, 0, 0, 10), Voting::Running), None);
        assert_eq!(outcome(&rule, &tally(7, 0, 1, 10), Voting::Running), Some(Outcome::Adopted));
    }
}

mod adoption {
    use super::*;

    #[test]
    fn should_exist_only_for_an_adopting_tally() {
        let rule = policy(5_000, 5_000);
        assert!(Adoption::of(&rule, &tally(4, 1, 0, 10), Voting::Running).is_none());
        assert!(Adoption::of(&rule, &tally(4, 1, 0, 10), Voting::Closed).is_some());
        assert!(Adoption::of(&rule, &tally(1, 4, 0, 10), Voting::Closed).is_none());
    }
}
