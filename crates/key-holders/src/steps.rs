//! The steps of a ceremony, as a coordinator sends them and a holder answers.

use std::collections::{BTreeMap, BTreeSet};

use content_keys::threshold::{
    Commitments, Confirmation, Evidence, Group, Holder, HolderIndex, KeySetId, Refusal, Revelation,
    Revelations, Session, SessionId, SignedCommitment,
};
use serde::{Deserialize, Serialize};

/// Every participant's confirmation.
pub type Confirmations<G> = BTreeMap<HolderIndex, Confirmation<G>>;

/// One step; see [`content_keys::threshold::Holder`]'s methods of the same names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Step<G: Group> {
    Start(Session<G>),
    Reveal(SessionId, Commitments<G>),
    Deliver(SessionId, Revelations<G>),
    Prepare(SessionId),
    Activate(SessionId, Confirmations<G>),
    Settle(KeySetId),
    Revert(KeySetId),
    AwaitRecovery(Session<G>, Commitments<G>, Revelations<G>),
    Release(SessionId, Confirmations<G>),
    Recover(SessionId),
}

impl<G: Group> Step<G> {
    /// For the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Reveal(..) => "reveal",
            Self::Deliver(..) => "deliver",
            Self::Prepare(_) => "prepare",
            Self::Activate(..) => "activate",
            Self::Settle(_) => "settle",
            Self::Revert(_) => "revert",
            Self::AwaitRecovery(..) => "await_recovery",
            Self::Release(..) => "release",
            Self::Recover(_) => "recover",
        }
    }
}

/// What a holder answers to a step that it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum StepAnswer<G: Group> {
    Committed(SignedCommitment<G>),
    Revealed(Revelation<G>),
    /// To all, but for these, who did not take their shares.
    Delivered {
        unreached: BTreeSet<HolderIndex>,
    },
    Confirmed(Confirmation<G>),
    Done,
    /// It has its share back. The evidence is against helpers who were not needed.
    Recovered(Vec<Evidence<G>>),
    Declined(Declined<G>),
}

/// Why a holder did not take a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Declined<G: Group> {
    pub reason: String,
    /// Convicts whoever is to blame, if anyone provably is.
    pub evidence: Vec<Evidence<G>>,
}

impl<G: Group> From<Refusal<G>> for Declined<G> {
    fn from(refusal: Refusal<G>) -> Self {
        let reason = refusal.to_string();
        let evidence = match refusal {
            Refusal::Cheated(evidence) => evidence,
            _ => Vec::new(),
        };
        Self { reason, evidence }
    }
}

/// What is to be sent to other holders when a step was taken.
pub type Shares<G> = Vec<content_keys::threshold::DirectShare<G>>;

/// Has the holder take a step. Shares that come out go to their holders directly.
pub fn take<G: Group>(
    holder: &mut Holder<G>,
    step: Step<G>,
    seed: &content_keys::threshold::Seed,
) -> (StepAnswer<G>, Shares<G>) {
    let mut shares = Vec::new();
    let answer = match step {
        Step::Start(session) => holder.start(session, seed).map(StepAnswer::Committed),
        Step::Reveal(id, commitments) => holder.reveal(id, commitments).map(StepAnswer::Revealed),
        Step::Deliver(id, revelations) => holder.deliver(id, revelations).map(|dealt| {
            shares = dealt;
            StepAnswer::Delivered { unreached: BTreeSet::new() }
        }),
        Step::Prepare(id) => holder.prepare(id).map(StepAnswer::Confirmed),
        Step::Activate(id, confirmations) => holder.activate(id, confirmations).map(|()| StepAnswer::Done),
        Step::Settle(keys) => holder.settle(keys).map(|()| StepAnswer::Done),
        Step::Revert(keys) => holder.revert(keys).map(|()| StepAnswer::Done),
        Step::AwaitRecovery(session, commitments, revelations) => {
            holder.await_recovery(session, commitments, revelations).map(|()| StepAnswer::Done)
        }
        Step::Release(id, confirmations) => holder.release(id, &confirmations).map(|share| {
            shares.push(share);
            StepAnswer::Delivered { unreached: BTreeSet::new() }
        }),
        Step::Recover(id) => holder.recover(id).map(StepAnswer::Recovered),
    };
    (answer.unwrap_or_else(|refusal| StepAnswer::Declined(refusal.into())), shares)
}
