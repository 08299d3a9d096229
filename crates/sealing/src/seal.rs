//! Sealing and opening one token.

use ic_vetkeys::{EncryptedVetKey, IbeCiphertext, IbeIdentity, IbeSeed, TransportSecretKey, VetKey};
use registry_protocols::secret::{SecretToken, TokenError};
use release_types::CredentialPolicy;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    ImplausibleToken, MAX_SEALABLE_TOKEN_BYTES, SealingKey, check_token,
    padding::{BUCKET_BYTES, pad, unpad},
};

/// Bytes that identity-based encryption adds: header, point, masked seed.
const IBE_OVERHEAD_BYTES: usize = 8 + 96 + 32;

/// Size of every sealed token, in bytes, whatever the token.
pub const SEALED_TOKEN_BYTES: usize = BUCKET_BYTES + IBE_OVERHEAD_BYTES;

/// Why a token was not sealed. Never shows the token.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SealError {
    /// It is no token of the credential's ecosystem.
    #[error(transparent)]
    Implausible(#[from] ImplausibleToken),
    /// It does not fit the bucket.
    #[error(
        "token: found {found_bytes} bytes, at most {MAX_SEALABLE_TOKEN_BYTES} can be sealed; issue a shorter one"
    )]
    TooLong {
        /// Length found.
        found_bytes: usize,
    },
}

/// Why a sealed token was not opened. Never shows what was found.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum OpenError {
    /// Not made by [`seal`].
    #[error(
        "sealed token: found {found_bytes} bytes that are no ciphertext, expected {SEALED_TOKEN_BYTES}; seal the token again"
    )]
    NotACiphertext {
        /// Length found.
        found_bytes: usize,
    },
    /// Another key, another policy, or changed on the way.
    #[error(
        "sealed token: does not open with this canister's key for this policy; seal the token again, to this custody canister and with exactly this policy"
    )]
    WrongKeyOrPolicy,
    /// Opened, but padded in another way.
    #[error(
        "sealed token: opens, but holds no padded token; seal the token again with this project's command"
    )]
    NotPadded,
    /// Opened, but holds something that cannot be sent.
    #[error(transparent)]
    NotAToken(#[from] TokenError),
    /// Opened, but holds no token of the credential's ecosystem.
    #[error(transparent)]
    Implausible(#[from] ImplausibleToken),
}

/// The encrypted key that vetKD answered with is not the policy's key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "derived key: is not this canister's key for this policy; the answer was damaged or is for another key name"
)]
pub struct KeyNotRecovered;

/// The vetKD input for a policy, and the identity that its token is encrypted to: the policy's id.
pub fn identity(policy: &CredentialPolicy) -> [u8; 32] {
    *policy.id().0.as_bytes()
}

/// Seals a token to custody's key under a policy, after checking that it is a token.
///
/// `randomness` must be fresh, secret and uniformly random; the same token and randomness give the same bytes.
pub fn seal(
    key: &SealingKey,
    policy: &CredentialPolicy,
    token: SecretToken,
    randomness: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    let randomness = Zeroizing::new(randomness);
    check_token(policy.ecosystem, policy.mode, &token)?;
    let bucket = pad(&token).ok_or(SealError::TooLong { found_bytes: token.expose().len() })?;
    let seed = IbeSeed::from_bytes(&*randomness).expect("32 bytes are enough for a seed");
    let identity = IbeIdentity::from_bytes(&identity(policy));
    Ok(IbeCiphertext::encrypt(key.derived(), &identity, &bucket, &seed).serialize())
}

/// Recovers the policy's key from vetKD's answer, checking that it is the policy's.
pub fn recover_vetkey(
    encrypted_key: &[u8],
    transport: &TransportSecretKey,
    key: &SealingKey,
    policy: &CredentialPolicy,
) -> Result<VetKey, KeyNotRecovered> {
    EncryptedVetKey::deserialize(encrypted_key)
        .and_then(|encrypted| encrypted.decrypt_and_verify(transport, key.derived(), &identity(policy)))
        .map_err(|_| KeyNotRecovered)
}

/// Opens a sealed token with the policy's key. Costs one identity-based decryption.
pub fn open(
    vetkey: &VetKey,
    policy: &CredentialPolicy,
    sealed_token: &[u8],
) -> Result<SecretToken, OpenError> {
    let found_bytes = sealed_token.len();
    if found_bytes != SEALED_TOKEN_BYTES {
        return Err(OpenError::NotACiphertext { found_bytes });
    }
    let ciphertext =
        IbeCiphertext::deserialize(sealed_token).map_err(|_| OpenError::NotACiphertext { found_bytes })?;
    let bucket = Zeroizing::new(ciphertext.decrypt(vetkey).map_err(|_| OpenError::WrongKeyOrPolicy)?);
    let token = unpad(&bucket).ok_or(OpenError::NotPadded)??;
    check_token(policy.ecosystem, policy.mode, &token)?;
    Ok(token)
}
