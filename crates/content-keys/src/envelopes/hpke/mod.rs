//! Hybrid public key encryption, RFC 9180, base mode: DHKEM with HKDF-SHA-256 on P-256 (0x0010) and X25519 (0x0020).
//!
//! What the writer knows of the reader belongs in `info`: whoever opens states it, and another value opens nothing.

use hkdf::hmac::EagerHash;
use sha2::{Sha256, Sha512};

use self::derivation::{decapsulate, expand, extract};
use super::{
    Aead, Malformed, OpenError, Plaintext, SealingSeed,
    cipher::{ContentKey, NONCE_BYTES},
    ephemeral::EphemeralKey,
};
use crate::{Curve, Dh, PublicKey, SharedSecret};

mod derivation;
#[cfg(test)]
mod tests;

/// `mode_base` of RFC 9180.
const BASE_MODE: u8 = 0;

/// How keys are derived once the shared secret is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kdf {
    HkdfSha256,
    HkdfSha512,
}

/// What the parties agreed on beside the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    pub kdf: Kdf,
    pub aead: Aead,
}

impl Suite {
    fn id(self, curve: Curve) -> [u8; 10] {
        let kdf: u16 = match self.kdf {
            Kdf::HkdfSha256 => 1,
            Kdf::HkdfSha512 => 3,
        };
        let aead: u16 = match self.aead {
            Aead::Aes128Gcm => 1,
            Aead::Aes256Gcm => 2,
            Aead::ChaCha20Poly1305 => 3,
        };
        let mut id = *b"HPKE\0\0\0\0\0\0";
        id[4..6].copy_from_slice(&kem_id(curve).to_be_bytes());
        id[6..8].copy_from_slice(&kdf.to_be_bytes());
        id[8..].copy_from_slice(&aead.to_be_bytes());
        id
    }
}

fn kem_id(curve: Curve) -> u16 {
    match curve {
        Curve::P256 => 0x0010,
        Curve::X25519 => 0x0020,
    }
}

/// The writer's `enc`: its ephemeral key, and the bytes it came in, which enter the key.
#[derive(Clone, Debug)]
pub struct EncapsulatedKey {
    key: PublicKey,
    bytes: Vec<u8>,
}

impl EncapsulatedKey {
    /// Reads `enc` for a recipient's key on `curve`: 65 bytes of uncompressed P-256, or 32 bytes of X25519.
    ///
    /// # Errors
    /// [`Malformed`] for other lengths and for points not on the curve.
    pub fn parse(curve: Curve, bytes: &[u8]) -> Result<Self, Malformed> {
        let key = match curve {
            Curve::P256 if bytes.len() != 65 => {
                return Err(Malformed::length("enc", bytes.len(), "65 bytes, beginning with 4"));
            }
            Curve::P256 => PublicKey::p256(bytes),
            Curve::X25519 => PublicKey::x25519(bytes),
        };
        let key = key.map_err(|error| Malformed::public_key("enc", error))?;
        Ok(Self { key, bytes: bytes.to_vec() })
    }

    fn of(key: PublicKey) -> Self {
        Self { key, bytes: key.to_bytes() }
    }

    /// The key that a [`Dh`] is needed for.
    pub fn ephemeral_key(&self) -> PublicKey {
        self.key
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// One direction of messages: each is numbered, none can be left out, repeated or moved.
pub struct Messages {
    key: ContentKey,
    base_nonce: [u8; NONCE_BYTES],
    sequence: u64,
}

/// The reading side: `SetupBaseR` of RFC 9180.
///
/// # Errors
/// [`OpenError`] as [`Dh::dh`] has it. A wrong `info` shows when the first message does not open.
pub fn receive(
    suite: Suite,
    encapsulated: &EncapsulatedKey,
    key: &dyn Dh,
    info: &[u8],
) -> Result<Messages, OpenError> {
    let shared = key.dh(&encapsulated.key)?;
    Ok(Messages::new(suite, &shared, encapsulated, &key.public_key(), info))
}

/// The writing side: `SetupBaseS` of RFC 9180.
pub(super) fn send(
    suite: Suite,
    reader: &PublicKey,
    info: &[u8],
    seed: &SealingSeed,
) -> (EncapsulatedKey, Messages) {
    send_with(suite, reader, info, &EphemeralKey::generate(reader.curve(), seed))
}

fn send_with(
    suite: Suite,
    reader: &PublicKey,
    info: &[u8],
    ephemeral: &EphemeralKey,
) -> (EncapsulatedKey, Messages) {
    let shared = ephemeral
        .dh(reader)
        .unwrap_or_else(|_| panic!("BUG: an ephemeral key on another curve than its reader"));
    let encapsulated = EncapsulatedKey::of(ephemeral.public_key());
    let messages = Messages::new(suite, &shared, &encapsulated, reader, info);
    (encapsulated, messages)
}

impl Messages {
    fn new(
        suite: Suite,
        shared: &SharedSecret,
        encapsulated: &EncapsulatedKey,
        recipient: &PublicKey,
        info: &[u8],
    ) -> Self {
        let secret = decapsulate(shared, encapsulated, recipient);
        let id = suite.id(recipient.curve());
        match suite.kdf {
            Kdf::HkdfSha256 => Self::scheduled::<Sha256>(suite.aead, &id, &*secret, info),
            Kdf::HkdfSha512 => Self::scheduled::<Sha512>(suite.aead, &id, &*secret, info),
        }
    }

    /// `KeySchedule`, section 5.1, without pre-shared key.
    fn scheduled<H: EagerHash>(aead: Aead, id: &[u8], shared: &[u8], info: &[u8]) -> Self {
        let (psk_id_hash, _) = extract::<H>(&[], id, "psk_id_hash", &[]);
        let (info_hash, _) = extract::<H>(&[], id, "info_hash", info);
        let context = [&[BASE_MODE][..], &psk_id_hash, &info_hash].concat();
        let (_, secret) = extract::<H>(shared, id, "secret", &[]);
        let mut base_nonce = [0; NONCE_BYTES];
        expand(&secret, id, "base_nonce", &context, &mut base_nonce);
        let key = ContentKey::filled(aead, |key| expand(&secret, id, "key", &context, key));
        Self { key, base_nonce, sequence: 0 }
    }

    /// Opens the next message.
    ///
    /// # Errors
    /// [`OpenError::CannotOpen`]; the same number is then expected again.
    pub fn open(&mut self, aad: &[u8], ciphertext: &[u8]) -> Result<Plaintext, OpenError> {
        let plaintext = self.key.open(&self.nonce(), aad, ciphertext)?;
        self.sequence += 1;
        Ok(plaintext)
    }

    pub(super) fn seal(&mut self, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let ciphertext = self.key.seal(&self.nonce(), aad, plaintext);
        self.sequence += 1;
        ciphertext
    }

    fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = self.base_nonce;
        for (byte, number) in nonce[NONCE_BYTES - 8..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }
}
