//! The only place that sees a key or content in the clear, and only within one function call.
//!
//! Nothing here awaits. Each entry function works `scrubbed`: in frames of its own, which are then overwritten; heap
//! buffers are wiped when they are freed (by the crate `wiping`'s allocator). What comes out is
//! public keys, or content under a fresh key.

use content_keys::{
    Curve, Dh, PublicKey, VaultKey,
    envelopes::{OpenError, Parties, SealingSeed, age, jwe},
    threshold::{P256, X25519},
};
use content_types::{AnswerFormat, OwnerName, Part};
use ic_vetkeys::{DerivedPublicKey, EncryptedVetKey, TransportSecretKey, VetKey};
use sha2::{Digest, Sha256};
use wiping::scrubbed;
use zeroize::Zeroizing;

use crate::envelope::{Envelope, NotOpened, ReadEnvelope};

/// A vetKey under way: encrypted to a transport key that exists for this one derivation.
pub struct DeliveredKey {
    pub encrypted: Vec<u8>,
    pub transport: TransportKey,
    /// The public key that the vetKey is checked with.
    pub verification_key: Vec<u8>,
    pub owner: OwnerName,
}

/// What is drawn for one derivation; wiped on drop.
pub struct TransportKey {
    secret: TransportSecretKey,
    /// What an answer's keys are made of: 32 bytes, in the heap.
    answer_seed: Zeroizing<Vec<u8>>,
}

/// The derived key is not this canister's key for this owner, or what was drawn for it was not 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

/// What is opened, and for whom it is sealed.
pub struct Opening<'a> {
    pub envelope: &'a Envelope,
    /// Of the owner's key that the envelope is for.
    pub curve: Curve,
    /// All of it if absent.
    pub part: Option<&'a Part>,
    pub read: &'a ReadEnvelope<'a>,
    pub reader: PublicKey,
    pub answer: AnswerFormat,
}

impl TransportKey {
    /// Makes independent keys of 32 random bytes.
    ///
    /// # Errors
    /// If they are not 32.
    pub fn from_random(random: Vec<u8>) -> Result<Self, InvalidKey> {
        let random = Zeroizing::new(random);
        scrubbed(|| {
            if random.len() != 32 {
                return Err(InvalidKey);
            }
            let seed_for = |purpose: &[u8]| {
                Sha256::new().chain_update(purpose).chain_update(&*random).finalize().to_vec()
            };
            let secret = TransportSecretKey::from_seed(seed_for(b"countersign transport key"));
            let answer_seed = Zeroizing::new(seed_for(b"countersign answer"));
            Ok(Self { secret: secret.map_err(|_| InvalidKey)?, answer_seed })
        })
    }

    /// The public half of the transport key: 48 bytes, BLS12-381 G1.
    pub fn public_key(&self) -> Vec<u8> {
        scrubbed(|| self.secret.public_key())
    }
}

/// The owner's public keys, in bytes: P-256, X25519. In the heap: a shorter kind of key leaves bytes of its type unused,
/// and these would carry what the stack held out of here.
///
/// # Errors
/// If the key is not the owner's.
pub fn recipient_keys(delivered: DeliveredKey) -> Result<[Vec<u8>; 2], InvalidKey> {
    scrubbed(|| {
        let vetkey = recover(&delivered)?;
        Ok([Curve::P256, Curve::X25519].map(|curve| private_key(&vetkey, curve).public_key().to_bytes()))
    })
}

/// Opens a part of an envelope and seals it to the reader under a fresh key.
///
/// # Errors
/// [`NotOpened`].
pub fn answer(delivered: DeliveredKey, opening: &Opening) -> Result<Vec<u8>, NotOpened> {
    scrubbed(|| {
        let vetkey = recover(&delivered).map_err(|InvalidKey| NotOpened::Envelope(OpenError::Unavailable))?;
        let key = private_key(&vetkey, opening.curve);
        let content = opening.envelope.open(&*key, opening.part, opening.read)?;
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&delivered.transport.answer_seed);
        let seed = SealingSeed::new(seed);
        Ok(match opening.answer {
            AnswerFormat::Jwe => jwe::seal(&opening.reader, &content, &Parties::default(), seed).into_bytes(),
            AnswerFormat::Age => age::seal(&opening.reader, &content, seed),
        })
    })
}

fn recover(delivered: &DeliveredKey) -> Result<VetKey, InvalidKey> {
    let verification_key =
        DerivedPublicKey::deserialize(&delivered.verification_key).map_err(|_| InvalidKey)?;
    EncryptedVetKey::deserialize(&delivered.encrypted)
        .and_then(|encrypted| {
            let input = delivered.owner.as_str().as_bytes();
            encrypted.decrypt_and_verify(&delivered.transport.secret, &verification_key, input)
        })
        .map_err(|_| InvalidKey)
}

/// The owner's private key on a curve; wiped when dropped.
fn private_key(vetkey: &VetKey, curve: Curve) -> Box<dyn Dh> {
    let uniform = |domain: &str| {
        let bytes = Zeroizing::new(vetkey.derive_symmetric_key(domain, 48));
        let mut uniform = Zeroizing::new([0; 48]);
        uniform.copy_from_slice(&bytes);
        uniform
    };
    const NOT_ZERO: &str = "a uniform scalar is zero with a probability of 2^-252";
    match curve {
        Curve::P256 => {
            Box::new(VaultKey::<P256>::from_uniform(&uniform("countersign content P-256")).expect(NOT_ZERO))
        }
        Curve::X25519 => Box::new(
            VaultKey::<X25519>::from_uniform(&uniform("countersign content X25519")).expect(NOT_ZERO),
        ),
    }
}
