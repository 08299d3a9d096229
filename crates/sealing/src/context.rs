//! Every vetKD derivation context of the project, in one place.

/// What a derived key is for. Keys of different purposes have nothing in common, and no context may serve
/// two: a signature made in a context *is* the decryption key for the message it signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DerivationContext {
    /// Sealing registry tokens to a custody canister.
    CredentialSealing,
    /// Owners' recipient keys at a content canister.
    ContentKeys,
    /// Sealing a holder's shares of threshold keys at rest, and its identity.
    HolderShares,
}

impl DerivationContext {
    /// The bytes that vetKD takes: application, purpose and version, each preceded by its length, so that no
    /// two contexts share an encoding.
    pub fn to_bytes(self) -> Vec<u8> {
        let (purpose, version): (&[u8], u8) = match self {
            Self::CredentialSealing => (b"credential-sealing", 1),
            Self::ContentKeys => (b"content-keys", 1),
            Self::HolderShares => (b"holder-shares", 1),
        };
        let parts: [&[u8]; 3] = [b"countersign", purpose, &[version]];
        let mut bytes = Vec::new();
        for part in parts {
            bytes.push(u8::try_from(part.len()).expect("the parts above are short"));
            bytes.extend_from_slice(part);
        }
        bytes
    }
}
