//! The canister's own public keys, learned once from the subnet.

use std::time::Duration;

use registry_protocols::receipt::KEY_DERIVATION_PATH;
use sealing::DerivationContext;
use serde_bytes::ByteBuf;

use crate::{
    runtime::Runtime,
    state::{Event, process_event, read_state},
    tasks::{self, Task},
};

/// Pause before asking the subnet again.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// The derivation path of the key that signs receipts, and nothing else.
pub fn receipt_derivation_path() -> Vec<Vec<u8>> {
    KEY_DERIVATION_PATH.iter().map(|part| part.to_vec()).collect()
}

/// Learns whichever key is not known yet, and tries again later if the subnet does not answer.
pub async fn learn<R: Runtime>(runtime: R) {
    let (key_name, needs_sealing_key, needs_receipt_key) = read_state(|state| {
        (state.key_name().to_owned(), state.sealing_key().is_none(), state.receipt_key().is_none())
    });
    if needs_sealing_key {
        let context = DerivationContext::CredentialSealing.to_bytes();
        if let Ok(key) = runtime.derived_public_key(&key_name, &context).await {
            let is_new = read_state(|state| state.sealing_key().is_none());
            if is_new {
                process_event(&runtime, Event::LearnedSealingKey { key: ByteBuf::from(key) });
            }
        }
    }
    if needs_receipt_key
        && let Ok(key) = runtime.signing_public_key(&key_name, receipt_derivation_path()).await
    {
        let is_new = read_state(|state| state.receipt_key().is_none());
        if is_new {
            process_event(&runtime, Event::LearnedReceiptKey { key: ByteBuf::from(key) });
        }
    }
    if !read_state(|state| state.knows_its_keys()) {
        runtime.log("the subnet did not report this canister's public keys; asking again");
        tasks::schedule(&runtime, Task::LearnKeys, RETRY_DELAY);
    }
}
