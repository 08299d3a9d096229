//! Formats in which ordinary tools encrypt to a content key, and in which they get their answers.
//!
//! | module | what writes it | admitted |
//! |---|---|---|
//! | [`jwe`] | WebCrypto, JOSE libraries | compact and flattened; `ECDH-ES`, `ECDH-ES+A256KW`; `A128GCM`, `A256GCM` |
//! | [`age`] | `age`, typage, rage | binary files to `age1…` and `age1tag1…`; whole, or any chunk alone |
//! | [`cose`] | COSE libraries | COSE_Encrypt to one recipient; -25, -31; `A128GCM`, `A256GCM` |
//! | [`hpke`] | HPKE libraries | base mode; HKDF-SHA-256 or -512; AES-GCM or ChaCha20-Poly1305 |
//! | [`mdoc`] | readers and wallets of mobile documents | session encryption in both roles, device MAC |
//!
//! All on P-256 and X25519. Answers are written as JWE ([`jwe::seal`]) or age ([`age::seal`]); public keys as JWK, age
//! recipient, COSE_Key and bytes (methods of [`PublicKey`](crate::PublicKey)).
//!
//! Each is read in two steps. Parsing takes public bytes only, names every public key that a [`Dh`](crate::Dh) is
//! needed for, and says what is wrong: [`Malformed`]. Opening needs the key, and has one answer for whatever fails:
//! [`OpenError::CannotOpen`].
//!
//! An envelope names no owner. Who re-uploads a copy of somebody else's must find that it does not open: every owner
//! has an own recipient key. Where a format carries a context of its own, the caller may state which it expects.

pub mod age;
mod cipher;
pub mod cose;
mod ephemeral;
mod error;
pub mod hpke;
pub mod jwe;
pub mod mdoc;
mod recipient;

pub use cipher::{Aead, Plaintext};
pub use ephemeral::SealingSeed;
pub use error::{Malformed, OpenError};

/// What an envelope says about its two parties, each part bound into the key that opens it: JOSE's `apu` and `apv`,
/// COSE's PartyU and PartyV identities.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parties<'a> {
    /// Who wrote the envelope. `None`: whatever it says, or nothing.
    pub writer: Option<&'a [u8]>,
    /// Whom it is for. `None`: whatever it says, or nothing.
    pub reader: Option<&'a [u8]>,
}

impl Parties<'_> {
    /// Whether an envelope that says `writer` and `reader` is the expected one.
    fn admit(&self, writer: &[u8], reader: &[u8]) -> bool {
        self.writer.is_none_or(|expected| expected == writer)
            && self.reader.is_none_or(|expected| expected == reader)
    }
}
