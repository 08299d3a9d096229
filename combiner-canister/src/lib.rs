//! A combiner: uses threshold keys for the owners of envelopes, and drives the holders' ceremonies.
//!
//! It holds no share and no key. What it may ask of the holders, they decide themselves; what it says to them in
//! ceremonies, they check. It sees the content of the envelopes that it opens, and nothing else.

pub mod ceremonies;
pub mod lifecycle;
pub mod opening;
pub mod queries;
pub mod runtime;
pub mod state;
pub mod storage;
