//! Activation: a trial decryption, so that a wrong key fails here and not in the first release.

use std::time::Duration;

use release_types::CredentialId;

use crate::{
    guard,
    runtime::Runtime,
    state::{
        Event,
        event::{DerivationPurpose, UnusableReason},
        process_event, read_state,
    },
    tasks::Task,
    vault,
    vetkeys::{self, NoKey},
};

/// How often a key is derived before the activation is given up.
const MAX_DERIVATIONS: u8 = 5;
/// Pause after a derivation that failed.
const RETRY_DELAY: Duration = Duration::from_secs(15);
/// Pause while cycles or the sealing key are missing, or the credential is frozen.
const WAIT_DELAY: Duration = Duration::from_secs(60);

/// Runs one trial of a credential that is being activated.
pub async fn run<R: Runtime>(runtime: R, id: CredentialId) {
    guard::run_alone(&runtime, Task::Activate(id), trial(&runtime, id)).await;
}

async fn trial<R: Runtime>(runtime: &R, id: CredentialId) -> Option<Duration> {
    let derivations = activating(&id)?;
    if derivations >= MAX_DERIVATIONS {
        let reason = UnusableReason::DerivationFailed;
        process_event(runtime, Event::FailedActivation { credential: id, reason });
        return None;
    }
    let Some(credential) = vetkeys::sealed_credential(&id) else {
        runtime.log("activation waits for the sealing key");
        return Some(WAIT_DELAY);
    };
    if !vetkeys::can_pay(runtime, 0) {
        runtime.log("activation waits for cycles to derive a key with");
        return Some(WAIT_DELAY);
    }
    let key = match vetkeys::derive(runtime, DerivationPurpose::Activation { credential: id }).await {
        Ok(key) => key,
        Err(NoKey::NotDelivered) => return Some(RETRY_DELAY),
        Err(NoKey::Frozen) => {
            runtime.log("activation waits for a freeze to be lifted");
            return Some(WAIT_DELAY);
        }
    };
    let outcome = vault::try_open(&credential, key);
    // It may have been revoked meanwhile.
    activating(&id)?;
    match outcome {
        Ok(()) => process_event(runtime, Event::ActivatedCredential { credential: id }),
        Err(error) => {
            process_event(runtime, Event::FailedActivation { credential: id, reason: error.into() });
        }
    }
    None
}

/// How often a key was derived for it, if it is still being activated.
fn activating(id: &CredentialId) -> Option<u8> {
    read_state(|state| {
        state
            .credential(id)
            .filter(|credential| credential.is_activating())
            .map(|credential| credential.derivations())
    })
}
