//! Probing a token: does it still work? The answer is one of a few words, and never whose the token is.
//!
//! npm is asked by all nodes. PyPI has nothing to ask: the token is opened and its own dates are read.

use std::time::Duration;

use registry_protocols::{
    endpoint::EndpointUrl,
    npm::{self, TokenReading},
};
use release_types::{CredentialId, Ecosystem, credential::ProbeOutcome};

use crate::{
    funds, guard,
    outcall::{self, Inquiry, Question},
    runtime::Runtime,
    state::{
        Event,
        event::DerivationPurpose,
        probe::{Probe, ProbeFact},
        process_event, read_state,
    },
    tasks::{self, Task},
    vault::{self, DeliveredKey, SealedCredential, VaultError},
    vetkeys::{self, NoKey},
};

/// How often a key is derived for one probe.
const MAX_DERIVATIONS: u8 = 3;
/// Pause after a try that brought nothing.
const RETRY_DELAY: Duration = Duration::from_secs(30);
/// Pause while something is missing that people must see to.
const WAIT_DELAY: Duration = Duration::from_secs(60);

/// Begins a probe, unless one is under way.
pub fn begin<R: Runtime>(runtime: &R, credential: CredentialId) {
    if under_way(&credential).is_none() {
        process_event(runtime, Event::Probe(ProbeFact::Asked { credential }));
    }
    tasks::schedule(runtime, Task::Probe(credential), Duration::ZERO);
}

/// Runs one try of a probe.
pub async fn run<R: Runtime>(runtime: R, credential: CredentialId) {
    guard::run_alone(&runtime, Task::Probe(credential), attempt(&runtime, credential)).await;
}

async fn attempt<R: Runtime>(runtime: &R, id: CredentialId) -> Option<Duration> {
    let probe = under_way(&id)?;
    if probe.derivations >= MAX_DERIVATIONS {
        conclude(runtime, id, ProbeOutcome::NotAnswered);
        return None;
    }
    let Some(credential) = vetkeys::sealed_credential(&id) else {
        conclude(runtime, id, ProbeOutcome::NotDecryptable);
        return None;
    };
    if !vetkeys::can_pay(runtime, funds::read_cycles(runtime)) {
        runtime.log("a probe waits for cycles");
        return Some(WAIT_DELAY);
    }
    let key = match vetkeys::derive(runtime, DerivationPurpose::Probe { credential: id }).await {
        Ok(key) => key,
        Err(NoKey::NotDelivered) => return Some(RETRY_DELAY),
        Err(NoKey::Frozen) => {
            runtime.log("a probe waits for a freeze to be lifted");
            return Some(WAIT_DELAY);
        }
    };
    match ask(runtime, &credential, key).await {
        Ok(outcome) => {
            if under_way(&id).is_some() {
                conclude(runtime, id, outcome);
            }
            None
        }
        Err(pause) => Some(pause),
    }
}

/// What the token's registry, or the token itself, says.
///
/// # Errors
/// If nobody answered: the pause before it is asked again.
async fn ask<R: Runtime>(
    runtime: &R,
    credential: &SealedCredential,
    key: DeliveredKey,
) -> Result<ProbeOutcome, Duration> {
    if credential.policy.ecosystem == Ecosystem::Pypi {
        let now_s = runtime.time_ns() / 1_000_000_000;
        return match vault::is_in_date(credential, key, now_s) {
            Ok(true) => Ok(ProbeOutcome::Alive),
            Ok(false) => Ok(ProbeOutcome::OutOfDate),
            Err(error) => unopened(error),
        };
    }
    let Ok(endpoint) = EndpointUrl::check("endpoint", &credential.policy.endpoint) else {
        panic!("BUG: a credential's endpoint is no URL")
    };
    let inquiry = Inquiry::new(npm::whoami_request(&endpoint), Question::Probed);
    let outcall = match vault::authorized_probe(runtime.canister_self(), credential, key, inquiry) {
        Ok(outcall) => outcall,
        Err(error) => return unopened(error),
    };
    match runtime.send(outcall).await.map(|answer| outcall::token(&answer.body)) {
        Ok(TokenReading::Known) => Ok(ProbeOutcome::Alive),
        Ok(TokenReading::Refused) => Ok(ProbeOutcome::RefusedByRegistry),
        Ok(TokenReading::ComeBackLater { after_s }) => {
            Err(RETRY_DELAY.max(Duration::from_secs(after_s.into())))
        }
        Ok(TokenReading::Unclear) | Err(_) => Err(RETRY_DELAY),
    }
}

/// What it means that a token did not open; it may open another time.
fn unopened(error: VaultError) -> Result<ProbeOutcome, Duration> {
    match error {
        VaultError::InvalidSeed | VaultError::InvalidKey => Err(RETRY_DELAY),
        VaultError::NotDecryptable | VaultError::NotAToken => Ok(ProbeOutcome::NotDecryptable),
    }
}

fn conclude<R: Runtime>(runtime: &R, credential: CredentialId, outcome: ProbeOutcome) {
    process_event(runtime, Event::Probe(ProbeFact::Concluded { credential, outcome }));
}

fn under_way(id: &CredentialId) -> Option<Probe> {
    read_state(|state| state.credential(id)?.probe().filter(Probe::is_under_way))
}
