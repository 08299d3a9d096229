//! Registry signatures: ECDSA P-256 with SHA-256 over `name@version:integrity`, by keys that the registry publishes.

use std::fmt;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use p256::{
    ecdsa::{Signature, VerifyingKey, signature::Verifier as _},
    pkcs8::DecodePublicKey as _,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    reading::{Reading, Unreadable},
    timestamp,
};

/// Most keys of a registry.
pub const MAX_KEYS: usize = 6;
/// Most signatures of a version that are looked at.
const MAX_SIGNATURES: usize = 4;
/// The only kind of key and of signature in use.
const SCHEME: &str = "ecdsa-sha2-nistp256";

/// Names a key: `SHA256:` and the base64 of 32 bytes. Registries do not say what was hashed, so it is a name and
/// nothing else.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 32]);

/// A text that names no key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("key id: found {found_bytes} bytes that are none; expected `SHA256:` and the base64 of 32 bytes")]
pub struct InvalidKeyId {
    /// Length of what was found.
    pub found_bytes: usize,
}

impl KeyId {
    /// Reads the registry's form; other texts name no key.
    pub fn parse(text: &str) -> Option<Self> {
        let digest = text.strip_prefix("SHA256:")?.trim_end_matches('=');
        STANDARD_NO_PAD.decode(digest).ok()?.try_into().ok().map(Self)
    }
}

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(text: String) -> Result<Self, InvalidKeyId> {
        Self::parse(&text).ok_or(InvalidKeyId { found_bytes: text.len() })
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }
}

/// One of a registry's keys.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct RegistryKey {
    /// Its name.
    pub id: KeyId,
    /// The point, compressed: 33 bytes.
    #[serde(with = "hex::serde")]
    pub point: Vec<u8>,
    /// Seconds since 1970 from which its signatures no longer count; none: no end.
    pub expires_s: Option<u64>,
}

/// A registry's keys, sorted.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RegistryKeys {
    /// The keys of the kind that is in use.
    pub keys: Vec<RegistryKey>,
}

/// A registry's keys. Absent: it signs nothing.
pub type KeysReading = Reading<RegistryKeys>;

/// A version's signature as its document shows it.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct VersionSignature {
    /// The key that made it.
    pub key: KeyId,
    /// `r` and `s`, 64 bytes; none if the text was no signature.
    #[serde(with = "optional_hex")]
    pub signature: Option<Vec<u8>>,
}

/// What a version's signatures prove.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureCheck {
    /// The registry signed this version with this key.
    Valid {
        /// The key.
        key: KeyId,
    },
    /// The registry publishes no keys.
    NoKeys,
    /// It publishes keys, and signed this version with none.
    Unsigned,
    /// Signed only by keys that are not known, or by one that has expired since: read the registry's keys again, and
    /// leave it to people if that does not help.
    UnknownKey,
    /// A known key's signature is of something else. Raise the alarm.
    Invalid,
}

/// `GET {read}/-/npm/v1/keys`.
pub fn keys_request(read: &EndpointUrl) -> HttpRequest {
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    HttpRequest::new(Method::Get, read.join("-/npm/v1/keys"), &headers, Vec::new())
}

#[derive(Deserialize)]
struct KeysDocument {
    keys: Vec<ShownKey>,
}

#[derive(Deserialize)]
struct ShownKey {
    expires: Option<String>,
    keyid: String,
    keytype: Option<String>,
    scheme: Option<String>,
    key: String,
}

/// Reads the answer to [`keys_request`]. Keys of another kind are passed over, because other clients understand them.
pub fn read_keys(answer: &HttpAnswer) -> KeysReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    let Ok(document) = serde_json::from_slice::<KeysDocument>(&answer.body) else {
        return Reading::unreadable(Unreadable::NotTheDocument);
    };
    if document.keys.len() > MAX_KEYS {
        return Reading::unreadable(Unreadable::TooMany);
    }
    let ours = document.keys.iter().filter(|key| {
        [&key.keytype, &key.scheme].into_iter().all(|kind| kind.as_deref().is_none_or(|kind| kind == SCHEME))
    });
    match ours.map(ShownKey::reduced).collect::<Option<Vec<_>>>() {
        Some(mut keys) => {
            keys.sort();
            Reading::Present(RegistryKeys { keys })
        }
        None => Reading::unreadable(Unreadable::NotTheDocument),
    }
}

impl ShownKey {
    fn reduced(&self) -> Option<RegistryKey> {
        let key = VerifyingKey::from_public_key_der(&STANDARD.decode(&self.key).ok()?).ok()?;
        let expires_s = match &self.expires {
            None => None,
            Some(moment) => Some(timestamp::seconds(moment)?),
        };
        let point = key.to_encoded_point(true).as_bytes().to_vec();
        Some(RegistryKey { id: KeyId::parse(&self.keyid)?, point, expires_s })
    }
}

/// A signature in a version document.
#[derive(Deserialize)]
pub(super) struct ShownSignature {
    keyid: String,
    sig: String,
}

/// Reduces the signatures of a version document; those by keys without a proper name count as by an unknown key.
pub(super) fn reduced(shown: &[ShownSignature]) -> Vec<VersionSignature> {
    let mut signatures: Vec<_> = shown
        .iter()
        .map(|shown| VersionSignature {
            key: KeyId::parse(&shown.keyid).unwrap_or(KeyId([0; 32])),
            signature: STANDARD
                .decode(&shown.sig)
                .ok()
                .and_then(|der| Signature::from_der(&der).ok())
                .map(|signature| signature.to_bytes().to_vec()),
        })
        .collect();
    signatures.sort();
    signatures.truncate(MAX_SIGNATURES);
    signatures
}

impl RegistryKeys {
    /// Checks a version's signatures at `at_s`, the moment of its publication in seconds since 1970 or, where that is
    /// not known, now. One valid signature suffices, so that a registry can sign with its old and its new key.
    pub fn check(
        &self,
        signatures: &[VersionSignature],
        name: &str,
        version: &str,
        sha512: &[u8; 64],
        at_s: u64,
    ) -> SignatureCheck {
        if self.keys.is_empty() {
            return SignatureCheck::NoKeys;
        }
        if signatures.is_empty() {
            return SignatureCheck::Unsigned;
        }
        let message = format!("{name}@{version}:sha512-{}", STANDARD.encode(sha512));
        let mut is_false = false;
        for shown in signatures {
            let Some(key) = self.keys.iter().find(|key| key.id == shown.key) else { continue };
            match (key.signed(message.as_bytes(), shown), key.counts_at(at_s)) {
                (true, true) => return SignatureCheck::Valid { key: key.id },
                // Perhaps made in time; the version document does not say when.
                (true, false) => {}
                (false, _) => is_false = true,
            }
        }
        if is_false { SignatureCheck::Invalid } else { SignatureCheck::UnknownKey }
    }
}

impl RegistryKey {
    fn counts_at(&self, at_s: u64) -> bool {
        self.expires_s.is_none_or(|expires_s| at_s < expires_s)
    }

    fn signed(&self, message: &[u8], shown: &VersionSignature) -> bool {
        let key = VerifyingKey::from_sec1_bytes(&self.point);
        let signature = shown.signature.as_deref().map(Signature::from_slice);
        matches!((key, signature), (Ok(key), Some(Ok(signature))) if key.verify(message, &signature).is_ok())
    }
}

/// `Option<Vec<u8>>` as hexadecimal text, which is half as long as an array of numbers.
mod optional_hex {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(hex::encode).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| hex::decode(text).map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests;
