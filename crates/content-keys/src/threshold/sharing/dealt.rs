//! What the participants committed to and revealed: checked alike by holders, by the lost one and by anyone else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    evidence::Evidence,
    messages::{Revelation, SignedCommitment, commitment_statement, possession_statement},
    refusal::Refusal,
    session::{Purpose, Session},
};
use crate::threshold::{
    group::Group,
    key_set::KeySet,
    point::Point,
    polynomial::PublicPolynomial,
    roster::{Epoch, HolderIndex},
    transcript::Transcript,
};

/// Every participant's commitment.
pub type Commitments<G> = BTreeMap<HolderIndex, SignedCommitment<G>>;
/// Every participant's revelation.
pub type Revelations<G> = BTreeMap<HolderIndex, Revelation<G>>;

/// All that is public of a dealing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Dealt<G: Group> {
    pub commitments: Commitments<G>,
    pub revelations: Revelations<G>,
}

impl<G: Group> Dealt<G> {
    /// Whether it is complete, signed and well-formed.
    ///
    /// # Errors
    /// [`Refusal`]: a participant's message missing, not signed, not what was committed to; [`Refusal::Cheated`].
    pub fn check(&self, session: &Session<G>) -> Result<(), Refusal<G>> {
        check_commitments(session, &self.commitments)?;
        check_revelations(session, &self.commitments, &self.revelations)
    }

    /// The hash of what was committed to, which every share carries.
    pub(super) fn transcript(&self, session: &Session<G>) -> [u8; 32] {
        transcript(session, &self.commitments)
    }

    /// The key set that the session makes. None for a recovery, which makes none.
    pub fn outcome(&self, session: &Session<G>) -> Option<KeySet<G>> {
        let sum = |degree: usize| {
            let coefficients =
                self.revelations.values().filter_map(|one| one.polynomial.coefficients().get(degree));
            coefficients.fold(G::identity(), |sum, coefficient| sum + *coefficient.element())
        };
        let (epoch, coefficients): (_, Vec<_>) = match &session.purpose {
            Purpose::Generate(roster) => (Epoch(1), (0..roster.threshold()).map(sum).collect()),
            Purpose::Refresh(keys) => {
                let old = keys.polynomial().coefficients().iter().map(|coefficient| *coefficient.element());
                let new = old.enumerate().map(|(k, old)| if k == 0 { old } else { old + sum(k - 1) });
                (Epoch(keys.epoch().0 + 1), new.collect())
            }
            Purpose::Recover { .. } => return None,
        };
        let coefficients = coefficients.into_iter().map(Point::computed).collect::<Option<_>>()?;
        let polynomial = PublicPolynomial::new(coefficients);
        KeySet::new(session.roster().clone(), epoch, polynomial).ok()
    }

    /// What the value that this holder sends that one is the logarithm of.
    pub(super) fn public_value(
        &self,
        session: &Session<G>,
        from: HolderIndex,
        to: HolderIndex,
    ) -> Option<G::Element> {
        match &session.purpose {
            Purpose::Recover { keys, lost } if to == *lost => {
                let sum = self
                    .revelations
                    .values()
                    .fold(G::identity(), |sum, revelation| sum + revelation.polynomial.evaluate(from));
                Some(*keys.public_share(from)?.element() + session.scale(from, &sum))
            }
            _ => Some(self.revelations.get(&from)?.polynomial.evaluate(to)),
        }
    }
}

pub(super) fn transcript<G: Group>(session: &Session<G>, commitments: &Commitments<G>) -> [u8; 32] {
    let transcript = Transcript::new("transcript").bytes(&session.id().0);
    commitments
        .iter()
        .fold(transcript, |transcript, (from, commitment)| {
            transcript.number(from.get().into()).bytes(&commitment.digest)
        })
        .digest()
}

pub(super) fn check_senders<G: Group, T>(
    session: &Session<G>,
    messages: &BTreeMap<HolderIndex, T>,
) -> Result<(), Refusal<G>> {
    let found: BTreeSet<_> = messages.keys().copied().collect();
    if found == session.participants {
        return Ok(());
    }
    Err(Refusal::OtherSenders { found, needed: session.participants.clone() })
}

pub(super) fn check_commitments<G: Group>(
    session: &Session<G>,
    commitments: &Commitments<G>,
) -> Result<(), Refusal<G>> {
    check_senders(session, commitments)?;
    match commitments.iter().find(|(from, commitment)| !is_signed_commitment(session, **from, commitment)) {
        Some((from, _)) => Err(Refusal::Unsigned(*from)),
        None => Ok(()),
    }
}

pub(super) fn check_revelations<G: Group>(
    session: &Session<G>,
    commitments: &Commitments<G>,
    revelations: &Revelations<G>,
) -> Result<(), Refusal<G>> {
    check_senders(session, revelations)?;
    let id = session.id();
    let mut cheats = Vec::new();
    for ((from, revelation), commitment) in revelations.iter().zip(commitments.values()) {
        if revelation.digest(id, *from) != commitment.digest {
            return Err(Refusal::RevealsOther(*from));
        }
        if !is_well_formed(session, *from, revelation) {
            let (commitment, revelation) = (*commitment, revelation.clone());
            cheats.push(Evidence::Revelation { holder: *from, commitment, revelation });
        }
    }
    if cheats.is_empty() { Ok(()) } else { Err(Refusal::Cheated(cheats)) }
}

pub(super) fn is_signed_commitment<G: Group>(
    session: &Session<G>,
    from: HolderIndex,
    commitment: &SignedCommitment<G>,
) -> bool {
    let statement = commitment_statement(session.id(), from, &commitment.digest);
    session.roster().identity(from).is_some_and(|identity| commitment.signature.verify(identity, &statement))
}

pub(super) fn is_well_formed<G: Group>(
    session: &Session<G>,
    from: HolderIndex,
    revelation: &Revelation<G>,
) -> bool {
    let coefficients = revelation.polynomial.coefficients();
    coefficients.len() == session.dealt_coefficients()
        && revelation.possession.verify(&coefficients[0], &possession_statement(session.id(), from))
}

/// The participants that committed to different things in what two holders heard.
pub fn equivocations<G: Group>(
    session: &Session<G>,
    first: &Commitments<G>,
    second: &Commitments<G>,
) -> Vec<Evidence<G>> {
    let both = first.iter().filter_map(|(holder, first)| Some((holder, first, second.get(holder)?)));
    both.map(|(holder, first, second)| Evidence::Equivocation {
        holder: *holder,
        first: *first,
        second: *second,
    })
    .filter(|evidence| evidence.convicts(session))
    .collect()
}
