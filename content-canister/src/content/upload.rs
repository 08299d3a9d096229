//! Keeping an item: announced, then its envelope in chunks, stored as it came.

use content_keys::envelopes::Malformed;
use content_types::{
    BeginUploadArgs, CHUNK_BYTES, ContentError, Defect, Format, ItemId, ItemView, MAX_ITEM_BYTES,
    MAX_WHOLE_ENVELOPE_BYTES, OwnerName,
};

use super::{catalogue, own_item};
use crate::{
    envelope::Envelope,
    runtime::Runtime,
    state::{Event, Item, Owner, process_event, read_state},
    storage,
};

/// Longest title, in bytes.
const MAX_TITLE_BYTES: usize = 200;
/// Most items of an owner.
const MAX_ITEMS: u32 = 1_000;

/// Announces an item.
///
/// # Errors
/// [`ContentError::Invalid`] with everything that is wrong, the owner's quota included.
pub fn begin<R: Runtime>(
    runtime: &R,
    owner: &OwnerName,
    args: BeginUploadArgs,
) -> Result<ItemView, ContentError> {
    let defects = read_state(|state| state.owner(owner).map(|owner| defects(owner, &args)));
    match defects {
        Some(defects) if defects.is_empty() => {}
        Some(defects) => return Err(ContentError::Invalid { defects }),
        None => panic!("BUG: {owner} was recognised and is not registered"),
    }
    let item = read_state(|state| state.next_item());
    let BeginUploadArgs { title, format, size_bytes } = args;
    process_event(runtime, Event::BeganUpload { item, owner: owner.clone(), title, format, size_bytes });
    catalogue::view(runtime, owner, item)
}

fn defects(owner: &Owner, args: &BeginUploadArgs) -> Vec<Defect> {
    let mut defects = Vec::new();
    if args.title.len() > MAX_TITLE_BYTES || args.title.chars().any(char::is_control) {
        let found = format!("{} bytes", args.title.len());
        let allowed = format!("at most {MAX_TITLE_BYTES} bytes without control characters");
        defects.push(Defect::new("title", found, allowed, "Shorten it."));
    }
    let (limit_bytes, hint) = match args.format {
        Format::Age => (MAX_ITEM_BYTES, "Split it."),
        _ => (MAX_WHOLE_ENVELOPE_BYTES, "Encrypt it with age, of which parts open alone."),
    };
    if !(1..=limit_bytes).contains(&args.size_bytes) {
        let found = args.size_bytes.to_string();
        defects.push(Defect::new("size_bytes", found, format!("1 to {limit_bytes} in this format"), hint));
    }
    if owner.items >= MAX_ITEMS {
        let found = owner.items.to_string();
        defects.push(Defect::new("items", found, format!("fewer than {MAX_ITEMS}"), "Delete some."));
    }
    let left_bytes = owner.quota_bytes.saturating_sub(owner.used_bytes);
    if args.size_bytes > left_bytes {
        let found = format!("{} bytes, with {} in use", args.size_bytes, owner.used_bytes);
        let allowed = format!("{} bytes in all", owner.quota_bytes);
        defects.push(Defect::new("quota_bytes", found, allowed, "Delete items, or ask the administrators."));
    }
    defects
}

/// Keeps one chunk, in any order; the same again replaces it. The last to arrive has the envelope read: then the item is
/// stored.
///
/// # Errors
/// No such item of the owner's, a chunk that it does not miss or of another length, or an envelope that is not what its
/// format asks for: then it stays on its way until it is deleted.
pub fn put_chunk<R: Runtime>(
    runtime: &R,
    owner: &OwnerName,
    item: ItemId,
    index: u32,
    bytes: &[u8],
) -> Result<ItemView, ContentError> {
    let announced = read_state(|state| own_item(state, owner, item).cloned())?;
    check_chunk(&announced, index, bytes)?;
    storage::keep_chunk(item, index, bytes);
    if missing_chunks(item, &announced).is_empty() {
        read(item, &announced).map_err(|malformed| not_understood(&malformed))?;
        process_event(runtime, Event::StoredItem { item });
    }
    catalogue::view(runtime, owner, item)
}

fn check_chunk(item: &Item, index: u32, bytes: &[u8]) -> Result<(), ContentError> {
    if item.stored_at_ns.is_some() {
        let hint = "Upload another item.";
        return Err(ContentError::invalid("item", "one that is stored", "one on its way", hint));
    }
    let Some(expected_bytes) = item.chunk_bytes(index) else {
        let allowed = format!("0 to {}", item.chunks() - 1);
        return Err(ContentError::invalid("index", index.to_string(), allowed, "Count chunks from 0."));
    };
    if bytes.len() != expected_bytes {
        let hint = format!("Cut the envelope every {CHUNK_BYTES} bytes.");
        let found = format!("{} bytes", bytes.len());
        return Err(ContentError::invalid("bytes", found, format!("{expected_bytes} bytes"), hint));
    }
    Ok(())
}

/// Reads the envelope of an item whose chunks are all there.
pub(super) fn read(item: ItemId, kept: &Item) -> Result<Envelope, Malformed> {
    Envelope::parse(kept.format, kept.size_bytes, &|start, length| stored_bytes(item, start, length))
}

/// How long the content of a stored age file is.
pub(super) fn content_bytes(item: ItemId, kept: &Item) -> Option<u64> {
    if kept.stored_at_ns.is_none() || kept.format != Format::Age {
        return None;
    }
    read(item, kept).ok().and_then(|envelope| envelope.content_bytes())
}

/// Bytes of an envelope whose chunks are all there.
pub(super) fn stored_bytes(item: ItemId, start: u64, length: usize) -> Vec<u8> {
    storage::envelope_bytes(item, start, length)
        .unwrap_or_else(|| panic!("BUG: bytes {start} and following of item {item} are missing"))
}

/// The chunks that did not arrive yet.
pub(super) fn missing_chunks(item: ItemId, announced: &Item) -> Vec<u32> {
    if announced.stored_at_ns.is_some() {
        return Vec::new();
    }
    (0..announced.chunks()).filter(|index| !storage::has_chunk(item, *index)).collect()
}

fn not_understood(malformed: &Malformed) -> ContentError {
    ContentError::invalid(
        format!("envelope: {}", malformed.field),
        malformed.found.clone(),
        malformed.allowed,
        "Delete the item, encrypt again and upload anew.",
    )
}
