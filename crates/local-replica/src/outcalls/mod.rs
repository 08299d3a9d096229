//! HTTPS outcalls: `http_request` and `flexible_http_request` of the management canister.
//!
//! A replicated call is really sent by every node, each answer goes through the canister's
//! transform, and enough byte-equal results make the answer. A non-replicated call is sent by one
//! node drawn for it, whose word is taken; a flexible one by some nodes, whose answers the canister
//! gets one by one. Requests go to loopback servers only, by [`Routes`]; [`FaultSwitch`] makes nodes
//! go wrong on demand.
//!
//! ```text
//! start: checks, price, faults ──▶ nodes send ──▶ advance: each answer is transformed into a share
//!                                                   └─▶ enough shares: the answer, the bill, the refund
//! ```
//!
//! Time is the subnet's: a round trip lasts as long as the subnet's clock says that it does, and a
//! call times out a minute after it was made, by the same clock.

mod adapter;
mod call;
mod consensus;
mod faults;
mod flexible;
mod flight;
mod pricing;
mod replication;
mod request;
mod routes;
mod senders;
mod share;
mod subnet;

pub use self::adapter::MAX_ATTEMPTS;
pub use self::call::{OutcallArgs, OutcallEvent, OutcallId, OutcallRequest, OutcallUnderWay, Settled};
pub(crate) use self::consensus::tolerated_faults;
pub use self::faults::{Fault, FaultPlan, FaultSwitch, Lie, NodeIndex, Nodes, PlannedFaults, Resent, Target};
pub use self::pricing::{CostParams, CostParamsError, cost_v1, cost_v2};
pub use self::replication::{FlexibleCounts, Replication};
pub use self::request::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES};
pub use self::routes::{RootCertificateError, RouteError, Routes};
pub use self::share::{Transform, TransformCall, Transformed};
pub use self::subnet::{MAX_OUTCALLS_IN_FLIGHT, Outcalls, Pace};
