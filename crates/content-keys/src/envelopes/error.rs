//! Why an envelope is not read, and why it is not opened: two things that never mix.

use crate::{DhError, InvalidPublicKey};

/// Bytes that are not what their format asks for. Depends on nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}; allowed: {allowed}")]
pub struct Malformed {
    pub field: &'static str,
    /// At most [`MAX_SHOWN_CHARACTERS`] of what was written, in printable ASCII.
    pub found: String,
    pub allowed: &'static str,
}

/// An error shows no more than this of outside bytes.
const MAX_SHOWN_CHARACTERS: usize = 60;

impl Malformed {
    pub(crate) fn new(field: &'static str, found: impl AsRef<str>, allowed: &'static str) -> Self {
        let found = found.as_ref().escape_default().take(MAX_SHOWN_CHARACTERS).collect();
        Self { field, found, allowed }
    }

    pub(crate) fn missing(field: &'static str, allowed: &'static str) -> Self {
        Self::new(field, "nothing", allowed)
    }

    pub(crate) fn length(field: &'static str, found_bytes: usize, allowed: &'static str) -> Self {
        Self::new(field, format!("{found_bytes} bytes"), allowed)
    }

    pub(crate) fn public_key(field: &'static str, error: InvalidPublicKey) -> Self {
        Self::new(field, error.to_string(), "a point of P-256, or of X25519 and of large order")
    }
}

/// Why an envelope stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Whatever the cause: another key's envelope, a changed byte, another context than expected. Nobody learns which.
    #[error("the envelope cannot be opened")]
    CannotOpen,
    /// Nothing was tried: the same envelope may open later.
    #[error("the key's holders cannot be reached: try again later")]
    Unavailable,
}

impl From<DhError> for OpenError {
    fn from(error: DhError) -> Self {
        match error {
            DhError::OtherCurve | DhError::Identity => Self::CannotOpen,
            DhError::Unavailable => Self::Unavailable,
        }
    }
}
