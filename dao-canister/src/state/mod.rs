//! The canister's state: the fold of its log, changed by [`audit::process_event`] and nothing else.
//!
//! What a past proposal said is not kept here but read from its block, so that the heap holds a few hundred bytes
//! for each.

mod artifacts;
pub mod audit;
mod event;
mod freeze;
mod membership;
mod transition;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use audit_log::BlockIndex;
use candid::Principal;
use release_types::{
    AmendmentStatus, Choice, CredentialId, CredentialPolicy, MemberId, OrderStatus, Policies, Policy,
    ProposalId, ProposalStatus, Registry, RegistryId, Sha256Digest,
    control::{GroupCanister, UpgradeId},
    credential::CredentialStatus,
    voting::Dispute,
};
use serde::Serialize;

use crate::{
    electorate::{Electorate, ElectorateId},
    proposal::ReleaseKey,
    voting::Count,
};

pub use artifacts::{Artifact, Artifacts, Upload};
pub use event::{Event, ReleaseFacts, UploadKey};
pub use freeze::{FreezeDemands, FreezeFact};
pub use membership::{MemberFact, Membership};

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
}

/// Reads the state.
pub fn read_state<T>(f: impl FnOnce(&State) -> T) -> T {
    STATE.with_borrow(f)
}

fn mutate_state<T>(f: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(f)
}

/// Puts a replayed state in place, after an upgrade.
pub fn restore(state: State) {
    STATE.set(state);
}

/// Everything the canister knows, but for the texts of proposals and the bytes of artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    membership: Membership,
    /// One after each change of members; proposals keep theirs.
    electorates: Vec<Electorate>,
    policies: Option<Policies>,
    custody: Option<Principal>,
    upgrader: Option<Principal>,
    /// The upgrade from which this canister was last taken back, and when.
    taken_back: Option<(UpgradeId, u64)>,
    registries: BTreeMap<RegistryId, Registry>,
    credentials: BTreeMap<CredentialId, Credential>,
    artifacts: Artifacts,
    /// By number, from 1.
    proposals: Vec<Proposal>,
    live: BTreeMap<ProposalId, LiveProposal>,
    /// The live proposal of each release.
    releases: BTreeMap<ReleaseKey, ProposalId>,
    /// When releases were verified.
    verified: BTreeMap<ReleaseKey, u64>,
    promotion_delays_ns: BTreeMap<RegistryId, u64>,
    /// How many proposals of each author are open.
    open_by_author: BTreeMap<Author, u32>,
    freezes: FreezeDemands,
}

/// What is kept of every proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    pub proposer: Principal,
    /// Who that is, if a member.
    pub proposing_member: Option<MemberId>,
    /// The block that has its title, summary and action.
    pub submission: BlockIndex,
    pub electorate: ElectorateId,
    pub status: ProposalStatus,
    pub count: Count,
    pub submitted_at_ns: u64,
    pub deadline_ns: u64,
    pub decided_at_ns: Option<u64>,
    /// When its timelock is over; none before it is adopted.
    pub executable_at_ns: Option<u64>,
    /// The block of the last ballot, which names the one before.
    pub last_ballot: Option<BlockIndex>,
    /// The block of custody's last report.
    pub last_report: Option<BlockIndex>,
}

/// What is kept of a proposal until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveProposal {
    /// The rule that decides it, as it was when the proposal was submitted.
    pub rule: Policy,
    /// Who voted, and how.
    pub ballots: BTreeMap<MemberId, Cast>,
    /// Who computed other digests than those proposed.
    pub disputes: BTreeMap<MemberId, Dispute>,
    /// For a release: what it names.
    pub release: Option<LiveRelease>,
    /// Custody's last report.
    pub order: Option<OrderStatus>,
    /// Custody's last report on an amendment.
    pub amendment: Option<AmendmentStatus>,
    /// For an upgrade: what it installs.
    pub upgrade: Option<LiveUpgrade>,
    /// Whether the cycles that it passes on were sent, or may have been.
    pub is_topped_up: bool,
}

/// What a live upgrade installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LiveUpgrade {
    pub module: Sha256Digest,
    pub canister: GroupCanister,
}

/// Who proposed something: a member, whichever key it was, or an outsider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Author {
    Member(MemberId),
    Outsider(Principal),
}

impl Proposal {
    pub fn author(&self) -> Author {
        self.proposing_member.map_or(Author::Outsider(self.proposer), Author::Member)
    }
}

/// A ballot that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cast {
    pub choice: Choice,
    pub voting_power: u64,
    pub key: Principal,
}

impl LiveProposal {
    /// The member whose ballot does not count because the proposal is theirs.
    pub fn left_out(&self, proposal: &Proposal) -> Option<MemberId> {
        proposal.proposing_member.filter(|_| !self.rule.proposer_votes)
    }
}

/// What a live release names, and nobody else may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveRelease {
    pub key: ReleaseKey,
    pub artifacts: BTreeSet<Sha256Digest>,
}

/// A credential that went to custody from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    pub depositor: Principal,
    pub policy: CredentialPolicy,
    pub status: CredentialStatus,
}

impl State {
    /// The electorate of proposals submitted now; none before installation.
    pub fn electorate(&self) -> Option<(ElectorateId, &Electorate)> {
        let last = u32::try_from(self.electorates.len()).ok()?.checked_sub(1)?;
        Some((ElectorateId(last), self.electorates.last()?))
    }

