//! PyPI tokens: macaroons in the binary format of version 2, narrowed offline.
//!
//! `token = "pypi-" + base64url(02 | 01 len location | 02 len identifier | 00 | {02 len caveat | 00}* | 00 |
//! 06 20 signature)`. To narrow one, a caveat is appended and the signature becomes
//! `HMAC-SHA256(key = signature, caveat)`; that needs no other secret and cannot be undone.
//!
//! Own code, because the published crates either call C code or draw randomness from the browser when built
//! for wasm, and none wipes the buffers it parses into. Here every buffer with token bytes is wiped on drop and
//! allocated at its final size; HMAC's own state stays on the stack, for its caller to scrub.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    pypi::{InvalidProjectName, normalized_project},
    secret::{SecretToken, TokenError},
};

const PREFIX: &[u8] = b"pypi-";
const VERSION: u8 = 2;
const END: u8 = 0;
const LOCATION: u8 = 1;
const IDENTIFIER: u8 = 2;
const SIGNATURE: u8 = 6;
const SIGNATURE_BYTES: usize = 32;

const EXPIRATION_CAVEAT: u64 = 0;
const PROJECT_CAVEAT: u64 = 1;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a token is no macaroon that can be narrowed. Never shows the token.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum MacaroonError {
    /// Another kind of token.
    #[error("token: does not start with `pypi-`; give the API token that the index issued")]
    NoPrefix,
    /// Damaged text.
    #[error("token: what follows `pypi-` is not base64url; copy the whole token again")]
    NotBase64,
    /// Damaged or foreign bytes.
    #[error("token: is not a version 2 macaroon with first-party caveats only; copy the whole token again")]
    Malformed,
    /// Nothing would be allowed.
    #[error("narrowing: not-before {not_before_s} s is not before expiry {expires_s} s; give a later expiry")]
    EmptyPeriod {
        /// Seconds since 1970.
        not_before_s: u64,
        /// Seconds since 1970.
        expires_s: u64,
    },
    /// Not a project.
    #[error(transparent)]
    InvalidProject(#[from] InvalidProjectName),
    /// The narrowed token would be longer than tokens may be.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// What a token's own caveats allow. The index may know further limits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Restrictions {
    /// Seconds since 1970 from which it is refused; the earliest of several. `None`: does not expire.
    pub expires_s: Option<u64>,
    /// Seconds since 1970 before which it is refused; the latest of several.
    pub not_before_s: Option<u64>,
    /// Normalised project names it is limited to, those that every caveat allows. `None`: not limited by name.
    pub projects: Option<Vec<String>>,
}

/// Returns a token for one project and the time from `not_before_s` until `expires_s` (seconds since 1970).
///
/// Appends the caveats `[1,["project"]]` and `[0,expires,not_before]`, in this order.
pub fn narrow(
    token: &SecretToken,
    project: &str,
    not_before_s: u64,
    expires_s: u64,
) -> Result<SecretToken, MacaroonError> {
    narrow_to_any(token, &[project], not_before_s, expires_s)
}

/// Like [`narrow`], for several projects: the token then allows each of them, and can be narrowed further to one.
pub fn narrow_to_any(
    token: &SecretToken,
    projects: &[&str],
    not_before_s: u64,
    expires_s: u64,
) -> Result<SecretToken, MacaroonError> {
    let quoted = |project: &&str| normalized_project(project).map(|project| format!("\"{project}\""));
    let projects = projects.iter().map(quoted).collect::<Result<Vec<_>, _>>()?.join(",");
    let period = expiration_caveat(not_before_s, expires_s)?;
    Macaroon::parse(token)?.append(&[&format!("[{PROJECT_CAVEAT},[{projects}]]"), &period])
}

/// Reads what the token's caveats say; fails for a token that is no macaroon.
pub fn restrictions(token: &SecretToken) -> Result<Restrictions, MacaroonError> {
    let macaroon = Macaroon::parse(token)?;
    let mut restrictions = Restrictions::default();
    for caveat in macaroon.caveats() {
        let Ok(Value::Array(caveat)) = serde_json::from_slice(caveat) else { continue };
        match caveat.as_slice() {
            [tag, expires, not_before] if tag.as_u64() == Some(EXPIRATION_CAVEAT) => {
                restrictions.limit_period(expires.as_u64(), not_before.as_u64());
            }
            [tag, Value::Array(names)] if tag.as_u64() == Some(PROJECT_CAVEAT) => {
                restrictions.limit_projects(names.iter().filter_map(Value::as_str));
            }
            _ => {}
        }
    }
    Ok(restrictions)
}

impl Restrictions {
    fn limit_period(&mut self, expires_s: Option<u64>, not_before_s: Option<u64>) {
        let earliest = [self.expires_s, expires_s].into_iter().flatten().min();
        let latest = [self.not_before_s, not_before_s].into_iter().flatten().max();
        (self.expires_s, self.not_before_s) = (earliest, latest);
    }

    fn limit_projects<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        if let Some(allowed) = &self.projects {
            names.retain(|name| allowed.contains(name));
        }
        self.projects = Some(names);
    }
}

