//! npm's staging area: which entries of the version there are, whether their bytes are the voted ones, and what became
//! of the one that is to be approved. Custody never approves and never rejects.
//!
//! Every reading of the staging area takes the token and so derives a key: they are few, ever further apart, and
//! bounded. The public version document, which needs none, is looked at far more often.

use std::time::Duration;

use registry_protocols::{
    npm::stage::{StageId, StageStatus, StagesReading},
    reading::Reading,
};
use release_types::Obstacle;

use crate::{
    obstacle,
    outcall::Inquiry,
    publish::{
        asking::{self, NotAsked, TokenUse},
        driver::Job,
        elsewhere,
        proving::{self, Doubt, Served},
        reading::{self, since},
    },
    registry,
    runtime::Runtime,
    state::{
        Artifact, Event, Stage,
        event::{BlockedReason, RefusedReason},
        staging::{Judgement, ListedStage, MAX_STAGE_READINGS, Staging, StagingFact},
    },
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Shortest pause between two looks at what is public.
const SHORTEST_PAUSE: Duration = Duration::from_secs(30);
/// Pages of the list read at a time, of a hundred entries each.
const PAGES: u64 = 2;
/// How long nothing may be published after the stage is gone before people must say what became of it. Approved versions
/// are shown minutes later, once it took two hours.
const GONE_GRACE: Duration = reading::VISIBILITY_LIMIT;
/// How long a proven stage may wait for a person before people are told to look.
const APPROVAL_LIMIT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The pauses between readings of the staging area: the first, doubling up to the longest.
struct Pauses {
    first: Duration,
    longest: Duration,
}

/// After custody staged.
const FINDING: Pauses = Pauses { first: Duration::from_secs(15), longest: Duration::from_secs(30 * 60) };
/// Until somebody else staged.
const AWAITING: Pauses = Pauses { first: MINUTE, longest: HOUR };
/// After people were told that what custody staged was not found.
const SEEKING: Pauses = Pauses { first: HOUR, longest: Duration::from_secs(8 * 60 * 60) };
/// Readings that are kept for the end of the order's time.
const LAST_READINGS: u32 = 10;
/// Until a person approved.
const APPROVING: Pauses =
    Pauses { first: Duration::from_secs(15 * 60), longest: Duration::from_secs(6 * 60 * 60) };

impl Pauses {
    /// The pause after so many readings.
    fn after(&self, readings: u16) -> Duration {
        self.first.saturating_mul(1 << readings.min(16)).min(self.longest)
    }

    /// What is left of the pause; the first reading is due at once where `at_once` says so.
    fn left(&self, artifact: &Artifact, now_ns: u64, at_once: bool) -> Duration {
        let staging = artifact.staging();
        let pause = match staging.recent_readings() {
            0 if at_once => Duration::ZERO,
            0 => self.first,
            readings => self.after(readings - 1),
        };
        let begun_ns = match staging.recent_readings() {
            0 => artifact.changed_at_ns(),
            _ => staging.read_at_ns().unwrap_or_default(),
        };
        pause.saturating_sub(since(now_ns, begun_ns))
    }
}

/// What is known after a reading of the staging area.
enum Survey {
    /// Something was decided or remains to be read at once.
    GoOn,
    /// No entry of the version is there.
    NoStage,
    /// Nothing was learned.
    Failed,
}

/// Finds out what became of a staging that custody sent; returns the pause before the next look.
pub async fn find<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = reading::look_and_settle(job).await;
    if looked.is_settled() {
        return Duration::ZERO;
    }
    let artifact = job.artifact();
    let pauses = if matches!(artifact.stage(), Stage::Blocked { .. }) { &SEEKING } else { &FINDING };
    let is_due = is_due(job, &artifact, pauses, true);
    match if is_due { survey(job).await } else { Survey::Failed } {
        Survey::GoOn => return Duration::ZERO,
        Survey::NoStage if looked.is_absent() => reading::note_absence(job, &artifact),
        Survey::Failed if job.artifact().staging().unread().is_some() => give_up_reading_in_time(job),
        Survey::NoStage | Survey::Failed => reading::give_up_in_time(job, &artifact),
    }
    next(job, pauses)
}

/// Looks whether somebody staged the version, or published it; returns the pause before the next look.
pub async fn await_stage<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = reading::look_and_settle(job).await;
    if looked.is_settled() {
        return Duration::ZERO;
    }
    let artifact = job.artifact();
    let pauses = awaiting(job, &artifact);
    // At the end the staging area is read once more, whenever that was done last.
    let is_due = elsewhere::is_late(job) || is_due(job, &artifact, &pauses, true);
    let surveyed = if is_due { survey(job).await } else { Survey::Failed };
    if matches!(surveyed, Survey::GoOn) {
        return Duration::ZERO;
    }
    let is_nothing_there = looked.is_absent() && matches!(surveyed, Survey::NoStage);
    if job.artifact().staging().unread().is_some() {
        give_up_reading_in_time(job);
    } else if elsewhere::end_in_time(job, &looked, is_nothing_there, RefusedReason::NotStaged) {
        return Duration::ZERO;
    }
    next(job, &pauses)
}

