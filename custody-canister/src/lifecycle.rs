//! Installation and upgrade.

use candid::Principal;
use release_types::custody::CustodyInit;

use crate::{
    runtime::Runtime,
    state::{Event, State, audit, process_event, replace_state},
    storage, tasks,
};

/// Longest name of a master key, in bytes.
const MAX_KEY_NAME_BYTES: usize = 100;

/// Installs the canister. `named_authority` is what the environment names, for want of an argument.
///
/// # Panics
/// If there is no authority or it is the anonymous principal, or the key's name is empty or endless: the
/// installation then fails.
pub fn init<R: Runtime>(runtime: &R, args: CustodyInit, named_authority: Option<Principal>) {
    let Some(authority) = args.authority.or(named_authority) else {
        panic!("ERROR: authority: found none; give one, or set PUBLIC_CANISTER_ID:dao_canister");
    };
    assert!(
        authority != Principal::anonymous(),
        "ERROR: authority: found the anonymous principal; give another"
    );
    let key_name = args.key_name;
    assert!(
        (1..=MAX_KEY_NAME_BYTES).contains(&key_name.len()),
        "ERROR: key_name: found {} bytes; allowed are 1 to {MAX_KEY_NAME_BYTES}",
        key_name.len()
    );
    replace_state(State::new(authority, key_name.clone()));
    process_event(runtime, Event::Initialized { authority, key_name });
    tasks::arm(runtime);
}

/// Takes up after an upgrade: the state from the log, the certificate, the timers.
///
/// # Panics
/// If the log does not replay; the upgrade then fails and the former code stays.
pub fn post_upgrade<R: Runtime>(runtime: &R) {
    let state = audit::replay(storage::events())
        .unwrap_or_else(|error| panic!("BUG: the log does not replay: {error}"));
    replace_state(state);
    runtime.certify(storage::read_log(|log| log.certified_root()));
    tasks::arm(runtime);
}
