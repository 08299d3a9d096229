//! Public keys on the two curves: checked when they are read, never later.

use curve25519_dalek::{MontgomeryPoint, traits::IsIdentity};
use p256::elliptic_curve::sec1::ToSec1Point;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The curves of content keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    P256,
    X25519,
}

impl Curve {
    /// As ordinary tools write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::X25519 => "X25519",
        }
    }
}

/// A public key that may be multiplied by a secret: on the curve itself (for X25519, not on its twist) and not of
/// small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Encoded", into = "Encoded")]
pub enum PublicKey {
    P256(p256::PublicKey),
    /// Canonical: below the field's prime, the unused bit clear.
    X25519(MontgomeryPoint),
}

/// Why bytes are no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    #[error("a public key of {found} bytes; allowed: {allowed}")]
    Length { found: usize, allowed: &'static str },
    #[error("the bytes are no point of the curve")]
    NotOnCurve,
    #[error("the point has a small order, so that the shared secret would be known to everyone")]
    SmallOrder,
}

impl PublicKey {
    /// Reads a P-256 key in SEC1 form: 33 bytes beginning with 2 or 3, or 65 beginning with 4.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for any other form (hybrid, the identity), and for a point not on the curve.
    pub fn p256(sec1: &[u8]) -> Result<Self, InvalidPublicKey> {
        if !matches!((sec1.len(), sec1.first()), (33, Some(2 | 3)) | (65, Some(4))) {
            let allowed = "33, beginning with 2 or 3, or 65, beginning with 4";
            return Err(InvalidPublicKey::Length { found: sec1.len(), allowed });
        }
        p256::PublicKey::from_sec1_bytes(sec1).map(Self::P256).map_err(|_| InvalidPublicKey::NotOnCurve)
    }

    /// Reads an X25519 key as RFC 7748 does: 32 bytes, the highest bit ignored, reduced by the field's prime.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for another length, for a point of the twist, and for one of small order: no honest key is
    /// such.
    pub fn x25519(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let allowed = "32";
        let bytes: [u8; 32] =
            bytes.try_into().map_err(|_| InvalidPublicKey::Length { found: bytes.len(), allowed })?;
        let point = MontgomeryPoint(bytes).to_edwards(0).ok_or(InvalidPublicKey::NotOnCurve)?;
        if point.mul_by_cofactor().is_identity() {
            return Err(InvalidPublicKey::SmallOrder);
        }
        Ok(Self::X25519(point.to_montgomery()))
    }

    /// The curve that it is on.
    pub fn curve(&self) -> Curve {
        match self {
            Self::P256(_) => Curve::P256,
            Self::X25519(_) => Curve::X25519,
        }
    }

    /// 65 bytes of uncompressed SEC1, or 32 bytes of u.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            Self::X25519(point) => point.to_bytes().to_vec(),
        }
    }
}

/// A public key on its way: not checked yet.
#[derive(Serialize, Deserialize)]
enum Encoded {
    P256(ByteBuf),
    X25519(ByteBuf),
}

impl From<PublicKey> for Encoded {
    fn from(key: PublicKey) -> Self {
        let bytes = ByteBuf::from(key.to_bytes());
        match key.curve() {
            Curve::P256 => Self::P256(bytes),
            Curve::X25519 => Self::X25519(bytes),
        }
    }
}

impl TryFrom<Encoded> for PublicKey {
    type Error = InvalidPublicKey;

    fn try_from(encoded: Encoded) -> Result<Self, InvalidPublicKey> {
        match encoded {
            Encoded::P256(bytes) => Self::p256(&bytes),
            Encoded::X25519(bytes) => Self::x25519(&bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748, section 6.1: Bob's public key.
    const X25519: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

    #[test]
    fn should_read_what_it_writes_and_ignore_the_unused_bit() {
        let mut bytes = hex::decode(X25519).expect("hex");
        let key = PublicKey::x25519(&bytes).expect("a key");
        assert_eq!(key.to_bytes(), bytes);
        bytes[31] |= 0x80;
        assert_eq!(PublicKey::x25519(&bytes), Ok(key));
        let p256 =
            PublicKey::P256(p256::PublicKey::from_affine(p256::AffinePoint::GENERATOR).expect("no identity"));
        assert_eq!(PublicKey::p256(&p256.to_bytes()), Ok(p256));
    }

    #[test]
    fn should_refuse_what_is_no_key() {
        assert_eq!(PublicKey::x25519(&[0; 32]), Err(InvalidPublicKey::SmallOrder));
        // u = 2 is on the twist.
        let mut twist = [0; 32];
        twist[0] = 2;
        assert_eq!(PublicKey::x25519(&twist), Err(InvalidPublicKey::NotOnCurve));
        assert!(matches!(PublicKey::x25519(&[9; 31]), Err(InvalidPublicKey::Length { found: 31, .. })));
        for (first, length) in [(0, 1), (0, 33), (4, 64), (4, 66), (6, 65), (7, 65), (2, 65), (4, 33)] {
            let mut bytes = vec![1; length];
            bytes[0] = first;
            assert!(
                matches!(PublicKey::p256(&bytes), Err(InvalidPublicKey::Length { .. })),
                "{first} {length}"
            );
        }
        let mut off_curve = [1; 65];
        off_curve[0] = 4;
        assert_eq!(PublicKey::p256(&off_curve), Err(InvalidPublicKey::NotOnCurve));
    }
}
