//! Owners: who has a recipient key, and how they are registered.

use std::{fmt, str::FromStr};

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::RecipientKeyView;

/// Longest name of an owner, in characters.
const MAX_NAME_CHARACTERS: usize = 63;

/// An owner's name, given at registration and never to anybody else: 1 to 63 of `a` to `z`, `0` to `9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OwnerName(String);

/// Why a text is no owner's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an owner's name has 1 to 63 of the characters a to z, 0 to 9 and -")]
pub struct InvalidOwnerName;

impl OwnerName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OwnerName {
    type Error = InvalidOwnerName;

    fn try_from(text: String) -> Result<Self, InvalidOwnerName> {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=MAX_NAME_CHARACTERS).contains(&text.len()) && text.bytes().all(is_allowed);
        fits.then_some(Self(text)).ok_or(InvalidOwnerName)
    }
}

impl FromStr for OwnerName {
    type Err = InvalidOwnerName;

    fn from_str(text: &str) -> Result<Self, InvalidOwnerName> {
        text.to_owned().try_into()
    }
}

impl From<OwnerName> for String {
    fn from(name: OwnerName) -> Self {
        name.0
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// With what the canister is installed.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ContentInit {
    /// Who may register owners: people, or a DAO canister. Not the anonymous principal.
    pub administrators: Vec<Principal>,
    /// Name of the network's vetKD key, e.g. `key_1`.
    pub key_name: String,
}

/// What anybody may know of the canister.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ContentInfo {
    pub administrators: Vec<Principal>,
    pub key_name: String,
    pub owners: u64,
    pub items: u64,
}

/// A new owner. Registering the same again changes nothing, and learns the recipient keys if that failed before.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RegisterOwnerArgs {
    pub owner: OwnerName,
    /// The key that the owner signs requests with: P-256 or Ed25519, as SubjectPublicKeyInfo in DER. It speaks for the
    /// owner over HTTP, and as its self-authenticating principal in calls.
    pub public_key_der: ByteBuf,
    /// Bytes that all of the owner's items may have together.
    pub quota_bytes: u64,
    /// Retrievals that the owner may ask for in 24 hours (a UTC day); each costs a key derivation.
    pub openings_per_day: u32,
}

/// An owner, as administrators and the owner see it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct OwnerView {
    pub owner: OwnerName,
    /// Whom the owner's key speaks as in calls.
    pub principal: Principal,
    pub quota_bytes: u64,
    pub used_bytes: u64,
    pub openings_per_day: u32,
    pub registered_at_ns: u64,
    /// Empty until they are derived.
    pub recipient_keys: Vec<RecipientKeyView>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_take_names_that_need_no_escaping_anywhere() {
        for name in ["alice", "a", "team-7", &"x".repeat(63)] {
            assert_eq!(name.parse::<OwnerName>().expect("allowed").as_str(), name);
        }
        for name in ["", "Alice", "a/b", "a b", "ä", "..", "a\n", &"x".repeat(64)] {
            assert_eq!(name.parse::<OwnerName>(), Err(InvalidOwnerName), "{name}");
        }
    }
}
