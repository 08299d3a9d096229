//! The content: chunks of 64 KiB, each sealed under its number and whether it is the last (STREAM).

use std::ops::{Range, RangeInclusive};

use super::{FileKey, Header, PAYLOAD_NONCE_BYTES};
use crate::envelopes::{
    Aead, Malformed, OpenError, Plaintext,
    cipher::{ContentKey, NONCE_BYTES, TAG_BYTES, hkdf_sha256},
};

/// Plaintext bytes of every chunk but the last, which has 1 to as many, or 0 if it is the only one.
pub const CHUNK_BYTES: u64 = 64 * 1024;
const TAG: u64 = TAG_BYTES as u64;
const NONCE: u64 = PAYLOAD_NONCE_BYTES as u64;
const SEALED_CHUNK_BYTES: u64 = CHUNK_BYTES + TAG;

/// Where everything lies in a file, by its length alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    header_bytes: u64,
    file_bytes: u64,
    chunks: u64,
}

impl Layout {
    /// The layout of a file of `file_bytes` that begins with `header`.
    ///
    /// # Errors
    /// [`Malformed`] for lengths that no writer makes: the file was cut or has something after its end.
    pub fn new(header: &Header, file_bytes: u64) -> Result<Self, Malformed> {
        let header_bytes = header.length_bytes() as u64;
        let malformed = || {
            Malformed::new(
                "file length",
                format!("{file_bytes} bytes"),
                "header, 16 bytes of nonce, chunks of 65552 bytes, and a last one of 17 to 65552 (16 if alone)",
            )
        };
        let sealed = file_bytes.checked_sub(header_bytes + NONCE).ok_or_else(malformed)?;
        let chunks = sealed.div_ceil(SEALED_CHUNK_BYTES);
        let last = sealed.checked_sub(chunks.saturating_sub(1) * SEALED_CHUNK_BYTES).ok_or_else(malformed)?;
        let shortest = if chunks == 1 { TAG } else { TAG + 1 };
        if last < shortest {
            return Err(malformed());
        }
        Ok(Self { header_bytes, file_bytes, chunks })
    }

    /// How many chunks there are: at least one.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// The length of the content, once [`Payload::open`] has shown that the file is whole.
    pub fn plaintext_bytes(&self) -> u64 {
        self.file_bytes - self.header_bytes - NONCE - self.chunks * TAG
    }

    /// Where the payload's nonce lies in the file.
    pub fn nonce(&self) -> Range<u64> {
        self.header_bytes..self.header_bytes + NONCE
    }

    /// Where a chunk lies in the file; nothing beyond the last.
    pub fn chunk(&self, number: u64) -> Range<u64> {
        let start =
            self.nonce().end.saturating_add(number.saturating_mul(SEALED_CHUNK_BYTES)).min(self.file_bytes);
        start..start.saturating_add(SEALED_CHUNK_BYTES).min(self.file_bytes)
    }

    /// The chunks that hold these bytes of the content. `None` if the range is empty, or ends after the content.
    pub fn chunks_of(&self, bytes: &Range<u64>) -> Option<RangeInclusive<u64>> {
        let inside = bytes.start < bytes.end && bytes.end <= self.plaintext_bytes();
        inside.then(|| bytes.start / CHUNK_BYTES..=(bytes.end - 1) / CHUNK_BYTES)
    }

    /// The part of a chunk's plaintext that lies in these bytes of the content.
    pub fn within_chunk(&self, number: u64, bytes: &Range<u64>) -> Range<usize> {
        let start = number.saturating_mul(CHUNK_BYTES);
        let offset =
            |byte: u64| usize::try_from(byte.saturating_sub(start).min(CHUNK_BYTES)).unwrap_or(usize::MAX);
        offset(bytes.start)..offset(bytes.end)
    }
}

/// A payload whose end is known to be the writer's.
pub struct Payload {
    key: ContentKey,
    layout: Layout,
}

impl Payload {
    /// Opens the last chunk first: it alone proves that nothing was cut off, and so what a part is a part of.
    ///
    /// # Errors
    /// [`OpenError::CannotOpen`] if the file is not as its writer ended it.
    #[expect(clippy::needless_pass_by_value, reason = "a file key serves one payload, then it is wiped")]
    pub fn open(
        file_key: FileKey,
        layout: Layout,
        nonce: &[u8],
        last_chunk: &[u8],
    ) -> Result<Self, OpenError> {
        let nonce: &[u8; PAYLOAD_NONCE_BYTES] = nonce.try_into().map_err(|_| OpenError::CannotOpen)?;
        let payload = Self { key: payload_key(&file_key, nonce), layout };
        payload.chunk(layout.chunks - 1, last_chunk)?;
        Ok(payload)
    }

    /// Opens one chunk, whose bytes are those that [`Layout::chunk`] names.
    ///
    /// # Errors
    /// [`OpenError::CannotOpen`] for any other bytes, another chunk's among them.
    pub fn chunk(&self, number: u64, sealed: &[u8]) -> Result<Plaintext, OpenError> {
        if number >= self.layout.chunks {
            return Err(OpenError::CannotOpen);
        }
        self.key.open(&chunk_nonce(number, number + 1 == self.layout.chunks), &[], sealed)
    }
}

pub(super) fn payload_key(file_key: &FileKey, nonce: &[u8; PAYLOAD_NONCE_BYTES]) -> ContentKey {
    ContentKey::filled(Aead::ChaCha20Poly1305, |key| hkdf_sha256(nonce, &*file_key.0, b"payload", key))
}

/// 11 bytes of number, one that says whether the chunk is the last.
pub(super) fn chunk_nonce(number: u64, last: bool) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = last.into();
    nonce
}
