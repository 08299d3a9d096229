//! Sending an artifact: fetch, look whether it is there already, derive, decrypt, send, and note the answer.

use std::time::Duration;

use crate::{
    obstacle, outcall,
    publish::{
        answers::{Answered, note_notice},
        asking::{self, NotAsked, TokenUse},
        driver::Job,
        reading::{self, Look},
        source::{self, SourceError},
    },
    registry::{self, Finding},
    runtime::Runtime,
    state::{Event, event::RefusedReason},
    vetkeys,
};
use registry_protocols::reading::{
    Comparison,
    Unreadable::{NotPublic, Redirected},
};
use release_types::Obstacle;

/// Pause before the first read-back after sending.
pub const FIRST_LOOK_DELAY: Duration = Duration::from_secs(2);
/// Shortest pause after something that may be better soon.
pub const RETRY_DELAY: Duration = Duration::from_secs(10);

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
        Err(Halt::Refuse(RefusedReason::Expired)) => {
            let reason =
                if is_hidden(job).await { RefusedReason::NotReadable } else { RefusedReason::Expired };
            job.stop_sending(reason);
            Duration::ZERO
        }
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

impl From<NotAsked> for Halt {
    fn from(not_asked: NotAsked) -> Self {
        match not_asked {
            NotAsked::Never(reason) => Self::Refuse(reason),
            NotAsked::Waits(obstacle) => Self::Wait(obstacle),
        }
    }
}

async fn attempt<R: Runtime>(job: &Job<'_, R>) -> Result<Duration, Halt> {
    let runtime = job.runtime;
    let id = asking::admitted(job, TokenUse::Sending)?;
    // What was sent before may still appear, so the registry is looked at all the same.
    if job.artifact().sends() == 0 {
        if vetkeys::is_frozen(&id) {
            return Err(Halt::Wait(Obstacle::Frozen));
        }
        if !vetkeys::can_pay(runtime, asking::sending_reserve_cycles(job)) {
            return Err(Halt::Wait(Obstacle::TooFewCycles));
        }
    }
    let bytes = source::fetch(runtime, job.ordered).await.map_err(|error| match error {
        SourceError::Unavailable => Halt::Wait(Obstacle::SourceSilent),
        SourceError::Differs => Halt::Refuse(RefusedReason::SourceDiffers),
    })?;
    note_digests(job, &bytes);
    if let Some(pause) = settled_before_sending(job).await? {
        return Ok(pause);
    }
    let inquiry = registry::sending_inquiry(job.order, job.ordered, &bytes).map_err(Halt::Refuse)?;
    drop(bytes);

    let outcalls = asking::authorize(job, TokenUse::Sending, vec![inquiry]).await?;
    let outcall = outcalls.into_iter().next().ok_or(Halt::Refuse(RefusedReason::NotPublishable))?;
    job.record(|order, artifact| Event::SentArtifact { order, artifact });
    let answer = runtime.send(outcall).await;
    note_notice(runtime, id, answer.as_ref().ok());
    match Answered::by(answer.map(|answer| outcall::verdict(&answer.body))) {
        Answered::Yes => job.record(|order, artifact| Event::GotAcceptance { order, artifact }),
        Answered::NeverSent => job.record(|order, artifact| Event::KeptArtifact { order, artifact }),
        Answered::Open(cause) => job.lose(cause),
    }
    Ok(FIRST_LOOK_DELAY)
}

/// Whether it was not sent because the registry shows nothing without a token, or only redirects, still.
async fn is_hidden<R: Runtime>(job: &Job<'_, R>) -> bool {
    use Comparison::Unreadable;
    job.obstacle() == Some(Obstacle::RegistryUnreadable)
        && matches!(
            reading::look(job).await,
            Look::Found(Finding { comparison: Unreadable(NotPublic | Redirected), .. })
        )
}

/// Fetches the bytes of an artifact that is not to be sent, so that it can be read back; returns the pause before that.
/// If its source has them no more, people must look.
pub async fn learn_digests<R: Runtime>(job: &Job<'_, R>) -> Duration {
    match source::fetch(job.runtime, job.ordered).await {
        Ok(bytes) => {
            note_digests(job, &bytes);
            Duration::ZERO
        }
        Err(_) => {
            job.wait_for(Obstacle::SourceSilent);
            let artifact = job.artifact();
            reading::give_up_in_time(job, &artifact);
            reading::pause_after(job, &artifact)
        }
    }
}

fn note_digests<R: Runtime>(job: &Job<'_, R>, bytes: &[u8]) {
    if job.artifact().digests().is_none() {
        let (digests, chunks) = source::digests(job.order.registry.ecosystem, bytes);
        job.record(|order, artifact| Event::PreparedArtifact { order, artifact, digests, chunks });
    }
}

/// Looks whether the registry shows something already; then nothing is sent. Returns the pause if so.
async fn settled_before_sending<R: Runtime>(job: &Job<'_, R>) -> Result<Option<Duration>, Halt> {
    match reading::look_and_settle(job).await {
        Look::Found(finding) => match finding.comparison {
            Comparison::Absent => match finding.obstacle(job.runtime.time_ns() / 1_000_000_000) {
                Some(reason) => Err(Halt::Refuse(reason)),
                None => Ok(None),
            },
            Comparison::Same | Comparison::Different => Ok(Some(Duration::ZERO)),
            Comparison::Unreadable(why) => Err(Halt::Wait(obstacle::of_answer(why, job.runtime.time_ns()))),
        },
        Look::Failed => Err(Halt::Wait(Obstacle::NodesDisagree)),
        Look::Waits(obstacle) => Err(Halt::Wait(obstacle)),
        Look::Barred(reason) => Err(Halt::Refuse(reason)),
    }
}
