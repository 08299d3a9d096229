//! Takes an amendment one step further, and reads back what came of it.

use std::time::Duration;

use release_types::{AmendOrder, Obstacle, OrderId};

use crate::{
    amend::{
        asking::{self, TokenUse},
        changing,
        effect::{self, Standing},
        validation::usable,
    },
    asking::NotAsked,
    guard, obstacle,
    publish::reading::{
        ABSENCE_GRACE, MAX_SENDS, REFUSAL_GRACE, REFUSAL_LIMIT, VISIBILITY_LIMIT, asked_wait, back_off,
        rare_pause, shortest_pause, since,
    },
    runtime::Runtime,
    state::{
        Event,
        amendment::{AcceptedAmendment, AmendmentEnd, AmendmentFact, AmendmentStage},
        event::{RefusedReason, UnknownCause},
        process_event, read_state,
    },
    tasks::Task,
};

/// One amendment, at work.
pub struct Job<'a, R: Runtime> {
    pub runtime: &'a R,
    pub id: &'a OrderId,
    pub order: &'a AmendOrder,
}

/// What came of one look at the registry.
pub enum Look {
    /// The nodes agree on this.
    Found(Standing),
    /// They do not, or something keeps custody from looking.
    Hindered(Obstacle),
    /// The registry shows nothing without a token, and the token may not be used (any more).
    Barred(RefusedReason),
}

impl<R: Runtime> Job<'_, R> {
    /// How far it has come, as of now.
    pub fn amendment(&self) -> AcceptedAmendment {
        read_state(|state| state.amendment(self.id).cloned())
            .unwrap_or_else(|| panic!("BUG: amendment {} vanished", self.id))
    }

    /// Lets something have happened to it.
    pub fn record(&self, fact: AmendmentFact) {
        process_event(self.runtime, Event::Amendment { order: self.id.clone(), fact });
    }

    pub fn end(&self, end: AmendmentEnd) {
        self.record(AmendmentFact::Ended { end });
    }

    pub fn lose(&self, cause: UnknownCause) {
        self.record(AmendmentFact::LostOutcome { cause });
    }

    /// Notes what stands in the way of the next step, unless it did already.
    pub fn wait_for(&self, obstacle: Obstacle) {
        if self.amendment().obstacle().is_none_or(|met| met.obstacle != obstacle) {
            self.record(AmendmentFact::MetObstacle { obstacle });
        }
    }

    fn go_on(&self) {
        if self.amendment().obstacle().is_some() {
            self.record(AmendmentFact::PassedObstacle);
        }
    }

    /// Sends nothing, for good. If it was sent before, that may still take effect, so reading back goes on.
    pub fn stop_sending(&self, reason: RefusedReason) {
        if self.amendment().sends() == 0 {
            self.end(AmendmentEnd::Refused { reason });
        } else {
            self.lose(UnknownCause::NotSentAgain { reason });
        }
    }
}

/// Takes the amendment one step further, unless that is being done already.
pub async fn drive<R: Runtime>(runtime: R, id: OrderId) {
    guard::run_alone(&runtime, Task::DriveAmendment(id.clone()), step(&runtime, &id)).await;
}

/// One step, unless the registry asked to be left alone until later; returns the pause before the next, or none when
/// there is nothing more to do.
async fn step<R: Runtime>(runtime: &R, id: &OrderId) -> Option<Duration> {
    let asked_wait_left = || {
        let met = read_state(|state| state.amendment(id).and_then(AcceptedAmendment::obstacle));
        obstacle::asked_wait_left(met, runtime.time_ns())
    };
    match asked_wait_left() {
        Duration::ZERO => advance(runtime, id).await.map(|pause| pause.max(asked_wait_left())),
        left => Some(left),
    }
}

async fn advance<R: Runtime>(runtime: &R, id: &OrderId) -> Option<Duration> {
    let amendment = read_state(|state| state.amendment(id).cloned())?;
    let job = Job { runtime, id, order: amendment.order() };
    match amendment.stage() {
        AmendmentStage::Prepared => Some(changing::change(&job).await),
        // The message that was to receive the answer is gone: it failed, or the code was replaced.
        AmendmentStage::Sent => {
            job.lose(UnknownCause::Interrupted);
            Some(Duration::ZERO)
        }
        AmendmentStage::Accepted | AmendmentStage::Unknown { .. } => Some(read_back(&job).await),
        AmendmentStage::Verified | AmendmentStage::Ended { .. } => None,
    }
}

