//! Orders: how far custody has come.

use std::fmt::Write as _;

use release_types::{OrderStatus, PublicationState};

use crate::output::{BAD, GOOD, WARNING, printable, styled};

/// How far custody has come with an order.
pub fn order(status: &OrderStatus) -> String {
    let mut text = format!("order       {}\n", printable(&status.id.0));
    for artifact in &status.artifacts {
        let _ = writeln!(text, "  {}  {}", printable(&artifact.filename), publication(&artifact.state));
    }
    if status.receipt {
        let _ = writeln!(text, "  {}", styled(GOOD, "receipt signed"));
    }
    text
}

/// How far one artifact has come.
pub fn publication(state: &PublicationState) -> String {
    match state {
        PublicationState::Prepared => "checked, about to be sent".into(),
        PublicationState::Sent => "sent, the answer is awaited".into(),
        PublicationState::Accepted => "accepted by the registry, not proven yet".into(),
        PublicationState::Pending => "accepted, not visible yet; being polled".into(),
        PublicationState::Unknown => styled(WARNING, "outcome unknown; being read back"),
        PublicationState::Verified => styled(GOOD, "verified: the registry shows exactly the voted bytes"),
        PublicationState::Mismatch { shown } => {
            format!("{} it shows {}", styled(BAD, "the registry shows other bytes:"), printable(shown))
        }
        PublicationState::Blocked { reason } => {
            format!("{} {}", styled(BAD, "blocked, people must look:"), printable(reason))
        }
        PublicationState::Refused { reason } => {
            format!("{} {}", styled(BAD, "not published:"), printable(reason))
        }
    }
}
