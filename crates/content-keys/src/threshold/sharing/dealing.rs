//! A participant in a dealing, step by step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    dealt::{
        Commitments, Dealt, Revelations, check_commitments, check_revelations, equivocations, transcript,
    },
    evidence::Evidence,
    messages::{
        DirectShare, Revelation, SignedCommitment, SignedValue, commitment_statement, possession_statement,
        share_statement,
    },
    refusal::Refusal,
    session::{Session, SessionId},
};
use crate::threshold::{
    group::Group,
    point::Response,
    polynomial::Polynomial,
    roster::HolderIndex,
    secret::{SecretScalar, Seed},
    signature::{IdentityKey, Signature},
};

/// What one holder has heard of a dealing.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Heard<G: Group> {
    pub session: Session<G>,
    pub id: SessionId,
    commitments: Option<Commitments<G>>,
    revelations: Option<Revelations<G>>,
    /// By sender; checked at the end, when everything is known.
    received: BTreeMap<HolderIndex, SignedValue<G>>,
}

impl<G: Group> Heard<G> {
    pub(super) fn new(session: Session<G>, id: SessionId) -> Self {
        Self { session, id, commitments: None, revelations: None, received: BTreeMap::new() }
    }

    pub(super) fn commitments(&self) -> Option<&Commitments<G>> {
        self.commitments.as_ref()
    }

    pub(super) fn accept_commitments(&mut self, commitments: Commitments<G>) -> Result<(), Refusal<G>> {
        if let Some(before) = &self.commitments {
            let digests = |all: &Commitments<G>| all.values().map(|one| one.digest).collect::<Vec<_>>();
            if before.keys().eq(commitments.keys()) && digests(before) == digests(&commitments) {
                return Ok(());
            }
            let cheats = equivocations(&self.session, before, &commitments);
            return Err(if cheats.is_empty() { Refusal::Conflict } else { Refusal::Cheated(cheats) });
        }
        check_commitments(&self.session, &commitments)?;
        self.commitments = Some(commitments);
        Ok(())
    }

    pub(super) fn accept_revelations(&mut self, revelations: Revelations<G>) -> Result<(), Refusal<G>> {
        if let Some(before) = &self.revelations {
            return if *before == revelations { Ok(()) } else { Err(Refusal::Conflict) };
        }
        let commitments =
            self.commitments.as_ref().ok_or(Refusal::TooEarly { missing: "the commitments" })?;
        check_revelations(&self.session, commitments, &revelations)?;
        self.revelations = Some(revelations);
        Ok(())
    }

    pub(super) fn transcript(&self) -> Result<[u8; 32], Refusal<G>> {
        let commitments =
            self.commitments.as_ref().ok_or(Refusal::TooEarly { missing: "the commitments" })?;
        Ok(transcript(&self.session, commitments))
    }

    /// Keeps a share that came directly from its sender.
    pub(super) fn receive(
        &mut self,
        me: HolderIndex,
        from: HolderIndex,
        share: DirectShare<G>,
    ) -> Result<(), Refusal<G>> {
        let DirectShare(share) = share;
        if share.to != me || share.from != from || !self.session.participants.contains(&from) || from == me {
            return Err(Refusal::NotParticipant);
        }
        if share.transcript != self.transcript()? {
            return Err(Refusal::OtherTranscript(from));
        }
        let identity = self.session.roster().identity(from).ok_or(Refusal::NotParticipant)?;
        if !share.signature.verify(identity, &share.statement()) {
            return Err(Refusal::Unsigned(from));
        }
        self.received.entry(from).or_insert(share);
        Ok(())
    }

    pub(super) fn dealt(&self) -> Result<Dealt<G>, Refusal<G>> {
        match (&self.commitments, &self.revelations) {
            (Some(commitments), Some(revelations)) => {
                Ok(Dealt { commitments: commitments.clone(), revelations: revelations.clone() })
            }
            _ => Err(Refusal::TooEarly { missing: "what the participants reveal" }),
        }
    }

