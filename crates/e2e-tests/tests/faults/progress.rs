//! How far custody is with a change at a moment, in its own words.

use release_types::{AmendmentState, AmendmentStatus, OrderStatus, ProposalId, PublicationState};

use crate::desk::Desk;

/// The state of a file whose voted digest is shown, and is to be confirmed and proven yet.
pub const SHOWN: &str = "shown";

/// How custody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Position of the file that it works at.
    pub file: usize,
    /// The state of that file, as custody tells it; approved, where a person has approved what custody says is staged.
    pub state: &'static str,
}

impl Desk {
    /// How custody stands with an adopted proposal that it works at.
    pub fn progress(&mut self, proposal: ProposalId) -> Progress {
        if self.mode.is_amendment() {
            let amendment = self.amendment_status(proposal).expect("custody took the amendment");
            return Progress { file: 0, state: name_of_amendment(&amendment) };
        }
        let order = self.world.order(proposal).expect("custody took the order");
        let file =
            order.waiting.as_ref().and_then(|wait| wait.artifact).map_or(0, |artifact| artifact as usize);
        Progress { file, state: self.name_of(&order, file) }
    }

    fn name_of(&self, order: &OrderStatus, file: usize) -> &'static str {
        match &order.artifacts[file].state {
            PublicationState::Prepared => "prepared",
            PublicationState::AwaitingRelease => "awaiting release",
            PublicationState::AwaitingStage { .. } => "awaiting stage",
            PublicationState::Sent => "sent",
            PublicationState::Accepted => "accepted",
            PublicationState::Staged { stage, .. } if self.is_staged(stage) => "staged",
            PublicationState::Staged { .. } => "approved",
            PublicationState::Shown => SHOWN,
            PublicationState::Verified => "verified",
            other => panic!("an undisturbed release is {other:?}"),
        }
    }
}

fn name_of_amendment(amendment: &AmendmentStatus) -> &'static str {
    match &amendment.state {
        AmendmentState::Prepared => "prepared",
        AmendmentState::Sent => "sent",
        AmendmentState::Accepted => "accepted",
        other => panic!("an undisturbed amendment is {other:?}"),
    }
}
