//! Opening a part of an item for who may read it, and sealing it to the key that the reader names.

use content_keys::{Curve, PublicKey, envelopes::OpenError};
use content_types::{ContentError, ItemId, OwnerName, Retrieval};
use release_types::Sha256Digest;

use super::upload;
use crate::{
    envelope::{Envelope, NotOpened, wrong_part},
    owner_key,
    runtime::Runtime,
    state::{DerivationPurpose, State, read_state},
    vault::{self, Opening},
};

/// What is known before a key is asked for.
struct Prepared {
    owner: OwnerName,
    envelope: Envelope,
    curve: Curve,
    reader: PublicKey,
}

/// Opens what `reader` asks for.
///
/// # Errors
/// An item that the reader may not have opened so far, a wrong part or key, too many openings today; or
/// [`ContentError::CannotOpen`], whatever the cause.
pub async fn retrieve<R: Runtime>(
    runtime: &R,
    reader: &OwnerName,
    item: ItemId,
    retrieval: &Retrieval,
) -> Result<Vec<u8>, ContentError> {
    let now_ns = runtime.time_ns();
    let prepared = read_state(|state| {
        let prepared = prepare(state, reader, item, retrieval, now_ns)?;
        check_pace(state, reader, now_ns).map(|()| prepared)
    })?;
    let purpose = DerivationPurpose::Opening {
        owner: prepared.owner,
        item,
        reader: reader.clone(),
        part: retrieval.part,
        reader_key_sha256: Sha256Digest::of(retrieval.reader.as_bytes()),
    };
    let delivered = owner_key::derive(runtime, purpose).await.map_err(|_| ContentError::Unavailable)?;
    // Meanwhile the item may have been deleted, or its grant taken back.
    let now_ns = runtime.time_ns();
    let Prepared { envelope, curve, reader, .. } =
        read_state(|state| prepare(state, reader, item, retrieval, now_ns))?;
    let opening = Opening {
        envelope: &envelope,
        curve,
        part: retrieval.part.as_ref(),
        read: &|start, length| upload::stored_bytes(item, start, length),
        reader,
        answer: retrieval.answer,
    };
    vault::answer(delivered, &opening).map_err(|error| match error {
        NotOpened::Envelope(OpenError::CannotOpen) => ContentError::CannotOpen,
        NotOpened::Envelope(OpenError::Unavailable) => ContentError::Unavailable,
        NotOpened::Part { content_bytes } => wrong_part(retrieval.part.as_ref(), content_bytes),
    })
}

fn prepare(
    state: &State,
    reader: &OwnerName,
    item: ItemId,
    retrieval: &Retrieval,
    now_ns: u64,
) -> Result<Prepared, ContentError> {
    let part = retrieval.part.as_ref();
    let found = state
        .item(item)
        .filter(|found| found.stored_at_ns.is_some() && found.may_be_read(reader, part, now_ns))
        .ok_or(ContentError::NoSuchItem { item })?;
    let reader = reader_key(&retrieval.reader)?;
    // It was read when it was stored.
    let envelope = upload::read(item, found).map_err(|_| ContentError::CannotOpen)?;
    envelope.check_part(part)?;
    let keys = state.owner(&found.owner).and_then(|owner| owner.public_keys());
    let curve = envelope.curve(&keys.ok_or(ContentError::Unavailable)?).ok_or(ContentError::CannotOpen)?;
    Ok(Prepared { owner: found.owner.clone(), envelope, curve, reader })
}

fn check_pace(state: &State, reader: &OwnerName, now_ns: u64) -> Result<(), ContentError> {
    let exhausted = state.owner(reader).and_then(|owner| owner.openings_exhausted_until_ns(now_ns));
    exhausted.map_or(Ok(()), |retry_at_ns| {
        let what = "all retrievals of a day that the administrators granted are used".to_owned();
        Err(ContentError::Busy { what, retry_at_ns })
    })
}

fn reader_key(text: &str) -> Result<PublicKey, ContentError> {
    let key = if text.trim_start().starts_with('{') {
        PublicKey::from_jwk(text)
    } else {
        PublicKey::from_age_recipient(text)
    };
    key.map_err(|malformed| {
        ContentError::invalid(
            format!("reader: {}", malformed.field),
            malformed.found,
            malformed.allowed,
            "Give a public key: a JWK, or an age recipient.",
        )
    })
}
