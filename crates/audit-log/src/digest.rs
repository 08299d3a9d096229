//! The digest by which two states are compared.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// SHA-256 of the state's CBOR encoding, streamed: memory does not grow with the state.
///
/// Two states of one type are equal if and only if their digests are, provided that their collections are ordered.
pub fn digest_of_state<S: Serialize + ?Sized>(state: &S) -> [u8; 32] {
    let mut hash = Sha256::new();
    match ciborium::into_writer(state, &mut hash) {
        Ok(()) => hash.finalize().into(),
        Err(error) => panic!("BUG: the state cannot be digested: {error}"),
    }
}
