//! What a voter needs to know of a release: read from the exact bytes, on this machine, and compared with what the
//! canister says of them.

use release_types::{
    ArtifactRef, ProposalId,
    proposal::{ArtifactReview, ReleaseProposal},
};
use serde::Serialize;

use super::{
    artifact::{disagreements, ecosystem_of, review_bytes},
    dao::Dao,
    difference::{self, Previous},
    download::download,
};
use crate::failure::{Failure, Outcome};

/// One artifact, as a voter is to see it.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewedArtifact {
    pub review: ArtifactReview,
    /// Whether the review was made here from the bytes; otherwise it is the canister's word.
    pub computed_here: bool,
    /// Fields in which the canister's own review differs. Not empty: vote no.
    pub disagreements: Vec<String>,
    /// What changed since the previous version; absent if there is nothing to compare with.
    pub changes: Option<Vec<String>>,
}

/// A release, as a voter is to see it.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewedRelease {
    pub artifacts: Vec<ReviewedArtifact>,
    /// The version that the changes are counted from, and the proposal that approved it.
    pub previous: Option<(ProposalId, String)>,
    /// Why nothing could be computed here, if so.
    pub unseen: Option<String>,
}

/// Reviews a release. Where the bytes may be read, everything is computed from them; else the canister's word is
/// shown and marked as such.
///
/// # Errors
/// When bytes are not what the proposal names, cannot be opened, or the canister does not answer.
pub async fn review(
    dao: &Dao<'_>,
    id: ProposalId,
    release: &ReleaseProposal,
    mut received: impl FnMut(u64),
) -> Outcome<ReviewedRelease> {
    let reported = dao.reviews(id).await?;
    let previous = difference::previous(dao, id, release).await?;
    let mut artifacts = Vec::new();
    let mut unseen = None;
    for artifact in &release.artifacts {
        let theirs = reported.iter().find(|review| review.sha256 == artifact.sha256);
        match own_review(dao, artifact, &mut received).await? {
            Ok(own) => {
                let disagreements = match theirs {
                    Some(theirs) => disagreements(&own, theirs).into_iter().map(String::from).collect(),
                    None => vec!["it has no review of it".to_string()],
                };
                artifacts.push((own, true, disagreements));
            }
            Err(why) => {
                let theirs = theirs.ok_or_else(|| why.clone())?;
                artifacts.push((theirs.clone(), false, Vec::new()));
                unseen = Some(why.message);
            }
        }
    }
    let with_changes = |(review, computed_here, disagreements)| {
        let changes = changes(&review, &release.version, previous.as_ref());
        ReviewedArtifact { review, computed_here, disagreements, changes }
    };
    Ok(ReviewedRelease {
        artifacts: artifacts.into_iter().map(with_changes).collect(),
        previous: previous.map(|previous| (previous.proposal, previous.version)),
        unseen,
    })
}

fn changes(review: &ArtifactReview, version: &str, previous: Option<&Previous>) -> Option<Vec<String>> {
    let earlier = difference::counterpart(review, version, previous?)?;
    Some(difference::lines(earlier, review))
}

/// The review made from the bytes; the inner failure says why they may not be read.
///
/// # Errors
/// When the bytes were read and are not what they should be.
async fn own_review(
    dao: &Dao<'_>,
    artifact: &ArtifactRef,
    received: &mut impl FnMut(u64),
) -> Outcome<Result<ArtifactReview, Failure>> {
    let ecosystem = ecosystem_of(&artifact.filename)
        .ok_or_else(|| Failure::refused(format!("{:?} is not a package by its name", artifact.filename)))?;
    match download(dao, artifact, received).await? {
        Ok(bytes) => review_bytes(ecosystem, &artifact.filename, &bytes).map(Ok),
        Err(unavailable) => Ok(Err(unavailable.into())),
    }
}
