//! The two serializations, taken apart and decoded.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};

use super::header::RawHeader;
use crate::envelopes::Malformed;

/// The parts of a message, whichever form it had.
pub(super) struct Frame {
    pub(super) headers: [RawHeader; 3],
    pub(super) encrypted_key: Vec<u8>,
    pub(super) iv: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) tag: Vec<u8>,
    pub(super) aad: Vec<u8>,
}

/// RFC 7516, section 7.2.2.
#[derive(Deserialize)]
struct Flattened {
    #[serde(default)]
    protected: String,
    #[serde(default)]
    unprotected: RawHeader,
    #[serde(default)]
    header: RawHeader,
    #[serde(default)]
    encrypted_key: String,
    iv: String,
    ciphertext: String,
    tag: String,
    aad: Option<String>,
    /// Of the general form.
    recipients: Option<IgnoredAny>,
}

impl Frame {
    pub(super) fn parse(message: &[u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(message)
            .map_err(|_| Malformed::new("message", "bytes that are no text", "compact or flattened JWE"))?
            .trim_ascii();
        if text.starts_with('{') { Self::from_flattened(text) } else { Self::from_compact(text) }
    }

    fn from_compact(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<&str> = text.splitn(6, '.').collect();
        let Ok([protected, encrypted_key, iv, ciphertext, tag]) = <[&str; 5]>::try_from(parts.as_slice())
        else {
            let found = format!("{} parts", parts.len());
            return Err(Malformed::new("message", found, "five parts with a dot between them"));
        };
        Ok(Self {
            headers: [decode_header(protected)?, RawHeader::default(), RawHeader::default()],
            encrypted_key: decode("encrypted_key", encrypted_key)?,
            iv: decode("iv", iv)?,
            ciphertext: decode("ciphertext", ciphertext)?,
            tag: decode("tag", tag)?,
            aad: protected.as_bytes().to_vec(),
        })
    }

    fn from_flattened(text: &str) -> Result<Self, Malformed> {
        let message: Flattened = serde_json::from_str(text)
            .map_err(|_| Malformed::new("message", text, "flattened JWE with iv, ciphertext and tag"))?;
        if message.recipients.is_some() {
            return Err(Malformed::new(
                "recipients",
                "the general form",
                "the flattened form, for one recipient",
            ));
        }
        let mut aad = message.protected.clone().into_bytes();
        if let Some(further) = &message.aad {
            decode("aad", further)?;
            aad.push(b'.');
            aad.extend_from_slice(further.as_bytes());
        }
        let protected = if message.protected.is_empty() {
            RawHeader::default()
        } else {
            decode_header(&message.protected)?
        };
        Ok(Self {
            headers: [protected, message.unprotected, message.header],
            encrypted_key: decode("encrypted_key", &message.encrypted_key)?,
            iv: decode("iv", &message.iv)?,
            ciphertext: decode("ciphertext", &message.ciphertext)?,
            tag: decode("tag", &message.tag)?,
            aad,
        })
    }
}

pub(super) fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, Malformed> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| Malformed::new(field, text, "base64url without padding, RFC 7515"))
}

fn decode_header(text: &str) -> Result<RawHeader, Malformed> {
    let json = decode("protected", text)?;
    serde_json::from_slice(&json).map_err(|_| {
        Malformed::new(
            "protected",
            String::from_utf8_lossy(&json),
            "a JSON object, no member of which comes twice",
        )
    })
}
