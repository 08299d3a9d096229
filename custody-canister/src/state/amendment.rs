//! Amendments: the facts of their way, and their part of the state.

use registry_protocols::verdict::Refusal;
use release_types::{
    AmendOrder, AmendmentState, AmendmentStatus, MetObstacle, Obstacle, OrderId, Wait, Waiting,
};
use serde::{Deserialize, Serialize};

use crate::state::event::{RefusedReason, UnknownCause};

/// Something that happened to an amendment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmendmentFact {
    /// The authority's order was found in order.
    Accepted { order: AmendOrder },
    /// The request is handed to the network.
    Sent,
    /// The request provably never left this canister.
    Kept,
    /// The registry answered yes.
    GotAcceptance,
    /// The outcome is open; only reading back can tell.
    LostOutcome { cause: UnknownCause },
    /// Read-backs showed for long enough that nothing was changed; it may be sent again.
    ConcludedUnchanged,
    /// The nodes agree that the registry shows it as voted.
    Verified,
    /// It is over, and not as voted.
    Ended { end: AmendmentEnd },
    /// Something stands in the way of the next step.
    MetObstacle { obstacle: Obstacle },
    /// It no longer does.
    PassedObstacle,
}

/// How an amendment ended that was not verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AmendmentEnd {
    /// Nothing was changed, and nothing will be.
    Refused { reason: RefusedReason },
    /// The nodes agree on something that is neither what was to be changed nor what was voted. A version, checked.
    Conflict { shown: Option<String> },
    /// It was sent, and not shown in all the time that was given.
    Unconfirmed,
}

/// How far an amendment has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum AmendmentStage {
    Prepared,
    Sent,
    Accepted,
    Unknown { cause: UnknownCause },
    Verified,
    Ended { end: AmendmentEnd },
}

/// An accepted amendment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedAmendment {
    order: AmendOrder,
    accepted_at_ns: u64,
    stage: AmendmentStage,
    changed_at_ns: u64,
    sent_at_ns: Option<u64>,
    derivations: u8,
    read_derivations: u8,
    sends: u8,
    obstacle: Option<MetObstacle>,
}

impl AmendmentFact {
    /// Every operation that may be on the log.
    pub const OPERATIONS: [&'static str; 10] = [
        "1countersign.accepted_amendment",
        "1countersign.sent_amendment",
        "1countersign.kept_amendment",
        "1countersign.got_amendment_acceptance",
        "1countersign.lost_amendment_outcome",
        "1countersign.concluded_unchanged",
        "1countersign.verified_amendment",
        "1countersign.ended_amendment",
        "1countersign.met_amendment_obstacle",
        "1countersign.passed_amendment_obstacle",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "1countersign.accepted_amendment",
            Self::Sent => "1countersign.sent_amendment",
            Self::Kept => "1countersign.kept_amendment",
            Self::GotAcceptance => "1countersign.got_amendment_acceptance",
            Self::LostOutcome { .. } => "1countersign.lost_amendment_outcome",
            Self::ConcludedUnchanged => "1countersign.concluded_unchanged",
            Self::Verified => "1countersign.verified_amendment",
            Self::Ended { .. } => "1countersign.ended_amendment",
            Self::MetObstacle { .. } => "1countersign.met_amendment_obstacle",
            Self::PassedObstacle => "1countersign.passed_amendment_obstacle",
        }
    }
}

impl AcceptedAmendment {
    /// An amendment just accepted.
    pub fn new(order: AmendOrder, time_ns: u64) -> Self {
        Self {
            order,
            accepted_at_ns: time_ns,
            stage: AmendmentStage::Prepared,
            changed_at_ns: time_ns,
            sent_at_ns: None,
            derivations: 0,
            read_derivations: 0,
            sends: 0,
            obstacle: None,
        }
    }

    pub fn order(&self) -> &AmendOrder {
        &self.order
    }

    pub fn stage(&self) -> &AmendmentStage {
        &self.stage
    }

    pub fn changed_at_ns(&self) -> u64 {
        self.changed_at_ns
    }

    /// When it was last handed to the network.
    pub fn sent_at_ns(&self) -> Option<u64> {
        self.sent_at_ns
    }

    /// How often a key was derived to change what is voted.
    pub fn derivations(&self) -> u8 {
        self.derivations
    }

    /// How often a key was derived to read it.
    pub fn read_derivations(&self) -> u8 {
        self.read_derivations
    }

    /// How often it was handed to the network.
    pub fn sends(&self) -> u8 {
        self.sends
    }

    pub fn obstacle(&self) -> Option<MetObstacle> {
        self.obstacle
    }

    /// The no that one node brought, if that is what is known of it.
    pub fn said_no(&self) -> Option<Refusal> {
        match self.stage {
            AmendmentStage::Unknown { cause: UnknownCause::SaidNo { refusal } } => Some(refusal),
            _ => None,
        }
    }

