//! What anyone may read.

use content_keys::{
    PublicKey,
    threshold::{Group, P256, X25519},
};
use key_holders::{
    interface::{KeyCurve, KeyName},
    service::{KeyView, RecipientKeyArgs, ServiceError},
};

use crate::{
    opening::{recipient, shared_key},
    state::{KeyFacts, read_state},
};

/// All keys, and how their last ceremonies went.
pub fn keys() -> Vec<KeyView> {
    read_state(|state| state.keys().map(|(key, facts)| view(key, facts)).collect())
}

/// The public key, as a JWK, to which envelopes for this owner are made.
///
/// # Errors
/// [`ServiceError::UnknownKey`].
pub fn recipient_key(args: &RecipientKeyArgs) -> Result<String, ServiceError> {
    let key = match args.key.curve {
        KeyCurve::P256 => recipient_key_of::<P256>(args)?,
        KeyCurve::X25519 => recipient_key_of::<X25519>(args)?,
    };
    Ok(key.to_jwk())
}

fn recipient_key_of<G: Group>(args: &RecipientKeyArgs) -> Result<PublicKey, ServiceError> {
    let key = shared_key::<G>(&args.key)?;
    key.keys.recipient_key(&recipient(&args.owner)).ok_or(ServiceError::UnknownKey)
}

/// The digest of the whole state, equal to that of a state replayed from the log.
pub fn state_digest() -> Vec<u8> {
    read_state(audit_log::digest_of_state).to_vec()
}

fn view(key: &KeyName, facts: &KeyFacts) -> KeyView {
    let KeyFacts { key_set, purpose, status, number, participants, faults } = facts.clone();
    KeyView { key: key.clone(), key_set, purpose, status, number, participants, faults }
}
