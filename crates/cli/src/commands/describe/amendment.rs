//! Amendments: what they change, and how far custody has come.

use release_types::{Amendment, AmendmentProposal, AmendmentState, AmendmentStatus};

use crate::output::{BAD, GOOD, WARNING, printable, styled};

/// One line that says what an amendment changes.
pub fn amendment(proposal: &AmendmentProposal) -> String {
    let (package, registry) = (printable(&proposal.package), printable(&proposal.registry.0));
    let unverified = if proposal.allow_unverified { " (also if this group did not release it)" } else { "" };
    let what = match &proposal.amendment {
        Amendment::DistTag { tag, version, replaces } => {
            let replaced = replaces.as_deref().map_or("nothing".into(), printable);
            let (tag, version) = (printable(tag), printable(version));
            format!("let {tag} of {package} at {registry} name {version} instead of {replaced}{unverified}")
        }
        Amendment::Deprecation { version, message } if message.is_empty() => {
            format!("take back the deprecation of {package} {} at {registry}", printable(version))
        }
        Amendment::Deprecation { version, message } => {
            format!("deprecate {package} {} at {registry}: {}", printable(version), printable(message))
        }
    };
    what + &super::read_with(proposal.read_credential)
}

/// How far custody has come with an amendment.
pub fn status(status: &AmendmentStatus) -> String {
    let state = match &status.state {
        AmendmentState::Prepared => "checked, about to be sent".into(),
        AmendmentState::Sent => "sent, the answer is awaited".into(),
        AmendmentState::Accepted => "accepted by the registry, not proven yet".into(),
        AmendmentState::Unknown => styled(WARNING, "outcome unknown; being read back"),
        AmendmentState::Verified => styled(GOOD, "verified: the registry shows it as voted"),
        AmendmentState::Conflict { shown } => format!(
            "{} {}",
            styled(BAD, "nothing was changed: the registry shows not what the proposal names, but"),
            shown.as_deref().map_or("no such tag or version".into(), printable)
        ),
        AmendmentState::Unconfirmed => {
            styled(BAD, "sent, and not shown in three hours; propose it again: custody looks before it sends")
        }
        AmendmentState::Refused { reason } => {
            format!("{} {}", styled(BAD, "nothing was changed:"), printable(reason))
        }
    };
    let waiting = status.waiting.as_ref().map(super::order::waiting).unwrap_or_default();
    format!("amendment   {state}\n{waiting}")
}
