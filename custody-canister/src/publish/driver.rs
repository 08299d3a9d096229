//! Takes an order one step further: which step is next, and when the one after that.

use std::time::Duration;

use release_types::{
    CredentialId, CredentialMode, Obstacle, OrderId, PublishOrder, PublishingMode, order::OrderedArtifact,
};

use crate::{
    funds, guard, obstacle,
    publish::{asking::TokenUse, confirming, elsewhere, proving, reading, sending, staging},
    receipts,
    runtime::Runtime,
    state::{
        Artifact, Event, Order, Stage,
        event::{BlockedReason, RefusedReason, UnknownCause},
        process_event, read_state,
    },
    storage,
    tasks::{self, Task},
};

/// Most orders driven at a time; each may hold one artifact in memory.
const MAX_DRIVEN: usize = 4;
/// Pause when that many are under way.
const BUSY_DELAY: Duration = Duration::from_secs(5);

/// One artifact of one order, at work.
pub struct Job<'a, R: Runtime> {
    pub runtime: &'a R,
    pub id: &'a OrderId,
    pub index: u32,
    pub order: &'a PublishOrder,
    pub ordered: &'a OrderedArtifact,
}

impl<R: Runtime> Job<'_, R> {
    /// How far the artifact has come, as of now.
    pub fn artifact(&self) -> Artifact {
        read_state(|state| {
            state.order(self.id).and_then(|order| order.artifacts().get(self.index as usize).cloned())
        })
        .unwrap_or_else(|| panic!("BUG: order {} has no artifact {}", self.id, self.index))
    }

    /// Lets something have happened to the artifact.
    pub fn record(&self, event: impl FnOnce(OrderId, u32) -> Event) {
        process_event(self.runtime, event(self.id.clone(), self.index));
    }

    /// Ends the artifact: nothing was published, and nothing will be.
    pub fn refuse(&self, reason: RefusedReason) {
        self.record(|order, artifact| Event::RefusedArtifact { order, artifact, reason });
    }

    /// Leaves the artifact to people. Looking for it goes on.
    pub fn block(&self, reason: BlockedReason) {
        self.record(|order, artifact| Event::BlockedArtifact { order, artifact, reason });
    }

    /// Sends nothing, for good. If it was sent before, that may still appear, so reading back goes on.
    pub fn stop_sending(&self, reason: RefusedReason) {
        if self.artifact().sends() == 0 {
            self.refuse(reason);
        } else {
            self.lose(UnknownCause::NotSentAgain { reason });
        }
    }

    /// The credential to publish or stage with, if it may be used for this order now.
    pub fn usable_credential(&self) -> Option<CredentialId> {
        self.usable(self.order.credential?, self.order.mode.credential_mode()?)
    }

    /// The credential, if it may be used for this order in this way now.
    pub fn usable(&self, id: CredentialId, mode: CredentialMode) -> Option<CredentialId> {
        let (now_ns, order) = (self.runtime.time_ns(), self.order);
        let may_be_used = read_state(|state| {
            state.credential(&id).is_some_and(|credential| {
                credential.is_active()
                    && credential.policy().covers(mode, &order.registry, &order.package, now_ns)
            })
        });
        may_be_used.then_some(id)
    }

    /// Notes what stands in the way of the next step, unless it did already.
    pub fn wait_for(&self, obstacle: Obstacle) {
        note_obstacle(self.runtime, self.id, obstacle);
    }

    /// What stands in the way of the next step.
    pub fn obstacle(&self) -> Option<Obstacle> {
        read_state(|state| state.order(self.id).and_then(Order::obstacle)).map(|met| met.obstacle)
    }

    /// Notes that nothing stands in the way any more.
    pub fn go_on(&self) {
        if self.obstacle().is_some() {
            process_event(self.runtime, Event::PassedObstacle { order: self.id.clone() });
        }
    }

    /// What the artifacts after this one need at most.
    pub fn further_artifacts_cycles(&self) -> u128 {
        let further = self.order.artifacts.len().saturating_sub(self.index as usize + 1);
        funds::further_artifacts_cycles(self.runtime, self.order.mode, self.read_token().is_some(), further)
    }

    /// What reading back takes: nothing, or a token where the registry shows nothing without one.
    pub fn read_token(&self) -> Option<TokenUse> {
        self.order.read_credential.map(|_| TokenUse::ReadBack)
    }

    /// Leaves the outcome open, to be found out by reading back.
    pub fn lose(&self, cause: UnknownCause) {
        self.record(|order, artifact| Event::LostOutcome { order, artifact, cause });
    }
}

