//! Feeds parsers with damaged inputs and watches that they neither panic nor take much memory.
//!
//! A [`Campaign`] starts from a corpus of real inputs, `corpus/NAME/`, and changes them by a seeded generator, so that
//! each run tries the same inputs. An input that breaks a parser is written to a file; put into the corpus, it is
//! tried first from then on. Runs on the stable toolchain, without instrumentation: it finds what changed real inputs
//! reach, not what only a search for new branches would.

mod campaign;
mod corpus;
mod mutation;

pub use campaign::{Campaign, DEEP_FACTOR};
pub use corpus::{corpus, files_below};