    /// The electorate of a proposal.
    pub fn electorate_of(&self, proposal: &Proposal) -> &Electorate {
        self.electorates
            .get(proposal.electorate.0 as usize)
            .unwrap_or_else(|| panic!("BUG: a proposal names an electorate that does not exist"))
    }

    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The rules in place.
    ///
    /// # Panics
    /// Before installation.
    pub fn policies(&self) -> &Policies {
        self.policies.as_ref().unwrap_or_else(|| panic!("BUG: nobody was installed"))
    }

    /// Whether this is a key of a member, in use.
    pub fn is_member(&self, principal: &Principal) -> bool {
        self.membership.acting(principal).is_some()
    }

    /// Whether this is a member or a proposer: whoever may upload, propose and read what is under review.
    pub fn is_participant(&self, principal: &Principal) -> bool {
        self.is_member(principal) || self.membership.is_proposer(principal)
    }

    /// The custody canister given at installation.
    pub fn custody(&self) -> Option<Principal> {
        self.custody
    }

    /// The upgrader given at installation.
    pub fn upgrader(&self) -> Option<Principal> {
        self.upgrader
    }

    /// When this canister was last taken back from an upgrade.
    pub fn taken_back_at_ns(&self) -> Option<u64> {
        self.taken_back.as_ref().map(|(_, at_ns)| *at_ns)
    }

    /// The upgrade from which it was last taken back.
    pub fn taken_back_from(&self) -> Option<&UpgradeId> {
        self.taken_back.as_ref().map(|(upgrade, _)| upgrade)
    }

    /// Whether an upgrade of this canister is under way, from which it may be taken back.
    pub fn is_upgrading_itself(&self) -> bool {
        self.live.iter().any(|(id, live)| {
            live.upgrade.is_some_and(|upgrade| upgrade.canister == GroupCanister::Dao)
                && self.proposal(*id).is_some_and(|proposal| proposal.status == ProposalStatus::Executing)
        })
    }

    pub fn registry(&self, id: &RegistryId) -> Option<&Registry> {
        self.registries.get(id)
    }

    pub fn registries(&self) -> impl Iterator<Item = (&RegistryId, &Registry)> {
        self.registries.iter()
    }

    pub fn credential(&self, id: &CredentialId) -> Option<&Credential> {
        self.credentials.get(id)
    }

    /// Members' demands to freeze.
    pub fn freezes(&self) -> &FreezeDemands {
        &self.freezes
    }

    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    pub fn proposal(&self, id: ProposalId) -> Option<&Proposal> {
        self.proposals.get(usize::try_from(id.0.checked_sub(1)?).ok()?)
    }

    /// How many proposals there are.
    pub fn proposals(&self) -> u64 {
        self.proposals.len() as u64
    }

    pub fn next_proposal(&self) -> ProposalId {
        ProposalId(self.proposals() + 1)
    }

    /// Proposals that are open, approved or executing.
    pub fn live(&self) -> impl Iterator<Item = ProposalId> + '_ {
        self.live.keys().copied()
    }

    pub fn live_proposal(&self, id: ProposalId) -> Option<&LiveProposal> {
        self.live.get(&id)
    }

    /// # Panics
    /// If it is over.
    pub fn expect_live(&self, id: ProposalId) -> &LiveProposal {
        self.live.get(&id).unwrap_or_else(|| panic!("BUG: proposal {id} is not live"))
    }

    /// The live proposal of a release.
    pub fn live_release(&self, key: &ReleaseKey) -> Option<ProposalId> {
        self.releases.get(key).copied()
    }

    /// When a release was verified, if it was.
    pub fn verified_at_ns(&self, key: &ReleaseKey) -> Option<u64> {
        self.verified.get(key).copied()
    }

    /// How long a version must have been verified before `latest` may name it.
    pub fn promotion_delay_ns(&self, registry: &RegistryId) -> u64 {
        self.promotion_delays_ns.get(registry).copied().unwrap_or(0)
    }

    /// As whom this principal proposes.
    pub fn author(&self, principal: &Principal) -> Author {
        self.membership.acting(principal).map_or(Author::Outsider(*principal), Author::Member)
    }

    /// When this author submitted since (and not at) `since_ns`, oldest first.
    pub fn submissions_since(&self, author: Author, since_ns: u64) -> Vec<u64> {
        let recent = self.proposals.iter().rev().take_while(|proposal| proposal.submitted_at_ns > since_ns);
        let of_author = recent.filter(|proposal| proposal.author() == author);
        let mut times: Vec<_> = of_author.map(|proposal| proposal.submitted_at_ns).collect();
        times.reverse();
        times
    }

    /// How many credentials that this member deposited were not put into use or revoked yet.
    pub fn undecided_deposits(&self, depositor: &Principal) -> usize {
        let undecided = |credential: &&Credential| {
            credential.depositor == *depositor
                && !matches!(credential.status, CredentialStatus::Active | CredentialStatus::Revoked)
        };
        self.credentials.values().filter(undecided).count()
    }

    /// How many proposals of this author are open for voting.
    pub fn open_proposals(&self, author: Author) -> u32 {
        self.open_by_author.get(&author).copied().unwrap_or(0)
    }
}
