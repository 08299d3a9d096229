//! One holder of one key: its share, and what it takes part in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    dealing::{Dealing, sign_share},
    dealt::{Commitments, Revelations, check_senders},
    evidence::Evidence,
    messages::{Confirmation, DirectShare, Revelation, SignedCommitment, confirmation_statement},
    recovery::Recovery,
    refusal::Refusal,
    session::{Session, SessionId},
};
use crate::threshold::{
    evaluation::KeyShare,
    group::Group,
    key_set::{KeySet, KeySetId},
    roster::{HolderIndex, Roster},
    sealable,
    secret::{SecretScalar, Seed},
    signature::IdentityKey,
};

/// How many prepared sessions a holder keeps until one is activated: each may be one that others have activated, which
/// a coordinator that lost its memory finds out late.
const MAX_PREPARED: usize = 4;
/// How far a session's number may be ahead, so that nobody can use them up.
const MAX_NUMBER_STEP: u64 = 1 << 20;

/// One holder of one key.
///
/// Whoever calls has authenticated the other side: [`Self::receive`] from that holder itself, everything else from
/// the coordinator. Never put back in an older state, as from a snapshot: it would sign twice, and be named for it.
/// Recover it instead.
pub struct Holder<G: Group> {
    state: State<G>,
    identity: IdentityKey<G>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct State<G: Group> {
    roster: Roster<G>,
    me: HolderIndex,
    active: Option<Share<G>>,
    /// What there was before the active share, until that is settled.
    previous: Option<Previous<G>>,
    /// Of the session that made the active share: for holders who missed it.
    certificate: Option<Certificate<G>>,
    running: Option<Running<G>>,
    prepared: Vec<Prepared<G>>,
    last_number: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Share<G: Group> {
    keys: KeySet<G>,
    secret: SecretScalar<G>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Previous<G: Group> {
    share: Option<Share<G>>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Certificate<G: Group> {
    session: SessionId,
    confirmations: BTreeMap<HolderIndex, Confirmation<G>>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
enum Running<G: Group> {
    Dealing(Dealing<G>),
    Recovery(Recovery<G>),
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Prepared<G: Group> {
    session: Session<G>,
    id: SessionId,
    transcript: [u8; 32],
    outcome: Outcome<G>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
enum Outcome<G: Group> {
    /// To replace the active share.
    Share(Share<G>),
    /// For the lost holder: this holder's share and what masks it.
    Masked(SecretScalar<G>),
}

impl<G: Group> Holder<G> {
    /// A holder without a share.
    ///
    /// # Errors
    /// [`Refusal::NotParticipant`] if the identity key is not on the roster.
    pub fn new(roster: Roster<G>, identity: IdentityKey<G>) -> Result<Self, Refusal<G>> {
        let public = identity.public();
        let me = roster.holders().find(|holder| roster.identity(*holder) == Some(&public));
        let me = me.ok_or(Refusal::NotParticipant)?;
        let state = State {
            roster,
            me,
            active: None,
            previous: None,
            certificate: None,
            running: None,
            prepared: Vec::new(),
            last_number: 0,
        };
        Ok(Self { state, identity })
    }

    /// Everything but the identity key, for sealing.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        sealable::encode(&self.state)
    }

    /// None if the bytes are none of [`Self::to_bytes`], or of another identity.
    pub fn from_bytes(bytes: &[u8], identity: IdentityKey<G>) -> Option<Self> {
        let state: State<G> = sealable::decode(bytes)?;
        (state.roster.identity(state.me) == Some(&identity.public())).then_some(Self { state, identity })
    }

    /// Its place on the roster.
    pub fn index(&self) -> HolderIndex {
        self.state.me
    }

    /// The public side of the active share.
    pub fn keys(&self) -> Option<&KeySet<G>> {
        self.state.active.as_ref().map(|share| &share.keys)
    }

    /// The active share, to answer with until the next epoch.
    pub fn share(&self) -> Option<KeyShare<G>> {
        let share = self.state.active.as_ref()?;
        KeyShare::new(share.keys.clone(), self.state.me, SecretScalar::new(*share.secret.expose()))
    }

    /// What this holder heard the participants commit to, for telling who said two things.
    pub fn commitments(&self, id: SessionId) -> Option<&Commitments<G>> {
        match self.state.running.as_ref()? {
            Running::Dealing(dealing) if dealing.heard.id == id => dealing.heard.commitments(),
            Running::Recovery(recovery) if recovery.heard.id == id => recovery.heard.commitments(),
            Running::Dealing(_) | Running::Recovery(_) => None,
        }
    }

    /// The confirmations that made the active share, for holders who prepared and were not told.
    pub fn certificate(&self) -> Option<(SessionId, &BTreeMap<HolderIndex, Confirmation<G>>)> {
        self.state.certificate.as_ref().map(|certificate| (certificate.session, &certificate.confirmations))
    }

    /// Commits to a polynomial, and forgets any other session that is not prepared. The seed is used for this session
    /// alone; where the session has begun already, not at all.
    ///
    /// # Errors
    /// [`Refusal`]: not of this roster, key and epoch, an old number, the last one not settled.
    pub fn start(&mut self, session: Session<G>, seed: &Seed) -> Result<SignedCommitment<G>, Refusal<G>> {
        let id = session.id();
        if let Some(Running::Dealing(dealing)) = &self.state.running
            && dealing.heard.id == id
        {
            return Ok(dealing.commitment());
        }
        session.check()?;
        if *session.roster() != self.state.roster {
            return Err(Refusal::OtherRoster);
        }
        if !session.participants.contains(&self.state.me) {
            return Err(Refusal::NotParticipant);
        }
        if session.keys() != self.keys() {
            return Err(Refusal::OtherKeys);
        }
        if self.state.previous.is_some() && session.lost().is_none() {
            return Err(Refusal::Unsettled);
        }
        let (lowest, highest) = (
            self.state.last_number.saturating_add(1),
            self.state.last_number.saturating_add(MAX_NUMBER_STEP),
        );
        if !(lowest..=highest).contains(&session.number) {
            return Err(Refusal::Number { found: session.number, lowest, highest });
        }
        // A lost holder asks again; a share that others may have activated is kept.
        self.state.prepared.retain(|prepared| matches!(prepared.outcome, Outcome::Share(_)));
        self.state.last_number = session.number;
        let dealing = Dealing::new(session, id, self.state.me, &self.identity, seed);
        let commitment = dealing.commitment();
        self.state.running = Some(Running::Dealing(dealing));
        Ok(commitment)
    }

    /// Shows the commitment, once all have committed.
    ///
    /// # Errors
    /// [`Refusal`]: a participant's missing or not signed, others than before.
    pub fn reveal(
        &mut self,
        id: SessionId,
        commitments: Commitments<G>,
    ) -> Result<Revelation<G>, Refusal<G>> {
        let me = self.state.me;
        self.dealing(id)?.reveal(me, commitments)
    }

    /// Deals, once all have revealed: each share goes to its holder directly.
    ///
    /// # Errors
    /// [`Refusal`]: a participant's missing, not what it committed to, others than before; [`Refusal::Cheated`].
    pub fn deliver(
        &mut self,
        id: SessionId,
        revelations: Revelations<G>,
    ) -> Result<Vec<DirectShare<G>>, Refusal<G>> {
        let Self { state, identity } = self;
        match &mut state.running {
            Some(Running::Dealing(dealing)) if dealing.heard.id == id => {
                dealing.deliver(state.me, identity, revelations)
            }
            _ => Err(Refusal::UnknownSession),
        }
    }

    /// Takes a share that `from` itself has sent.
    ///
    /// # Errors
    /// [`Refusal`]: not signed; [`Refusal::OtherTranscript`] if the sender heard other commitments.
    pub fn receive(&mut self, from: HolderIndex, share: DirectShare<G>) -> Result<(), Refusal<G>> {
        let id = share.session();
        let heard = match &mut self.state.running {
            Some(Running::Dealing(dealing)) => &mut dealing.heard,
            Some(Running::Recovery(recovery)) => &mut recovery.heard,
            None => return Err(Refusal::UnknownSession),
        };
        if heard.id != id {
            return Err(Refusal::UnknownSession);
        }
        heard.receive(self.state.me, from, share)
    }

    /// Checks what it was dealt, adds it up, keeps the sum beside the active share, and confirms.
    ///
    /// # Errors
    /// [`Refusal::NoShares`], [`Refusal::Cheated`] with the evidence.
    ///
    /// # Panics
    /// If shares that were checked do not add up to the public share.
    pub fn prepare(&mut self, id: SessionId) -> Result<Confirmation<G>, Refusal<G>> {
        let me = self.state.me;
        let before = self.state.prepared.iter().find(|prepared| prepared.id == id);
        let transcript = match before.map(|prepared| prepared.transcript) {
            Some(transcript) => transcript,
            None => {
                let (dealt, sum) = self.dealing(id)?.finish(me)?;
                let Some(Running::Dealing(Dealing { heard, .. })) = self.state.running.take() else {
                    panic!("BUG: the session that was just finished is not running");
                };
                let session = heard.session;
                let sum = self.add_to_share(&session, &sum);
                let transcript = dealt.transcript(&session);
                let outcome = match dealt.outcome(&session) {
                    Some(keys) => {
                        let public = keys.public_share(me);
                        let holds = public.is_some_and(|public| *public.element() == sum.public());
                        assert!(holds, "BUG: checked shares do not add up to the public share");
                        Outcome::Share(Share { keys, secret: sum })
                    }
                    None => Outcome::Masked(sum),
                };
                if self.state.prepared.len() == MAX_PREPARED {
                    self.state.prepared.remove(0);
                }
                self.state.prepared.push(Prepared { session, id, transcript, outcome });
                transcript
            }
        };
        let signature = self.identity.sign(&confirmation_statement(id, me, &transcript));
        Ok(Confirmation { transcript, signature })
    }

    /// Replaces the active share by the prepared one, once all have confirmed. The old one is kept aside.
    ///
    /// # Errors
    /// [`Refusal`]: not prepared, a confirmation missing, not signed, or of another dealing.
    pub fn activate(
        &mut self,
        id: SessionId,
        confirmations: BTreeMap<HolderIndex, Confirmation<G>>,
    ) -> Result<(), Refusal<G>> {
        if self.state.certificate.as_ref().is_some_and(|certificate| certificate.session == id) {
            return Ok(());
        }
        let position = self.confirmed(id, &confirmations)?;
        if !matches!(self.state.prepared[position].outcome, Outcome::Share(_)) {
            return Err(Refusal::UnknownSession);
        }
        if let Outcome::Share(share) = self.state.prepared.swap_remove(position).outcome {
            self.adopt(share);
            self.state.certificate = Some(Certificate { session: id, confirmations });
        }
        Ok(())
    }

    /// Wipes what there was before these shares: all holders that will ever have them do.
    ///
    /// # Errors
    /// [`Refusal::OtherKeys`] if they are not the active ones.
    pub fn settle(&mut self, keys: KeySetId) -> Result<(), Refusal<G>> {
        if self.keys().map(KeySet::id) != Some(keys) {
            return Err(Refusal::OtherKeys);
        }
        self.state.previous = None;
        Ok(())
    }

    /// Goes back to what there was before these shares, because too few holders came to have them. Nothing happens
    /// where they are not active.
    ///
    /// # Errors
    /// [`Refusal::OtherKeys`] if they are settled.
    pub fn revert(&mut self, keys: KeySetId) -> Result<(), Refusal<G>> {
        if self.keys().map(KeySet::id) != Some(keys) {
            return Ok(());
        }
        let Previous { share } = self.state.previous.take().ok_or(Refusal::OtherKeys)?;
        self.state.active = share;
        self.state.certificate = None;
        self.state.running = None;
        self.state.prepared.clear();
        Ok(())
    }

    /// The masked share for the lost holder, once all helpers have confirmed.
    ///
    /// # Errors
    /// As [`Self::activate`].
    pub fn release(
        &mut self,
        id: SessionId,
        confirmations: &BTreeMap<HolderIndex, Confirmation<G>>,
    ) -> Result<DirectShare<G>, Refusal<G>> {
        let prepared = &self.state.prepared[self.confirmed(id, confirmations)?];
        let (Outcome::Masked(masked), Some(lost)) = (&prepared.outcome, prepared.session.lost()) else {
            return Err(Refusal::UnknownSession);
        };
        let value = SecretScalar::new(*masked.expose());
        Ok(sign_share(id, prepared.transcript, self.state.me, lost, value, &self.identity))
    }

    /// As the lost holder: hears what the helpers have dealt, to take their masked shares by [`Self::receive`].
    ///
    /// # Errors
    /// [`Refusal`]: not for this holder, not newer than its share, of another key.
    pub fn await_recovery(
        &mut self,
        session: Session<G>,
        commitments: Commitments<G>,
        revelations: Revelations<G>,
    ) -> Result<(), Refusal<G>> {
        session.check()?;
        if *session.roster() != self.state.roster {
            return Err(Refusal::OtherRoster);
        }
        if session.lost() != Some(self.state.me) {
            return Err(Refusal::NotParticipant);
        }
        if let (Some(held), Some(offered)) = (self.keys(), session.keys())
            && (held.key() != offered.key() || held.epoch() >= offered.epoch())
        {
            return Err(Refusal::OtherKeys);
        }
        let id = session.id();
        if let Some(Running::Recovery(recovery)) = &mut self.state.running
            && recovery.heard.id == id
        {
            recovery.heard.accept_commitments(commitments)?;
            return recovery.heard.accept_revelations(revelations);
        }
        self.state.running = Some(Running::Recovery(Recovery::new(session, id, commitments, revelations)?));
        Ok(())
    }

    /// As the lost holder: puts the share together and holds it, once enough masked shares have come. What is returned
    /// accuses the helpers whose shares were wrong, and not needed.
    ///
    /// # Errors
    /// [`Refusal::NoShares`] if too few have come, [`Refusal::Cheated`] if too many of them are wrong.
    ///
    /// # Panics
    /// If values that were checked do not give the public share.
    pub fn recover(&mut self, id: SessionId) -> Result<Vec<Evidence<G>>, Refusal<G>> {
        let Some(Running::Recovery(recovery)) = &self.state.running else {
            return Err(Refusal::UnknownSession);
        };
        if recovery.heard.id != id {
            return Err(Refusal::UnknownSession);
        }
        let (keys, secret, cheats) = recovery.finish(self.state.me)?;
        let public = keys.public_share(self.state.me);
        let holds = public.is_some_and(|public| *public.element() == secret.public());
        assert!(holds, "BUG: checked values do not give the lost share");
        self.adopt(Share { keys, secret });
        Ok(cheats)
    }

    fn adopt(&mut self, share: Share<G>) {
        self.state.previous = Some(Previous { share: self.state.active.replace(share) });
        self.state.certificate = None;
        self.state.running = None;
        self.state.prepared.clear();
    }

    fn dealing(&mut self, id: SessionId) -> Result<&mut Dealing<G>, Refusal<G>> {
        match &mut self.state.running {
            Some(Running::Dealing(dealing)) if dealing.heard.id == id => Ok(dealing),
            _ => Err(Refusal::UnknownSession),
        }
    }

    fn add_to_share(&self, session: &Session<G>, sum: &SecretScalar<G>) -> SecretScalar<G> {
        let factor = session.scalar_factor(self.state.me);
        let zero = SecretScalar::new(G::Scalar::default());
        self.state.active.as_ref().map_or(&zero, |share| &share.secret).plus(sum, &factor)
    }

    /// Where the session is among the prepared ones, if all of its participants have confirmed the same dealing.
    fn confirmed(
        &self,
        id: SessionId,
        confirmations: &BTreeMap<HolderIndex, Confirmation<G>>,
    ) -> Result<usize, Refusal<G>> {
        let position = self.state.prepared.iter().position(|prepared| prepared.id == id);
        let position = position.ok_or(Refusal::UnknownSession)?;
        let prepared = &self.state.prepared[position];
        check_senders(&prepared.session, confirmations)?;
        for (from, confirmation) in confirmations {
            if confirmation.transcript != prepared.transcript {
                return Err(Refusal::OtherTranscript(*from));
            }
            let statement = confirmation_statement(id, *from, &confirmation.transcript);
            let identity = self.state.roster.identity(*from).ok_or(Refusal::NotParticipant)?;
            if !confirmation.signature.verify(identity, &statement) {
                return Err(Refusal::Unsigned(*from));
            }
        }
        Ok(position)
    }
}
