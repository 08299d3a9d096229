//! Calls that a canister is answering, and the callbacks of the calls it made meanwhile.

use std::collections::BTreeMap;

use candid::Principal;
use serde::{Deserialize, Serialize};

use crate::execution::CallbackFunctions;
use crate::scheduler::Origin;

/// Names a call context within its canister.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallContextId(u64);

/// Names a callback within its canister.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallbackId(u64);

/// One call being answered, from its message until its last callback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallContext {
    pub origin: Origin,
    pub caller: Principal,
    pub method: String,
    pub deadline_ns: u64,
    /// Attached cycles not yet accepted.
    pub available_cycles: u128,
    /// Answered, or (a system task) never to be answered.
    pub responded: bool,
    /// The code that opened it has been uninstalled: it waits for the answers of its calls only so
    /// that their cycles come back.
    pub deleted: bool,
    /// Calls made in this context and not yet answered.
    pub outstanding_calls: usize,
    pub instructions: u64,
}

/// What to do when the answer of a call arrives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Callback {
    pub context: CallContextId,
    pub callee: Principal,
    pub functions: CallbackFunctions,
    /// Set aside for transmitting the response and for executing the callback.
    pub prepaid_cycles: u128,
    /// Set for bounded-wait calls.
    pub deadline_ns: Option<u64>,
    /// The deadline has passed, and the canister is being told so.
    pub expired: bool,
}

/// All open calls of one canister.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OpenCalls {
    next_context: u64,
    next_callback: u64,
    contexts: BTreeMap<CallContextId, CallContext>,
    callbacks: BTreeMap<CallbackId, Callback>,
}

impl OpenCalls {
    /// What is set aside for the callbacks to come; mostly given back when they have run.
    pub fn prepaid_cycles(&self) -> u128 {
        self.callbacks.values().map(|callback| callback.prepaid_cycles).sum()
    }

    /// What callers attached to calls that are still open, and nobody has accepted yet.
    pub fn available_cycles(&self) -> u128 {
        self.contexts.values().map(|context| context.available_cycles).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty()
    }

    /// How many calls to each canister are not yet answered.
    pub fn calls_by_callee(&self) -> BTreeMap<Principal, usize> {
        let mut calls = BTreeMap::new();
        for callback in self.callbacks.values() {
            *calls.entry(callback.callee).or_default() += 1;
        }
        calls
    }

    pub fn open(&mut self, context: CallContext) -> CallContextId {
        let id = CallContextId(self.next_context);
        self.next_context += 1;
        self.contexts.insert(id, context);
        id
    }

    /// The context, which exists as long as a callback or a running message refers to it.
    pub fn context(&mut self, id: CallContextId) -> &mut CallContext {
        self.contexts.get_mut(&id).expect("a context is closed only after its last message")
    }

    /// Removes a context of which no call is open any more.
    pub fn close_if_done(&mut self, id: CallContextId) {
        if self.context(id).outstanding_calls == 0 {
            self.contexts.remove(&id);
        }
    }

    /// Registers a callback and counts the call in its context.
    pub fn expect_response(&mut self, callback: Callback) -> CallbackId {
        self.context(callback.context).outstanding_calls += 1;
        let id = CallbackId(self.next_callback);
        self.next_callback += 1;
        self.callbacks.insert(id, callback);
        id
    }

    /// A callback that no context counts; only what was read from outside can have one.
    pub fn orphan(&self) -> Option<CallbackId> {
        let mut uncounted: BTreeMap<CallContextId, usize> =
            self.contexts.iter().map(|(id, context)| (*id, context.outstanding_calls)).collect();
        let mut is_counted = |callback: &Callback| {
            let left = uncounted.get_mut(&callback.context).filter(|left| **left > 0);
            left.map(|left| *left -= 1).is_some()
        };
        self.callbacks.iter().find(|(_, callback)| !is_counted(callback)).map(|(id, _)| *id)
    }

    pub fn callback(&self, id: CallbackId) -> Option<&Callback> {
        self.callbacks.get(&id)
    }

    /// Takes a callback whose response has arrived.
    pub fn take_callback(&mut self, id: CallbackId) -> Option<Callback> {
        let callback = self.callbacks.remove(&id)?;
        self.context(callback.context).outstanding_calls -= 1;
        Some(callback)
    }

    /// Marks the callbacks whose deadline has passed and returns them.
    pub fn expire(&mut self, time_ns: u64) -> Vec<CallbackId> {
        self.callbacks
            .iter_mut()
            .filter(|(_, callback)| {
                !callback.expired && callback.deadline_ns.is_some_and(|deadline| deadline <= time_ns)
            })
            .map(|(id, callback)| {
                callback.expired = true;
                *id
            })
            .collect()
    }

    /// Deletes all contexts, as uninstalling does; returns those left unanswered.
    pub fn abandon(&mut self) -> Vec<CallContext> {
        let mut unanswered = Vec::new();
        for context in self.contexts.values_mut() {
            context.deleted = true;
            if !context.responded {
                unanswered.push(context.clone());
                context.responded = true;
                context.available_cycles = 0;
            }
        }
        self.contexts.retain(|_, context| context.outstanding_calls > 0);
        unanswered
    }
}
