//! A holder of shares of threshold keys: one of several canisters, best on different subnets, of which a threshold
//! together can use a key that exists nowhere.
//!
//! It checks by itself who asks, for whom, how often, and whether it is frozen; combiners and coordinators are trusted
//! for nothing. Shares are sealed at rest under a vetKey, opened into memory for an epoch, and wiped after it
//! ([`opening`], [`vault`]).
//!
//! It must never be put back from a snapshot: an older state would sign twice. It looks for that before it opens its
//! shares; the way out is to reinstall it and have its shares given back.

pub mod ceremonies;
pub mod enrolment;
pub mod evaluating;
pub mod governing;
pub mod lifecycle;
pub mod opening;
pub mod queries;
pub mod runtime;
pub mod state;
pub mod storage;
mod vault;
