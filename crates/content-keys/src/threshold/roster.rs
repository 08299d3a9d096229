//! Who holds a key, and how many of them it takes.

use core::{fmt, num::NonZeroU8};

use serde::{Deserialize, Serialize};

use super::{
    group::Group,
    point::{Point, deserialize_few},
    transcript::Transcript,
};

/// Where a holder's share lies on the polynomial: 1 for the roster's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HolderIndex(NonZeroU8);

impl HolderIndex {
    /// None for zero, where the key itself lies.
    pub fn new(index: u8) -> Option<Self> {
        NonZeroU8::new(index).map(Self)
    }

    /// From 1.
    pub fn get(self) -> u8 {
        self.0.get()
    }

    pub(super) fn position(self) -> i16 {
        i16::from(self.get())
    }
}

impl fmt::Display for HolderIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holder {}", self.0)
    }
}

/// How often the shares of a key have been renewed, from 1. Shares of different epochs do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// The most holders of a key.
pub const MAX_HOLDERS: usize = 16;
/// The longest name of a key.
pub const MAX_KEY_ID_BYTES: usize = 64;

/// A key's name, its holders and its threshold: pinned by every holder, the same for the key's whole life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields<G>", into = "Fields<G>", bound = "")]
pub struct Roster<G: Group> {
    fields: Fields<G>,
    /// Hashed once: encoding points costs.
    digest: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
struct Fields<G: Group> {
    #[serde(with = "serde_bytes")]
    key_id: Vec<u8>,
    threshold: u8,
    #[serde(deserialize_with = "deserialize_few")]
    identities: Vec<Point<G>>,
}

/// Why a roster is none: all of its defects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoster {
    #[error("key_id has {found} bytes; allowed: 1 to {MAX_KEY_ID_BYTES}")]
    KeyId { found: usize },
    #[error("{found} holders; allowed: 2 to {MAX_HOLDERS}")]
    Holders { found: usize },
    #[error("threshold is {found}; allowed: 2 to the number of holders, {holders}")]
    Threshold { found: u8, holders: usize },
    #[error("two holders have the same identity key")]
    SameIdentity,
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<InvalidRoster>),
}

impl<G: Group> Roster<G> {
    /// `identities` in the order of the holders' indices.
    ///
    /// # Errors
    /// All defects at once.
    pub fn new(key_id: Vec<u8>, threshold: u8, identities: Vec<Point<G>>) -> Result<Self, InvalidRoster> {
        let holders = identities.len();
        let mut defects = Vec::new();
        if key_id.is_empty() || key_id.len() > MAX_KEY_ID_BYTES {
            defects.push(InvalidRoster::KeyId { found: key_id.len() });
        }
        if !(2..=MAX_HOLDERS).contains(&holders) {
            defects.push(InvalidRoster::Holders { found: holders });
        }
        if threshold < 2 || usize::from(threshold) > holders {
            defects.push(InvalidRoster::Threshold { found: threshold, holders });
        }
        if identities.iter().enumerate().any(|(at, identity)| identities[..at].contains(identity)) {
            defects.push(InvalidRoster::SameIdentity);
        }
        match defects.len() {
            0 => {
                let fields = Fields { key_id, threshold, identities };
                Ok(Self { digest: fields.digest(), fields })
            }
            1 => Err(defects.remove(0)),
            _ => Err(InvalidRoster::Several(defects)),
        }
    }

    /// The key's name.
    pub fn key_id(&self) -> &[u8] {
        &self.fields.key_id
    }

    /// How many holders it takes to use the key.
    pub fn threshold(&self) -> usize {
        self.fields.threshold.into()
    }

    /// All holders, in order.
    pub fn holders(&self) -> impl Iterator<Item = HolderIndex> {
        (1..=self.fields.identities.len()).filter_map(|index| HolderIndex::new(index as u8))
    }

    /// The key by which this holder signs.
    pub fn identity(&self, holder: HolderIndex) -> Option<&Point<G>> {
        self.fields.identities.get(usize::from(holder.get()) - 1)
    }

    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl<G: Group> Fields<G> {
    fn digest(&self) -> [u8; 32] {
        let transcript = Transcript::new("roster")
            .bytes(G::CURVE.name().as_bytes())
            .bytes(&self.key_id)
            .number(self.threshold.into())
            .number(self.identities.len() as u64);
        self.identities.iter().fold(transcript, |sum, identity| sum.point::<G>(identity.element())).digest()
    }
}

impl<G: Group> TryFrom<Fields<G>> for Roster<G> {
    type Error = InvalidRoster;

    fn try_from(fields: Fields<G>) -> Result<Self, InvalidRoster> {
        Self::new(fields.key_id, fields.threshold, fields.identities)
    }
}

impl<G: Group> From<Roster<G>> for Fields<G> {
    fn from(roster: Roster<G>) -> Self {
        roster.fields
    }
}
