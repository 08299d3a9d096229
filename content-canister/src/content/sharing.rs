//! Letting other owners read an item, or a part of it, until a time.

use content_types::{ContentError, Grant, ItemId, ItemView, OwnerName};

use super::{catalogue, own_item};
use crate::{
    runtime::Runtime,
    state::{Event, State, process_event, read_state},
};

/// Most readers of an item.
const MAX_READERS: usize = 100;

/// Grants reading; replaces what the same reader was granted before.
///
/// # Errors
/// No such item of the owner's, a reader who is no other owner, an empty or endless part, or too many readers.
pub fn share<R: Runtime>(
    runtime: &R,
    owner: &OwnerName,
    item: ItemId,
    grant: Grant,
) -> Result<ItemView, ContentError> {
    let now_ns = runtime.time_ns();
    read_state(|state| check(state, owner, item, &grant, now_ns))?;
    process_event(runtime, Event::SharedItem { item, grant });
    catalogue::view(runtime, owner, item)
}

fn check(
    state: &State,
    owner: &OwnerName,
    item: ItemId,
    grant: &Grant,
    now_ns: u64,
) -> Result<(), ContentError> {
    let shared = own_item(state, owner, item)?;
    let invalid = |field: &str, found: String, allowed: &str, hint: &str| {
        Err(ContentError::invalid(field, found, allowed, hint))
    };
    if grant.reader == *owner || state.owner(&grant.reader).is_none() {
        let found = grant.reader.to_string();
        return invalid("reader", found, "another registered owner", "Ask the administrators for names.");
    }
    if grant.until_ns.is_some_and(|until_ns| until_ns <= now_ns) {
        let found = grant.until_ns.unwrap_or_default().to_string();
        return invalid(
            "until_ns",
            found,
            "a time to come, in nanoseconds since 1970",
            "Choose a later one.",
        );
    }
    if grant.part.is_some_and(|part| part.length_bytes == 0 || part.end_bytes().is_none()) {
        return invalid("part", format!("{:?}", grant.part), "at least one byte", "Give offset and length.");
    }
    if !shared.grants().contains_key(&grant.reader) && shared.grants().len() >= MAX_READERS {
        let found = shared.grants().len().to_string();
        return invalid("readers", found, "fewer than 100", "Take the grant of another reader back.");
    }
    Ok(())
}

/// Takes a grant back. What was retrieved before stays with the reader.
///
/// # Errors
/// No such item of the owner's, or the reader was granted nothing.
pub fn unshare<R: Runtime>(
    runtime: &R,
    owner: &OwnerName,
    item: ItemId,
    reader: OwnerName,
) -> Result<ItemView, ContentError> {
    let is_granted =
        read_state(|state| own_item(state, owner, item).map(|i| i.grants().contains_key(&reader)))?;
    if !is_granted {
        let hint = "List the item to see who may read it.";
        return Err(ContentError::invalid(
            "reader",
            reader.to_string(),
            "one that was granted reading",
            hint,
        ));
    }
    process_event(runtime, Event::UnsharedItem { item, reader });
    catalogue::view(runtime, owner, item)
}
