//! Becoming a holder of a key: an identity of one's own, and those of the other holders, each from itself.

use candid::Principal;
use content_keys::threshold::{MAX_KEY_ID_BYTES, P256, Point, X25519};
use futures_util::future::try_join_all;
use key_holders::{
    decode, encode,
    interface::{HolderError, KeyCurve, KeyName},
};
use serde_bytes::ByteBuf;

use crate::{
    runtime,
    state::{Event, audit::process_event, read_state},
    vault::{self, HeldCurve},
};

/// The most keys of a holder.
const MAX_KEYS: usize = 16;

/// Begins with a key: from now on, anyone may read this holder's identity for it. Repeating it changes nothing.
///
/// # Errors
/// [`HolderError`]: not the coordinator, frozen, sealed, a bad name, too many keys.
pub fn begin_key(caller: Principal, key: &KeyName) -> Result<ByteBuf, HolderError> {
    require_coordinator(&caller)?;
    if let Some(identity) = read_state(|state| state.key(key).map(|facts| facts.identity.clone())) {
        return Ok(identity);
    }
    if !(1..=MAX_KEY_ID_BYTES).contains(&key.name.len()) {
        let found = format!("{} bytes", key.name.len());
        return Err(HolderError::malformed("key.name", found, format!("1 to {MAX_KEY_ID_BYTES} bytes")));
    }
    if read_state(|state| state.keys().count()) >= MAX_KEYS {
        return Err(HolderError::malformed("key", "one key more", format!("{MAX_KEYS} keys")));
    }
    let now_ns = runtime::time_ns();
    let identity = ByteBuf::from(match key.curve {
        KeyCurve::P256 => encode(&vault::identity::<P256>(now_ns, key)?),
        KeyCurve::X25519 => encode(&vault::identity::<X25519>(now_ns, key)?),
    });
    process_event(&Event::KeyBegun { key: key.clone(), identity: identity.clone() });
    Ok(identity)
}

/// Hears the other holders' identities, from each itself, and pins them. Repeating it changes nothing.
///
/// # Errors
/// [`HolderError`]: not the coordinator, frozen, sealed, not begun here, or not begun by another holder.
pub async fn pin_peers(caller: Principal, key: &KeyName) -> Result<(), HolderError> {
    match key.curve {
        KeyCurve::P256 => pin::<P256>(caller, key).await,
        KeyCurve::X25519 => pin::<X25519>(caller, key).await,
    }
}

async fn pin<G: HeldCurve>(caller: Principal, key: &KeyName) -> Result<(), HolderError> {
    require_coordinator(&caller)?;
    if is_pinned(key)? {
        return Ok(());
    }
    let (holders, own) = read_state(|state| {
        let facts = state.key(key).ok_or(HolderError::UnknownKey)?;
        Ok::<_, HolderError>((state.init().holders.clone(), facts.identity.clone()))
    })?;
    let identities = try_join_all(holders.iter().map(|holder| identity_of::<G>(*holder, key, &own))).await?;
    // Somebody may have been faster.
    if is_pinned(key)? {
        return Ok(());
    }
    require_coordinator(&caller)?;
    let threshold = read_state(|state| state.init().threshold);
    let encoded = ByteBuf::from(encode(&identities));
    vault::join::<G>(runtime::time_ns(), key, threshold, identities)?;
    process_event(&Event::PeersPinned { key: key.clone(), identities: encoded });
    Ok(())
}

/// A holder's identity, from itself.
async fn identity_of<G: HeldCurve>(
    holder: Principal,
    key: &KeyName,
    own: &ByteBuf,
) -> Result<Point<G>, HolderError> {
    let encoded = if holder == runtime::canister_self() {
        own.to_vec()
    } else {
        runtime::identity_of(holder, key).await?
    };
    decode(&encoded).ok_or(HolderError::NotAnswered)
}

fn is_pinned(key: &KeyName) -> Result<bool, HolderError> {
    read_state(|state| state.key(key).map(|facts| facts.identities.is_some()).ok_or(HolderError::UnknownKey))
}

/// Only the coordinator drives ceremonies, and none while the holder is frozen.
pub(crate) fn require_coordinator(caller: &Principal) -> Result<(), HolderError> {
    read_state(|state| {
        if state.init().coordinator != *caller {
            return Err(HolderError::NotAllowed);
        }
        if state.is_frozen() { Err(HolderError::Frozen) } else { Ok(()) }
    })
}
