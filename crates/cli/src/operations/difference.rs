//! What a release changes: compared with the last version of the same package that the group approved.

use package_formats::diff::{Change, ReviewDiff, diff};
use release_types::{
    ProposalAction, ProposalId, ProposalStatus, ProposalView,
    proposal::{ArtifactReview, ListProposalsArgs, ReleaseProposal},
};

use super::dao::Dao;
use crate::failure::Outcome;

/// Proposals asked for in one query.
const PAGE: u32 = 100;

/// A version that was approved and published before.
pub struct Previous {
    pub proposal: ProposalId,
    pub version: String,
    pub reviews: Vec<ArtifactReview>,
}

/// Finds the last version before `id` that was published, and what is known of its artifacts.
///
/// # Errors
/// When the canister does not answer.
pub async fn previous(dao: &Dao<'_>, id: ProposalId, release: &ReleaseProposal) -> Outcome<Option<Previous>> {
    let mut before = Some(id);
    while before.is_some() {
        let page = dao.proposals(ListProposalsArgs { before, limit: Some(PAGE) }).await?;
        if let Some((proposal, version)) = page.proposals.iter().find_map(|view| published(view, release)) {
            let reviews = dao.reviews(proposal).await?;
            return Ok(Some(Previous { proposal, version, reviews }));
        }
        before = page.proposals.last().map(|view| view.id);
    }
    Ok(None)
}

fn published(view: &ProposalView, release: &ReleaseProposal) -> Option<(ProposalId, String)> {
    match (&view.action, &view.status) {
        (ProposalAction::Release(earlier), ProposalStatus::Executed)
            if earlier.name == release.name && earlier.registry == release.registry =>
        {
            Some((view.id, earlier.version.clone()))
        }
        _ => None,
    }
}

/// The earlier artifact that corresponds to `current`: the same kind of file, by its name without the version.
pub fn counterpart<'a>(
    current: &ArtifactReview,
    version: &str,
    previous: &'a Previous,
) -> Option<&'a ArtifactReview> {
    let kind = |filename: &str, version: &str| filename.replace(version, "");
    let wanted = kind(&current.filename, version);
    previous.reviews.iter().find(|review| kind(&review.filename, &previous.version) == wanted)
}

/// A difference as lines for people: `+` added, `-` removed, `~` changed.
pub fn lines(previous: &ArtifactReview, current: &ArtifactReview) -> Vec<String> {
    let ReviewDiff {
        files_added,
        files_removed,
        files_changed,
        dependencies,
        scripts,
        commands,
        starts_running_code_on_install,
    } = diff(previous, current);
    let mut lines = Vec::new();
    if starts_running_code_on_install {
        lines.push("! installing it runs code now, and did not before".to_string());
    }
    for (what, changes) in [("script", scripts), ("dependency", dependencies), ("command", commands)] {
        lines.extend(changes.iter().map(|change| change_line(what, change)));
    }
    lines.extend(files_added.iter().map(|file| format!("+ file {} ({} bytes)", file.path, file.size_bytes)));
    lines.extend(files_removed.iter().map(|file| format!("- file {}", file.path)));
    lines.extend(files_changed.iter().map(|(before, after)| {
        let executable = match (before.executable, after.executable) {
            (false, true) => ", now executable",
            (true, false) => ", no longer executable",
            _ => "",
        };
        format!("~ file {} ({} bytes, was {}{executable})", after.path, after.size_bytes, before.size_bytes)
    }));
    lines
}

fn change_line(what: &str, change: &Change) -> String {
    let name = &change.name;
    match (&change.before, &change.after) {
        (None, Some(after)) => format!("+ {what} {name}: {after}"),
        (Some(before), None) => format!("- {what} {name}: {before}"),
        (before, after) => {
            let text = |side: &Option<String>| side.clone().unwrap_or_default();
            format!("~ {what} {name}: {} (was {})", text(after), text(before))
        }
    }
}

#[cfg(test)]
mod tests;
