//! Reading back: what the registry shows, agreed by the nodes, and what follows from it for an artifact.
//!
//! This alone decides whether something is published. An artifact is sent again only when the read-backs say that
//! it is absent, for long enough, and doing so is safe: npm refuses a version that it has, PyPI takes the same bytes
//! twice, and other bytes are never sent.

use std::time::Duration;

use registry_protocols::reading::Comparison;
use release_types::Obstacle;

use crate::{
    obstacle,
    publish::{
        asking::{self, NotAsked},
        driver::Job,
    },
    registry::{self, Finding},
    runtime::{CallError, Runtime},
    state::{
        Artifact, Event, Stage,
        event::{BlockedReason, RefusedReason, UnknownCause},
        proof::ProofFact,
    },
};

/// How long an accepted artifact may stay invisible before people must look. npm shows versions minutes after
/// accepting them, once two hours.
pub const VISIBILITY_LIMIT: Duration = Duration::from_secs(3 * 60 * 60);
/// How long an artifact must be absent before it may be sent again. It may still be on its way.
pub const ABSENCE_GRACE: Duration = Duration::from_secs(5 * 60);
/// How long an artifact must be absent after a no before people are told. It is one node's word, and a registry may have
/// stored the bytes all the same and show them minutes later.
pub const REFUSAL_GRACE: Duration = Duration::from_secs(30 * 60);
/// How long after it was sent it must be absent before that no is believed.
pub const REFUSAL_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
/// How often an artifact is sent at most.
pub const MAX_SENDS: u8 = 3;
/// Shortest pause between read-backs.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// Shortest pause between read-backs that each derive a key.
const SHORTEST_PAUSE_WITH_TOKEN: Duration = Duration::from_secs(30);
/// Shortest pause while more than the shown digest is waited for.
const SHORTEST_PAUSE_WHILE_SHOWN: Duration = Duration::from_secs(10);
/// Longest pause between two tries of anything, until people must look.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Longest pause between read-backs from then on.
const LONGEST_BLOCKED_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);

/// What came of one look at the registry.
pub enum Look {
    /// The nodes agree on this.
    Found(Finding),
    /// They do not, or there was no answer.
    Failed,
    /// This keeps custody from looking.
    Waits(Obstacle),
    /// The registry shows nothing without a token, and the token may not be used (any more).
    Barred(RefusedReason),
}

impl Look {
    /// Whether the registry shows the version, with whatever bytes.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Found(Finding { comparison: Comparison::Same | Comparison::Different, .. }))
    }

    /// What kept custody from learning anything, if something did.
    fn obstacle(&self, now_ns: u64) -> Option<Obstacle> {
        match self {
            Self::Found(Finding { comparison: Comparison::Unreadable(why), .. }) => {
                Some(obstacle::of_answer(*why, now_ns))
            }
            Self::Failed => Some(Obstacle::NodesDisagree),
            Self::Waits(obstacle) => Some(*obstacle),
            Self::Found(_) | Self::Barred(_) => None,
        }
    }

    /// Whether the nodes agree that nothing is there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Found(Finding { comparison: Comparison::Absent, .. }))
    }
}

/// Asks every node to read the artifact back.
pub async fn look<R: Runtime>(job: &Job<'_, R>) -> Look {
    let Ok(inquiry) = registry::read_inquiry(job.order, job.ordered, job.runtime.time_ns()) else {
        return Look::Failed;
    };
    let answer = match asking::ask(job, job.read_token(), vec![inquiry]).await {
        Ok(answers) => answers.into_iter().next(),
        Err(NotAsked::Waits(obstacle)) => return Look::Waits(obstacle),
        Err(NotAsked::Never(reason)) => return Look::Barred(reason),
    };
    let answer = match answer {
        Some(Ok(answer)) => answer,
        Some(Err(CallError::AnswerTooLarge)) => return Look::Waits(Obstacle::DocumentTooLarge),
        Some(Err(_)) | None => return Look::Failed,
    };
    let artifact = job.artifact();
    artifact
        .digests()
        .and_then(|digests| registry::compare(digests, &artifact.sha256(), &answer.body))
        .map_or(Look::Failed, Look::Found)
}

/// Looks, and goes on with an artifact that the registry shows.
pub async fn look_and_settle<R: Runtime>(job: &Job<'_, R>) -> Look {
    let looked = look(job).await;
    if let Look::Found(finding) = &looked {
        settle(job, finding);
    }
    match looked.obstacle(job.runtime.time_ns()) {
        Some(obstacle) => job.wait_for(obstacle),
        None if looked.is_absent() && !job.obstacle().is_some_and(obstacle::is_in_staging_area) => {
            job.go_on();
        }
        None => {}
    }
    looked
}

/// Looks at an artifact that was sent, and decides what is next; returns the pause before that.
pub async fn read_back<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = look_and_settle(job).await;
    if looked.is_settled() {
        return Duration::ZERO;
    }
    let artifact = job.artifact();
    if looked.is_absent() {
        note_absence(job, &artifact);
    } else {
        give_up_in_time(job, &artifact);
    }
    if job.artifact().stage().is_final() { Duration::ZERO } else { pause_after(job, &artifact) }
}

