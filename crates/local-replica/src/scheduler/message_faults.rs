//! Messages that go wrong on demand, in the ways that the network allows.

use std::collections::VecDeque;

use candid::Principal;
use serde::{Deserialize, Serialize};

use crate::message::EntryPoint;

/// One message that is to go wrong, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageFault {
    /// The next call that a canister makes of this method is rejected before it reaches the callee
    /// (`SYS_TRANSIENT`), as a subnet does that is overloaded.
    CallRefused { to: Principal, method: String },
    /// The next call that a canister makes of this method, and waits for with a bound, is executed;
    /// its answer and the cycles that come with it are lost. The caller is told `SYS_UNKNOWN` at its deadline.
    /// Answers of calls that wait without bound cannot be lost.
    AnswerLost { to: Principal, method: String },
    /// The next time that the canister is entered so, it may execute so many instructions and no more.
    OutOfInstructions { canister: Principal, entry: EntryPoint, limit: u64 },
}

/// The faults to come. Each is used up by the first message that matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFaults {
    planned: VecDeque<MessageFault>,
}

impl MessageFaults {
    /// Plans a fault, after those planned before.
    pub fn next(&mut self, fault: MessageFault) {
        self.planned.push_back(fault);
    }

    /// The faults to come.
    pub fn planned(&self) -> impl Iterator<Item = &MessageFault> {
        self.planned.iter()
    }

    /// Forgets all faults.
    pub fn clear(&mut self) {
        self.planned.clear();
    }

    pub(super) fn refuses_call(&mut self, callee: Principal, name: &str) -> bool {
        let found = self.take(|fault| {
            matches!(fault, MessageFault::CallRefused { to, method } if *to == callee && method == name)
        });
        found.is_some()
    }

    pub(super) fn loses_answer(&mut self, callee: Principal, name: &str) -> bool {
        let found = self.take(|fault| {
            matches!(fault, MessageFault::AnswerLost { to, method } if *to == callee && method == name)
        });
        found.is_some()
    }

    /// The limit of this execution, if it is to be less than it would be.
    pub(super) fn instruction_limit(&mut self, id: Principal, kind: &EntryPoint) -> Option<u64> {
        let found = self.take(|fault| {
            matches!(fault, MessageFault::OutOfInstructions { canister, entry, .. } if *canister == id && entry == kind)
        });
        match found {
            Some(MessageFault::OutOfInstructions { limit, .. }) => Some(limit),
            _ => None,
        }
    }

    fn take(&mut self, is_meant: impl Fn(&MessageFault) -> bool) -> Option<MessageFault> {
        let position = self.planned.iter().position(is_meant)?;
        self.planned.remove(position)
    }
}
