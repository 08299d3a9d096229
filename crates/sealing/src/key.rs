//! The key that tokens are sealed to, derived offline from a pinned master key.

use std::fmt;

use candid::Principal;
use ic_vetkeys::{DerivedPublicKey, MasterPublicKey};
use thiserror::Error;
use vetkeys_key_types::{VetKDCurve, VetKDKeyId};

use crate::DerivationContext;

/// A network's vetKD master public key, pinned: from the constants of the main network, or from the file that a
/// local network wrote. Never from a canister.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MasterKey(MasterPublicKey);

/// The public key that tokens for one custody canister are sealed to.
#[derive(Clone, Eq, PartialEq)]
pub struct SealingKey(DerivedPublicKey);

/// Bytes or a name that give no key.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidKey {
    /// No constant for that name.
    #[error(
        "master key: the main network has no pinned key named `{name}`; known are `key_1` and `test_key_1`"
    )]
    UnknownName {
        /// What was asked for.
        name: String,
    },
    /// Not a key.
    #[error("public key: found {found_bytes} bytes that are no compressed BLS12-381 G2 point, expected 96")]
    NotAPoint {
        /// Length of what was given.
        found_bytes: usize,
    },
}

/// The canister reports another key than the pinned master key gives.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "sealing key: the canister reports {reported}, but the pinned master key gives {expected}; do not seal: the network, its master key or the canister id is not the one you think"
)]
pub struct KeyMismatch {
    /// Derived offline, in hexadecimal.
    pub expected: String,
    /// Start of what was reported, in hexadecimal.
    pub reported: String,
}

impl MasterKey {
    /// The main network's key of that name.
    pub fn of_main_network(name: &str) -> Result<Self, InvalidKey> {
        let key_id = VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: name.to_owned() };
        MasterPublicKey::for_mainnet_key(&key_id)
            .map(Self)
            .ok_or_else(|| InvalidKey::UnknownName { name: name.to_owned() })
    }

    /// A key from a network's own file: 96 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        MasterPublicKey::deserialize(bytes)
            .map(Self)
            .map_err(|_| InvalidKey::NotAPoint { found_bytes: bytes.len() })
    }
}

impl SealingKey {
    /// A key as vetKD reports it: 96 bytes. For custody itself; clients derive theirs.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        DerivedPublicKey::deserialize(bytes)
            .map(Self)
            .map_err(|_| InvalidKey::NotAPoint { found_bytes: bytes.len() })
    }

    /// Its 96 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.serialize()
    }

    pub(crate) fn derived(&self) -> &DerivedPublicKey {
        &self.0
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", hex::encode(self.to_bytes()))
    }
}

/// Derives custody's sealing key, without asking anyone.
pub fn custody_public_key(master: &MasterKey, custody: Principal) -> SealingKey {
    let canister_key = master.0.derive_canister_key(custody.as_slice());
    SealingKey(canister_key.derive_sub_key(&DerivationContext::CredentialSealing.to_bytes()))
}

/// Compares with the key that the canister reports. On an error nothing may be sealed.
pub fn check_reported(expected: &SealingKey, reported: &[u8]) -> Result<(), KeyMismatch> {
    let expected = expected.to_bytes();
    if expected == reported {
        return Ok(());
    }
    let reported = hex::encode(&reported[..reported.len().min(expected.len())]);
    Err(KeyMismatch { expected: hex::encode(expected), reported })
}