/// The pause before the next look: soon after sending, ever more rarely once people must look.
pub fn pause_after<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact) -> Duration {
    let now_ns = job.runtime.time_ns();
    if let Stage::Blocked { .. } = artifact.stage() {
        return rare_pause(since(now_ns, artifact.changed_at_ns()));
    }
    back_off(sent_since(job, artifact), shortest_pause(job.read_token().is_some()))
}

/// The pause between two looks at what people were told of.
pub fn rare_pause(told_since: Duration) -> Duration {
    (told_since / 4).clamp(LONGEST_PAUSE, LONGEST_BLOCKED_PAUSE)
}

/// Shortest pause between two read-backs, each of which may derive a key.
pub fn shortest_pause(with_token: bool) -> Duration {
    if with_token { SHORTEST_PAUSE_WITH_TOKEN } else { SHORTEST_PAUSE }
}

/// The time since it was handed to the network, or since its state changed if it never was.
pub fn sent_since<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact) -> Duration {
    since(job.runtime.time_ns(), artifact.sent_at_ns().unwrap_or(artifact.changed_at_ns()))
}

/// Goes on with an artifact that the registry shows: to its bytes, or to its end.
fn settle<R: Runtime>(job: &Job<'_, R>, finding: &Finding) {
    match finding.comparison {
        Comparison::Same => {
            job.record(|order, artifact| Event::Proof(ProofFact::ShowedDigest { order, artifact }));
        }
        Comparison::Different => {
            let shown = finding.shown.clone().unwrap_or_else(|| "another digest".into());
            job.record(|order, artifact| Event::FoundMismatch { order, artifact, shown });
        }
        Comparison::Absent | Comparison::Unreadable(_) => {}
    }
}

/// The nodes agree that nothing is there.
pub fn note_absence<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact) {
    let waited = since(job.runtime.time_ns(), artifact.changed_at_ns());
    match artifact.stage() {
        Stage::Accepted => job.record(|order, artifact| Event::AwaitedVisibility { order, artifact }),
        Stage::Unknown { cause: UnknownCause::SaidNo { refusal } } if waited >= REFUSAL_GRACE => {
            job.block(BlockedReason::SaidNo { refusal: *refusal });
        }
        // Of several sendings, one may have been stored though the last was refused.
        Stage::Blocked { reason: BlockedReason::SaidNo { refusal } }
            if sent_since(job, artifact) >= REFUSAL_LIMIT && artifact.sends() == 1 =>
        {
            job.refuse(RefusedReason::ByRegistry(*refusal));
        }
        Stage::Unknown { cause }
            if waited >= absence_grace(*cause) && may_send_again(job, artifact, *cause) =>
        {
            job.record(|order, artifact| Event::ConcludedAbsence { order, artifact });
        }
        _ => give_up_in_time(job, artifact),
    }
}

fn absence_grace(cause: UnknownCause) -> Duration {
    ABSENCE_GRACE.max(asked_wait(cause))
}

/// How long the registry asked to wait.
pub fn asked_wait(cause: UnknownCause) -> Duration {
    match cause {
        UnknownCause::AskedToWait { retry_after_s } => Duration::from_secs(retry_after_s),
        _ => Duration::ZERO,
    }
}

fn may_send_again<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact, cause: UnknownCause) -> bool {
    cause.allows_resending()
        && job.usable_credential().is_some()
        && artifact.sends() < MAX_SENDS
        && job.runtime.time_ns() < job.order.expires_at_ns
}

/// Leaves the artifact to people once it was sent too long ago, a wait that the registry asked for not counted. It is
/// looked for all the same.
pub fn give_up_in_time<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact) {
    if matches!(artifact.stage(), Stage::Blocked { .. }) {
        return;
    }
    let wait = match artifact.stage() {
        Stage::Unknown { cause } => asked_wait(*cause),
        _ => Duration::ZERO,
    };
    if sent_since(job, artifact) < wait + VISIBILITY_LIMIT {
        return;
    }
    let reason = match artifact.stage() {
        Stage::Accepted | Stage::Pending => BlockedReason::NeverAppeared,
        Stage::Unknown { cause: UnknownCause::SaidNo { refusal } } => {
            BlockedReason::SaidNo { refusal: *refusal }
        }
        _ => BlockedReason::OutcomeUnknown,
    };
    job.block(reason);
}

/// Goes on waiting for more than the shown digest, and leaves the artifact to people for this reason once that took too
/// long; returns the pause.
pub fn wait_while_shown<R: Runtime>(job: &Job<'_, R>, reason: BlockedReason) -> Duration {
    let artifact = job.artifact();
    if let Stage::Blocked { .. } = artifact.stage() {
        return pause_after(job, &artifact);
    }
    let waited = since(job.runtime.time_ns(), artifact.changed_at_ns());
    if waited >= VISIBILITY_LIMIT {
        job.block(reason);
    }
    back_off(waited, SHORTEST_PAUSE_WHILE_SHOWN)
}

/// A quarter of the time spent so far, within bounds: soon at first, rarely later.
pub fn back_off(spent: Duration, shortest: Duration) -> Duration {
    (spent / 4).clamp(shortest, LONGEST_PAUSE)
}

/// The time between two moments; none if they are the wrong way round.
pub fn since(now_ns: u64, then_ns: u64) -> Duration {
    Duration::from_nanos(now_ns.saturating_sub(then_ns))
}
