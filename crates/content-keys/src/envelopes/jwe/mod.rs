//! JSON Web Encryption, RFC 7516: compact and flattened, with ECDH-ES of RFC 7518 on P-256 and of RFC 8037 on X25519.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;
use zeroize::Zeroizing;

use self::{
    concat_kdf::{Derivation, derive},
    frame::Frame,
    header::{Header, KeyManagement},
};
use super::{
    Aead, Malformed, OpenError, Parties, Plaintext, SealingSeed,
    cipher::{ContentKey, NONCE_BYTES, TAG_BYTES, WrappingKey},
    ephemeral::agree,
    recipient::Jwk,
};
use crate::{Dh, PublicKey, SharedSecret};

mod concat_kdf;
mod frame;
mod header;

/// An encrypted message that is read but not opened.
pub struct Jwe {
    key_management: KeyManagement,
    aead: Aead,
    ephemeral: PublicKey,
    apu: Vec<u8>,
    apv: Vec<u8>,
    /// Empty for [`KeyManagement::Direct`].
    wrapped_key: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    aad: Vec<u8>,
    /// With the tag at its end.
    ciphertext: Vec<u8>,
}

impl Jwe {
    /// Reads a message in compact form, or in flattened JSON.
    ///
    /// # Errors
    /// [`Malformed`] for other algorithms than `ECDH-ES` and `ECDH-ES+A256KW`, other ciphers than `A128GCM` and
    /// `A256GCM`, compressed content (it may grow without limit), critical extensions, several recipients, and lengths
    /// that do not fit.
    pub fn parse(message: &[u8]) -> Result<Self, Malformed> {
        let frame = Frame::parse(message)?;
        let Header { key_management, aead, ephemeral, apu, apv } = Header::of(&frame)?;
        let wrapped_bytes = match key_management {
            KeyManagement::Direct => 0,
            KeyManagement::Wrapped => WrappingKey::wrapped_bytes(aead),
        };
        let Frame { encrypted_key, iv, mut ciphertext, tag, aad, .. } = frame;
        if encrypted_key.len() != wrapped_bytes {
            let allowed = "the wrapped key of enc with ECDH-ES+A256KW (24 or 40 bytes), nothing with ECDH-ES";
            return Err(Malformed::length("encrypted_key", encrypted_key.len(), allowed));
        }
        let nonce = iv.as_slice().try_into().map_err(|_| Malformed::length("iv", iv.len(), "12 bytes"))?;
        if tag.len() != TAG_BYTES {
            return Err(Malformed::length("tag", tag.len(), "16 bytes"));
        }
        ciphertext.extend_from_slice(&tag);
        Ok(Self {
            key_management,
            aead,
            ephemeral,
            apu,
            apv,
            wrapped_key: encrypted_key,
            nonce,
            aad,
            ciphertext,
        })
    }

    /// The key that a [`Dh`] is needed for.
    pub fn ephemeral_key(&self) -> PublicKey {
        self.ephemeral
    }

    /// Opens the message.
    ///
    /// # Errors
    /// [`OpenError`]; also if it was made for other `parties`.
    pub fn open(&self, key: &dyn Dh, parties: &Parties) -> Result<Plaintext, OpenError> {
        let shared = key.dh(&self.ephemeral)?;
        let content_key = match self.key_management {
            KeyManagement::Direct => self.direct_key(&shared),
            KeyManagement::Wrapped => self.wrapping_key(&shared).unwrap(self.aead, &self.wrapped_key),
        }?;
        if !parties.admit(&self.apu, &self.apv) {
            return Err(OpenError::CannotOpen);
        }
        content_key.open(&self.nonce, &self.aad, &self.ciphertext)
    }

    fn direct_key(&self, shared: &SharedSecret) -> Result<ContentKey, OpenError> {
        let bits = 8 * self.aead.key_bytes();
        let derivation =
            Derivation { algorithm: header::enc_name(self.aead), apu: &self.apu, apv: &self.apv, bits };
        let bytes = Zeroizing::new(derive(shared, &derivation)[..self.aead.key_bytes()].to_vec());
        Ok(ContentKey::new(self.aead, bytes).expect("cut to the length"))
    }

    fn wrapping_key(&self, shared: &SharedSecret) -> WrappingKey {
        WrappingKey(derive(shared, &Derivation::wrapping(&self.apu, &self.apv)))
    }
}

/// The header of an answer.
#[derive(Serialize)]
struct AnswerHeader {
    alg: &'static str,
    enc: &'static str,
    epk: Jwk,
    #[serde(skip_serializing_if = "Option::is_none")]
    apu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apv: Option<String>,
}

/// Encrypts `plaintext` to `reader` under a fresh content key: compact, `ECDH-ES+A256KW`, `A256GCM`.
pub fn seal(reader: &PublicKey, plaintext: &[u8], parties: &Parties, seed: SealingSeed) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let aead = Aead::Aes256Gcm;
    let (ephemeral, shared) = agree(reader, &seed);
    let header = AnswerHeader {
        alg: header::ECDH_ES_A256KW,
        enc: header::enc_name(aead),
        epk: Jwk::of(&ephemeral),
        apu: parties.writer.map(encode),
        apv: parties.reader.map(encode),
    };
    let protected = encode(&serde_json::to_vec(&header).expect("strings serialize"));
    let (apu, apv) = (parties.writer.unwrap_or_default(), parties.reader.unwrap_or_default());
    let wrapping_key = WrappingKey(derive(&shared, &Derivation::wrapping(apu, apv)));
    let content_key = ContentKey::filled(aead, |key| seed.fill("content key", key));
    let nonce = seed.array::<NONCE_BYTES>("nonce");
    let sealed = content_key.seal(&nonce, protected.as_bytes(), plaintext);
    let (ciphertext, tag) = sealed.split_at(plaintext.len());
    let parts = [&wrapping_key.wrap(&content_key), &nonce[..], ciphertext, tag].map(encode);
    format!("{protected}.{}", parts.join("."))
}
