//! The symmetric half: authenticated encryption, key wrap and key derivation, on keys that wipe themselves.

use std::fmt;

use aes_gcm::{
    Aes128Gcm, Aes256Gcm,
    aead::{AeadCore, AeadInOut, KeyInit, Nonce},
};
use aes_kw::KwAes256;
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::OpenError;

#[cfg(test)]
mod tests;

/// Bytes of every AEAD's nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of every AEAD's tag.
pub(crate) const TAG_BYTES: usize = 16;
/// What AES key wrap adds to a key.
const WRAP_BYTES: usize = 8;

/// What an envelope contained. Wiped when dropped, never printed.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl Plaintext {
    /// The bytes, still wiped when dropped.
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl AsRef<[u8]> for Plaintext {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Plaintext({} bytes)", self.0.len())
    }
}

/// How content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aead {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl Aead {
    pub(crate) fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }
}

/// A key of one AEAD, of that AEAD's length.
pub(crate) struct ContentKey {
    aead: Aead,
    bytes: Zeroizing<Vec<u8>>,
}

impl ContentKey {
    /// `None` if the length is not `aead`'s.
    pub(crate) fn new(aead: Aead, bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() == aead.key_bytes()).then_some(Self { aead, bytes })
    }

    /// A key of the right length from `fill`.
    pub(crate) fn filled(aead: Aead, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = Zeroizing::new(vec![0; aead.key_bytes()]);
        fill(&mut bytes);
        Self { aead, bytes }
    }

    /// Opens `sealed`, which ends with its tag.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Plaintext, OpenError> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        match self.aead {
            Aead::Aes128Gcm => self.decrypt::<Aes128Gcm>(nonce, aad, &mut buffer),
            Aead::Aes256Gcm => self.decrypt::<Aes256Gcm>(nonce, aad, &mut buffer),
            Aead::ChaCha20Poly1305 => self.decrypt::<ChaCha20Poly1305>(nonce, aad, &mut buffer),
        }?;
        Ok(Plaintext(buffer))
    }

    /// The ciphertext, with its tag at the end. A nonce serves a key once.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        // No reallocation may leave a copy of the plaintext behind.
        let mut buffer = Vec::with_capacity(plaintext.len() + TAG_BYTES);
        buffer.extend_from_slice(plaintext);
        match self.aead {
            Aead::Aes128Gcm => self.encrypt::<Aes128Gcm>(nonce, aad, &mut buffer),
            Aead::Aes256Gcm => self.encrypt::<Aes256Gcm>(nonce, aad, &mut buffer),
            Aead::ChaCha20Poly1305 => self.encrypt::<ChaCha20Poly1305>(nonce, aad, &mut buffer),
        }
        buffer
    }

    fn cipher<C: KeyInit>(&self) -> C {
        C::new_from_slice(&self.bytes).expect("every constructor gives the key its AEAD's length")
    }

    fn decrypt<C: KeyInit + AeadInOut>(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let cipher: C = self.cipher();
        cipher.decrypt_in_place(&nonce_of::<C>(nonce), aad, buffer).map_err(|_| OpenError::CannotOpen)
    }

    fn encrypt<C: KeyInit + AeadInOut>(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], buffer: &mut Vec<u8>) {
        let cipher: C = self.cipher();
        cipher
            .encrypt_in_place(&nonce_of::<C>(nonce), aad, buffer)
            .expect("memory holds less than the 64 GiB that one nonce serves");
    }
}

fn nonce_of<C: AeadCore>(nonce: &[u8; NONCE_BYTES]) -> Nonce<C> {
    Nonce::<C>::try_from(&nonce[..]).expect("all three AEADs have nonces of 12 bytes")
}

/// A key that wraps content keys: AES-256 key wrap, RFC 3394.
pub(crate) struct WrappingKey(pub(crate) Zeroizing<[u8; 32]>);

impl WrappingKey {
    /// How long a wrapped key of `aead` is.
    pub(crate) fn wrapped_bytes(aead: Aead) -> usize {
        aead.key_bytes() + WRAP_BYTES
    }

    pub(crate) fn wrap(&self, key: &ContentKey) -> Vec<u8> {
        let mut wrapped = vec![0; Self::wrapped_bytes(key.aead)];
        self.cipher()
            .wrap_key(&key.bytes, &mut wrapped)
            .expect("content keys have 16 or 32 bytes, and the buffer 8 more");
        wrapped
    }

    pub(crate) fn unwrap(&self, aead: Aead, wrapped: &[u8]) -> Result<ContentKey, OpenError> {
        if wrapped.len() != Self::wrapped_bytes(aead) {
            return Err(OpenError::CannotOpen);
        }
        let mut bytes = Zeroizing::new(vec![0; aead.key_bytes()]);
        self.cipher().unwrap_key(wrapped, &mut bytes).map_err(|_| OpenError::CannotOpen)?;
        Ok(ContentKey { aead, bytes })
    }

    fn cipher(&self) -> KwAes256 {
        KwAes256::new_from_slice(&*self.0).expect("32 bytes")
    }
}

/// HKDF-SHA-256, RFC 5869. An empty salt is none.
///
/// # Panics
/// When more than 255 * 32 bytes are asked for: the lengths are the formats', never an envelope's.
pub(crate) fn hkdf_sha256(salt: &[u8], secret: &[u8], info: &[u8], out: &mut [u8]) {
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, out)
        .expect("no format derives more than 64 bytes at once");
}
