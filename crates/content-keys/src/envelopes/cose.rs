//! COSE_Encrypt, RFC 9052, to one recipient by ECDH-ES of RFC 9053: `ECDH-ES + HKDF-256` (-25) and
//! `ECDH-ES + A256KW` (-31), on both curves.
//!
//! The ephemeral key is no part of what is authenticated: a writer's y may be flipped, or given as its sign, and the
//! envelope still opens, to the same plaintext. Whoever counts envelopes compares the key, not its bytes.

use coset::{
    Algorithm, AsCborValue, CborSerializable, CoseEncrypt, CoseKdfContextBuilder, CoseRecipient,
    EncryptionContext, Header, Label, Nonce, PartyInfo, PartyInfoBuilder, ProtectedHeader, SuppPubInfo,
    cbor::Value,
    enc_structure_data,
    iana::{self, CborTag, HeaderAlgorithmParameter},
};
use zeroize::Zeroizing;

use super::{
    Aead, Malformed, OpenError, Parties, Plaintext,
    cipher::{ContentKey, NONCE_BYTES, TAG_BYTES, WrappingKey, hkdf_sha256},
};
use crate::{Dh, PublicKey};

#[cfg(test)]
mod tests;

/// PartyU: identity, nonce and what else is known.
const WRITER: [HeaderAlgorithmParameter; 3] = [
    HeaderAlgorithmParameter::PartyUIdentity,
    HeaderAlgorithmParameter::PartyUNonce,
    HeaderAlgorithmParameter::PartyUOther,
];
/// PartyV, likewise.
const READER: [HeaderAlgorithmParameter; 3] = [
    HeaderAlgorithmParameter::PartyVIdentity,
    HeaderAlgorithmParameter::PartyVNonce,
    HeaderAlgorithmParameter::PartyVOther,
];

/// How the content key comes from the shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyManagement {
    /// It is derived.
    Direct,
    /// What is derived wraps it.
    Wrapped,
}

/// An encrypted message that is read but not opened.
pub struct CoseEnvelope {
    key_management: KeyManagement,
    aead: Aead,
    ephemeral: PublicKey,
    writer: PartyInfo,
    reader: PartyInfo,
    salt: Vec<u8>,
    /// The recipient's, as received: what the key is derived over is never encoded anew.
    recipient_protected: ProtectedHeader,
    /// Empty for [`KeyManagement::Direct`].
    wrapped_key: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
    /// As received.
    protected: ProtectedHeader,
    /// With the tag at its end.
    ciphertext: Vec<u8>,
}

impl CoseEnvelope {
    /// Reads a message, with its tag (96) or without.
    ///
    /// # Errors
    /// [`Malformed`] for other algorithms, other ciphers than AES-GCM with 128 and 256 bits, several or nested
    /// recipients, critical parameters, partial nonces, and lengths that do not fit.
    pub fn parse(message: &[u8]) -> Result<Self, Malformed> {
        let CoseEncrypt { protected, unprotected, ciphertext, mut recipients } = read(message)?;
        let (Some(recipient), true) = (recipients.pop(), recipients.is_empty()) else {
            return Err(Malformed::new("recipients", "none, or several", "one recipient"));
        };
        no_extensions(&[
            &protected.header,
            &unprotected,
            &recipient.protected.header,
            &recipient.unprotected,
        ])?;
        let aead = content_cipher(&protected.header)?;
        let key_management = key_management(&recipient.protected.header)?;
        let wrapped_key = wrapped_key(&recipient, key_management, aead)?;
        let parameters = Parameters([&recipient.protected.header, &recipient.unprotected]);
        let ephemeral = parameters
            .only(HeaderAlgorithmParameter::EphemeralKey)?
            .ok_or_else(|| Malformed::missing("label -1", "the sender's ephemeral public key"))?;
        Ok(Self {
            key_management,
            aead,
            ephemeral: PublicKey::from_cose_value(ephemeral.clone())?,
            salt: parameters.bytes(HeaderAlgorithmParameter::Salt)?.unwrap_or_default(),
            writer: parameters.party(WRITER)?,
            reader: parameters.party(READER)?,
            recipient_protected: recipient.protected,
            wrapped_key,
            nonce: content_nonce(&protected.header, &unprotected)?,
            protected,
            ciphertext: ciphertext
                .filter(|bytes| bytes.len() >= TAG_BYTES)
                .ok_or_else(|| Malformed::missing("ciphertext", "16 bytes of tag and what they protect"))?,
        })
    }