fn expiration_caveat(not_before_s: u64, expires_s: u64) -> Result<String, MacaroonError> {
    if not_before_s >= expires_s {
        return Err(MacaroonError::EmptyPeriod { not_before_s, expires_s });
    }
    Ok(format!("[{EXPIRATION_CAVEAT},{expires_s},{not_before_s}]"))
}

/// A checked macaroon: its bytes, and where in them the caveats are.
struct Macaroon {
    bytes: Zeroizing<Vec<u8>>,
    caveats: Vec<std::ops::Range<usize>>,
}

impl Macaroon {
    fn parse(token: &SecretToken) -> Result<Self, MacaroonError> {
        let text = token.expose().strip_prefix(PREFIX).ok_or(MacaroonError::NoPrefix)?;
        let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        let length = BASE64.decode_slice(text, &mut bytes).map_err(|_| MacaroonError::NotBase64)?;
        bytes.truncate(length);
        let caveats = caveat_ranges(&bytes).ok_or(MacaroonError::Malformed)?;
        Ok(Self { bytes, caveats })
    }

    fn caveats(&self) -> impl Iterator<Item = &[u8]> {
        self.caveats.iter().map(|range| &self.bytes[range.clone()])
    }

    fn append(self, caveats: &[&str]) -> Result<SecretToken, MacaroonError> {
        // Before the signature stand the end of the caveats, the field's type and its length.
        let (body, tail) = self.bytes.split_at(self.bytes.len() - SIGNATURE_BYTES - 3);
        let (framing, signature) = tail.split_at(3);
        let mut signature = Zeroizing::new(signature.to_vec());
        let packets: Vec<_> = caveats.iter().map(|caveat| packet(caveat)).collect();
        let packets_bytes: usize = packets.iter().map(Vec::len).sum();
        let mut narrowed = Zeroizing::new(Vec::with_capacity(self.bytes.len() + packets_bytes));
        narrowed.extend_from_slice(body);
        for (caveat, packet) in caveats.iter().zip(&packets) {
            narrowed.extend_from_slice(packet);
            let mut mac = Hmac::<Sha256>::new_from_slice(&signature).expect("HMAC takes keys of any length");
            mac.update(caveat.as_bytes());
            signature.copy_from_slice(&mac.finalize().into_bytes());
        }
        narrowed.extend_from_slice(framing);
        narrowed.extend_from_slice(&signature);

        let encoded_bytes = (narrowed.len() * 4).div_ceil(3);
        let mut text = vec![0; PREFIX.len() + encoded_bytes];
        text[..PREFIX.len()].copy_from_slice(PREFIX);
        BASE64
            .encode_slice(&*narrowed, &mut text[PREFIX.len()..])
            .expect("the slice has the encoding's exact length");
        Ok(SecretToken::new(text)?)
    }
}

/// A caveat as it stands in the binary form.
fn packet(caveat: &str) -> Vec<u8> {
    let mut packet = vec![IDENTIFIER];
    let mut rest = caveat.len();
    while rest >= 0x80 {
        packet.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    packet.push(rest as u8);
    packet.extend_from_slice(caveat.as_bytes());
    packet.push(END);
    packet
}

/// Where the caveats are; nothing unless the whole is one macaroon with first-party caveats.
fn caveat_ranges(bytes: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let mut reader = Reader { bytes, at: 0 };
    let mut caveats = Vec::new();
    reader.expect(VERSION)?;
    if reader.peek()? == LOCATION {
        reader.field(LOCATION)?;
    }
    reader.field(IDENTIFIER)?;
    reader.expect(END)?;
    while reader.peek()? == IDENTIFIER {
        caveats.push(reader.field(IDENTIFIER)?);
        reader.expect(END)?;
    }
    reader.expect(END)?;
    let signature = reader.field(SIGNATURE)?;
    (signature.len() == SIGNATURE_BYTES && reader.at == bytes.len()).then_some(caveats)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A field of that type: where its content is.
    fn field(&mut self, kind: u8) -> Option<std::ops::Range<usize>> {
        self.expect(kind)?;
        // Two bytes of length are plenty: tokens are shorter than 2^14 bytes.
        let mut length = 0;
        for shift in [0, 7] {
            let byte = self.peek()?;
            self.at += 1;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let start = self.at;
                self.at = start.checked_add(length).filter(|end| *end <= self.bytes.len())?;
                return Some(start..self.at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
