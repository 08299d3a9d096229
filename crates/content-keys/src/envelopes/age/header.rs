//! The text before the payload: who may open it, and the MAC that binds this together.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hkdf::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    FileKey,
    stanza::{Lines, Stanza},
};
use crate::{
    Dh, PublicKey,
    envelopes::{Malformed, OpenError, cipher::hkdf_sha256},
};

/// A header is no longer than this: about a hundred recipients.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;
/// X25519 recipients that a file may have. Which of them is the key's cannot be seen, and trying one costs an ECDH.
const MAX_X25519_RECIPIENTS: usize = 8;

pub(super) const VERSION: &str = "age-encryption.org/v1";
/// The last line, up to its MAC.
pub(super) const FOOTER: &str = "---";
pub(super) const MAC_BYTES: usize = 32;

/// A file's header, read but not opened.
#[derive(Debug)]
pub struct Header {
    stanzas: Vec<Stanza>,
    /// Everything that the MAC covers.
    covered: Vec<u8>,
    mac: [u8; MAC_BYTES],
    length_bytes: usize,
}

impl Header {
    /// Reads the header from the first bytes of a file: all of it, or at least [`MAX_HEADER_BYTES`].
    ///
    /// # Errors
    /// [`Malformed`] for anything but the binary format's first version, and for more than 8 X25519 recipients.
    pub fn parse(file_start: &[u8]) -> Result<Self, Malformed> {
        let start = &file_start[..file_start.len().min(MAX_HEADER_BYTES)];
        if start.starts_with(b"-----BEGIN AGE") {
            return Err(Malformed::new("version line", "armor", "the binary format: encrypt without -a"));
        }
        let mut lines = Lines::new(start);
        let version = lines.next_line()?;
        if version != VERSION {
            return Err(Malformed::new("version line", version, VERSION));
        }
        let mut stanzas = Vec::new();
        let mac_line = loop {
            let line_start = lines.position();
            let line = lines.next_line()?;
            if let Some(rest) = line.strip_prefix(FOOTER) {
                break (line_start, rest);
            }
            stanzas.push(Stanza::parse(line, &mut lines)?);
        };
        if stanzas.is_empty() {
            return Err(Malformed::missing("recipients", "at least one"));
        }
        let x25519 = stanzas.iter().filter(|stanza| matches!(stanza, Stanza::X25519 { .. })).count();
        if x25519 > MAX_X25519_RECIPIENTS {
            return Err(Malformed::new(
                "recipients",
                format!("{x25519} with X25519"),
                "at most 8 with X25519",
            ));
        }
        let (footer_start, mac) = mac_line;
        let mac = mac.strip_prefix(' ').and_then(|mac| BASE64_STANDARD_NO_PAD.decode(mac).ok());
        Ok(Self {
            stanzas,
            covered: start[..footer_start + FOOTER.len()].to_vec(),
            mac: mac.and_then(|mac| mac.try_into().ok()).ok_or_else(|| {
                Malformed::new("MAC line", "another line", "--- and 32 bytes in canonical base64")
            })?,
            length_bytes: lines.position(),
        })
    }

    /// Where the payload begins in the file.
    pub fn length_bytes(&self) -> usize {
        self.length_bytes
    }

    /// The keys that a [`Dh`] of `recipient` is needed for: none if the file is for others, and with X25519, as many
    /// as the file has X25519 recipients.
    pub fn ephemeral_keys(&self, recipient: &PublicKey) -> Vec<PublicKey> {
        self.candidates(recipient).map(Stanza::ephemeral_key).collect()
    }

    /// Finds the file key.
    ///
    /// # Errors
    /// [`OpenError::CannotOpen`] if the file is for others, or its header was changed.
    pub fn open(&self, key: &dyn Dh) -> Result<FileKey, OpenError> {
        for stanza in self.candidates(&key.public_key()) {
            match stanza.open(key) {
                Ok(file_key) => return self.verify(&file_key).map(|()| file_key),
                Err(OpenError::CannotOpen) => {}
                Err(unavailable @ OpenError::Unavailable) => return Err(unavailable),
            }
        }
        Err(OpenError::CannotOpen)
    }

    fn candidates(&self, recipient: &PublicKey) -> impl Iterator<Item = &Stanza> {
        self.stanzas.iter().filter(move |stanza| stanza.may_be_for(recipient))
    }

    fn verify(&self, file_key: &FileKey) -> Result<(), OpenError> {
        let mac = header_mac(file_key, &self.covered);
        mac.verify_slice(&self.mac).map_err(|_| OpenError::CannotOpen)
    }
}

/// The MAC over a header up to and including [`FOOTER`].
pub(super) fn header_mac(file_key: &FileKey, covered: &[u8]) -> Hmac<Sha256> {
    let mut key = Zeroizing::new([0; 32]);
    hkdf_sha256(&[], &*file_key.0, b"header", &mut *key);
    let mut mac = Hmac::<Sha256>::new_from_slice(&*key).expect("HMAC takes keys of any length");
    mac.update(covered);
    mac
}
