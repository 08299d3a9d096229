//! One recipient of a file: what it says openly, and how the file key is wrapped for it.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hkdf::hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{FILE_KEY_BYTES, FileKey};
use crate::{
    Curve, Dh, PublicKey, SharedSecret,
    envelopes::{
        Aead, Malformed, OpenError, Plaintext, SealingSeed,
        cipher::{ContentKey, NONCE_BYTES, TAG_BYTES, hkdf_sha256},
        ephemeral::agree,
        hpke::{self, EncapsulatedKey, Kdf, Suite},
    },
};

const X25519: &str = "X25519";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
const P256TAG: &str = "p256tag";
/// HPKE's `info`, and the salt of the tag.
const P256TAG_INFO: &[u8] = b"age-encryption.org/p256tag";
const P256TAG_SUITE: Suite = Suite { kdf: Kdf::HkdfSha256, aead: Aead::ChaCha20Poly1305 };
const P256_TAG_BYTES: usize = 4;
/// A wrapped file key.
pub(super) const BODY_BYTES: usize = FILE_KEY_BYTES + TAG_BYTES;
/// Characters of a full line of a body.
pub(super) const BODY_COLUMNS: usize = 64;

#[derive(Debug)]
pub(super) enum Stanza {
    X25519 {
        ephemeral: PublicKey,
        /// As written: they enter the key.
        share: Vec<u8>,
        body: [u8; BODY_BYTES],
    },
    P256Tag {
        tag: [u8; P256_TAG_BYTES],
        encapsulated: EncapsulatedKey,
        body: [u8; BODY_BYTES],
    },
    /// Of a kind that is for others.
    Other,
}

impl Stanza {
    /// Reads the stanza that begins with `line`; its body follows in `lines`.
    pub(super) fn parse(line: &str, lines: &mut Lines) -> Result<Self, Malformed> {
        let malformed = || Malformed::new("recipient", line, "-> and arguments of printable characters");
        let arguments: Vec<&str> = line.strip_prefix("-> ").ok_or_else(malformed)?.split(' ').collect();
        if arguments.iter().any(|word| word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(malformed());
        }
        let body = parse_body(lines)?;
        match arguments.as_slice() {
            [X25519, arguments @ ..] => Self::x25519(arguments, &body),
            [P256TAG, arguments @ ..] => Self::p256tag(arguments, &body),
            ["scrypt", ..] => {
                Err(Malformed::new("recipient", "a passphrase", "public keys: encrypt with age -r"))
            }
            _ => Ok(Self::Other),
        }
    }

    fn x25519(arguments: &[&str], body: &[u8]) -> Result<Self, Malformed> {
        let [share] = arguments else {
            return Err(Malformed::new(X25519, format!("{} arguments", arguments.len()), "one: the share"));
        };
        let share = decode(X25519, share)?;
        let ephemeral = PublicKey::x25519(&share).map_err(|error| Malformed::public_key(X25519, error))?;
        Ok(Self::X25519 { ephemeral, share, body: wrapped_key(body)? })
    }

    fn p256tag(arguments: &[&str], body: &[u8]) -> Result<Self, Malformed> {
        let [tag, share] = arguments else {
            return Err(Malformed::new(
                P256TAG,
                format!("{} arguments", arguments.len()),
                "two: tag and share",
            ));
        };
        let tag = decode(P256TAG, tag)?;
        let tag = tag
            .as_slice()
            .try_into()
            .map_err(|_| Malformed::length("p256tag's tag", tag.len(), "4 bytes"))?;
        let encapsulated = EncapsulatedKey::parse(Curve::P256, &decode(P256TAG, share)?)?;
        Ok(Self::P256Tag { tag, encapsulated, body: wrapped_key(body)? })
    }

    /// Whether `recipient` may open it, as far as can be seen: with X25519 nothing can.
    pub(super) fn may_be_for(&self, recipient: &PublicKey) -> bool {
        match self {
            Self::X25519 { .. } => recipient.curve() == Curve::X25519,
            Self::P256Tag { tag, encapsulated, .. } => p256_tag(recipient, encapsulated) == Some(*tag),
            Self::Other => false,
        }
    }

    pub(super) fn ephemeral_key(&self) -> PublicKey {
        match self {
            Self::X25519 { ephemeral, .. } => *ephemeral,
            Self::P256Tag { encapsulated, .. } => encapsulated.ephemeral_key(),
            Self::Other => panic!("BUG: a recipient of another kind is nobody's"),
        }
    }

