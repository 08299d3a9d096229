//! Steps that no code of a canister notices: the network may have taken them or not.

use crate::program::{Id, Place};

use super::{Message, Model, OpenCall, Origin};

/// Something that no code of a canister notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilentStep {
    /// The answer of this call is dropped: nobody waits for it any more, or not until a deadline
    /// that has passed.
    DropAnswer(Id),
    /// This call, whose deadline has passed, is never begun.
    DropCall(Id),
    /// The deadline of this call passes, but the code that would be told is uninstalled.
    Expire(Id),
}

impl Model {
    /// What can happen now that no code of a canister notices.
    pub fn silent_steps(&self) -> Vec<SilentStep> {
        let answers =
            self.messages.iter().filter_map(|message| match message {
                Message::Response { id, .. } if self.is_silent(message) || self.is_late(message) => {
                    Some(SilentStep::DropAnswer(*id))
                }
                Message::Call {
                    origin: Origin::Canister(..), id, deadline_ns: Some(deadline_ns), ..
                } if *deadline_ns <= self.time_ns => Some(SilentStep::DropCall(*id)),
                _ => None,
            });
        let abandoned = self.open.iter().filter(|(_, call)| self.is_abandoned(call));
        answers.chain(abandoned.map(|(id, _)| SilentStep::Expire(*id))).collect()
    }

    /// The oldest one that this canister would have noticed.
    pub fn first_silent_step(&self, place: Place) -> Option<SilentStep> {
        self.silent_steps().into_iter().find(|step| {
            match step {
            SilentStep::Expire(id) => self.contexts[&self.open[id].context].place == place,
            SilentStep::DropAnswer(dropped) => self.messages.iter().any(|message| {
                matches!(message, Message::Response { id, to, .. } if id == dropped && *to == place)
            }),
            SilentStep::DropCall(dropped) => self.messages.iter().any(|message| {
                let origin = Origin::Canister(*dropped, place);
                matches!(message, Message::Call { origin: of, .. } if *of == origin)
            }),
        }
        })
    }

    /// Takes one of [`Self::silent_steps`]. Cycles of answers and of calls that are dropped are
    /// credited; the specification would let them be lost, too.
    pub fn take_silent_step(&mut self, step: SilentStep) {
        match step {
            SilentStep::Expire(id) => {
                self.open.remove(&id);
            }
            SilentStep::DropCall(dropped) => {
                let is_it = |message: &Message| matches!(message, Message::Call { id, .. } if *id == dropped);
                let position = self.messages.iter().position(is_it).expect("listed as a silent step");
                if let Message::Call { origin: Origin::Canister(_, from), units, .. } =
                    self.messages.remove(position)
                {
                    self.canisters[from].units += units;
                }
            }
            SilentStep::DropAnswer(dropped) => {
                let is_it =
                    |message: &Message| matches!(message, Message::Response { id, .. } if *id == dropped);
                let position = self.messages.iter().position(is_it).expect("listed as a silent step");
                // A caller that is still to be told the deadline goes on waiting.
                if !self.is_late(&self.messages[position]) {
                    self.open.remove(&dropped);
                }
                if let Message::Response { to, refund, .. } = self.messages.remove(position) {
                    self.canisters[to].units += refund;
                }
            }
        }
        self.settle();
    }

    /// Whether its deadline has passed, but the code that would be told is uninstalled.
    fn is_abandoned(&self, call: &OpenCall) -> bool {
        self.contexts[&call.context].deleted && call.deadline_ns.is_some_and(|at| at <= self.time_ns)
    }

    /// Whether the caller has been told already that the deadline has passed.
    pub(super) fn is_expired(&self, message: &Message) -> bool {
        match message {
            Message::Call { origin: Origin::Canister(id, _), .. } => !self.open.contains_key(id),
            Message::Call { .. } => false,
            Message::Response { id, .. } => !self.open.contains_key(id),
        }
    }

    pub(super) fn is_silent(&self, message: &Message) -> bool {
        match message {
            Message::Call { .. } => false,
            Message::Response { id, .. } => {
                self.open.get(id).is_none_or(|call| self.contexts[&call.context].deleted)
            }
        }
    }

    /// Whether it answers a call whose caller may be told the deadline instead.
    pub(super) fn is_late(&self, message: &Message) -> bool {
        let Message::Response { id, .. } = message else {
            return false;
        };
        let deadline_ns = self.open.get(id).and_then(|call| call.deadline_ns);
        deadline_ns.is_some_and(|deadline_ns| deadline_ns <= self.time_ns)
    }
}