/// The pauses until somebody stages. From half of the readings on, what is left of them is spread over what is left of
/// the time, but for those that comparing takes and the last ones.
fn awaiting<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact) -> Pauses {
    let readings_left = artifact.staging().readings_left();
    if readings_left > MAX_STAGE_READINGS / 2 {
        return AWAITING;
    }
    let kept = artifact.piece_count().div_ceil(proving::PIECES_AT_ONCE).saturating_add(LAST_READINGS);
    let time_left = since(job.order.expires_at_ns, job.runtime.time_ns()) + reading::VISIBILITY_LIMIT;
    let spread = time_left / u32::from(readings_left).saturating_sub(kept).max(1);
    Pauses { longest: AWAITING.longest.max(spread), ..AWAITING }
}

/// Looks whether the proven stage was approved, rejected or expired; returns the pause before the next look.
pub async fn await_approval<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = reading::look_and_settle(job).await;
    if looked.is_settled() {
        return Duration::ZERO;
    }
    let now_ns = job.runtime.time_ns();
    let artifact = job.artifact();
    if let Some(gone_ns) = artifact.staging().gone_since_ns() {
        if looked.is_absent() && since(now_ns, gone_ns) >= GONE_GRACE {
            job.block(BlockedReason::StageGone);
            return Duration::ZERO;
        }
    } else if is_due(job, &artifact, &APPROVING, false) {
        read(job).await;
    }
    let waited = since(now_ns, artifact.changed_at_ns());
    if waited >= APPROVAL_LIMIT {
        job.block(BlockedReason::NotApproved);
        return Duration::ZERO;
    }
    public_pause(waited)
}

/// Whether the staging area is to be read: the pause is over, or an entry is half read and nothing kept it from that.
fn is_due<R: Runtime>(job: &Job<'_, R>, artifact: &Artifact, pauses: &Pauses, at_once: bool) -> bool {
    let is_hindered = matches!(job.obstacle(), Some(Obstacle::StagesUnreadable | Obstacle::TooManyStages));
    (artifact.staging().has_clean_unread() && !is_hindered)
        || pauses.left(artifact, job.runtime.time_ns(), at_once).is_zero()
}

/// Reads what is due of the staging area, and decides what can be decided.
async fn survey<R: Runtime>(job: &Job<'_, R>) -> Survey {
    if read(job).await { conclude(job) } else { Survey::Failed }
}

/// Reads what is due of the staging area; whether anything was learned.
async fn read<R: Runtime>(job: &Job<'_, R>) -> bool {
    let unread = job.artifact().staging().unread().map(|stage| stage.id.clone());
    let met = match unread {
        Some(stage) => compare(job, &stage).await,
        None => list(job).await,
    };
    match met {
        Ok(()) if job.artifact().staging().is_only_doubted() => job.wait_for(Obstacle::OtherBytesServed),
        Ok(()) => job.go_on(),
        Err(Some(obstacle)) => job.wait_for(obstacle),
        Err(None) => {}
    }
    met.is_ok()
}

/// Leaves to people what is staged and could not be read until the end of the order's time, or was served with other
/// bytes for too long.
fn give_up_reading_in_time<R: Runtime>(job: &Job<'_, R>) {
    let (artifact, now_ns) = (job.artifact(), job.runtime.time_ns());
    if matches!(artifact.stage(), Stage::Blocked { .. }) {
        return;
    }
    let foreign = artifact.staging().unread().and_then(|stage| stage.foreign);
    let is_over = now_ns >= job.order.expires_at_ns;
    if foreign.is_some_and(|seen| since(now_ns, seen.begun_ns) >= reading::VISIBILITY_LIMIT) {
        job.block(BlockedReason::OtherBytesStaged);
    } else if is_over && reading::sent_since(job, &artifact) >= reading::VISIBILITY_LIMIT {
        job.block(BlockedReason::StageNotReadable);
    }
}

fn conclude<R: Runtime>(job: &Job<'_, R>) -> Survey {
    let artifact = job.artifact();
    let staging: &Staging = artifact.staging();
    if staging.has_clean_unread() {
        return Survey::GoOn;
    }
    if let Some(stage) = staging.judged(Judgement::Equal).cloned() {
        record(job, |order, artifact| StagingFact::Proven { order, artifact, stage });
        return Survey::GoOn;
    }
    if staging.is_only_doubted() {
        return Survey::Failed;
    }
    if staging.judged(Judgement::NotReadable).is_some() {
        job.block(BlockedReason::StageNotReadable);
        return Survey::GoOn;
    }
    if let Some((stage, judgement)) = staging.foreign().next() {
        let shown = format!("stage {stage} with {}: do NOT approve it, reject it", judgement.text());
        job.record(|order, artifact| Event::FoundMismatch { order, artifact, shown });
        return Survey::GoOn;
    }
    Survey::NoStage
}

