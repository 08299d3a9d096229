//! The Internet Computer: clock, timers, certification, randomness and calls to holders.

use std::{cell::RefCell, time::Duration};

use candid::Principal;
use ic_cdk::call::Call;
use ic_cdk_management_canister::raw_rand;
use key_holders::{Silence, Transport, interface::KeyName};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ceremonies;

/// How long a holder is waited for, in seconds.
const HOLDER_TIMEOUT_S: u32 = 120;

thread_local! {
    static RANDOMNESS: RefCell<Option<Randomness>> = const { RefCell::new(None) };
}

/// Fresh secret bytes from one draw of the subnet's randomness.
struct Randomness {
    seed: Zeroizing<Vec<u8>>,
    drawn: u64,
}

/// Calls between canisters, of bounded wait: no holder can keep this canister from stopping.
#[derive(Clone, Copy, Debug, Default)]
pub struct IcTransport;

impl Transport for IcTransport {
    async fn call(&self, callee: Principal, method: &'static str, args: Vec<u8>) -> Result<Vec<u8>, Silence> {
        let call = Call::bounded_wait(callee, method).change_timeout(HOLDER_TIMEOUT_S).take_raw_args(args);
        call.await.map(|response| response.into_bytes()).map_err(|_| Silence::Unreachable)
    }
}

/// Nanoseconds since 1970; constant within a message.
pub fn time_ns() -> u64 {
    ic_cdk::api::time()
}

/// This canister.
pub fn canister_self() -> Principal {
    ic_cdk::api::canister_self()
}

/// Has the subnet certify this root.
pub fn certify(root: [u8; 32]) {
    ic_cdk::api::certified_data_set(root);
}

/// Goes on with a ceremony in a message of its own. Timers do not survive upgrades.
pub fn drive_later(delay: Duration, key: KeyName) {
    ic_cdk_timers::set_timer(delay, ceremonies::drive(key));
}

/// Draws from the subnet's randomness, unless that was done since installation or upgrade. False if it did not answer.
pub async fn draw_randomness() -> bool {
    if RANDOMNESS.with_borrow(Option::is_some) {
        return true;
    }
    let Ok(seed) = raw_rand().await else {
        return false;
    };
    RANDOMNESS.with_borrow_mut(|randomness| {
        randomness.get_or_insert(Randomness { seed: Zeroizing::new(seed), drawn: 0 });
    });
    true
}

/// 32 fresh secret bytes, once randomness was drawn.
pub fn fresh_bytes() -> Option<Zeroizing<[u8; 32]>> {
    RANDOMNESS.with_borrow_mut(|randomness| {
        let randomness = randomness.as_mut()?;
        randomness.drawn += 1;
        let digest = Sha256::new()
            .chain_update(b"countersign combiner randomness")
            .chain_update(&randomness.seed[..])
            .chain_update(randomness.drawn.to_be_bytes());
        Some(Zeroizing::new(digest.finalize().into()))
    })
}
