//! Proposals to declare what became of an artifact that never appeared.

use release_types::{
    DeclarationProposal, Defect, ProposalAction, ProposalId, PublicationState,
    declaration::MAX_DECLARED_REASON_BYTES,
};

use crate::{
    proposal::{submission, text},
    state::State,
};

/// Longest excerpt of a filename in a defect, in characters.
const MAX_EXCERPT_CHARS: usize = 60;

pub fn validate(state: &State, proposal: &DeclarationProposal) -> Result<(), Vec<Defect>> {
    let DeclarationProposal { release, filename, reason, .. } = proposal;
    let mut defects: Vec<_> =
        text::length("reason", reason, 1, MAX_DECLARED_REASON_BYTES).into_iter().collect();
    let order = state.live_proposal(*release).and_then(|live| live.order.as_ref());
    let found = order.and_then(|order| order.artifacts.iter().find(|one| one.filename == *filename));
    if !found.is_some_and(|artifact| matches!(artifact.state, PublicationState::Blocked { .. })) {
        let found = match found {
            Some(artifact) => format!("{}, which is not blocked", artifact.filename),
            None => format!(
                "{} of proposal {release}, which custody is not carrying out",
                filename.chars().take(MAX_EXCERPT_CHARS).collect::<String>()
            ),
        };
        defects.push(Defect::new(
            "filename",
            found,
            "an artifact whose state is Blocked, of a release under way",
            "See the release's status: everything else ends by itself.",
        ));
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}

/// The artifact's position in the release's order.
pub fn position(state: &State, release: ProposalId, filename: &str) -> Option<u32> {
    let ProposalAction::Release(release) = submission(state.proposal(release)?).action else { return None };
    let position = release.artifacts.iter().position(|artifact| artifact.filename == filename)?;
    u32::try_from(position).ok()
}
