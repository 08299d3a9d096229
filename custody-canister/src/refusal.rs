//! What comes of a call: something new, nothing new, or a refusal.

pub use release_types::Refusal;

/// What a call that is not refused would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Change something.
    New,
    /// Nothing: it is so already.
    Known,
}
