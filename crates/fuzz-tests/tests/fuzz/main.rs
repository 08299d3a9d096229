//! Every parser of outside bytes under damaged inputs: no panic, no unbounded memory.
//!
//! The corpora lie in `corpus/` and, for archives, in the recordings of `package-formats`. See the library for how an
//! input that breaks something is kept and becomes a seed.

mod archives;
mod calls;
mod campaigns;
mod command;
mod envelopes;
mod logs;
mod npm;
mod packing;
mod python;
mod receipts;
mod registries;
mod requests;
mod sealed;
mod tokens;
