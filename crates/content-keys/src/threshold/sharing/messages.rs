//! What holders say while they deal.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::session::SessionId;
use crate::threshold::{
    group::Group, polynomial::PublicPolynomial, roster::HolderIndex, sealable, secret::SecretScalar,
    signature::Signature, transcript::Transcript,
};

/// The hash of what a participant will reveal, signed with its identity key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SignedCommitment<G: Group> {
    pub digest: [u8; 32],
    pub signature: Signature<G>,
}

/// A participant's polynomial, and the proof that it knows the constant term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Revelation<G: Group> {
    pub polynomial: PublicPolynomial<G>,
    pub possession: Signature<G>,
}

/// A participant's word that it has all of its shares, and of what dealing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Confirmation<G: Group> {
    pub transcript: [u8; 32],
    pub signature: Signature<G>,
}

/// A value for one holder alone: a dealt one, or in recovery a helper's masked share. Sent from canister to canister,
/// never through the coordinator.
pub struct DirectShare<G: Group>(pub(super) SignedValue<G>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct SignedValue<G: Group> {
    pub session: SessionId,
    pub from: HolderIndex,
    pub to: HolderIndex,
    /// What the sender heard the participants commit to.
    pub transcript: [u8; 32],
    pub value: SecretScalar<G>,
    pub signature: Signature<G>,
}

impl<G: Group> DirectShare<G> {
    /// Which attempt it belongs to.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// Whom it is for.
    pub fn to(&self) -> HolderIndex {
        self.0.to
    }

    /// For sending.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        sealable::encode(&self.0)
    }

    /// None if the bytes are no direct share.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        sealable::decode(bytes).map(Self)
    }
}

impl<G: Group> core::fmt::Debug for DirectShare<G> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "DirectShare({} to {})", self.0.from, self.0.to)
    }
}

impl<G: Group> SignedValue<G> {
    pub(super) fn statement(&self) -> Transcript {
        share_statement::<G>(self.session, &self.transcript, self.from, self.to, self.value.expose())
    }
}

fn statement(what: &str, session: SessionId, from: HolderIndex) -> Transcript {
    Transcript::new(what).bytes(&session.0).number(from.get().into())
}

pub(super) fn commitment_statement(session: SessionId, from: HolderIndex, digest: &[u8; 32]) -> Transcript {
    statement("commitment", session, from).bytes(digest)
}

pub(super) fn possession_statement(session: SessionId, from: HolderIndex) -> Transcript {
    statement("possession", session, from)
}

pub(super) fn confirmation_statement(
    session: SessionId,
    from: HolderIndex,
    transcript: &[u8; 32],
) -> Transcript {
    statement("confirmation", session, from).bytes(transcript)
}

pub(super) fn share_statement<G: Group>(
    session: SessionId,
    transcript: &[u8; 32],
    from: HolderIndex,
    to: HolderIndex,
    value: &G::Scalar,
) -> Transcript {
    let value = Zeroizing::new(G::scalar_to_bytes(value));
    statement("share", session, from).bytes(transcript).number(to.get().into()).bytes(&value[..])
}

impl<G: Group> Revelation<G> {
    /// What is committed to.
    pub(super) fn digest(&self, session: SessionId, from: HolderIndex) -> [u8; 32] {
        let coefficients = self.polynomial.coefficients();
        let transcript = statement("revelation", session, from).number(coefficients.len() as u64);
        let transcript = coefficients.iter().fold(transcript, |sum, point| sum.point::<G>(point.element()));
        self.possession.describe(transcript).digest()
    }
}
