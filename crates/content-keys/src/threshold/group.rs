//! What the arithmetic needs of a curve, so that both are shared, proved and combined by the same code.

use core::{
    fmt::Debug,
    ops::{Add, Mul, Neg, Sub},
};

use zeroize::{Zeroize, Zeroizing};

use crate::{Curve, PublicKey};

mod p256;
mod x25519;

pub use self::{p256::P256, x25519::X25519};

mod sealed {
    pub trait Sealed {}
}

/// A curve's group of prime order, and how ECDH maps into it.
pub trait Group: sealed::Sealed + Copy + Debug + Eq + 'static {
    /// Which curve it is, where the type is not known.
    const CURVE: Curve;

    /// An integer modulo the group's order.
    type Scalar: Copy
        + Default
        + Zeroize
        + PartialEq
        + From<u64>
        + Add<Output = Self::Scalar>
        + Sub<Output = Self::Scalar>
        + Mul<Output = Self::Scalar>
        + Neg<Output = Self::Scalar>;
    /// A point of the curve. On Curve25519 it may carry a component of small order until
    /// [`Self::clear_cofactor`] takes it away.
    type Element: Copy
        + Debug
        + Eq
        + Zeroize
        + Add<Output = Self::Element>
        + Sub<Output = Self::Element>
        + Neg<Output = Self::Element>;

    /// A scalar from uniform bytes, its bias below 2^-128.
    fn reduce(uniform: &[u8; 48]) -> Self::Scalar;
    /// The inverse of a public scalar that is not zero.
    fn invert(public: &Self::Scalar) -> Self::Scalar;
    /// The curve's own byte order.
    fn scalar_to_bytes(scalar: &Self::Scalar) -> [u8; 32];
    /// None if the bytes are not below the group's order.
    fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<Self::Scalar>;

    /// The neutral element.
    fn identity() -> Self::Element;
    /// The base point times a secret, in constant time.
    fn generate(secret: &Self::Scalar) -> Self::Element;
    /// A point times a secret, in constant time.
    fn multiply(point: &Self::Element, secret: &Self::Scalar) -> Self::Element;
    /// `a` times the base point plus `b` times the point: time depends on the scalars.
    fn generate_and_multiply_public(
        a: &Self::Scalar,
        b: &Self::Scalar,
        point: &Self::Element,
    ) -> Self::Element;
    /// The sum of products: time depends on the scalars, not on the points.
    fn combine_public(terms: &[(Self::Scalar, Self::Element)]) -> Self::Element;
    /// The point without its component of small order.
    fn clear_cofactor(point: &Self::Element) -> Self::Element;
    /// Whether the point has no component of small order.
    fn is_torsion_free(point: &Self::Element) -> bool;

    /// The encoding that [`Self::decode`] reads.
    fn encode(point: &Self::Element) -> Vec<u8>;
    /// None for whatever is not the one encoding of a point of the curve, and for the identity.
    fn decode(bytes: &[u8]) -> Option<Self::Element>;

    /// A public key as a point. None if the key is on another curve.
    fn lift(key: &PublicKey) -> Option<Self::Element>;
    /// A point as a public key. None for the identity.
    fn lower(point: &Self::Element) -> Option<PublicKey>;
    /// What ECDH makes of the point: P-256's x, X25519's u. None for the identity.
    fn coordinate(point: &Self::Element) -> Option<Zeroizing<[u8; 32]>>;
}

/// The point times a small public number.
pub(super) fn times<G: Group>(point: &G::Element, factor: i16) -> G::Element {
    let mut sum = G::identity();
    let magnitude = factor.unsigned_abs();
    for bit in (0..u16::BITS - magnitude.leading_zeros()).rev() {
        sum = sum + sum;
        if magnitude >> bit & 1 == 1 {
            sum = sum + *point;
        }
    }
    if factor < 0 { -sum } else { sum }
}

/// A small number as a scalar.
pub(super) fn small<G: Group>(number: i16) -> G::Scalar {
    let magnitude = G::Scalar::from(u64::from(number.unsigned_abs()));
    if number < 0 { -magnitude } else { magnitude }
}