/// Asks every node how it stands.
pub async fn look<R: Runtime>(job: &Job<'_, R>) -> Look {
    let Ok(inquiry) = effect::look_inquiry(job.order, job.runtime.time_ns()) else {
        return Look::Hindered(Obstacle::RegistryUnreadable);
    };
    match asking::ask(job, TokenUse::ReadBack, inquiry).await {
        Ok(Ok(answer)) => effect::standing(job.order, &answer.body)
            .map_or(Look::Hindered(Obstacle::NodesDisagree), Look::Found),
        Ok(Err(_)) => Look::Hindered(Obstacle::NodesDisagree),
        Err(NotAsked::Waits(obstacle)) => Look::Hindered(obstacle),
        Err(NotAsked::Never(reason)) => Look::Barred(reason),
    }
}

/// Looks at what was sent, and decides what is next; returns the pause before that.
async fn read_back<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let looked = look(job).await;
    match looked {
        Look::Found(Standing::Done) => job.record(AmendmentFact::Verified),
        Look::Found(Standing::Other { shown }) => job.end(AmendmentEnd::Conflict { shown }),
        Look::Found(Standing::Before) => {
            job.go_on();
            note_unchanged(job);
        }
        Look::Found(Standing::Unreadable(why)) => {
            put_off(job, obstacle::of_answer(why, job.runtime.time_ns()));
        }
        Look::Hindered(obstacle) => put_off(job, obstacle),
        Look::Barred(_) => {
            job.runtime.log("the token may not read what was amended any more");
            give_up_in_time(job);
        }
    }
    let amendment = job.amendment();
    if let Some(since_ns) = doubted_since_ns(&amendment, job.runtime.time_ns()) {
        return rare_pause(since(job.runtime.time_ns(), since_ns));
    }
    let sent_at_ns = amendment.sent_at_ns().unwrap_or(amendment.changed_at_ns());
    let shortest = shortest_pause(job.order.read_credential.is_some());
    back_off(since(job.runtime.time_ns(), sent_at_ns), shortest)
}

fn put_off<R: Runtime>(job: &Job<'_, R>, obstacle: Obstacle) {
    job.wait_for(obstacle);
    give_up_in_time(job);
}

/// Since when people are told of a no that one node brought, if they are. Registries show late, so it is believed only
/// after a day of agreed looks.
pub fn doubted_since_ns(amendment: &AcceptedAmendment, now_ns: u64) -> Option<u64> {
    amendment.said_no()?;
    let is_due = since(now_ns, amendment.changed_at_ns()) >= REFUSAL_GRACE;
    is_due.then(|| amendment.changed_at_ns().saturating_add(REFUSAL_GRACE.as_nanos() as u64))
}

/// The nodes agree that nothing was changed.
fn note_unchanged<R: Runtime>(job: &Job<'_, R>) {
    let (amendment, now_ns) = (job.amendment(), job.runtime.time_ns());
    let waited = since(now_ns, amendment.changed_at_ns());
    match *amendment.stage() {
        AmendmentStage::Unknown { cause: UnknownCause::SaidNo { refusal } } if amendment.sends() == 1 => {
            if waited >= REFUSAL_LIMIT {
                job.end(AmendmentEnd::Refused { reason: RefusedReason::ByRegistry(refusal) });
            }
        }
        AmendmentStage::Unknown { cause }
            if cause.allows_resending()
                && waited >= ABSENCE_GRACE.max(asked_wait(cause))
                && amendment.sends() < MAX_SENDS
                && usable(job.order, now_ns)
                && now_ns < job.order.expires_at_ns =>
        {
            job.record(AmendmentFact::ConcludedUnchanged);
        }
        _ => give_up_in_time(job),
    }
}

/// Ends it unconfirmed once it was sent too long ago, a wait that the registry asked for not counted. Proposing it again
/// is safe: custody looks before it sends.
fn give_up_in_time<R: Runtime>(job: &Job<'_, R>) {
    let amendment = job.amendment();
    let limit = match amendment.stage() {
        AmendmentStage::Unknown { cause: UnknownCause::SaidNo { .. } } if amendment.sends() == 1 => {
            REFUSAL_LIMIT
        }
        AmendmentStage::Unknown { cause } => asked_wait(*cause) + VISIBILITY_LIMIT,
        _ => VISIBILITY_LIMIT,
    };
    let sent_at_ns = amendment.sent_at_ns().unwrap_or(amendment.changed_at_ns());
    if since(job.runtime.time_ns(), sent_at_ns) >= limit {
        job.end(AmendmentEnd::Unconfirmed);
    }
}
