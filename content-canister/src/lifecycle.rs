//! Installation and upgrade.

use candid::Principal;
use content_types::ContentInit;

use crate::{
    pages,
    runtime::Runtime,
    state::{Event, State, audit, process_event, replace_state},
    storage,
};

/// Longest name of a master key, in bytes.
const MAX_KEY_NAME_BYTES: usize = 100;
/// Most administrators.
const MAX_ADMINISTRATORS: usize = 20;

/// Installs the canister.
///
/// # Panics
/// If there is no administrator, the anonymous principal is one, there are more than 20, or the key's name is empty or
/// endless: the installation then fails.
pub fn init<R: Runtime>(runtime: &R, args: ContentInit) {
    let ContentInit { administrators, key_name } = args;
    assert!(
        (1..=MAX_ADMINISTRATORS).contains(&administrators.len()),
        "ERROR: administrators: found {}; allowed are 1 to {MAX_ADMINISTRATORS}",
        administrators.len()
    );
    assert!(
        !administrators.contains(&Principal::anonymous()),
        "ERROR: administrators: found the anonymous principal; leave it out"
    );
    assert!(
        (1..=MAX_KEY_NAME_BYTES).contains(&key_name.len()),
        "ERROR: key_name: found {} bytes; allowed are 1 to {MAX_KEY_NAME_BYTES}",
        key_name.len()
    );
    replace_state(State::new(administrators.clone(), key_name.clone()));
    pages::rebuild();
    process_event(runtime, Event::Initialized { administrators, key_name });
}

/// Takes up after an upgrade: the state from the log, the pages, the certificate.
///
/// # Panics
/// If the log does not replay; the upgrade then fails and the former code stays.
pub fn post_upgrade<R: Runtime>(runtime: &R) {
    let state = audit::replay(storage::events())
        .unwrap_or_else(|error| panic!("BUG: the log does not replay: {error}"));
    replace_state(state);
    pages::rebuild();
    runtime.certify(pages::certified_root());
}
