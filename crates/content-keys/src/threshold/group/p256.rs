//! P-256: prime order, so that every point of the curve is one of the group.

use p256::{
    FieldBytes, ProjectivePoint, Scalar,
    elliptic_curve::{
        Group as _, PrimeField, ff::FromUniformBytes, ops::LinearCombination, point::AffineCoordinates,
        sec1::ToSec1Point,
    },
};
use zeroize::{Zeroize, Zeroizing};

use super::{Group, sealed::Sealed};
use crate::{Curve, PublicKey};

/// NIST P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P256;

impl Sealed for P256 {}

impl Group for P256 {
    const CURVE: Curve = Curve::P256;

    type Scalar = Scalar;
    type Element = ProjectivePoint;

    fn reduce(uniform: &[u8; 48]) -> Scalar {
        let mut wide = Zeroizing::new([0; 64]);
        wide[16..].copy_from_slice(uniform);
        Scalar::from_uniform_bytes(&wide)
    }

    fn invert(public: &Scalar) -> Scalar {
        Option::from(public.invert_vartime()).expect("the caller's scalar is not zero")
    }

    fn scalar_to_bytes(scalar: &Scalar) -> [u8; 32] {
        scalar.to_bytes().into()
    }

    fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<Scalar> {
        Scalar::from_repr(FieldBytes::from(*bytes)).into()
    }

    fn identity() -> ProjectivePoint {
        ProjectivePoint::IDENTITY
    }

    fn generate(secret: &Scalar) -> ProjectivePoint {
        ProjectivePoint::mul_by_generator(secret)
    }

    fn multiply(point: &ProjectivePoint, secret: &Scalar) -> ProjectivePoint {
        point * secret
    }

    fn generate_and_multiply_public(a: &Scalar, b: &Scalar, point: &ProjectivePoint) -> ProjectivePoint {
        ProjectivePoint::mul_by_generator(a) + point.mul_vartime(b)
    }

    fn combine_public(terms: &[(Scalar, ProjectivePoint)]) -> ProjectivePoint {
        let mut terms: Vec<_> = terms.iter().map(|(scalar, point)| (*point, *scalar)).collect();
        let sum = ProjectivePoint::lincomb_vartime(&terms[..]);
        terms.iter_mut().for_each(|(point, _)| point.zeroize());
        sum
    }

    fn clear_cofactor(point: &ProjectivePoint) -> ProjectivePoint {
        *point
    }

    fn is_torsion_free(_: &ProjectivePoint) -> bool {
        true
    }

    /// Uncompressed: twice as long as needed, fifty times cheaper to read.
    fn encode(point: &ProjectivePoint) -> Vec<u8> {
        point.to_affine().to_sec1_point(false).as_bytes().to_vec()
    }

    fn decode(bytes: &[u8]) -> Option<ProjectivePoint> {
        if bytes.len() != 65 || bytes[0] != 4 {
            return None;
        }
        p256::PublicKey::from_sec1_bytes(bytes).ok().map(|key| key.to_projective())
    }

    fn lift(key: &PublicKey) -> Option<ProjectivePoint> {
        match key {
            PublicKey::P256(key) => Some(key.to_projective()),
            PublicKey::X25519(_) => None,
        }
    }

    fn lower(point: &ProjectivePoint) -> Option<PublicKey> {
        p256::PublicKey::from_affine(point.to_affine()).ok().map(PublicKey::P256)
    }

    fn coordinate(point: &ProjectivePoint) -> Option<Zeroizing<[u8; 32]>> {
        if point.is_identity().into() {
            return None;
        }
        let mut affine = Zeroizing::new(point.to_affine());
        let x = Zeroizing::new(affine.x().into());
        affine.zeroize();
        Some(x)
    }
}
