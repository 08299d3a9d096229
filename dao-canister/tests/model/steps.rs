//! Groups and steps made from a seed. Most steps make sense; some do not.

use candid::Principal;
use release_types::{
    Choice, KindPolicy, Member, MemberChange, MemberId, Policies, Policy, ProposalAction, ProposalId,
    ProposalKind, Proposer, dao::DaoInit,
};

use crate::reference::Reference;

const MINUTE_NS: u64 = 60 * 1_000_000_000;
const HOUR_NS: u64 = 60 * MINUTE_NS;
/// Keys there are: of members, spare ones, and strangers'.
const KEYS: u64 = 14;

/// Something that is done to a group.
#[derive(Clone, Debug)]
pub enum Step {
    Propose {
        by: Principal,
        action: ProposalAction,
    },
    Vote {
        by: Principal,
        proposal: ProposalId,
        choice: Choice,
    },
    Withdraw {
        by: Principal,
        proposal: ProposalId,
    },
    Veto {
        by: Principal,
        proposal: ProposalId,
    },
    Execute {
        by: Principal,
        proposal: ProposalId,
    },
    ChangeKeys {
        by: Principal,
        add: Option<Principal>,
        remove: Option<Principal>,
    },
    SuspendKey {
        by: Principal,
        key: Principal,
    },
    /// Time passes, and what is due happens.
    Pass {
        time_ns: u64,
    },
    /// All timers are lost, time passes without any, and new code is put in place.
    Upgrade {
        time_ns: u64,
    },
}

/// The steps of one seed.
pub struct Steps(u64);

pub fn key(number: u64) -> Principal {
    Principal::from_slice(&[7, number as u8])
}

impl Steps {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64: a number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    /// A group of one to five members.
    pub fn group(&mut self) -> DaoInit {
        let count = self.one(&[1, 2, 3, 3, 4, 5]);
        let members = (1..=count).map(|id| Member {
            id: MemberId(id),
            name: format!("m{id}"),
            voting_power: 1 + self.below(3),
            keys: if self.chance(40) {
                vec![key(u64::from(id)), key(u64::from(id) + 5)]
            } else {
                vec![key(u64::from(id))]
            },
        });
        let members: Vec<_> = members.collect();
        let proposers = vec![Proposer { principal: key(11), name: "ci".into() }];
        let policies = loop {
            let policies = self.policies(1, count);
            if Reference::is_fit(&policies, count as usize, &|id| id.0 <= count) {
                break policies;
            }
        };
        DaoInit { members, proposers, policies, custody: Some(Principal::from_slice(&[8])), upgrader: None }
    }

    fn policies(&mut self, version: u64, members: u32) -> Policies {
        let default = self.policy(members);
        let kinds =
            [ProposalKind::Motion, ProposalKind::Members, ProposalKind::Policies, ProposalKind::Release];
        let mut own = Vec::new();
        for kind in kinds {
            if self.chance(35) {
                own.push(KindPolicy { kind, policy: self.policy(members) });
            }
        }
        Policies {
            version,
            default,
            kinds: own,
            most_open: self.one(&[1, 3, 20]),
            most_per_day: self.one(&[3, 50]),
        }
    }

    fn policy(&mut self, members: u32) -> Policy {
        let voting_period_ns = self.one(&[MINUTE_NS, HOUR_NS, 5 * HOUR_NS]);
        let named = |steps: &mut Self| vec![MemberId(1 + steps.below(u64::from(members)) as u32)];
        Policy {
            least_yes_members: 1 + self.below(u64::from(members)) as u32,
            approval_bp: self.one(&[0, 5_000, 6_666, 9_999]),
            quorum_bp: self.one(&[0, 0, 3_000, 8_000, 10_000]),
            voting_period_ns,
            late_swing_ns: self.one(&[0, voting_period_ns / 2, voting_period_ns]),
            timelock_ns: self.one(&[0, 0, HOUR_NS]),
            execution_window_ns: HOUR_NS,
            proposer_votes: self.chance(70),
            abstention: self.chance(80),
            vote_change: self.chance(50),
            checked_ballots: false,
            void_suspended: self.chance(60),
            outsiders_propose: self.chance(50),
            proposers: if self.chance(10) { named(self) } else { vec![] },
            guardians: if self.chance(25) { named(self) } else { vec![] },
        }
    }

