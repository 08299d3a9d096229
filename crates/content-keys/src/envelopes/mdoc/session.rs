//! Session encryption: AES-256-GCM with one key and one counter for each direction.

use super::salt;
use crate::{
    Dh, PublicKey, SharedSecret,
    envelopes::{
        Aead, OpenError, Plaintext,
        cipher::{ContentKey, NONCE_BYTES, hkdf_sha256},
    },
};

/// Which side of the session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Asks for a document.
    Reader,
    /// Holds one.
    Device,
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Reader => Self::Device,
            Self::Device => Self::Reader,
        }
    }

    /// HKDF's info for what this side sends.
    fn info(self) -> &'static [u8] {
        match self {
            Self::Reader => b"SKReader",
            Self::Device => b"SKDevice",
        }
    }

    /// The first 8 bytes of the nonces of what this side sends.
    fn nonce_prefix(self) -> [u8; 8] {
        match self {
            Self::Reader => [0; 8],
            Self::Device => [0, 0, 0, 0, 0, 0, 0, 1],
        }
    }
}

/// One side's view of a session.
pub struct Session {
    sent: Direction,
    received: Direction,
}

impl Session {
    /// Begins the session between `key`, this side's ephemeral key, and `peer`, the other side's.
    ///
    /// # Errors
    /// [`OpenError`] as [`Dh::dh`] has it. A wrong transcript shows when the first message does not open.
    pub fn new(
        role: Role,
        key: &dyn Dh,
        peer: &PublicKey,
        session_transcript_bytes: &[u8],
    ) -> Result<Self, OpenError> {
        let shared = key.dh(peer)?;
        let salt = salt(session_transcript_bytes);
        Ok(Self {
            sent: Direction::new(role, &shared, &salt),
            received: Direction::new(role.other(), &shared, &salt),
        })
    }

    /// Encrypts the next message to the other side: the `data` of SessionEstablishment or SessionData.
    ///
    /// # Panics
    /// After 2^32 - 1 messages.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let sealed = self.sent.key.seal(&self.sent.nonce(), &[], plaintext);
        self.sent.advance();
        sealed
    }

    /// Decrypts the other side's next message.
    ///
    /// # Errors
    /// [`OpenError::CannotOpen`]; the same message is then still expected.
    ///
    /// # Panics
    /// After 2^32 - 1 messages.
    pub fn decrypt(&mut self, data: &[u8]) -> Result<Plaintext, OpenError> {
        let plaintext = self.received.key.open(&self.received.nonce(), &[], data)?;
        self.received.advance();
        Ok(plaintext)
    }
}

/// What one side sends.
struct Direction {
    key: ContentKey,
    nonce_prefix: [u8; 8],
    /// Of the next message; the first is 1.
    counter: u32,
}

impl Direction {
    fn new(sender: Role, shared: &SharedSecret, salt: &[u8]) -> Self {
        Self {
            key: ContentKey::filled(Aead::Aes256Gcm, |key| {
                hkdf_sha256(salt, shared.expose(), sender.info(), key);
            }),
            nonce_prefix: sender.nonce_prefix(),
            counter: 1,
        }
    }

    fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&self.nonce_prefix);
        nonce[8..].copy_from_slice(&self.counter.to_be_bytes());
        nonce
    }

    fn advance(&mut self) {
        self.counter = self.counter.checked_add(1).expect("no session has 2^32 messages");
    }
}
