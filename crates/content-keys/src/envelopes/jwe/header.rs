//! What a message's header says, and which of it is admitted.

use serde::Deserialize;

use super::frame::{Frame, decode};
use crate::{
    PublicKey,
    envelopes::{
        Aead, Malformed,
        recipient::{Jwk, Presence},
    },
};

const ECDH_ES: &str = "ECDH-ES";
pub(super) const ECDH_ES_A256KW: &str = "ECDH-ES+A256KW";
const A128GCM: &str = "A128GCM";
const A256GCM: &str = "A256GCM";

/// How the content key comes from the shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyManagement {
    /// It is derived.
    Direct,
    /// What is derived wraps it.
    Wrapped,
}

/// One of up to three headers. Members that change nothing (`kid`, `typ`, `cty`) are not looked at.
#[derive(Default, Deserialize)]
pub(super) struct RawHeader {
    alg: Option<String>,
    enc: Option<String>,
    epk: Option<Jwk>,
    apu: Option<String>,
    apv: Option<String>,
    #[serde(default)]
    zip: Presence,
    #[serde(default)]
    crit: Presence,
}

/// A message's headers together.
pub(super) struct Header {
    pub(super) key_management: KeyManagement,
    pub(super) aead: Aead,
    pub(super) ephemeral: PublicKey,
    pub(super) apu: Vec<u8>,
    pub(super) apv: Vec<u8>,
}

impl Header {
    pub(super) fn of(frame: &Frame) -> Result<Self, Malformed> {
        let headers = &frame.headers;
        if headers.iter().any(|header| header.zip == Presence::Present) {
            return Err(Malformed::new("zip", "compressed content", "content as it is: encrypt without zip"));
        }
        if headers.iter().any(|header| header.crit == Presence::Present) {
            return Err(Malformed::new("crit", "a critical extension", "no extensions"));
        }
        let text = |field, member: fn(&RawHeader) -> &Option<String>| only(field, headers, member);
        let party = |field, member| match text(field, member)? {
            Some(value) => decode(field, value),
            None => Ok(Vec::new()),
        };
        Ok(Self {
            key_management: key_management(text("alg", |header| &header.alg)?)?,
            aead: aead(text("enc", |header| &header.enc)?)?,
            ephemeral: only("epk", headers, |header| &header.epk)?
                .ok_or_else(|| Malformed::missing("epk", "the sender's ephemeral public key"))?
                .public_key()?,
            apu: party("apu", |header| &header.apu)?,
            apv: party("apv", |header| &header.apv)?,
        })
    }
}

/// The one header's member that has this name, if any.
fn only<'a, T>(
    field: &'static str,
    headers: &'a [RawHeader; 3],
    member: fn(&RawHeader) -> &Option<T>,
) -> Result<Option<&'a T>, Malformed> {
    let mut found = headers.iter().filter_map(|header| member(header).as_ref());
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Malformed::new(field, "it in two headers", "each member in one header")),
    }
}

fn key_management(alg: Option<&String>) -> Result<KeyManagement, Malformed> {
    let allowed = "ECDH-ES or ECDH-ES+A256KW";
    match alg.map(String::as_str) {
        Some(ECDH_ES) => Ok(KeyManagement::Direct),
        Some(ECDH_ES_A256KW) => Ok(KeyManagement::Wrapped),
        Some(other) => Err(Malformed::new("alg", other, allowed)),
        None => Err(Malformed::missing("alg", allowed)),
    }
}

fn aead(enc: Option<&String>) -> Result<Aead, Malformed> {
    let allowed = "A256GCM or A128GCM";
    match enc.map(String::as_str) {
        Some(A128GCM) => Ok(Aead::Aes128Gcm),
        Some(A256GCM) => Ok(Aead::Aes256Gcm),
        Some(other) => Err(Malformed::new("enc", other, allowed)),
        None => Err(Malformed::missing("enc", allowed)),
    }
}

/// JOSE's name of a cipher that [`aead`] reads.
pub(super) fn enc_name(aead: Aead) -> &'static str {
    match aead {
        Aead::Aes128Gcm => A128GCM,
        Aead::Aes256Gcm => A256GCM,
        Aead::ChaCha20Poly1305 => panic!("BUG: JOSE has no ChaCha20-Poly1305"),
    }
}
