//! An item's envelope: read as its format says, opened as far as a part needs.

use content_keys::{
    Curve, Dh, PublicKey,
    envelopes::{Aead, Malformed, OpenError, Parties, age, cose::CoseEnvelope, hpke, jwe::Jwe},
};
use content_types::{ContentError, CurveName, Format, HpkeAead, HpkeKdf, HpkeSuite, MAX_PART_BYTES, Part};
use zeroize::Zeroizing;

/// Reads bytes of the stored envelope: from where on, how many.
pub type ReadEnvelope<'a> = dyn Fn(u64, usize) -> Vec<u8> + 'a;

/// An envelope that was read but not opened.
pub enum Envelope {
    Age { header: age::Header, layout: age::Layout },
    Jwe(Box<Jwe>),
    Cose(Box<CoseEnvelope>),
    Hpke { suite: hpke::Suite, encapsulated: hpke::EncapsulatedKey, ciphertext: Vec<u8> },
}

/// Why there is no content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpened {
    Envelope(OpenError),
    /// It opened, but what was asked for is not there, or is too much for one answer.
    Part {
        content_bytes: u64,
    },
}

impl From<OpenError> for NotOpened {
    fn from(error: OpenError) -> Self {
        Self::Envelope(error)
    }
}

impl Envelope {
    /// Reads an envelope of `size_bytes`; of an age file no more than its header.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong. It depends on public bytes alone.
    pub fn parse(format: Format, size_bytes: u64, read: &ReadEnvelope) -> Result<Self, Malformed> {
        let whole = || read(0, length(size_bytes));
        Ok(match format {
            Format::Age => {
                let header = age::Header::parse(&read(0, length(size_bytes).min(age::MAX_HEADER_BYTES)))?;
                let layout = age::Layout::new(&header, size_bytes)?;
                Self::Age { header, layout }
            }
            Format::Jwe => Self::Jwe(Box::new(Jwe::parse(&whole())?)),
            Format::Cose => Self::Cose(Box::new(CoseEnvelope::parse(&whole())?)),
            Format::Hpke(suite) => hpke_envelope(suite, whole())?,
        })
    }

    /// Which of an owner's public keys it is for. None if for none of them: no key opens it then.
    pub fn curve(&self, recipient_keys: &[PublicKey; 2]) -> Option<Curve> {
        let is_for = |key: &&PublicKey| match self {
            Self::Age { header, .. } => !header.ephemeral_keys(key).is_empty(),
            Self::Jwe(jwe) => jwe.ephemeral_key().curve() == key.curve(),
            Self::Cose(cose) => cose.ephemeral_key().curve() == key.curve(),
            Self::Hpke { encapsulated, .. } => encapsulated.ephemeral_key().curve() == key.curve(),
        };
        recipient_keys.iter().find(is_for).map(PublicKey::curve)
    }

    /// How long the content is, where that is known before opening: of an age file.
    pub fn content_bytes(&self) -> Option<u64> {
        match self {
            Self::Age { layout, .. } => Some(layout.plaintext_bytes()),
            _ => None,
        }
    }

    /// Checks a part against what is known before opening.
    ///
    /// # Errors
    /// [`ContentError::Invalid`].
    pub fn check_part(&self, part: Option<&Part>) -> Result<(), ContentError> {
        let Some(content_bytes) = self.content_bytes() else { return Ok(()) };
        range_of(part, content_bytes).map(drop).ok_or_else(|| wrong_part(part, content_bytes))
    }

