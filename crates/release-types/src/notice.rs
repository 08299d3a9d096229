//! Notices that npm puts beside its answers. Their text is not kept.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Notice {
    /// Tokens that bypass two-factor authentication are being restricted.
    TokenRestricted,
    /// A security notice for this account or package.
    Security,
    /// Anything else, such as which second factor to use.
    Other,
}

/// A notice, and when it was seen first. One node relayed it, so it is a hint and no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct SeenNotice {
    pub notice: Notice,
    pub at_ns: u64,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TokenRestricted => {
                "the registry says that tokens like this one are being restricted: read its announcements, and plan to stage instead"
            }
            Self::Security => "the registry has a security notice for the account or the package: log in and read it",
            Self::Other => "the registry has a notice for the account: log in and read it",
        })
    }
}