    /// The next step, likely one that does something to this group.
    pub fn next(&mut self, group: &Reference) -> Step {
        let keys = group.keys();
        let by = if self.chance(92) { self.one(&keys) } else { key(1 + self.below(KEYS)) };
        let live = group.live();
        let proposal = if live.is_empty() || self.chance(4) {
            ProposalId(self.below(group.proposals() + 2))
        } else {
            self.one(&live)
        };
        match self.below(100) {
            0..=19 => Step::Propose { by, action: self.action(group) },
            20..=59 => {
                let choice = self.one(&[Choice::Yes, Choice::Yes, Choice::Yes, Choice::No, Choice::Abstain]);
                Step::Vote { by, proposal, choice }
            }
            60..=62 => Step::Withdraw { by, proposal },
            63..=66 => Step::Veto { by, proposal },
            67..=70 => Step::Execute { by, proposal },
            71..=74 => {
                let add = self.chance(60).then(|| key(1 + self.below(KEYS)));
                let remove = self.chance(60).then(|| self.one(&keys));
                Step::ChangeKeys { by, add, remove }
            }
            75..=79 => Step::SuspendKey { by, key: self.one(&keys) },
            80..=87 => Step::Pass { time_ns: self.span() },
            88..=94 => {
                // Late ballots are where deadlines move.
                let until_ns = group.until_deadline_ns().unwrap_or(0);
                Step::Pass { time_ns: until_ns.saturating_sub(1 + self.below(8)) }
            }
            _ => Step::Upgrade { time_ns: self.span() },
        }
    }

    /// Lengths of time around those that the rules have, hit exactly and missed by one.
    fn span(&mut self) -> u64 {
        let about = self.one(&[0, MINUTE_NS, HOUR_NS / 2, HOUR_NS, 2 * HOUR_NS, 5 * HOUR_NS, 24 * HOUR_NS]);
        about.saturating_add(self.below(3)).saturating_sub(1)
    }

    fn action(&mut self, group: &Reference) -> ProposalAction {
        let (members, count) = (group.members(), group.members().len() as u32);
        match self.below(10) {
            0..=4 => ProposalAction::Motion,
            5..=6 => {
                let version = if self.chance(90) { group.version() + 1 } else { group.version() };
                let exists = |id: MemberId| members.contains(&id);
                let mut policies = self.policies(version, count);
                // Most sets of rules fit no group.
                for _ in 0..50 {
                    if Reference::is_fit(&policies, members.len(), &exists) || self.chance(2) {
                        break;
                    }
                    policies = self.policies(version, count);
                }
                ProposalAction::Policies(policies)
            }
            _ => {
                let changes = (0..1 + self.below(2)).map(|_| self.change(group, &members)).collect();
                ProposalAction::Members { changes }
            }
        }
    }

    fn change(&mut self, group: &Reference, members: &[MemberId]) -> MemberChange {
        let member = if self.chance(90) { self.one(members) } else { MemberId(77) };
        let voting_power = self.below(4);
        match self.below(7) {
            0 | 1 => {
                let keys = vec![key(1 + self.below(KEYS))];
                MemberChange::Admit { name: format!("n{}", self.below(1_000)), voting_power, keys }
            }
            2 => MemberChange::Remove { member },
            3 => MemberChange::SetPower { member, voting_power },
            4 => MemberChange::SetKeys { member, keys: vec![key(1 + self.below(KEYS))] },
            5 => {
                let suspected = group.suspected();
                let key = if suspected.is_empty() { key(1 + self.below(KEYS)) } else { self.one(&suspected) };
                MemberChange::Reinstate { key }
            }
            _ => {
                let principal = key(1 + self.below(KEYS));
                if self.chance(50) {
                    MemberChange::AddProposer(Proposer { principal, name: "bot".into() })
                } else {
                    MemberChange::RemoveProposer { principal }
                }
            }
        }
    }
}
