//! Changing something at the registry: look, fetch what is to be written back, derive, decrypt, send, note the answer.

use std::time::Duration;

use registry_protocols::reading::{Reading, Unreadable};
use release_types::Obstacle;

use crate::{
    amend::{
        asking::{self, TokenUse},
        driver::{Job, Look, look},
        effect::{self, Standing},
    },
    asking::NotAsked,
    funds, obstacle,
    outcall::{self, Inquiry},
    publish::{
        answers::{Answered, note_notice},
        reading::{back_off, shortest_pause, since},
    },
    runtime::{CallError, Runtime},
    state::{
        amendment::{AmendmentEnd, AmendmentFact},
        event::RefusedReason,
    },
};

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
            let shortest = RETRY_DELAY.max(shortest_pause(job.order.read_credential.is_some()));
            back_off(since(job.runtime.time_ns(), job.amendment().changed_at_ns()), shortest)
        }
    }
}

async fn attempt<R: Runtime>(job: &Job<'_, R>) -> Result<Duration, NotAsked> {
    asking::admitted(job, TokenUse::Changing)?;
    check_payable(job)?;
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
        Look::Found(Standing::Unreadable(why)) => {
            return Err(NotAsked::Waits(obstacle::of_answer(why, job.runtime.time_ns())));
        }
        Look::Hindered(obstacle) => return Err(NotAsked::Waits(obstacle)),
        Look::Barred(reason) => return Err(NotAsked::Never(reason)),
    }
    let document = fetch_document(job).await?;
    let inquiry = effect::change_inquiry(job.order, &document)?;
    drop(document);
    send(job, inquiry).await
}

/// Whether it can be paid to its end. What was sent before is looked for all the same.
fn check_payable<R: Runtime>(job: &Job<'_, R>) -> Result<(), NotAsked> {
    let needed = funds::amendment_cycles(job.runtime, job.order.read_credential.is_some());
    if job.amendment().sends() > 0 || job.runtime.liquid_cycles() > needed {
        return Ok(());
    }
    Err(NotAsked::Waits(Obstacle::TooFewCycles))
}

/// The document that the change is written into, on whose bytes the nodes agree; empty if there is none.
async fn fetch_document<R: Runtime>(job: &Job<'_, R>) -> Result<Vec<u8>, NotAsked> {
    let Some(inquiry) = effect::document_inquiry(job.order).map_err(NotAsked::Never)? else {
        return Ok(Vec::new());
    };
    match asking::ask(job, TokenUse::DocumentReading, inquiry).await? {
        Ok(answer) if answer.body.is_empty() => Err(NotAsked::Waits(Obstacle::RegistryUnreadable)),
        Ok(answer) => match Reading::<()>::parse_reduced(&answer.body) {
            Ok(Reading::Unreadable { why }) => {
                Err(NotAsked::Waits(obstacle::of_answer(why, job.runtime.time_ns())))
            }
            Ok(Reading::Absent) => Err(NotAsked::Waits(Obstacle::RegistryUnreadable)),
            Ok(Reading::Present(())) | Err(_) => Ok(answer.body),
        },
        Err(CallError::AnswerTooLarge) => Err(NotAsked::Never(RefusedReason::PackumentTooLarge)),
        Err(_) => Err(NotAsked::Waits(Obstacle::NodesDisagree)),
    }
}

async fn send<R: Runtime>(job: &Job<'_, R>, inquiry: Inquiry) -> Result<Duration, NotAsked> {
    let outcall = asking::authorize(job, TokenUse::Changing, inquiry).await?;
    job.record(AmendmentFact::Sent);
    let answer = job.runtime.send(outcall).await;
    note_notice(job.runtime, job.order.credential, answer.as_ref().ok());
    match Answered::by(answer.map(|answer| outcall::verdict(&answer.body))) {
        Answered::Yes => job.record(AmendmentFact::GotAcceptance),
        Answered::NeverSent => job.record(AmendmentFact::Kept),
        Answered::Open(cause) => job.lose(cause),
    }
    Ok(FIRST_LOOK_DELAY)
}
