//! One face for everything that can be amended: what is read to see how it stands, what changes it, what answers mean.

use registry_protocols::{
    endpoint::RegistryEndpoints,
    http::{HttpAnswer, HttpRequest},
    npm,
    reading::{Reading, Unreadable},
};
use release_types::{AmendOrder, Amendment, Obstacle};
use serde::{Deserialize, Serialize};

use crate::{
    asking::NotAsked,
    outcall::{Inquiry, Question},
    state::event::RefusedReason,
};

/// What is read. Also the context of the transform that reduces the nodes' answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// The version that a tag names.
    Tag { tag: String },
    /// The message with which a version is deprecated, told by its digest.
    Deprecation { package: String, version: String },
    /// The whole document of a package, which a deprecation is written into.
    Packument,
}

/// How what is to be amended stands, as the nodes agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it is to be changed.
    Before,
    /// As voted.
    Done,
    /// Neither. For a tag the version it names.
    Other {
        shown: Option<String>,
    },
    Unreadable(Unreadable),
}

fn endpoints(order: &AmendOrder) -> Result<RegistryEndpoints, RefusedReason> {
    RegistryEndpoints::check(&order.registry).map_err(|_| RefusedReason::NotPublishable)
}

/// What shows how it stands.
fn view(order: &AmendOrder) -> View {
    match &order.amendment {
        Amendment::DistTag { tag, .. } => View::Tag { tag: tag.clone() },
        Amendment::Deprecation { version, .. } => {
            View::Deprecation { package: order.package.clone(), version: version.clone() }
        }
    }
}

/// What asks how it stands. `nonce` keeps caches from answering for the registry.
pub fn look_inquiry(order: &AmendOrder, nonce: u64) -> Result<Inquiry, RefusedReason> {
    let read = endpoints(order)?.read;
    let request = match &order.amendment {
        Amendment::DistTag { .. } => npm::tags_request(&read, &order.package, nonce),
        Amendment::Deprecation { version, .. } => npm::version_request(&read, &order.package, version, nonce),
    };
    let request = request.map_err(|_| RefusedReason::NotPublishable)?;
    Ok(Inquiry::new(request, Question::Viewed(view(order))))
}

/// What asks for the document that the change is written into, if there is one.
pub fn document_inquiry(order: &AmendOrder) -> Result<Option<Inquiry>, RefusedReason> {
    let Amendment::Deprecation { .. } = &order.amendment else { return Ok(None) };
    let request = npm::full_packument_request(&endpoints(order)?.upload, &order.package)
        .map_err(|_| RefusedReason::NotPublishable)?;
    Ok(Some(Inquiry::new(request, Question::Viewed(View::Packument))))
}

/// What changes it, still without its token.
///
/// # Errors
/// For now if the document is none of the package, which may be a page of excuses; for good if it cannot be changed.
pub fn change_inquiry(order: &AmendOrder, document: &[u8]) -> Result<Inquiry, NotAsked> {
    let request = change_request(order, document)?;
    Ok(Inquiry::new(request, Question::Sent(order.registry.ecosystem)))
}

fn change_request(order: &AmendOrder, document: &[u8]) -> Result<HttpRequest, NotAsked> {
    let upload = endpoints(order).map_err(NotAsked::Never)?.upload;
    match &order.amendment {
        Amendment::DistTag { tag, version, .. } => {
            npm::move_tag_request(&upload, &order.package, tag, version)
                .map_err(|_| NotAsked::Never(RefusedReason::NotPublishable))
        }
        Amendment::Deprecation { version, message } => {
            npm::deprecation_request(&upload, &order.package, document, version, message).map_err(|error| {
                NotAsked::Never(match error {
                    npm::DeprecationError::NotThePackument => {
                        return NotAsked::Waits(Obstacle::RegistryUnreadable);
                    }
                    npm::DeprecationError::TooLarge { .. } => RefusedReason::PackumentTooLarge,
                    npm::DeprecationError::NoRevision => RefusedReason::PackumentWithoutRevision,
                    _ => RefusedReason::NotPublishable,
                })
            })
        }
    }
}

/// Reduces an answer to what all nodes can agree on: facts, or the whole document where it is to be written back.
pub fn reduce(view: &View, answer: &HttpAnswer) -> Vec<u8> {
    match view {
        View::Tag { tag } => npm::read_tag(answer, tag).reduced(),
        View::Deprecation { package, version } => npm::read_deprecation(answer, package, version).reduced(),
        View::Packument => Reading::<()>::from_status(answer)
            .map_or_else(|| answer.body.clone(), |reading| reading.reduced()),
    }
}

/// How it stands by a reduced answer; none if the bytes are no reduction.
pub fn standing(order: &AmendOrder, reduced: &[u8]) -> Option<Standing> {
    Some(match &order.amendment {
        Amendment::DistTag { version, replaces, .. } => {
            match npm::TagReading::parse_reduced(reduced).ok()? {
                Reading::Present(shown) if shown.version.as_ref() == Some(version) => Standing::Done,
                Reading::Present(shown) if shown.version == *replaces => Standing::Before,
                Reading::Present(shown) => Standing::Other { shown: shown.version },
                Reading::Absent => Standing::Other { shown: None },
                Reading::Unreadable { why } => Standing::Unreadable(why),
            }
        }
        Amendment::Deprecation { message, .. } => {
            match npm::DeprecationReading::parse_reduced(reduced).ok()? {
                Reading::Present(shown) if shown == npm::ShownDeprecation::of(message) => Standing::Done,
                Reading::Present(_) => Standing::Before,
                Reading::Absent => Standing::Other { shown: None },
                Reading::Unreadable { why } => Standing::Unreadable(why),
            }
        }
    })
}