    /// Opens a part, or all of it if there is none. Of an age file only the chunks that hold it, and the last one.
    ///
    /// # Errors
    /// [`NotOpened`]; which part exists is said only of an envelope that opened.
    pub fn open(
        &self,
        key: &dyn Dh,
        part: Option<&Part>,
        read: &ReadEnvelope,
    ) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let whole = match self {
            Self::Age { header, layout } => return open_age(header, layout, key, part, read),
            Self::Jwe(jwe) => jwe.open(key, &Parties::default())?,
            Self::Cose(cose) => cose.open(key, &Parties::default(), &[])?,
            Self::Hpke { suite, encapsulated, ciphertext } => {
                hpke::receive(*suite, encapsulated, key, &[])?.open(&[], ciphertext)?
            }
        };
        let content_bytes = whole.as_ref().len() as u64;
        let range = range_of(part, content_bytes).ok_or(NotOpened::Part { content_bytes })?;
        let mut whole = whole.into_bytes();
        whole.truncate(length(range.end));
        whole.drain(..length(range.start));
        Ok(whole)
    }
}

/// What a caller is told of a part that cannot be had.
pub fn wrong_part(part: Option<&Part>, content_bytes: u64) -> ContentError {
    let found = part.map_or_else(
        || format!("all {content_bytes} bytes"),
        |part| format!("{} bytes from {} on", part.length_bytes, part.offset_bytes),
    );
    ContentError::invalid(
        "part",
        found,
        format!("1 to {MAX_PART_BYTES} bytes within the content's {content_bytes}"),
        "Ask for one part after the other.",
    )
}

fn open_age(
    header: &age::Header,
    layout: &age::Layout,
    key: &dyn Dh,
    part: Option<&Part>,
    read: &ReadEnvelope,
) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
    let content_bytes = layout.plaintext_bytes();
    let range = range_of(part, content_bytes).ok_or(NotOpened::Part { content_bytes })?;
    let stored = |range: std::ops::Range<u64>| read(range.start, length(range.end - range.start));
    let file_key = header.open(key)?;
    let last = stored(layout.chunk(layout.chunks() - 1));
    let payload = age::Payload::open(file_key, *layout, &stored(layout.nonce()), &last)?;
    // No reallocation may leave a copy behind.
    let mut content = Zeroizing::new(Vec::with_capacity(length(range.end - range.start)));
    for number in layout.chunks_of(&range).into_iter().flatten() {
        let chunk = payload.chunk(number, &stored(layout.chunk(number)))?;
        let within = layout.within_chunk(number, &range);
        content.extend_from_slice(&chunk.as_ref()[within]);
    }
    Ok(content)
}

/// The bytes that are asked for. None if they are not all there, or too many; nothing at all may be asked for only of
/// empty content.
fn range_of(part: Option<&Part>, content_bytes: u64) -> Option<std::ops::Range<u64>> {
    let range = match part {
        None => 0..content_bytes,
        Some(part) => part.offset_bytes..part.end_bytes().filter(|end| *end > part.offset_bytes)?,
    };
    (range.end <= content_bytes && range.end - range.start <= MAX_PART_BYTES).then_some(range)
}

fn hpke_envelope(suite: HpkeSuite, bytes: Vec<u8>) -> Result<Envelope, Malformed> {
    let (curve, enc_bytes) = match suite.curve {
        CurveName::P256 => (Curve::P256, 65),
        CurveName::X25519 => (Curve::X25519, 32),
    };
    let (enc, ciphertext) = bytes.split_at(bytes.len().min(enc_bytes));
    let kdf = match suite.kdf {
        HpkeKdf::HkdfSha256 => hpke::Kdf::HkdfSha256,
        HpkeKdf::HkdfSha512 => hpke::Kdf::HkdfSha512,
    };
    let aead = match suite.aead {
        HpkeAead::Aes128Gcm => Aead::Aes128Gcm,
        HpkeAead::Aes256Gcm => Aead::Aes256Gcm,
        HpkeAead::ChaCha20Poly1305 => Aead::ChaCha20Poly1305,
    };
    Ok(Envelope::Hpke {
        suite: hpke::Suite { kdf, aead },
        encapsulated: hpke::EncapsulatedKey::parse(curve, enc)?,
        ciphertext: ciphertext.to_vec(),
    })
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).expect("whole envelopes, parts and chunks fit memory")
}
