//! Shamir's polynomials, Feldman's commitments to them, and Lagrange's way back.

use serde::{Deserialize, Serialize};

use super::{
    group::{Group, small, times},
    point::{Point, deserialize_few},
    roster::HolderIndex,
    secret::{SecretScalar, Seed},
};

/// A secret polynomial.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub(super) struct Polynomial<G: Group>(Vec<SecretScalar<G>>);

impl<G: Group> Polynomial<G> {
    /// The one polynomial of this many coefficients that the seed gives for the context.
    pub(super) fn derive(seed: &Seed, context: &[u8], coefficients: usize) -> Self {
        Self((0..coefficients).map(|k| seed.scalar("coefficient", context, k as u64)).collect())
    }

    pub(super) fn evaluate(&self, at: HolderIndex) -> SecretScalar<G> {
        let x = small::<G>(at.position());
        let zero = SecretScalar::new(G::Scalar::default());
        self.0.iter().rev().fold(zero, |sum, coefficient| coefficient.plus(&sum, &x))
    }

    pub(super) fn constant(&self) -> &SecretScalar<G> {
        &self.0[0]
    }

    pub(super) fn commit(&self) -> PublicPolynomial<G> {
        let commitments = self.0.iter().map(|coefficient| Point::computed(coefficient.public()));
        PublicPolynomial(commitments.collect::<Option<_>>().expect("a hash is not zero"))
    }
}

/// A polynomial of which only the coefficients' multiples of the base point are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct PublicPolynomial<G: Group>(#[serde(deserialize_with = "deserialize_few")] Vec<Point<G>>);

impl<G: Group> PublicPolynomial<G> {
    /// Of these coefficients, from the constant term up.
    pub fn new(coefficients: Vec<Point<G>>) -> Self {
        Self(coefficients)
    }

    /// From the constant term up.
    pub fn coefficients(&self) -> &[Point<G>] {
        &self.0
    }

    /// The value there; the identity only by an accident that nobody can bring about.
    pub(super) fn evaluate(&self, at: HolderIndex) -> G::Element {
        self.0
            .iter()
            .rev()
            .fold(G::identity(), |sum, coefficient| times::<G>(&sum, at.position()) + *coefficient.element())
    }
}

/// By how much each of these holders' values counts in the polynomial's value at `at`, in the holders' order.
pub(super) fn lagrange<G: Group>(holders: &[HolderIndex], at: i16) -> Vec<G::Scalar> {
    holders
        .iter()
        .map(|holder| {
            let others = holders.iter().filter(|other| *other != holder);
            let (above, below) =
                others.fold((G::Scalar::from(1), G::Scalar::from(1)), |(above, below), other| {
                    (
                        above * small::<G>(at - other.position()),
                        below * small::<G>(holder.position() - other.position()),
                    )
                });
            above * G::invert(&below)
        })
        .collect()
}