    /// The received values that are on their senders' polynomials, and the evidence against those who sent others.
    pub(super) fn values(
        &self,
        me: HolderIndex,
        dealt: &Dealt<G>,
    ) -> (BTreeMap<HolderIndex, &SecretScalar<G>>, Vec<Evidence<G>>) {
        let mut cheats = Vec::new();
        let mut values = BTreeMap::new();
        for (from, share) in &self.received {
            if dealt.public_value(&self.session, *from, me) == Some(share.value.public()) {
                values.insert(*from, &share.value);
            } else {
                let (value, signature) = (Response(*share.value.expose()), share.signature);
                cheats.push(Evidence::Share { dealt: dealt.clone(), from: *from, to: me, value, signature });
            }
        }
        (values, cheats)
    }
}

/// A participant's state between its steps.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Dealing<G: Group> {
    pub heard: Heard<G>,
    polynomial: Polynomial<G>,
    commitment: SignedCommitment<G>,
    revelation: Revelation<G>,
}

impl<G: Group> Dealing<G> {
    pub(super) fn new(
        session: Session<G>,
        id: SessionId,
        me: HolderIndex,
        identity: &IdentityKey<G>,
        seed: &Seed,
    ) -> Self {
        let polynomial = Polynomial::derive(seed, &id.0, session.dealt_coefficients());
        let possession = Signature::new(polynomial.constant(), &possession_statement(id, me));
        let revelation = Revelation { polynomial: polynomial.commit(), possession };
        let digest = revelation.digest(id, me);
        let signature = identity.sign(&commitment_statement(id, me, &digest));
        let commitment = SignedCommitment { digest, signature };
        Self { heard: Heard::new(session, id), polynomial, commitment, revelation }
    }

    pub(super) fn commitment(&self) -> SignedCommitment<G> {
        self.commitment
    }

    pub(super) fn reveal(
        &mut self,
        me: HolderIndex,
        commitments: Commitments<G>,
    ) -> Result<Revelation<G>, Refusal<G>> {
        if commitments.get(&me).is_some_and(|own| own.digest != self.commitment.digest) {
            return Err(Refusal::Conflict);
        }
        self.heard.accept_commitments(commitments)?;
        Ok(self.revelation.clone())
    }

    pub(super) fn deliver(
        &mut self,
        me: HolderIndex,
        identity: &IdentityKey<G>,
        revelations: Revelations<G>,
    ) -> Result<Vec<DirectShare<G>>, Refusal<G>> {
        self.heard.accept_revelations(revelations)?;
        let (session, transcript) = (self.heard.id, self.heard.transcript()?);
        let others = self.heard.session.participants.iter().filter(|other| **other != me);
        Ok(others
            .map(|to| sign_share(session, transcript, me, *to, self.polynomial.evaluate(*to), identity))
            .collect())
    }

    /// What was dealt, and the sum of what this holder was dealt.
    pub(super) fn finish(&self, me: HolderIndex) -> Result<(Dealt<G>, SecretScalar<G>), Refusal<G>> {
        let dealt = self.heard.dealt()?;
        let (values, cheats) = self.heard.values(me, &dealt);
        if !cheats.is_empty() {
            return Err(Refusal::Cheated(cheats));
        }
        let missing: BTreeSet<_> = self
            .heard
            .session
            .participants
            .iter()
            .filter(|other| **other != me && !values.contains_key(other))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::NoShares(missing));
        }
        let one = G::Scalar::from(1);
        let sum = values.values().fold(self.polynomial.evaluate(me), |sum, value| sum.plus(value, &one));
        Ok((dealt, sum))
    }
}

pub(super) fn sign_share<G: Group>(
    session: SessionId,
    transcript: [u8; 32],
    from: HolderIndex,
    to: HolderIndex,
    value: SecretScalar<G>,
    identity: &IdentityKey<G>,
) -> DirectShare<G> {
    let signature = identity.sign(&share_statement::<G>(session, &transcript, from, to, value.expose()));
    DirectShare(SignedValue { session, from, to, transcript, value, signature })
}
