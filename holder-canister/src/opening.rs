//! Opening the shares for an epoch: the sealing key derived, checked, and used for nothing else.

use std::cell::Cell;

use candid::Principal;
use key_holders::interface::HolderError;
use zeroize::Zeroizing;

use crate::{
    runtime,
    state::{Event, audit::process_event, read_state},
    vault::{self, TransportKey},
};

thread_local! {
    static IS_OPENING: Cell<bool> = const { Cell::new(false) };
}

/// One opening at a time, whatever becomes of it.
struct Turn;

impl Turn {
    fn take() -> Result<Self, HolderError> {
        if IS_OPENING.replace(true) { Err(HolderError::Busy) } else { Ok(Self) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        IS_OPENING.set(false);
    }
}

/// Opens the shares until an epoch from now, and says until when they are open. Where they are, nothing happens.
///
/// # Errors
/// [`HolderError`]: a stranger, frozen, too often in this epoch, restored from a snapshot, no answer of the subnet.
pub async fn open(caller: Principal) -> Result<u64, HolderError> {
    let now_ns = runtime::time_ns();
    check(&caller)?;
    if let Some(until_ns) = vault::open_until_ns().filter(|until_ns| *until_ns > now_ns) {
        return Ok(until_ns);
    }
    if !read_state(|state| state.may_open(now_ns)) {
        return Err(HolderError::QuotaUsedUp);
    }
    let _turn = Turn::take()?;
    process_event(&Event::DerivationBound { asker: caller });
    if runtime::was_restored().await? {
        return Err(HolderError::RestoredFromSnapshot);
    }
    let transport = TransportKey::from_seed(runtime::random_bytes().await?)?;
    let randomness = runtime::random_bytes().await.map(Zeroizing::new)?;
    let randomness: [u8; 32] = randomness.as_slice().try_into().map_err(|_| HolderError::NotAnswered)?;
    let randomness = Zeroizing::new(randomness);
    let key_name = read_state(|state| state.init().vetkd_key_name.clone());
    let derived =
        runtime::derive_key(key_name, vault::DERIVATION_INPUT.to_vec(), transport.public_key()).await?;
    // A freeze that came meanwhile is still in time.
    if read_state(|state| state.is_frozen()) {
        return Err(HolderError::Frozen);
    }
    let (keys, epoch_ns): (Vec<_>, _) =
        read_state(|state| (state.keys().map(|(key, _)| key.clone()).collect(), state.epoch_ns()));
    let until_ns = runtime::time_ns().saturating_add(epoch_ns);
    vault::open(&derived, transport, &randomness, &keys, until_ns)?;
    process_event(&Event::SharesOpened { until_ns });
    runtime::set_timer(epoch_ns, wipe_when_over);
    Ok(until_ns)
}

fn check(caller: &Principal) -> Result<(), HolderError> {
    let may = read_state(|state| {
        let init = state.init();
        init.coordinator == *caller || init.policy.combiners.contains(caller)
    });
    if !may && !runtime::is_controller(caller) {
        return Err(HolderError::NotAllowed);
    }
    if read_state(|state| state.is_frozen()) { Err(HolderError::Frozen) } else { Ok(()) }
}

fn wipe_when_over() {
    if vault::open_until_ns().is_some_and(|until_ns| until_ns <= runtime::time_ns()) {
        vault::wipe();
    }
}
