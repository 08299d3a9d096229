//! The only place that sees a token in the clear, and only within one function call.
//!
//! Nothing here awaits. Each entry function calls the work in a frame of its own and then overwrites the stack that
//! the work used; heap buffers are wiped when they are freed (by the crate `wiping`'s allocator). What comes out is
//! a ready outcall or a yes or no.

use candid::Principal;
use registry_protocols::{endpoint::is_same_origin, macaroon, secret::SecretToken};
use release_types::{CredentialMode, CredentialPolicy, Ecosystem};
use sealing::{OpenError, SealingKey, TransportSecretKey, recover_vetkey};
use thiserror::Error;
use wiping::scrub_stack;

use crate::{
    outcall::{self, EncodedOutcall, Inquiry},
    registry,
    state::event::UnusableReason,
};

/// How long before now a narrowed token begins to hold, in seconds; clocks differ.
const NARROWED_BEFORE_S: u64 = 60;
/// How long a narrowed token holds, in seconds.
const NARROWED_FOR_S: u64 = 300;

/// A credential as it is kept.
pub struct SealedCredential {
    pub policy: CredentialPolicy,
    pub sealed_token: Vec<u8>,
    /// The public key that it is sealed to, as the subnet reported it.
    pub sealing_key: Vec<u8>,
}

/// A vetKey under way: encrypted to a transport key that exists for this one derivation.
pub struct DeliveredKey {
    pub encrypted: Vec<u8>,
    pub transport: TransportKey,
}

/// The secret half of a transport key; wiped on drop.
pub struct TransportKey(TransportSecretKey);

/// Why a credential did not open. Says nothing of its content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VaultError {
    #[error("the random seed is not 32 bytes")]
    InvalidSeed,
    #[error("the derived key does not verify")]
    InvalidKey,
    #[error("the sealed token does not open under its policy")]
    NotDecryptable,
    #[error("what was sealed is no token of its ecosystem")]
    NotAToken,
}

impl From<VaultError> for UnusableReason {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::InvalidSeed | VaultError::InvalidKey => Self::InvalidKey,
            VaultError::NotDecryptable => Self::NotDecryptable,
            VaultError::NotAToken => Self::NotAToken,
        }
    }
}

impl TransportKey {
    /// Makes a transport key from 32 random bytes.
    ///
    /// # Errors
    /// If they are not 32.
    pub fn from_seed(seed: Vec<u8>) -> Result<Self, VaultError> {
        #[inline(never)]
        fn make(seed: Vec<u8>) -> Result<TransportSecretKey, VaultError> {
            TransportSecretKey::from_seed(seed).map_err(|_| VaultError::InvalidSeed)
        }
        let key = make(seed);
        scrub_stack();
        key.map(Self)
    }

    /// The public half: 48 bytes, BLS12-381 G1.
    pub fn public_key(&self) -> Vec<u8> {
        #[inline(never)]
        fn compute(key: &TransportSecretKey) -> Vec<u8> {
            key.public_key()
        }
        let public_key = compute(&self.0);
        scrub_stack();
        public_key
    }
}

/// Opens the credential, which checks that it holds a token of its ecosystem, and forgets it.
///
/// # Errors
/// If it does not open, or holds no such token.
pub fn try_open(credential: &SealedCredential, key: DeliveredKey) -> Result<(), VaultError> {
    #[inline(never)]
    fn work(credential: &SealedCredential, key: DeliveredKey) -> Result<(), VaultError> {
        open(credential, key).map(drop)
    }
    let outcome = work(credential, key);
    scrub_stack();
    outcome
}

