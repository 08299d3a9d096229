//! One attempt at dealing: what for, by whom.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::threshold::{
    group::{Group, small, times},
    key_set::KeySet,
    roster::{Epoch, HolderIndex, Roster},
    transcript::Transcript,
};

/// What is dealt for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Purpose<G: Group> {
    /// A new key.
    Generate(Roster<G>),
    /// New shares of this key.
    Refresh(KeySet<G>),
    /// This holder's share of this key.
    Recover { keys: KeySet<G>, lost: HolderIndex },
}

/// One attempt at dealing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Session<G: Group> {
    /// What for.
    pub purpose: Purpose<G>,
    /// Who deals, and gets a share: at least the threshold. Holders left out are given theirs by recovery.
    pub participants: BTreeSet<HolderIndex>,
    /// Higher than in any attempt before with any of the participants.
    pub number: u64,
}

/// The hash of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub [u8; 32]);

/// What is wrong with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSession {
    #[error("{found} participants; allowed: {needed}, the threshold, or more")]
    TooFewParticipants { found: usize, needed: usize },
    #[error("there is no {0}")]
    UnknownHolder(HolderIndex),
    #[error("{0} is lost and takes part")]
    LostParticipant(HolderIndex),
    #[error("there is no epoch after {epoch}", epoch = .0.0)]
    LastEpoch(Epoch),
}

impl<G: Group> Session<G> {
    /// Who holds the key.
    pub fn roster(&self) -> &Roster<G> {
        match &self.purpose {
            Purpose::Generate(roster) => roster,
            Purpose::Refresh(keys) | Purpose::Recover { keys, .. } => keys.roster(),
        }
    }

    /// The key that there is already.
    pub fn keys(&self) -> Option<&KeySet<G>> {
        match &self.purpose {
            Purpose::Generate(_) => None,
            Purpose::Refresh(keys) | Purpose::Recover { keys, .. } => Some(keys),
        }
    }

    /// The holder whose share is to be recovered.
    pub fn lost(&self) -> Option<HolderIndex> {
        match &self.purpose {
            Purpose::Recover { lost, .. } => Some(*lost),
            Purpose::Generate(_) | Purpose::Refresh(_) => None,
        }
    }

    /// The hash of all of it.
    pub fn id(&self) -> SessionId {
        let transcript = Transcript::new("session");
        let transcript = match &self.purpose {
            Purpose::Generate(roster) => transcript.bytes(b"generate").bytes(roster.digest()),
            Purpose::Refresh(keys) => transcript.bytes(b"refresh").bytes(&keys.id().0),
            Purpose::Recover { keys, lost } => {
                transcript.bytes(b"recover").bytes(&keys.id().0).number(lost.get().into())
            }
        };
        let participants: Vec<u8> = self.participants.iter().map(|holder| holder.get()).collect();
        SessionId(transcript.bytes(&participants).number(self.number).digest())
    }

    /// Whether the session can be held at all.
    ///
    /// # Errors
    /// The first defect.
    pub fn check(&self) -> Result<(), InvalidSession> {
        let needed = self.roster().threshold();
        if self.participants.len() < needed {
            return Err(InvalidSession::TooFewParticipants { found: self.participants.len(), needed });
        }
        if let Some(unknown) = self
            .participants
            .iter()
            .chain(&self.lost())
            .find(|holder| self.roster().identity(**holder).is_none())
        {
            return Err(InvalidSession::UnknownHolder(*unknown));
        }
        if let Some(lost) = self.lost().filter(|lost| self.participants.contains(lost)) {
            return Err(InvalidSession::LostParticipant(lost));
        }
        if let Some(keys) = self.keys() {
            if keys.epoch().0 == u64::MAX {
                return Err(InvalidSession::LastEpoch(keys.epoch()));
            }
        }
        Ok(())
    }

    /// What is dealt is a polynomial with this many coefficients, times [`Self::factor`].
    pub(super) fn dealt_coefficients(&self) -> usize {
        match &self.purpose {
            Purpose::Generate(roster) => roster.threshold(),
            Purpose::Refresh(keys) | Purpose::Recover { keys, .. } => keys.roster().threshold() - 1,
        }
    }

    /// By what the dealt value there counts: the distance to where what is added must be zero.
    pub(super) fn factor(&self, at: HolderIndex) -> i16 {
        match &self.purpose {
            Purpose::Generate(_) => 1,
            Purpose::Refresh(_) => at.position(),
            Purpose::Recover { lost, .. } => at.position() - lost.position(),
        }
    }

    pub(super) fn scale(&self, at: HolderIndex, value: &G::Element) -> G::Element {
        times::<G>(value, self.factor(at))
    }

    pub(super) fn scalar_factor(&self, at: HolderIndex) -> G::Scalar {
        small::<G>(self.factor(at))
    }
}
