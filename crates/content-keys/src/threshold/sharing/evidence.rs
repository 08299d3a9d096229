//! Proofs that a holder cheated, for anyone.

use serde::{Deserialize, Serialize};

use super::{
    dealt::{Dealt, is_signed_commitment, is_well_formed},
    messages::{Revelation, SignedCommitment, share_statement},
    session::Session,
};
use crate::threshold::{group::Group, point::Response, roster::HolderIndex, signature::Signature};

/// What a holder signed and no honest holder signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Evidence<G: Group> {
    /// Two commitments in one session.
    Equivocation { holder: HolderIndex, first: SignedCommitment<G>, second: SignedCommitment<G> },
    /// A commitment to a polynomial of the wrong degree, or of an unknown constant term.
    Revelation { holder: HolderIndex, commitment: SignedCommitment<G>, revelation: Revelation<G> },
    /// A value that is not on the polynomial. It is no longer secret: the session is over.
    Share { dealt: Dealt<G>, from: HolderIndex, to: HolderIndex, value: Response<G>, signature: Signature<G> },
}

impl<G: Group> Evidence<G> {
    /// Whom it accuses.
    pub fn holder(&self) -> HolderIndex {
        match self {
            Self::Equivocation { holder, .. } | Self::Revelation { holder, .. } => *holder,
            Self::Share { from, .. } => *from,
        }
    }

    /// Whether it proves that the holder cheated in this session.
    pub fn convicts(&self, session: &Session<G>) -> bool {
        if session.check().is_err() {
            return false;
        }
        match self {
            Self::Equivocation { holder, first, second } => {
                first.digest != second.digest
                    && [first, second].iter().all(|signed| is_signed_commitment(session, *holder, signed))
            }
            Self::Revelation { holder, commitment, revelation } => {
                is_signed_commitment(session, *holder, commitment)
                    && revelation.digest(session.id(), *holder) == commitment.digest
                    && !is_well_formed(session, *holder, revelation)
            }
            Self::Share { dealt, from, to, value, signature } => {
                if dealt.check(session).is_err() {
                    return false;
                }
                let (Some(identity), Some(expected)) =
                    (session.roster().identity(*from), dealt.public_value(session, *from, *to))
                else {
                    return false;
                };
                let statement =
                    share_statement::<G>(session.id(), &dealt.transcript(session), *from, *to, &value.0);
                signature.verify(identity, &statement) && G::generate(&value.0) != expected
            }
        }
    }
}
