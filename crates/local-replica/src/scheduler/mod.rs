//! Orders and executes messages: requests, responses, system tasks, queries.
//!
//! One queue for the whole subnet, first in first out; one message at a time. Changes are
//! committed at the end of each message, that is, at every await of the canister's code.

mod callback;
mod composite;
mod conclude;
mod deliver;
mod execute;
mod ingress;
mod ingress_history;
mod message_faults;
mod outcalls;
mod query;
mod queue;
mod rejects;
mod respond;
mod step;
mod stopping;
mod streams;
mod tasks;

pub(crate) use execute::{Entry, Keep, Reserve};
pub(crate) use ingress_history::{IngressHistory, IngressRecord};
pub use message_faults::{MessageFault, MessageFaults};
pub(crate) use outcalls::PendingOutcall;
pub use queue::{Origin, QueuedMessage, Request, Response, SystemTask};
pub(crate) use rejects::{check_cycles, check_installation_cycles, no_module, not_found};
pub use streams::StreamMessage;
pub(crate) use streams::concerned_canister;