    /// The key that a [`Dh`] is needed for.
    pub fn ephemeral_key(&self) -> PublicKey {
        self.ephemeral
    }

    /// Opens the message; `external_aad` is what the application says it belongs to, mostly nothing.
    ///
    /// A message may leave out a party that both sides know: then the expected one is taken, and the key shows whether
    /// the writer meant it.
    ///
    /// # Errors
    /// [`OpenError`]; also if it was made for other `parties`.
    pub fn open(&self, key: &dyn Dh, parties: &Parties, external_aad: &[u8]) -> Result<Plaintext, OpenError> {
        let shared = key.dh(&self.ephemeral)?;
        let context = self.kdf_context(parties).ok_or(OpenError::CannotOpen)?;
        let derive = |key: &mut [u8]| hkdf_sha256(&self.salt, shared.expose(), &context, key);
        let content_key = match self.key_management {
            KeyManagement::Direct => ContentKey::filled(self.aead, derive),
            KeyManagement::Wrapped => {
                let mut wrapping_key = WrappingKey(Zeroizing::new([0; 32]));
                derive(&mut *wrapping_key.0);
                wrapping_key.unwrap(self.aead, &self.wrapped_key)?
            }
        };
        let aad = enc_structure_data(EncryptionContext::CoseEncrypt, self.protected.clone(), external_aad);
        content_key.open(&self.nonce, &aad, &self.ciphertext)
    }

    /// `COSE_KDF_Context` of RFC 9053, section 5.2. `None` if the message names other parties.
    fn kdf_context(&self, parties: &Parties) -> Option<Vec<u8>> {
        let (algorithm, key_bytes) = match (self.key_management, self.aead) {
            (KeyManagement::Wrapped, _) => (iana::Algorithm::A256KW, 32),
            (KeyManagement::Direct, Aead::Aes128Gcm) => (iana::Algorithm::A128GCM, 16),
            (KeyManagement::Direct, Aead::Aes256Gcm) => (iana::Algorithm::A256GCM, 32),
            (KeyManagement::Direct, Aead::ChaCha20Poly1305) => {
                panic!("BUG: content_cipher admits AES-GCM alone")
            }
        };
        let protected = self.recipient_protected.clone();
        let context = CoseKdfContextBuilder::new()
            .algorithm(algorithm)
            .party_u_info(party(&self.writer, parties.writer)?)
            .party_v_info(party(&self.reader, parties.reader)?)
            .supp_pub_info(SuppPubInfo { key_data_length: 8 * key_bytes, protected, other: None })
            .build();
        Some(context.to_vec().expect("what was CBOR is CBOR again"))
    }
}

/// The party that a message names, or that is `expected` where it names none.
fn party(said: &PartyInfo, expected: Option<&[u8]>) -> Option<PartyInfo> {
    let identity = match (said.identity.as_deref(), expected) {
        (Some(said), Some(expected)) if said != expected => return None,
        (said, expected) => said.or(expected).map(<[u8]>::to_vec),
    };
    Some(PartyInfo { identity, ..said.clone() })
}

fn read(message: &[u8]) -> Result<CoseEncrypt, Malformed> {
    let malformed =
        || Malformed::new("message", "another structure", "COSE_Encrypt in CBOR, without bytes after it");
    let mut rest = message;
    let value: Value = ciborium::from_reader(&mut rest).map_err(|_| malformed())?;
    if !rest.is_empty() {
        return Err(malformed());
    }
    let untagged = match value {
        Value::Tag(tag, inner) if tag == CborTag::CoseEncrypt as u64 => *inner,
        other => other,
    };
    CoseEncrypt::from_cbor_value(untagged).map_err(|_| malformed())
}

