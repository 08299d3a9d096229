//! Sending an artifact: fetch, look whether it is there already, derive, decrypt, send, and note the answer.

use std::time::Duration;

use crate::{
    funds, outcall,
    publish::{
        driver::Job,
        reading::{self, Look},
        source::{self, SourceError},
    },
    registry,
    runtime::{CallError, Runtime},
    state::{
        Event,
        event::{DerivationPurpose, RefusedReason, UnknownCause},
    },
    vault::{self, VaultError},
    vetkeys::{self, NoKey},
};
use registry_protocols::{
    reading::{Comparison, Unreadable},
    verdict::Verdict,
};
use release_types::{CredentialId, Obstacle};

/// How often a key may be derived for one artifact.
const MAX_DERIVATIONS: u8 = 8;
/// Pause before the first read-back after sending.
const FIRST_LOOK_DELAY: Duration = Duration::from_secs(2);
/// Shortest pause after something that may be better soon.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// Why an attempt ended before anything was sent.
enum Halt {
    /// For good.
    Refuse(RefusedReason),
    /// For now.
    Wait(Obstacle),
}

/// Sends the artifact if everything is in order; returns the pause before the next step.
pub async fn publish<R: Runtime>(job: &Job<'_, R>) -> Duration {
    match attempt(job).await {
        Ok(pause) => pause,
        Err(Halt::Refuse(reason)) => {
            job.stop_sending(reason);
            Duration::ZERO
        }
        Err(Halt::Wait(obstacle)) => {
            job.wait_for(obstacle);
            let waited = reading::since(job.runtime.time_ns(), job.artifact().changed_at_ns());
            reading::back_off(waited, RETRY_DELAY)
        }
    }
}

async fn attempt<R: Runtime>(job: &Job<'_, R>) -> Result<Duration, Halt> {
    let runtime = job.runtime;
    let id = check_admissible(job)?;
    // What was sent before may still appear, so the registry is looked at all the same.
    if job.artifact().sends() == 0 && vetkeys::is_frozen(&id) {
        return Err(Halt::Wait(Obstacle::Frozen));
    }
    let bytes = source::fetch(runtime, job.ordered).await.map_err(|error| match error {
        SourceError::Unavailable => Halt::Wait(Obstacle::SourceSilent),
        SourceError::Differs => Halt::Refuse(RefusedReason::SourceDiffers),
    })?;
    if job.artifact().digests().is_none() {
        let digests = registry::registry_digests(job.order.registry.ecosystem, &bytes);
        job.record(|order, artifact| Event::PreparedArtifact { order, artifact, digests });
    }
    if let Some(pause) = settled_before_sending(job).await? {
        return Ok(pause);
    }
    let request = registry::publish_request(job.order, job.ordered, &bytes).map_err(Halt::Refuse)?;
    drop(bytes);

    check_admissible(job)?;
    if vetkeys::is_frozen(&id) {
        return Err(Halt::Wait(Obstacle::Frozen));
    }
    if job.artifact().derivations() >= MAX_DERIVATIONS {
        return Err(Halt::Refuse(RefusedReason::TooManyDerivations));
    }
    // No derivation in vain: there must be enough for everything that follows it.
    if !vetkeys::can_pay(runtime, funds::after_derivation_cycles(runtime)) {
        return Err(Halt::Wait(Obstacle::TooFewCycles));
    }
    let purpose =
        DerivationPurpose::Publication { credential: id, order: job.id.clone(), artifact: job.index };
    let key = vetkeys::derive(runtime, purpose).await.map_err(|error| match error {
        NoKey::Frozen => Halt::Wait(Obstacle::Frozen),
        NoKey::NotDelivered => Halt::Wait(Obstacle::KeyNotDelivered),
    })?;

    // From here to the outcall nothing awaits.
    check_admissible(job)?;
    let credential =
        vetkeys::sealed_credential(&id).ok_or(Halt::Refuse(RefusedReason::CredentialNotUsable))?;
    let now_s = runtime.time_ns() / 1_000_000_000;
    let custody = runtime.canister_self();
    let outcall = vault::authorized_outcall(custody, &credential, key, request, &job.order.package, now_s)
        .map_err(|error| match error {
            VaultError::InvalidSeed | VaultError::InvalidKey => Halt::Wait(Obstacle::KeyNotDelivered),
            VaultError::NotDecryptable | VaultError::NotAToken => Halt::Refuse(RefusedReason::NotDecryptable),
        })?;
    if runtime.liquid_cycles() <= runtime.outcall_cost_cycles(&outcall) {
        return Err(Halt::Wait(Obstacle::TooFewCycles));
    }
    job.record(|order, artifact| Event::SentArtifact { order, artifact });
    let answer = runtime.send(outcall).await;
    note_answer(job, answer.map(|answer| outcall::verdict(&answer.body)));
    Ok(FIRST_LOOK_DELAY)
}

/// The credential, if it and the order still allow to begin.
fn check_admissible<R: Runtime>(job: &Job<'_, R>) -> Result<CredentialId, Halt> {
    if job.runtime.time_ns() >= job.order.expires_at_ns {
        return Err(Halt::Refuse(RefusedReason::Expired));
    }
    job.usable_credential().ok_or(Halt::Refuse(RefusedReason::CredentialNotUsable))
}

/// Looks whether the registry shows something already; then nothing is sent. Returns the pause if so.
async fn settled_before_sending<R: Runtime>(job: &Job<'_, R>) -> Result<Option<Duration>, Halt> {
    match reading::look(job).await {
        Look::Found(finding) => match finding.comparison {
            Comparison::Absent => Ok(None),
            Comparison::Same | Comparison::Different => {
                reading::settle(job, finding);
                Ok(Some(Duration::ZERO))
            }
            Comparison::Unreadable(Unreadable::NotPublic | Unreadable::Redirected) => {
                Err(Halt::Refuse(RefusedReason::NotReadable))
            }
            Comparison::Unreadable(_) => Err(Halt::Wait(Obstacle::RegistryUnreadable)),
        },
        Look::Failed => Err(Halt::Wait(Obstacle::NodesDisagree)),
        Look::Unpayable => Err(Halt::Wait(Obstacle::TooFewCycles)),
    }
}

/// Notes what the one node reported. Nothing of it is proof; reading back follows in every case but the one in
/// which nothing left this canister.
fn note_answer<R: Runtime>(job: &Job<'_, R>, answer: Result<Verdict, CallError>) {
    match answer {
        Ok(Verdict::Accepted) => job.record(|order, artifact| Event::GotAcceptance { order, artifact }),
        Ok(Verdict::AlreadyExists) => job.lose(UnknownCause::AlreadyExists),
        Ok(Verdict::Transient { retry_after_s }) => job.lose(UnknownCause::AskedToWait { retry_after_s }),
        Ok(Verdict::Ambiguous) => job.lose(UnknownCause::AmbiguousAnswer),
        Ok(Verdict::Refused(refusal)) => job.lose(UnknownCause::SaidNo { refusal }),
        Err(CallError::NotPerformed) => {
            job.record(|order, artifact| Event::KeptArtifact { order, artifact });
        }
        Err(CallError::Rejected { .. } | CallError::Undecodable) => job.lose(UnknownCause::NoAnswer),
    }
}
