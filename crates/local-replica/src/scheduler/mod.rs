//! Orders and executes messages: requests, responses, timers, queries.
//!
//! One queue for the whole subnet, first in first out; one message at a time. Changes are
//! committed at the end of each message, that is, at every await of the canister's code.

mod deliver;
mod execute;
mod ingress;
mod ingress_history;
mod outcalls;
mod query;
mod queue;
mod respond;
mod step;

pub(crate) use deliver::{no_module, not_found};
pub(crate) use execute::{Entry, Keep, Reserve};
pub(crate) use ingress_history::{IngressHistory, IngressRecord};
pub(crate) use outcalls::PendingOutcall;
pub use queue::{Origin, QueuedMessage, Request, Response};
