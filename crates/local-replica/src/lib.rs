//! The Internet Computer on one machine: canisters run as real WebAssembly, with the
//! network's message semantics, cycles, threshold keys, HTTPS outcalls and public HTTP
//! interface, on virtual nodes derived from one seed.
//!
//! [`Replica`] is one subnet as a value, which is mostly the whole network; [`Network`] is several: single-threaded, without hidden threads other
//! than those that send outcalls, and deterministic for a given [`ReplicaConfig::seed`].

mod candid_arguments;
pub mod canister;
pub mod certification;
pub mod config;
pub mod control;
pub mod cycles;
pub mod execution;
pub mod http_interface;
pub mod ingress;
pub mod management;
pub mod message;
mod network;
pub mod outcalls;
pub mod replica;
pub mod scheduler;
pub mod serve;
pub mod stand_ins;
pub mod threshold;
mod topology;
pub mod trace;

pub use config::{Clock, ReplicaConfig, SubnetPlace};
pub use message::{
    CallResult, EntryPoint, IngressMessage, IngressStatus, MessageReport, Outcome, Principal, QueryMessage,
    Reject, RejectCode, RequestId, Step,
};
pub use network::{Network, NetworkError};
pub use replica::{
    Observer, Replica, ReplicaError, ReplicaView, RestoreError, StateError, StateHash, WorldSnapshot,
};
