//! SHA-256 digests: 32 bytes as a `blob` in Candid, lower-case hexadecimal for people.

use std::{fmt, str::FromStr};

use candid::{
    CandidType,
    types::{Serializer, Type, TypeInner},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Why a text or a blob is not a SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDigest {
    found: String,
}

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a SHA-256 digest is 32 bytes (64 hexadecimal digits), found {}", self.found)
    }
}

impl std::error::Error for InvalidDigest {}

impl TryFrom<&[u8]> for Sha256Digest {
    type Error = InvalidDigest;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).map_err(|_| InvalidDigest { found: format!("{} bytes", bytes.len()) })
    }
}

impl FromStr for Sha256Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(error) => {
                Err(InvalidDigest { found: format!("{} characters ({error})", text.chars().count()) })
            }
        }
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl CandidType for Sha256Digest {
    fn _ty() -> Type {
        TypeInner::Vec(TypeInner::Nat8.into()).into()
    }

    fn idl_serialize<S: Serializer>(&self, serializer: S) -> Result<(), S::Error> {
        serializer.serialize_blob(&self.0)
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
            Self::try_from(bytes.as_ref()).map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candid::{Decode, Encode};

    #[test]
    fn should_travel_as_a_candid_blob() {
        let digest = Sha256Digest::of(b"abc");
        let bytes = Encode!(&digest).expect("encodes");
        assert_eq!(Decode!(&bytes, Sha256Digest).expect("decodes"), digest);
        assert_eq!(Decode!(&bytes, Vec<u8>).expect("is a blob"), digest.0.to_vec());
    }

    #[test]
    fn should_be_hexadecimal_for_people() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn should_say_what_a_digest_is_when_given_something_else() {
        let error = "abc".parse::<Sha256Digest>().expect_err("too short").to_string();
        assert!(error.contains("64 hexadecimal digits") && error.contains("3 characters"), "{error}");
        let long = Encode!(&vec![7u8; 33]).expect("encodes");
        assert!(Decode!(&long, Sha256Digest).is_err());
    }
}
