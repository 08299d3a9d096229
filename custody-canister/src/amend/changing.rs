//! Changing something at the registry: look, fetch what is to be written back, derive, decrypt, send, note the answer.

use std::time::Duration;

use registry_protocols::{http::HttpRequest, reading::Unreadable};
use release_types::{Ecosystem, Obstacle};

use crate::{
    amend::{
        driver::{Job, Look, look},
        effect::{self, Standing, View},
        validation::usable,
    },
    funds,
    outcall::{self, Inquiry, Question},
    publish::{
        answers::{Answered, note_notice},
        asking::NotAsked,
        reading::{back_off, since},
    },
    runtime::{CallError, Runtime},
    state::{
        amendment::{AmendmentEnd, AmendmentFact},
        event::{DerivationPurpose, RefusedReason},
    },
    vault::{self, VaultError},
    vetkeys::{self, NoKey},
};

/// How often a key may be derived for one amendment.
const MAX_DERIVATIONS: u8 = 8;
/// Pause before the first read-back after sending.
const FIRST_LOOK_DELAY: Duration = Duration::from_secs(2);
/// Shortest pause after something that may be better soon.
const RETRY_DELAY: Duration = Duration::from_secs(10);

/// Makes the change if everything is in order; returns the pause before the next step.
pub async fn change<R: Runtime>(job: &Job<'_, R>) -> Duration {
    match attempt(job).await {
        Ok(pause) => pause,
        Err(NotAsked::Never(reason)) => {
            job.stop_sending(reason);
            Duration::ZERO
        }
        Err(NotAsked::Waits(obstacle)) => {
            job.wait_for(obstacle);
            back_off(since(job.runtime.time_ns(), job.amendment().changed_at_ns()), RETRY_DELAY)
        }
    }
}

async fn attempt<R: Runtime>(job: &Job<'_, R>) -> Result<Duration, NotAsked> {
    check_admissible(job)?;
    match look(job).await {
        Look::Found(Standing::Before) => {}
        Look::Found(Standing::Done) => {
            job.record(AmendmentFact::Verified);
            return Ok(Duration::ZERO);
        }
        Look::Found(Standing::Other { shown }) => {
            job.end(AmendmentEnd::Conflict { shown });
            return Ok(Duration::ZERO);
        }
        Look::Found(Standing::Unreadable(Unreadable::NotPublic | Unreadable::Redirected)) => {
            return Err(NotAsked::Never(RefusedReason::NotReadable));
        }
        Look::Found(Standing::Unreadable(_)) => return Err(NotAsked::Waits(Obstacle::RegistryUnreadable)),
        Look::Hindered(obstacle) => return Err(NotAsked::Waits(obstacle)),
    }
    let document = fetch_document(job).await?;
    let request = effect::change_request(job.order, &document).map_err(NotAsked::Never)?;
    drop(document);
    send(job, request).await
}

/// Whether order and credential still allow to begin.
fn check_admissible<R: Runtime>(job: &Job<'_, R>) -> Result<(), NotAsked> {
    let now_ns = job.runtime.time_ns();
    if now_ns >= job.order.expires_at_ns {
        return Err(NotAsked::Never(RefusedReason::Expired));
    }
    if usable(job.order, now_ns) { Ok(()) } else { Err(NotAsked::Never(RefusedReason::CredentialNotUsable)) }
}

/// The document that the change is written into, on whose bytes the nodes agree; empty if there is none.
async fn fetch_document<R: Runtime>(job: &Job<'_, R>) -> Result<Vec<u8>, NotAsked> {
    let runtime = job.runtime;
    let Some(request) = effect::document_request(job.order).map_err(NotAsked::Never)? else {
        return Ok(Vec::new());
    };
    let outcall = outcall::view_outcall(runtime.canister_self(), request, &View::Packument);
    if runtime.liquid_cycles() <= runtime.outcall_cost_cycles(&outcall) {
        return Err(NotAsked::Waits(Obstacle::TooFewCycles));
    }
    match runtime.send(outcall).await {
        Ok(answer) if answer.body.is_empty() => Err(NotAsked::Waits(Obstacle::RegistryUnreadable)),
        Ok(answer) => Ok(answer.body),
        Err(CallError::AnswerTooLarge) => Err(NotAsked::Never(RefusedReason::PackumentTooLarge)),
        Err(_) => Err(NotAsked::Waits(Obstacle::NodesDisagree)),
    }
}

async fn send<R: Runtime>(job: &Job<'_, R>, request: HttpRequest) -> Result<Duration, NotAsked> {
    let runtime = job.runtime;
    check_admissible(job)?;
    if job.amendment().derivations() >= MAX_DERIVATIONS {
        return Err(NotAsked::Never(RefusedReason::TooManyDerivations));
    }
    if !vetkeys::can_pay(runtime, funds::after_derivation_cycles(runtime)) {
        return Err(NotAsked::Waits(Obstacle::TooFewCycles));
    }
    let id = job.order.credential;
    let purpose = DerivationPurpose::Amendment { credential: id, order: job.id.clone() };
    let key = vetkeys::derive(runtime, purpose).await.map_err(|error| match error {
        NoKey::Frozen => NotAsked::Waits(Obstacle::Frozen),
        NoKey::NotDelivered => NotAsked::Waits(Obstacle::KeyNotDelivered),
    })?;

    // From here to the outcall nothing awaits.
    check_admissible(job)?;
    let credential =
        vetkeys::sealed_credential(&id).ok_or(NotAsked::Never(RefusedReason::CredentialNotUsable))?;
    let now_s = runtime.time_ns() / 1_000_000_000;
    let custody = runtime.canister_self();
    let inquiries = vec![Inquiry { request, question: Question::Sent(Ecosystem::Npm) }];
    let outcalls =
        vault::authorized_outcalls(custody, &credential, key, inquiries, &job.order.package, now_s).map_err(
            |error| match error {
                VaultError::InvalidSeed | VaultError::InvalidKey => {
                    NotAsked::Waits(Obstacle::KeyNotDelivered)
                }
                VaultError::NotDecryptable | VaultError::NotAToken => {
                    NotAsked::Never(RefusedReason::NotDecryptable)
                }
            },
        )?;
    let outcall = outcalls.into_iter().next().ok_or(NotAsked::Never(RefusedReason::NotPublishable))?;
    if runtime.liquid_cycles() <= runtime.outcall_cost_cycles(&outcall) {
        return Err(NotAsked::Waits(Obstacle::TooFewCycles));
    }
    job.record(AmendmentFact::Sent);
    let answer = runtime.send(outcall).await;
    note_notice(runtime, id, answer.as_ref().ok());
    match Answered::by(answer.map(|answer| outcall::verdict(&answer.body))) {
        Answered::Yes => job.record(AmendmentFact::GotAcceptance),
        Answered::NeverSent => job.record(AmendmentFact::Kept),
        Answered::Open(cause) => job.lose(cause),
    }
    Ok(FIRST_LOOK_DELAY)
}
