//! Threshold keys in canisters: made, used, renewed and repaired by holders on different subnets; what holders refuse,
//! whoever asks.

#[path = "content_keys/callers.rs"]
mod callers;
#[path = "content_keys/ceremonies.rs"]
mod ceremonies;
#[path = "content_keys/cost.rs"]
mod cost;
#[path = "content_keys/secrecy.rs"]
mod secrecy;
#[path = "content_keys/using.rs"]
mod using;