/// Lists the version's entries.
///
/// # Errors
/// What keeps custody from that; nothing if the token may not be used any more.
async fn list<R: Runtime>(job: &Job<'_, R>) -> Result<(), Option<Obstacle>> {
    let pages: Result<Vec<Inquiry>, _> =
        (0..PAGES).map(|page| registry::stages_inquiry(job.order, job.ordered, page)).collect();
    let pages = pages.map_err(|_| Obstacle::StagesUnreadable)?;
    let answers = asked(job, asking::ask(job, Some(TokenUse::StageReading), pages).await)?;
    let mut stages = Vec::new();
    for answer in answers {
        let reading = answer.ok().and_then(|answer| StagesReading::parse_reduced(&answer.body).ok());
        match reading.ok_or(Obstacle::StagesUnreadable)? {
            Reading::Present(page) => {
                let waiting = |status| matches!(status, StageStatus::Waiting | StageStatus::Approved);
                let entries = page.entries.into_iter().filter(|entry| waiting(entry.status));
                stages.extend(
                    entries.map(|entry| ListedStage { id: entry.id, has_voted_tag: entry.has_voted_tag }),
                );
                if !page.has_more {
                    listed(job, stages);
                    return Ok(());
                }
            }
            // Without a staging area nothing is staged; one that is hidden shows nothing to approve either.
            Reading::Absent => {
                listed(job, stages);
                return Ok(());
            }
            Reading::Unreadable { why } => {
                return Err(Some(obstacle::of_staging_answer(why, job.runtime.time_ns())));
            }
        }
    }
    Err(Some(Obstacle::TooManyStages))
}

fn listed<R: Runtime>(job: &Job<'_, R>, stages: Vec<ListedStage>) {
    record(job, |order, artifact| StagingFact::Listed { order, artifact, stages });
}

/// Reads staged bytes from where the last reading stopped, and notes what they are.
///
/// # Errors
/// What keeps custody from that; nothing if the token may not be used any more.
async fn compare<R: Runtime>(job: &Job<'_, R>, id: &StageId) -> Result<(), Option<Obstacle>> {
    let artifact = job.artifact();
    let unread = artifact.staging().unread().cloned();
    let (from, foreign) = unread.map_or((0, None), |stage| (stage.equal_pieces, stage.foreign));
    let address = registry::stage_address(job.order, id).map_err(|_| Obstacle::StagesUnreadable)?;
    let inquiry = |range| address.inquiry(range);
    let served = asked(job, proving::compare(job, Some(TokenUse::StageReading), from, inquiry).await)?;
    let stage = id.clone();
    let judged = |judgement| {
        let stage = stage.clone();
        record(job, |order, artifact| StagingFact::Judged { order, artifact, stage, judgement });
    };
    match served {
        Served::EqualPieces(pieces) if pieces == artifact.piece_count() => judged(Judgement::Equal),
        Served::EqualPieces(pieces) => {
            record(job, |order, artifact| StagingFact::FoundEqualPieces { order, artifact, stage, pieces });
        }
        Served::Foreign(bytes) => match Doubt::of(foreign, bytes, job.runtime.time_ns()) {
            Doubt::Lasting => judged(Judgement::OtherBytes),
            Doubt::New => record(job, |order, artifact| StagingFact::FoundForeignBytes {
                order,
                artifact,
                stage,
                bytes,
            }),
            Doubt::Young => {}
        },
        Served::NoRanges | Served::Redirected => judged(Judgement::NotReadable),
        Served::Absent => record(job, |order, artifact| StagingFact::Lost { order, artifact, stage }),
        Served::Unclear(wait @ Obstacle::AskedToWait { .. }) => return Err(Some(wait)),
        Served::NotPublic | Served::Unclear(_) => return Err(Some(Obstacle::StagesUnreadable)),
    }
    Ok(())
}

/// The pause between two looks at what is public.
fn public_pause(waited: Duration) -> Duration {
    (waited / 4).clamp(SHORTEST_PAUSE, if waited < DAY { 5 * MINUTE } else { 15 * MINUTE })
}

fn asked<T, R: Runtime>(job: &Job<'_, R>, asked: Result<T, NotAsked>) -> Result<T, Option<Obstacle>> {
    asked.map_err(|not_asked| match not_asked {
        NotAsked::Waits(obstacle) => Some(obstacle),
        NotAsked::Never(_) => {
            job.runtime.log("the token may not read the staging area any more");
            None
        }
    })
}

fn record<R: Runtime>(job: &Job<'_, R>, fact: impl FnOnce(release_types::OrderId, u32) -> StagingFact) {
    job.record(|order, artifact| Event::Staging(fact(order, artifact)));
}

/// The pause before the next look, at the staging area or at what is public.
fn next<R: Runtime>(job: &Job<'_, R>, pauses: &Pauses) -> Duration {
    let (artifact, now_ns) = (job.artifact(), job.runtime.time_ns());
    let waited = since(now_ns, artifact.changed_at_ns());
    let left = pauses.left(&artifact, now_ns, true);
    let longest = match artifact.stage() {
        Stage::Blocked { .. } => reading::rare_pause(waited),
        _ => public_pause(waited),
    };
    // What is due and was not read could not be read: that may last.
    if left.is_zero() { longest } else { left.min(longest) }
}
