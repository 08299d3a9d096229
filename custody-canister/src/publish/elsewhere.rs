//! Releases whose bytes other people send: custody hashes what was voted, then waits for it to appear.

use std::time::Duration;

use release_types::Obstacle;

use crate::{
    funds,
    publish::{
        driver::Job,
        reading::{self, Look, since},
        source::{self, SourceError},
    },
    runtime::Runtime,
    state::{
        Event,
        event::{BlockedReason, RefusedReason},
    },
};

/// Shortest pause between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Longest pause between two looks that each derive a key.
const LONGEST_PAUSE_WITH_TOKEN: Duration = Duration::from_secs(6 * 60 * 60);

/// Hashes what was voted and looks once; returns the pause before the next step.
pub async fn begin<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let (mode, reads_with_token) = (job.order.mode, job.read_token().is_some());
    let needed = funds::waiting_cycles(job.runtime, mode, reads_with_token)
        .saturating_add(job.further_artifacts_cycles());
    if job.runtime.liquid_cycles() <= needed {
        job.wait_for(Obstacle::TooFewCycles);
        return pause(job);
    }
    if job.artifact().digests().is_none() {
        if job.runtime.time_ns() >= job.order.expires_at_ns {
            job.refuse(RefusedReason::Expired);
            return Duration::ZERO;
        }
        match source::measure(job.runtime, job.order.registry.ecosystem, job.ordered).await {
            Ok((digests, chunks)) => {
                job.record(|order, artifact| Event::PreparedArtifact { order, artifact, digests, chunks });
            }
            Err(SourceError::Differs) => {
                job.refuse(RefusedReason::SourceDiffers);
                return Duration::ZERO;
            }
            Err(SourceError::Unavailable) => {
                job.wait_for(Obstacle::SourceSilent);
                return pause(job);
            }
        }
    }
    let looked = reading::look_and_settle(job).await;
    if looked.is_absent() {
        job.record(|order, artifact| Event::AwaitedOthers { order, artifact });
        return Duration::ZERO;
    }
    next(job, &looked)
}

/// Looks whether it was published; returns the pause before the next look.
pub async fn await_release<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = reading::look_and_settle(job).await;
    next(job, &looked)
}

/// The pause before the next step, unless the look or the end of the order's time decides.
fn next<R: Runtime>(job: &Job<'_, R>, looked: &Look) -> Duration {
    let is_over =
        looked.is_settled() || end_in_time(job, looked, looked.is_absent(), RefusedReason::NotPublished);
    if is_over { Duration::ZERO } else { pause(job) }
}

/// Whether the order's time is over for so long that what other people published within it would be shown.
pub fn is_late<R: Runtime>(job: &Job<'_, R>) -> bool {
    since(job.runtime.time_ns(), job.order.expires_at_ns) >= reading::VISIBILITY_LIMIT
}

/// Ends the wait for other people when the order's time is over for long: refused if the nodes agreed just now that
/// nothing is there. What cannot be read may have been published, so people must look; whether it ended.
pub fn end_in_time<R: Runtime>(
    job: &Job<'_, R>,
    looked: &Look,
    is_nothing_there: bool,
    nothing: RefusedReason,
) -> bool {
    let is_late = is_late(job);
    if is_late && is_nothing_there {
        job.refuse(nothing);
    } else if is_late || matches!(looked, Look::Barred(_)) {
        job.block(BlockedReason::NotReadable);
    } else {
        return false;
    }
    true
}

fn pause<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let waited = since(job.runtime.time_ns(), job.artifact().changed_at_ns());
    let longest = if job.read_token().is_some() { LONGEST_PAUSE_WITH_TOKEN } else { LONGEST_PAUSE };
    (waited / 4).clamp(SHORTEST_PAUSE, longest)
}
