//! What anyone may read.

use key_holders::interface::{HeldKeyView, HolderView, KeyName};

use crate::{
    runtime,
    state::{HeldKeyFacts, read_state},
    vault,
};

/// The holder's policy, peers and keys.
pub fn holder_info() -> HolderView {
    let now_ns = runtime::time_ns();
    read_state(|state| HolderView {
        init: state.init().clone(),
        frozen: state.is_frozen(),
        open_until_ns: vault::open_until_ns().filter(|until_ns| *until_ns > now_ns),
        used: state.used(now_ns),
        keys: state.keys().map(|(key, facts)| view(key, facts)).collect(),
    })
}

/// What is public of one key.
pub fn held_key(key: &KeyName) -> Option<HeldKeyView> {
    read_state(|state| state.key(key).map(|facts| view(key, facts)))
}

/// The digest of the whole state, equal to that of a state replayed from the log.
pub fn state_digest() -> Vec<u8> {
    read_state(audit_log::digest_of_state).to_vec()
}

fn view(key: &KeyName, facts: &HeldKeyFacts) -> HeldKeyView {
    HeldKeyView { key: key.clone(), identity: facts.identity.clone(), key_set: facts.key_set.clone() }
}
