//! Which items there are, and deleting them.

use content_types::{ContentError, ItemId, ItemView, OwnerName};

use super::{own_item, upload};
use crate::{
    runtime::Runtime,
    state::{Event, Item, process_event, read_state},
    storage,
};

/// Most items in one answer.
const PAGE_ITEMS: usize = 100;

/// The items that `owner` may know of with a number above `after`, lowest first, at most 100: its own, and those shared
/// with it and stored.
pub fn list<R: Runtime>(runtime: &R, owner: &OwnerName, after: ItemId) -> Vec<ItemView> {
    let now_ns = runtime.time_ns();
    read_state(|state| {
        let later = state.items().range(after.saturating_add(1)..);
        later.filter_map(|(id, item)| view_of(*id, item, owner, now_ns)).take(PAGE_ITEMS).collect()
    })
}

/// One item, as `owner` sees it.
///
/// # Errors
/// If the owner may not know of it.
pub fn view<R: Runtime>(runtime: &R, owner: &OwnerName, item: ItemId) -> Result<ItemView, ContentError> {
    let now_ns = runtime.time_ns();
    read_state(|state| state.item(item).and_then(|found| view_of(item, found, owner, now_ns)))
        .ok_or(ContentError::NoSuchItem { item })
}

fn view_of(id: ItemId, item: &Item, viewer: &OwnerName, now_ns: u64) -> Option<ItemView> {
    let grants = if item.owner == *viewer {
        item.grants().values().cloned().collect()
    } else {
        let grant = item.grant_of(viewer, now_ns)?;
        item.stored_at_ns?;
        vec![grant.clone()]
    };
    Some(ItemView {
        item: id,
        owner: item.owner.clone(),
        title: item.title.clone(),
        format: item.format,
        size_bytes: item.size_bytes,
        content_bytes: upload::content_bytes(id, item),
        missing_chunks: upload::missing_chunks(id, item),
        stored_at_ns: item.stored_at_ns,
        grants,
    })
}

/// Deletes an item of the owner's own, stored or on its way. Its number is not used again.
///
/// # Errors
/// No such item of the owner's.
pub fn delete<R: Runtime>(runtime: &R, owner: &OwnerName, item: ItemId) -> Result<(), ContentError> {
    read_state(|state| own_item(state, owner, item).map(drop))?;
    storage::drop_envelope(item);
    process_event(runtime, Event::DeletedItem { item });
    Ok(())
}
