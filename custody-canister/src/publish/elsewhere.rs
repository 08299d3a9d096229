//! Releases whose bytes other people send: custody hashes what was voted, then waits for it to appear.

use std::time::Duration;

use registry_protocols::reading::{Comparison, Unreadable};

use release_types::Obstacle;

use crate::{
    funds,
    publish::{
        driver::Job,
        reading::{self, Look, since},
        source::{self, SourceError},
    },
    runtime::Runtime,
    state::{Event, event::RefusedReason},
};

/// Shortest pause between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// Longest pause between two looks that each derive a key.
const LONGEST_PAUSE_WITH_TOKEN: Duration = Duration::from_secs(6 * 60 * 60);

/// Hashes what was voted and looks once; returns the pause before the next step.
pub async fn begin<R: Runtime>(job: &Job<'_, R>) -> Duration {
    if job.runtime.time_ns() >= job.order.expires_at_ns {
        job.refuse(RefusedReason::Expired);
        return Duration::ZERO;
    }
    let (mode, reads_with_token) = (job.order.mode, job.read_token().is_some());
    if job.runtime.liquid_cycles() <= funds::waiting_cycles(job.runtime, mode, reads_with_token) {
        job.wait_for(Obstacle::TooFewCycles);
        return pause(job);
    }
    if job.artifact().digests().is_none() {
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
    match reading::look_and_settle(job).await {
        Look::Found(finding) => match finding.comparison {
            Comparison::Same | Comparison::Different => Duration::ZERO,
            Comparison::Absent => {
                job.record(|order, artifact| Event::AwaitedOthers { order, artifact });
                Duration::ZERO
            }
            Comparison::Unreadable(Unreadable::NotPublic | Unreadable::Redirected) => {
                job.refuse(RefusedReason::NotReadable);
                Duration::ZERO
            }
            Comparison::Unreadable(_) => pause(job),
        },
        Look::Barred(reason) => {
            job.refuse(reason);
            Duration::ZERO
        }
        Look::Failed | Look::Waits(_) => pause(job),
    }
}

/// Looks whether it was published; returns the pause before the next look.
pub async fn await_release<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = reading::look_and_settle(job).await;
    if looked.is_settled() {
        return Duration::ZERO;
    }
    if job.runtime.time_ns() >= job.order.expires_at_ns {
        job.refuse(RefusedReason::NotPublished);
        return Duration::ZERO;
    }
    if let Look::Barred(reason) = looked {
        job.refuse(reason);
        return Duration::ZERO;
    }
    pause(job)
}

fn pause<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let waited = since(job.runtime.time_ns(), job.artifact().changed_at_ns());
    let longest = if job.read_token().is_some() { LONGEST_PAUSE_WITH_TOKEN } else { LONGEST_PAUSE };
    (waited / 4).clamp(SHORTEST_PAUSE, longest)
}
