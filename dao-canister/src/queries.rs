//! What anyone may read, and what only the group may.

use candid::Principal;
use release_types::{
    Policy, ProposalAction, ProposalId, ProposalView, Sha256Digest,
    control::LogTip,
    dao::{DaoInfo, RegistryView},
    proposal::{ArtifactReview, ListProposalsArgs, ProposalPage},
    voting::Ballot,
};

use crate::{
    lifecycle,
    proposal::{self, ValidRelease, last_reports, submission},
    runtime::Runtime,
    state::{Proposal, State, read_state},
    storage,
};

const DEFAULT_PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;
/// A page ends before it grows beyond this; a reply carries 2 MiB.
const MAX_PAGE_BYTES: usize = 1_000_000;

/// The group and its rules. None before a custody canister is configured.
pub fn dao_info<R: Runtime>(runtime: &R) -> Option<DaoInfo> {
    let custody = lifecycle::custody(runtime)?;
    read_state(|state| {
        state.electorate()?;
        let group = state.membership();
        Some(DaoInfo {
            members: group.members().cloned().collect(),
            proposers: group.proposers().collect(),
            policies: state.policies().clone(),
            suspensions: group.suspensions().cloned().collect(),
            custody,
            upgrader: lifecycle::upgrader(runtime),
            proposals: state.proposals(),
            liquid_cycles: runtime.liquid_cycles(),
        })
    })
}

pub fn list_registries() -> Vec<RegistryView> {
    let view =
        |(id, registry): (&_, &_)| RegistryView { id: Clone::clone(id), registry: Clone::clone(registry) };
    read_state(|state| state.registries().map(view).collect())
}

pub fn get_proposal(id: ProposalId) -> Option<ProposalView> {
    read_state(|state| Some(view(state, id, state.proposal(id)?)))
}

/// A page of proposals, newest first; shorter than asked for if it would not fit a reply.
pub fn list_proposals(args: &ListProposalsArgs) -> ProposalPage {
    read_state(|state| {
        let total = state.proposals();
        let newest = args.before.map_or(total, |before| before.0.saturating_sub(1)).min(total);
        let limit = args.limit.unwrap_or(DEFAULT_PAGE).min(MAX_PAGE) as usize;
        let mut proposals = Vec::new();
        let mut page_bytes = 0;
        for id in (1..=newest).rev().map(ProposalId).take(limit) {
            let Some(proposal) = state.proposal(id) else { break };
            let view = view(state, id, proposal);
            page_bytes += size_bytes(&view);
            if page_bytes > MAX_PAGE_BYTES && !proposals.is_empty() {
                break;
            }
            proposals.push(view);
        }
        ProposalPage { proposals, total }
    })
}

/// The ballots of a proposal that count, first cast first.
pub fn get_ballots(id: ProposalId) -> Option<Vec<Ballot>> {
    read_state(|state| Some(proposal::ballots(state.proposal(id)?)))
}

/// The rule that decides a proposal; none once it is over.
pub fn get_rule(id: ProposalId) -> Option<Policy> {
    read_state(|state| state.live_proposal(id).map(|live| live.rule.clone()))
}

/// What voters read about a release's artifacts; for the group alone, because the artifacts are not public yet. None
/// once it was rejected or withdrawn.
pub fn get_review(caller: Principal, id: ProposalId) -> Option<Vec<ArtifactReview>> {
    let proposal =
        read_state(|state| state.is_participant(&caller).then(|| state.proposal(id).cloned()).flatten())?;
    let document = ValidRelease::recall(id, &proposal)?.into_document();
    Some(document.artifacts.into_iter().map(|artifact| artifact.review).collect())
}

/// The log's last block.
pub fn log_tip() -> Option<LogTip> {
    let tip = storage::read_log(|log| log.tip())?;
    Some(LogTip { index: tip.index, hash: Sha256Digest(tip.hash) })
}

/// The digest of the whole state, equal to that of a state replayed from the log.
pub fn state_digest() -> Vec<u8> {
    read_state(audit_log::digest_of_state).to_vec()
}

fn view(state: &State, id: ProposalId, proposal: &Proposal) -> ProposalView {
    let submission = submission(proposal);
    let (order, amendment) = match state.live_proposal(id) {
        Some(live) => (live.order.clone(), live.amendment.clone()),
        None => last_reports(proposal),
    };
    let disputes = state.live_proposal(id).map(|live| live.disputes.values().cloned().collect());
    let disputes = disputes.unwrap_or_default();
    ProposalView {
        id,
        proposer: proposal.proposer,
        title: submission.title,
        summary: submission.summary,
        action: submission.action,
        status: proposal.status.clone(),
        tally: proposal.count.tally,
        heads: proposal.count.heads,
        disputes,
        submitted_at_ns: proposal.submitted_at_ns,
        deadline_ns: proposal.deadline_ns,
        decided_at_ns: proposal.decided_at_ns,
        executable_at_ns: proposal.executable_at_ns,
        order,
        amendment,
    }
}

/// About how large a view is in a reply.
fn size_bytes(view: &ProposalView) -> usize {
    const FIXED_BYTES: usize = 4_000;
    const ARTIFACT_BYTES: usize = 2_500;
    let artifacts = match &view.action {
        ProposalAction::Release(release) => release.artifacts.len(),
        _ => 0,
    };
    FIXED_BYTES + view.title.len() + view.summary.len() + artifacts * ARTIFACT_BYTES
}