    /// Whether nothing more is to be done.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, AmendmentStage::Verified | AmendmentStage::Ended { .. })
    }

    /// What a fact other than its acceptance changes.
    ///
    /// # Panics
    /// If the fact cannot follow.
    pub(super) fn apply(&mut self, fact: &AmendmentFact, time_ns: u64) {
        assert!(!self.is_finished(), "BUG: amendment {} is at its end already", self.order.id);
        match fact {
            AmendmentFact::Accepted { .. } => panic!("BUG: {} was accepted twice", self.order.id),
            AmendmentFact::Sent => {
                self.sent_at_ns = Some(time_ns);
                self.sends = self.sends.saturating_add(1);
                self.move_to(AmendmentStage::Sent, time_ns);
            }
            AmendmentFact::Kept => {
                self.sends = self.sends.saturating_sub(1);
                self.move_to(AmendmentStage::Prepared, time_ns);
            }
            AmendmentFact::GotAcceptance => self.move_to(AmendmentStage::Accepted, time_ns),
            AmendmentFact::LostOutcome { cause } => {
                self.move_to(AmendmentStage::Unknown { cause: *cause }, time_ns);
            }
            AmendmentFact::ConcludedUnchanged => self.move_to(AmendmentStage::Prepared, time_ns),
            AmendmentFact::Verified => self.move_to(AmendmentStage::Verified, time_ns),
            AmendmentFact::Ended { end } => self.move_to(AmendmentStage::Ended { end: end.clone() }, time_ns),
            AmendmentFact::MetObstacle { obstacle } => {
                self.obstacle = Some(MetObstacle { obstacle: *obstacle, since_ns: time_ns });
            }
            AmendmentFact::PassedObstacle => self.obstacle = None,
        }
    }

    /// Lets it count as sent if it might still be, with an outcome that only the registry knows.
    pub(super) fn take_back(&mut self, time_ns: u64) {
        let may_be_sent = match &self.stage {
            AmendmentStage::Prepared | AmendmentStage::Sent => true,
            AmendmentStage::Unknown { cause } => cause.allows_resending(),
            _ => false,
        };
        if may_be_sent {
            self.sent_at_ns = Some(time_ns);
            self.sends = self.sends.saturating_add(1);
            self.move_to(AmendmentStage::Unknown { cause: UnknownCause::TakenBack }, time_ns);
        }
    }

    /// A key is about to be derived for it.
    pub(super) fn count_derivation(&mut self) {
        let id = &self.order.id;
        assert!(self.stage == AmendmentStage::Prepared, "BUG: a key was derived for {id} out of turn");
        self.derivations = self.derivations.saturating_add(1);
    }

    /// A key is about to be derived to read with.
    pub(super) fn count_read_derivation(&mut self) {
        assert!(!self.is_finished(), "BUG: a key was derived for {} after its end", self.order.id);
        self.read_derivations = self.read_derivations.saturating_add(1);
    }

    fn move_to(&mut self, stage: AmendmentStage, time_ns: u64) {
        self.stage = stage;
        self.changed_at_ns = time_ns;
        self.obstacle = None;
    }

    /// What anyone may know of it. `next_look_at_ns` is when its next step is due, if one is.
    pub fn status(&self, id: &OrderId, next_look_at_ns: Option<u64>) -> AmendmentStatus {
        let wait = |reason| Wait {
            reason,
            artifact: None,
            since_ns: self.changed_at_ns,
            obstacle: self.obstacle,
            next_look_at_ns,
        };
        AmendmentStatus {
            id: id.clone(),
            accepted_at_ns: self.accepted_at_ns,
            state: self.view(),
            changed_at_ns: self.changed_at_ns,
            waiting: self.waiting().map(wait),
        }
    }

    fn view(&self) -> AmendmentState {
        match &self.stage {
            AmendmentStage::Prepared => AmendmentState::Prepared,
            AmendmentStage::Sent => AmendmentState::Sent,
            AmendmentStage::Accepted => AmendmentState::Accepted,
            AmendmentStage::Unknown { .. } => AmendmentState::Unknown,
            AmendmentStage::Verified => AmendmentState::Verified,
            AmendmentStage::Ended { end: AmendmentEnd::Refused { reason } } => {
                AmendmentState::Refused { reason: reason.advice() }
            }
            AmendmentStage::Ended { end: AmendmentEnd::Conflict { shown } } => {
                AmendmentState::Conflict { shown: shown.clone() }
            }
            AmendmentStage::Ended { end: AmendmentEnd::Unconfirmed } => AmendmentState::Unconfirmed,
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        match &self.stage {
            AmendmentStage::Prepared => Some(Waiting::Turn),
            AmendmentStage::Sent => Some(Waiting::Answer),
            AmendmentStage::Accepted => Some(Waiting::Appearance),
            AmendmentStage::Unknown { cause } => Some(cause.waiting(self.changed_at_ns)),
            AmendmentStage::Verified | AmendmentStage::Ended { .. } => None,
        }
    }
}
