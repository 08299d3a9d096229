//! Custody's record of a change: what it says became of each file of a release, or of an amendment.

use e2e_tests::people::member;
use release_types::{AmendmentState, AmendmentStatus, OrderId, OrderStatus, ProposalId, PublicationState};

use crate::desk::Desk;

/// What custody says of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Verified,
    /// Nothing was changed, and nothing will be.
    Refused,
    /// People must look.
    Alarm(&'static str),
    /// It is still at it.
    Open,
}

impl End {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Refused => "refused",
            Self::Alarm(name) => name,
            Self::Open => "unfinished",
        }
    }
}

/// What custody says of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub ends: Vec<End>,
    /// Whether nothing more happens by itself.
    pub is_final: bool,
    /// Whether everything that it should prove is proven.
    pub is_verified: bool,
    /// For people who read of a case that went wrong.
    pub text: String,
}

impl Record {
    /// Whether an alarm is raised about something of which it is not known what became.
    pub fn waits_for_people(&self) -> bool {
        !self.is_final && self.ends.iter().any(|end| matches!(end, End::Alarm(_)))
    }
}

impl From<OrderStatus> for Record {
    fn from(order: OrderStatus) -> Self {
        let end = |state: &PublicationState| match state {
            PublicationState::Verified => End::Verified,
            PublicationState::Mismatch { .. } => End::Alarm("MISMATCH"),
            PublicationState::Blocked { .. } => End::Alarm("BLOCKED"),
            PublicationState::Refused { .. } => End::Refused,
            _ => End::Open,
        };
        Self {
            ends: order.artifacts.iter().map(|artifact| end(&artifact.state)).collect(),
            is_final: order.is_final(),
            is_verified: order.is_verified(),
            text: format!("{order:?}"),
        }
    }
}

impl From<AmendmentStatus> for Record {
    fn from(amendment: AmendmentStatus) -> Self {
        let end = match amendment.state {
            AmendmentState::Verified => End::Verified,
            AmendmentState::Conflict { .. } => End::Alarm("CONFLICT"),
            AmendmentState::Unconfirmed => End::Alarm("UNCONFIRMED"),
            AmendmentState::Refused { .. } => End::Refused,
            AmendmentState::Prepared
            | AmendmentState::Sent
            | AmendmentState::Accepted
            | AmendmentState::Unknown => End::Open,
        };
        Self {
            ends: vec![end],
            is_final: amendment.state.is_final(),
            is_verified: end == End::Verified,
            text: format!("{amendment:?}"),
        }
    }
}

/// The order that custody has of an adopted proposal.
pub fn order_of(proposal: ProposalId) -> OrderId {
    OrderId(format!("proposal-{proposal}"))
}

impl Desk {
    /// What custody says of an adopted proposal; none if it knows nothing of it.
    pub fn record(&mut self, proposal: ProposalId) -> Option<Record> {
        if self.mode.is_amendment() {
            return self.amendment_status(proposal).map(Record::from);
        }
        self.world.order(proposal).map(Record::from)
    }

    /// What custody says of an amendment; none if it knows nothing of it.
    pub fn amendment_status(&mut self, proposal: ProposalId) -> Option<AmendmentStatus> {
        let custody = self.world.custody;
        self.world.query(member(0), custody, "amendment_status", (order_of(proposal),)).expect("answers")
    }
}
