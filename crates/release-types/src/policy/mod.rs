//! The rules by which a group decides, one for each kind of proposal.

mod recommended;
mod validation;

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{
    MemberId, ProposalAction,
    proposal::{CredentialChange, CredentialProposal},
};

/// A whole, in basis points.
pub const WHOLE_BP: u16 = 10_000;

/// What a rule may be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum ProposalKind {
    Release,
    Registry,
    /// Putting a sealed token into use, or probing it.
    Activation,
    /// Putting a token out of use: the emergency lane, whose rule may be quicker but never lighter.
    Revocation,
    Unfreeze,
    Declaration,
    Watch,
    Settings,
    Amendment,
    PromotionDelay,
    Motion,
    Members,
    Policies,
    /// New code for one of the group's canisters.
    Upgrade,
    CanisterSettings,
    TopUp,
    CancelRecovery,
}

impl ProposalKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Release,
        Self::Registry,
        Self::Activation,
        Self::Revocation,
        Self::Unfreeze,
        Self::Declaration,
        Self::Watch,
        Self::Settings,
        Self::Amendment,
        Self::PromotionDelay,
        Self::Motion,
        Self::Members,
        Self::Policies,
        Self::Upgrade,
        Self::CanisterSettings,
        Self::TopUp,
        Self::CancelRecovery,
    ];

    /// The kind of a proposal.
    pub fn of(action: &ProposalAction) -> Self {
        match action {
            ProposalAction::Release(_) => Self::Release,
            ProposalAction::Registry(_) => Self::Registry,
            ProposalAction::Credential(CredentialProposal { change: CredentialChange::Revoke, .. }) => {
                Self::Revocation
            }
            ProposalAction::Credential(_) => Self::Activation,
            ProposalAction::Unfreeze(_) => Self::Unfreeze,
            ProposalAction::Declaration(_) => Self::Declaration,
            ProposalAction::Watch(_) => Self::Watch,
            ProposalAction::Settings(_) => Self::Settings,
            ProposalAction::Amendment(_) => Self::Amendment,
            ProposalAction::PromotionDelay(_) => Self::PromotionDelay,
            ProposalAction::Motion => Self::Motion,
            ProposalAction::Members { .. } => Self::Members,
            ProposalAction::Policies(_) => Self::Policies,
            ProposalAction::Upgrade(_) => Self::Upgrade,
            ProposalAction::CanisterSettings(_) => Self::CanisterSettings,
            ProposalAction::TopUp(_) => Self::TopUp,
            ProposalAction::CancelRecovery(_) => Self::CancelRecovery,
        }
    }
}

/// When a proposal is adopted, and what else holds for it. All three demands of `least_yes_members`, `approval_bp` and
/// `quorum_bp` must be met; so the stricter of two rules is their greater demands, each by itself.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Policy {
    /// So many members say yes, whatever their power: the m of m-of-n. At least 1, and 2 unless the group has one
    /// member, so that no single key decides.
    pub least_yes_members: u32,
    /// Yes must be *more* than this share of the voting power of yes and no together; 0 to 9,999.
    pub approval_bp: u16,
    /// Share of all voting power that must take part (yes, no or abstain); 0 to 10,000.
    pub quorum_bp: u16,
    /// How long voting is open, in nanoseconds; one minute to 30 days.
    pub voting_period_ns: u64,
    /// A ballot that turns the outcome within this time of the deadline moves the deadline to this long after it, up to
    /// one more voting period in all. At most the voting period; 0 for never.
    pub late_swing_ns: u64,
    /// How long an adopted proposal waits before it is carried out; up to 30 days.
    pub timelock_ns: u64,
    /// How long after the timelock it may still be begun; one hour to 30 days.
    pub execution_window_ns: u64,
    /// Whether a member's ballot on a proposal of their own counts. If not, they and their power are no part of its
    /// electorate.
    pub proposer_votes: bool,
    /// Whether ballots may abstain.
    pub abstention: bool,
    /// Whether a ballot may be changed until the proposal is decided.
    pub vote_change: bool,
    /// Whether a yes to a release must carry the digests that the voter computed.
    pub checked_ballots: bool,
    /// Whether ballots cast with a key that is suspended before the decision are void.
    pub void_suspended: bool,
    /// Whether those who are proposers and no members may propose this.
    pub outsiders_propose: bool,
    /// The only members who may propose this; empty for all.
    pub proposers: Vec<MemberId>,
    /// Members of whom each may stop it until it is carried out.
    pub guardians: Vec<MemberId>,
}

/// A rule for one kind.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct KindPolicy {
    pub kind: ProposalKind,
    pub policy: Policy,
}

/// All rules of a group.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Policies {
    /// 1 at installation; each change counts one on, so that no older set of rules can be put in place again.
    pub version: u64,
    /// For kinds without a rule of their own.
    pub default: Policy,
    pub kinds: Vec<KindPolicy>,
    /// Open proposals of one member or proposer; 1 to 100.
    pub most_open: u32,
    /// Proposals of one member or proposer taken within a day; 1 to 100.
    pub most_per_day: u32,
}

impl Policy {
    /// A rule that demands all that either demands.
    #[must_use]
    pub fn stricter(&self, other: &Self) -> Self {
        let mut guardians = self.guardians.clone();
        guardians.extend(other.guardians.iter().copied().filter(|id| !self.guardians.contains(id)));
        Self {
            least_yes_members: self.least_yes_members.max(other.least_yes_members),
            approval_bp: self.approval_bp.max(other.approval_bp),
            quorum_bp: self.quorum_bp.max(other.quorum_bp),
            voting_period_ns: self.voting_period_ns.max(other.voting_period_ns),
            late_swing_ns: self.late_swing_ns.max(other.late_swing_ns),
            timelock_ns: self.timelock_ns.max(other.timelock_ns),
            execution_window_ns: self.execution_window_ns.min(other.execution_window_ns),
            proposer_votes: self.proposer_votes && other.proposer_votes,
            abstention: self.abstention && other.abstention,
            vote_change: self.vote_change && other.vote_change,
            checked_ballots: self.checked_ballots || other.checked_ballots,
            void_suspended: self.void_suspended || other.void_suspended,
            outsiders_propose: self.outsiders_propose,
            proposers: self.proposers.clone(),
            guardians,
        }
    }
}

impl Policies {
    /// The rule for a kind.
    pub fn of_kind(&self, kind: ProposalKind) -> &Policy {
        self.kinds.iter().find(|own| own.kind == kind).map_or(&self.default, |own| &own.policy)
    }

    /// The rule that decides a proposal: that of its kind, and where it changes rules or who votes, all demands of
    /// every rule that it touches as well.
    pub fn rule(&self, action: &ProposalAction) -> Policy {
        let own = self.of_kind(ProposalKind::of(action)).clone();
        match action {
            ProposalAction::Policies(proposed) => {
                self.touched(proposed).fold(own, |rule, kind| rule.stricter(self.of_kind(kind)))
            }
            ProposalAction::Members { .. } => {
                ProposalKind::ALL.into_iter().fold(own, |rule, kind| rule.stricter(self.of_kind(kind)))
            }
            _ => own,
        }
    }

    /// The kinds whose rule others would change.
    pub fn touched<'a>(&'a self, proposed: &'a Self) -> impl Iterator<Item = ProposalKind> + 'a {
        ProposalKind::ALL.into_iter().filter(|kind| self.of_kind(*kind) != proposed.of_kind(*kind))
    }
}
