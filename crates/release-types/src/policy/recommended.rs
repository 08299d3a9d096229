//! Rules to begin with, by the size of the group.

use super::{KindPolicy, Policies, Policy, ProposalKind};

const HOUR_NS: u64 = 3_600 * 1_000_000_000;
const DAY_NS: u64 = 24 * HOUR_NS;

impl Policies {
    /// Rules for a group of so many members: more than half decide. What changes the group, its rules or its tokens
    /// needs three quarters (but never everybody, once there are three, so that one lost key blocks nothing), and where
    /// it gives power away it waits for a day.
    pub fn recommended(members: u32) -> Self {
        let majority = members / 2 + 1;
        let most = match members {
            0..=2 => majority,
            _ => (members * 3).div_ceil(4).min(members - 1).max(majority),
        };
        let default = Policy {
            least_yes_members: majority,
            approval_bp: 5_000,
            quorum_bp: 0,
            voting_period_ns: 3 * DAY_NS,
            late_swing_ns: 12 * HOUR_NS,
            timelock_ns: 0,
            execution_window_ns: 7 * DAY_NS,
            proposer_votes: true,
            abstention: true,
            vote_change: true,
            checked_ballots: false,
            void_suspended: true,
            outsiders_propose: false,
            proposers: Vec::new(),
            guardians: Vec::new(),
        };
        let grave = Policy { least_yes_members: most, ..default.clone() };
        let slow = Policy { timelock_ns: DAY_NS, ..grave.clone() };
        let own = |kind, policy: &Policy| KindPolicy { kind, policy: policy.clone() };
        let open_to_ci = Policy { outsiders_propose: true, ..default.clone() };
        Self {
            version: 1,
            kinds: vec![
                own(ProposalKind::Release, &open_to_ci),
                own(ProposalKind::Revocation, &Policy { voting_period_ns: DAY_NS, ..default.clone() }),
                own(ProposalKind::Unfreeze, &grave),
                own(ProposalKind::Members, &slow),
                own(ProposalKind::Policies, &slow),
                own(ProposalKind::Upgrade, &slow),
                own(ProposalKind::CanisterSettings, &grave),
            ],
            default,
            most_open: 20,
            most_per_day: 50,
        }
    }
}