fn no_extensions(headers: &[&Header]) -> Result<(), Malformed> {
    if headers.iter().any(|header| !header.crit.is_empty()) {
        return Err(Malformed::new("label 2 (crit)", "a critical parameter", "no extensions"));
    }
    Ok(())
}

fn content_cipher(header: &Header) -> Result<Aead, Malformed> {
    match header.alg {
        Some(Algorithm::Assigned(iana::Algorithm::A128GCM)) => Ok(Aead::Aes128Gcm),
        Some(Algorithm::Assigned(iana::Algorithm::A256GCM)) => Ok(Aead::Aes256Gcm),
        _ => Err(Malformed::new(
            "label 1 (alg) of the content",
            "another algorithm, or none in the protected header",
            "1 (A128GCM) or 3 (A256GCM), protected",
        )),
    }
}

fn key_management(header: &Header) -> Result<KeyManagement, Malformed> {
    match header.alg {
        Some(Algorithm::Assigned(iana::Algorithm::ECDH_ES_HKDF_256)) => Ok(KeyManagement::Direct),
        Some(Algorithm::Assigned(iana::Algorithm::ECDH_ES_A256KW)) => Ok(KeyManagement::Wrapped),
        _ => Err(Malformed::new(
            "label 1 (alg) of the recipient",
            "another algorithm, or none in the protected header",
            "-25 (ECDH-ES + HKDF-256) or -31 (ECDH-ES + A256KW), protected",
        )),
    }
}

/// The recipient's ciphertext: empty if the content key is derived.
fn wrapped_key(
    recipient: &CoseRecipient,
    key_management: KeyManagement,
    aead: Aead,
) -> Result<Vec<u8>, Malformed> {
    let expected_bytes = match key_management {
        KeyManagement::Direct => 0,
        KeyManagement::Wrapped => WrappingKey::wrapped_bytes(aead),
    };
    let wrapped_key = recipient.ciphertext.clone().unwrap_or_default();
    if wrapped_key.len() != expected_bytes || !recipient.recipients.is_empty() {
        let allowed =
            "the wrapped content key with -31 (24 or 40 bytes), nothing with -25; no recipients inside";
        return Err(Malformed::length("recipient ciphertext", wrapped_key.len(), allowed));
    }
    Ok(wrapped_key)
}

fn content_nonce(protected: &Header, unprotected: &Header) -> Result<[u8; NONCE_BYTES], Malformed> {
    let iv = match (protected.iv.as_slice(), unprotected.iv.as_slice()) {
        (iv, []) | ([], iv) => iv,
        _ => return Err(Malformed::new("label 5 (IV)", "it in both headers", "it in one header")),
    };
    iv.try_into().map_err(|_| Malformed::length("label 5 (IV)", iv.len(), "12 bytes, and no partial IV"))
}

/// The recipient's protected and unprotected parameters.
struct Parameters<'a>([&'a Header; 2]);

impl<'a> Parameters<'a> {
    fn only(&self, label: HeaderAlgorithmParameter) -> Result<Option<&'a Value>, Malformed> {
        let label = Label::Int(label as i64);
        let mut found = self.0.iter().flat_map(|header| &header.rest).filter(|(named, _)| *named == label);
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|(_, value)| value)),
            (_, Some(_)) => {
                Err(Malformed::new("recipient", "a label in both headers", "each label in one header"))
            }
        }
    }

    fn bytes(&self, label: HeaderAlgorithmParameter) -> Result<Option<Vec<u8>>, Malformed> {
        match self.only(label)? {
            None => Ok(None),
            Some(Value::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(_) => Err(Malformed::new("labels -20 to -26", "another type", "byte strings")),
        }
    }

    fn party(&self, [identity, nonce, other]: [HeaderAlgorithmParameter; 3]) -> Result<PartyInfo, Malformed> {
        let mut party = PartyInfoBuilder::new();
        if let Some(identity) = self.bytes(identity)? {
            party = party.identity(identity);
        }
        if let Some(nonce) = self.bytes(nonce)? {
            party = party.nonce(Nonce::Bytes(nonce));
        }
        if let Some(other) = self.bytes(other)? {
            party = party.other(other);
        }
        Ok(party.build())
    }
}
