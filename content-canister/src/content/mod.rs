//! Content: keeping, listing, sharing and retrieving it, for an owner who was recognised already.

pub mod catalogue;
pub mod retrieval;
pub mod sharing;
pub mod upload;

use content_types::{ContentError, ItemId, OwnerName};

use crate::state::{Item, State};

/// An item of `owner`'s own.
fn own_item<'a>(state: &'a State, owner: &OwnerName, item: ItemId) -> Result<&'a Item, ContentError> {
    state.item(item).filter(|found| found.owner == *owner).ok_or(ContentError::NoSuchItem { item })
}
