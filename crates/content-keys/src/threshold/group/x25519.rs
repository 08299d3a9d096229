//! X25519 in Edwards form, exact to the bit with RFC 7748.
//!
//! The shared scalar is an eighth of the private key, modulo the group's order: the factor that clamping asks for is
//! multiplied back at the end, where it also takes away whatever component of small order a peer or a holder brought
//! in. Lifting u to an Edwards point guesses a sign; all holders guess alike, and u does not know it.

use curve25519_dalek::{
    EdwardsPoint, MontgomeryPoint, Scalar,
    edwards::CompressedEdwardsY,
    traits::{Identity, IsIdentity, VartimeMultiscalarMul},
};
use zeroize::Zeroizing;

use super::{Group, sealed::Sealed};
use crate::{Curve, PublicKey};

/// Curve25519, for X25519.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct X25519;

impl Sealed for X25519 {}

impl Group for X25519 {
    const CURVE: Curve = Curve::X25519;

    type Scalar = Scalar;
    type Element = EdwardsPoint;

    fn reduce(uniform: &[u8; 48]) -> Scalar {
        let mut wide = Zeroizing::new([0; 64]);
        wide[..48].copy_from_slice(uniform);
        Scalar::from_bytes_mod_order_wide(&wide)
    }

    fn invert(public: &Scalar) -> Scalar {
        public.invert()
    }

    fn scalar_to_bytes(scalar: &Scalar) -> [u8; 32] {
        scalar.to_bytes()
    }

    fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<Scalar> {
        Scalar::from_canonical_bytes(*bytes).into()
    }

    fn identity() -> EdwardsPoint {
        EdwardsPoint::identity()
    }

    fn generate(secret: &Scalar) -> EdwardsPoint {
        EdwardsPoint::mul_base(secret)
    }

    fn multiply(point: &EdwardsPoint, secret: &Scalar) -> EdwardsPoint {
        point * secret
    }

    fn generate_and_multiply_public(a: &Scalar, b: &Scalar, point: &EdwardsPoint) -> EdwardsPoint {
        EdwardsPoint::vartime_double_scalar_mul_basepoint(b, point, a)
    }

    fn combine_public(terms: &[(Scalar, EdwardsPoint)]) -> EdwardsPoint {
        EdwardsPoint::vartime_multiscalar_mul(
            terms.iter().map(|(scalar, _)| scalar),
            terms.iter().map(|(_, point)| point),
        )
    }

    fn clear_cofactor(point: &EdwardsPoint) -> EdwardsPoint {
        point.mul_by_cofactor()
    }

    fn is_torsion_free(point: &EdwardsPoint) -> bool {
        point.is_torsion_free()
    }

    fn encode(point: &EdwardsPoint) -> Vec<u8> {
        point.compress().to_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<EdwardsPoint> {
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        // y at or above 2^255 - 19.
        if bytes[0] >= 0xed && bytes[1..31].iter().all(|byte| *byte == 0xff) && bytes[31] | 0x80 == 0xff {
            return None;
        }
        CompressedEdwardsY(bytes).decompress().filter(|point| !point.is_identity())
    }

    fn lift(key: &PublicKey) -> Option<EdwardsPoint> {
        match key {
            PublicKey::X25519(u) => u.to_edwards(0),
            PublicKey::P256(_) => None,
        }
    }

    fn lower(point: &EdwardsPoint) -> Option<PublicKey> {
        Self::montgomery(point).map(PublicKey::X25519)
    }

    fn coordinate(point: &EdwardsPoint) -> Option<Zeroizing<[u8; 32]>> {
        Self::montgomery(point).map(|u| Zeroizing::new(u.to_bytes()))
    }
}

impl X25519 {
    fn montgomery(point: &EdwardsPoint) -> Option<MontgomeryPoint> {
        (!point.is_identity()).then(|| point.to_montgomery())
    }
}