/// Opens the credential and puts the token, narrowed where the ecosystem can, into the requests to its endpoint's host.
/// They must all be sent before anything is awaited.
///
/// `package` and `now_s` (seconds since 1970) are what a narrowed token is limited to.
///
/// # Errors
/// If it does not open, or holds no token of its ecosystem.
pub fn authorized_outcalls(
    custody: Principal,
    credential: &SealedCredential,
    key: DeliveredKey,
    inquiries: Vec<Inquiry>,
    package: &str,
    now_s: u64,
) -> Result<Vec<EncodedOutcall>, VaultError> {
    #[inline(never)]
    fn work(
        custody: Principal,
        credential: &SealedCredential,
        key: DeliveredKey,
        inquiries: Vec<Inquiry>,
        package: &str,
        now_s: u64,
    ) -> Result<Vec<EncodedOutcall>, VaultError> {
        let CredentialPolicy { ecosystem, mode, .. } = credential.policy;
        let mut token = open(credential, key)?;
        // What only reads is not narrowed: private indexes have tokens of their own kinds.
        if ecosystem == Ecosystem::Pypi && mode != CredentialMode::Read {
            let (from_s, until_s) = (now_s.saturating_sub(NARROWED_BEFORE_S), now_s + NARROWED_FOR_S);
            token = macaroon::narrow(&token, package, from_s, until_s).map_err(|_| VaultError::NotAToken)?;
        }
        let scheme = registry::authorization_scheme(ecosystem);
        // The token goes where its policy says. An order's registry may name other hosts for its files and its second
        // view: those are asked without it.
        let authorized = |inquiry: Inquiry| {
            if !is_same_origin(inquiry.url(), &credential.policy.endpoint) {
                return outcall::open_outcall(custody, inquiry);
            }
            outcall::authorized_outcall(custody, inquiry, |request| request.authorize(&token, scheme))
        };
        Ok(inquiries.into_iter().map(authorized).collect())
    }
    let outcalls = work(custody, credential, key, inquiries, package, now_s);
    scrub_stack();
    outcalls
}

/// Opens the credential and puts the token into a request that only asks whether it works.
///
/// # Errors
/// If it does not open, or holds no token of its ecosystem.
pub fn authorized_probe(
    custody: Principal,
    credential: &SealedCredential,
    key: DeliveredKey,
    inquiry: Inquiry,
) -> Result<EncodedOutcall, VaultError> {
    #[inline(never)]
    fn work(
        custody: Principal,
        credential: &SealedCredential,
        key: DeliveredKey,
        inquiry: Inquiry,
    ) -> Result<EncodedOutcall, VaultError> {
        let token = open(credential, key)?;
        let scheme = registry::authorization_scheme(credential.policy.ecosystem);
        Ok(outcall::authorized_outcall(custody, inquiry, |request| request.authorize(&token, scheme)))
    }
    let outcall = work(custody, credential, key, inquiry);
    scrub_stack();
    outcall
}

/// Opens an index's token and reads its own dates: whether they allow its use at `now_s` (seconds since 1970). One that
/// only reads may be of another kind, without dates.
///
/// # Errors
/// If it does not open, or is no token of its ecosystem.
pub fn is_in_date(credential: &SealedCredential, key: DeliveredKey, now_s: u64) -> Result<bool, VaultError> {
    #[inline(never)]
    fn work(credential: &SealedCredential, key: DeliveredKey, now_s: u64) -> Result<bool, VaultError> {
        let token = open(credential, key)?;
        let limits = match macaroon::restrictions(&token) {
            Ok(limits) => limits,
            Err(_) if credential.policy.mode == CredentialMode::Read => return Ok(true),
            Err(_) => return Err(VaultError::NotAToken),
        };
        Ok(limits.not_before_s.is_none_or(|from_s| from_s <= now_s)
            && limits.expires_s.is_none_or(|until_s| now_s < until_s))
    }
    let outcome = work(credential, key, now_s);
    scrub_stack();
    outcome
}

fn open(credential: &SealedCredential, key: DeliveredKey) -> Result<SecretToken, VaultError> {
    let DeliveredKey { encrypted, transport } = key;
    let sealing_key = SealingKey::from_bytes(&credential.sealing_key).map_err(|_| VaultError::InvalidKey)?;
    let vetkey = recover_vetkey(&encrypted, &transport.0, &sealing_key, &credential.policy)
        .map_err(|_| VaultError::InvalidKey)?;
    sealing::open(&vetkey, &credential.policy, &credential.sealed_token).map_err(|error| match error {
        OpenError::NotACiphertext { .. } | OpenError::WrongKeyOrPolicy => VaultError::NotDecryptable,
        OpenError::NotPadded | OpenError::NotAToken(_) | OpenError::Implausible(_) => VaultError::NotAToken,
    })
}