/// Notes what stands in the way of an order's next step, unless it did already.
pub fn note_obstacle<R: Runtime>(runtime: &R, id: &OrderId, obstacle: Obstacle) {
    let known = read_state(|state| state.order(id).and_then(Order::obstacle));
    if known.is_none_or(|known| known.obstacle != obstacle) {
        runtime.log(&format!("order {id} waits: {obstacle}"));
        process_event(runtime, Event::MetObstacle { order: id.clone(), obstacle });
    }
}

/// Takes the order one step further, unless that is being done already.
pub async fn drive<R: Runtime>(runtime: R, id: OrderId) {
    let task = Task::DriveOrder(id.clone());
    if guard::driven_orders(&runtime) >= MAX_DRIVEN {
        tasks::schedule(&runtime, task, BUSY_DELAY);
        return;
    }
    guard::run_alone(&runtime, task, step(&runtime, &id)).await;
}

/// One step, unless the registry asked to be left alone until later, which outlasts an upgrade; returns the pause before
/// the next, or none when there is nothing more to do.
async fn step<R: Runtime>(runtime: &R, id: &OrderId) -> Option<Duration> {
    let asked_wait_left = || {
        let met = read_state(|state| state.order(id).and_then(Order::obstacle));
        obstacle::asked_wait_left(met, runtime.time_ns())
    };
    match asked_wait_left() {
        Duration::ZERO => advance(runtime, id).await.map(|pause| pause.max(asked_wait_left())),
        left => Some(left),
    }
}

async fn advance<R: Runtime>(runtime: &R, id: &OrderId) -> Option<Duration> {
    let (has_failed, awaits_receipt, next) = read_state(|state| {
        let order = state.order(id)?;
        let next = order.next_artifact().map(|(index, artifact)| (index, artifact.stage().clone()));
        Some((order.has_failed(), order.awaits_receipt(), next))
    })?;
    let Some(order) = storage::order(id) else { panic!("BUG: the document of order {id} is missing") };
    let Some((index, stage)) = next else {
        return if awaits_receipt { receipts::sign(runtime, id, &order).await } else { None };
    };
    let Some(ordered) = order.artifacts.get(index as usize) else {
        panic!("BUG: the document of order {id} has no artifact {index}")
    };
    let job = Job { runtime, id, index, order: &order, ordered };
    match stage {
        Stage::Prepared if has_failed => {
            job.stop_sending(RefusedReason::EarlierArtifactFailed);
            Some(Duration::ZERO)
        }
        Stage::Prepared if order.mode.sends_bytes() => Some(sending::publish(&job).await),
        Stage::Prepared => Some(elsewhere::begin(&job).await),
        Stage::AwaitingRelease => Some(elsewhere::await_release(&job).await),
        Stage::AwaitingStage => Some(staging::await_stage(&job).await),
        // The message that was to receive the answer is gone: it failed, or the code was replaced.
        Stage::Sent => {
            job.lose(UnknownCause::Interrupted);
            Some(Duration::ZERO)
        }
        // Custody was taken back before it ever had the bytes.
        Stage::Unknown { .. } if job.artifact().digests().is_none() => {
            Some(sending::learn_digests(&job).await)
        }
        Stage::Accepted
        | Stage::Pending
        | Stage::Unknown { .. }
        | Stage::Blocked {
            reason:
                BlockedReason::NeverAppeared | BlockedReason::OutcomeUnknown | BlockedReason::SaidNo { .. },
        } if order.mode == PublishingMode::Staged => Some(staging::find(&job).await),
        Stage::Blocked { reason: BlockedReason::OtherBytesStaged } => Some(staging::find(&job).await),
        Stage::Shown { .. } | Stage::Blocked { reason: BlockedReason::NotConfirmed }
            if job.artifact().confirmation().is_none() =>
        {
            Some(confirming::confirm(&job).await)
        }
        Stage::Shown { .. }
        | Stage::Blocked { reason: BlockedReason::FileNotServed | BlockedReason::OtherBytesServed } => {
            Some(proving::prove(&job).await)
        }
        Stage::Accepted | Stage::Pending | Stage::Unknown { .. } | Stage::Blocked { .. } => {
            Some(reading::read_back(&job).await)
        }
        Stage::Staged { .. } => Some(staging::await_approval(&job).await),
        Stage::Verified | Stage::Mismatch { .. } | Stage::Declared { .. } | Stage::Refused { .. } => {
            panic!("BUG: an artifact at its end was chosen as the next one")
        }
    }
}