    pub(super) fn open(&self, key: &dyn Dh) -> Result<FileKey, OpenError> {
        let opened = match self {
            Self::X25519 { ephemeral, share, body } => {
                let wrapping_key = x25519_wrapping_key(&key.dh(ephemeral)?, share, &key.public_key());
                wrapping_key.open(&[0; NONCE_BYTES], &[], body)
            }
            Self::P256Tag { encapsulated, body, .. } => {
                hpke::receive(P256TAG_SUITE, encapsulated, key, P256TAG_INFO)?.open(&[], body)
            }
            Self::Other => Err(OpenError::CannotOpen),
        }?;
        file_key(&opened)
    }

    /// The stanza, as text, that wraps `file_key` for `recipient`.
    pub(super) fn write(recipient: &PublicKey, file_key: &FileKey, seed: &SealingSeed) -> String {
        let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        let (arguments, body) = match recipient.curve() {
            Curve::X25519 => {
                let (ephemeral, shared) = agree(recipient, seed);
                let share = ephemeral.to_bytes();
                let wrapping_key = x25519_wrapping_key(&shared, &share, recipient);
                // Each wrapping key serves once.
                let body = wrapping_key.seal(&[0; NONCE_BYTES], &[], &*file_key.0);
                (format!("{X25519} {}", encode(&share)), body)
            }
            Curve::P256 => {
                let (encapsulated, mut messages) = hpke::send(P256TAG_SUITE, recipient, P256TAG_INFO, seed);
                let tag = p256_tag(recipient, &encapsulated).expect("the recipient's curve is P-256");
                let body = messages.seal(&[], &*file_key.0);
                (format!("{P256TAG} {} {}", encode(&tag), encode(encapsulated.as_bytes())), body)
            }
        };
        let body = encode(&body);
        debug_assert!(body.len() < BODY_COLUMNS, "a wrapped file key takes one line");
        format!("-> {arguments}\n{body}\n")
    }
}

fn x25519_wrapping_key(shared: &SharedSecret, share: &[u8], recipient: &PublicKey) -> ContentKey {
    let salt = [share, &recipient.to_bytes()].concat();
    ContentKey::filled(Aead::ChaCha20Poly1305, |key| hkdf_sha256(&salt, shared.expose(), X25519_INFO, key))
}

/// What a stanza for this recipient is marked with: HKDF-Extract over the share and the recipient's fingerprint.
fn p256_tag(recipient: &PublicKey, encapsulated: &EncapsulatedKey) -> Option<[u8; P256_TAG_BYTES]> {
    let PublicKey::P256(recipient) = recipient else { return None };
    let fingerprint = Sha256::digest(recipient.to_sec1_point(true).as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(P256TAG_INFO).expect("HMAC takes keys of any length");
    mac.update(encapsulated.as_bytes());
    mac.update(&fingerprint[..P256_TAG_BYTES]);
    mac.finalize().into_bytes()[..P256_TAG_BYTES].try_into().ok()
}

fn file_key(opened: &Plaintext) -> Result<FileKey, OpenError> {
    let bytes: [u8; FILE_KEY_BYTES] = opened.as_ref().try_into().map_err(|_| OpenError::CannotOpen)?;
    Ok(FileKey(Zeroizing::new(bytes)))
}

fn wrapped_key(body: &[u8]) -> Result<[u8; BODY_BYTES], Malformed> {
    body.try_into().map_err(|_| Malformed::length("recipient body", body.len(), "32 bytes"))
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, Malformed> {
    BASE64_STANDARD_NO_PAD
        .decode(text)
        .map_err(|_| Malformed::new(field, text, "canonical base64 without padding"))
}

/// A body is lines of 64 columns, and one shorter line that ends it, be it empty.
fn parse_body(lines: &mut Lines) -> Result<Vec<u8>, Malformed> {
    let mut text = String::new();
    loop {
        let line = lines.next_line()?;
        if line.len() > BODY_COLUMNS {
            return Err(Malformed::new("recipient body", line, "lines of at most 64 columns"));
        }
        text.push_str(line);
        if line.len() < BODY_COLUMNS {
            return decode("recipient body", &text);
        }
    }
}

/// The header's lines, each ended by a line feed.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    position: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0 }
    }

    /// Where the next line begins.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn next_line(&mut self) -> Result<&'a str, Malformed> {
        let rest = &self.text[self.position..];
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(|| Malformed::missing("header", "a header that ends, with its MAC, within 16 KiB"))?;
        self.position += length + 1;
        str::from_utf8(&rest[..length])
            .map_err(|_| Malformed::new("header", "bytes that are no text", "lines of printable characters"))
    }
}
