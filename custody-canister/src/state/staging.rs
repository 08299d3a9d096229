//! What the nodes agree on about a version's entries in npm's staging area, and how far their bytes were compared.

use registry_protocols::npm::stage::StageId;
use release_types::OrderId;
use serde::{Deserialize, Serialize};

use crate::state::proof::{ForeignBytes, SeenForeign};

/// How often one artifact's staging area may be read with the token. Spread over two weeks by the pauses between
/// readings, this is the most that a staged release derives.
pub const MAX_STAGE_READINGS: u16 = 150;

/// Something that was learned of the staging area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StagingFact {
    /// The nodes agree that these are all entries of the version that may still be approved.
    Listed { order: OrderId, artifact: u32, stages: Vec<ListedStage> },
    /// This many pieces of a staged tarball, counted from the first, are those that were voted.
    FoundEqualPieces { order: OrderId, artifact: u32, stage: StageId, pieces: u32 },
    /// The nodes agree that other bytes than the voted ones are served for a staged tarball, which may pass.
    FoundForeignBytes { order: OrderId, artifact: u32, stage: StageId, bytes: ForeignBytes },
    /// A staged tarball was compared to its end, or as far as needed.
    Judged { order: OrderId, artifact: u32, stage: StageId, judgement: Judgement },
    /// An entry was gone when its bytes were asked for.
    Lost { order: OrderId, artifact: u32, stage: StageId },
    /// The staged tarball is the voted one; a person is to approve it.
    Proven { order: OrderId, artifact: u32, stage: StageId },
}

/// An entry as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedStage {
    pub id: StageId,
    /// Whether it carries the dist-tag that was voted.
    pub has_voted_tag: bool,
}

/// What is known of a staged tarball.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Judgement {
    /// The voted bytes under the voted tag.
    Equal,
    /// Other bytes.
    OtherBytes,
    /// Another dist-tag than the voted one, which staging fixes.
    OtherTag,
    /// Too large for one answer, and the registry serves no ranges.
    NotReadable,
}

/// An artifact's part of the staging area.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Staging {
    stages: Vec<Stage>,
    /// Keys derived for reading it.
    readings: u16,
    /// Those since the artifact's state last changed, which the pauses grow with.
    recent_readings: u16,
    read_at_ns: Option<u64>,
    /// Since when the entry that was proven is no longer listed.
    gone_since_ns: Option<u64>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    pub id: StageId,
    pub equal_pieces: u32,
    /// Foreign bytes that were served for it last.
    pub foreign: Option<SeenForeign>,
    /// None while it is not compared to its end.
    pub judgement: Option<Judgement>,
}

impl Staging {
    /// Keys that may still be derived for reading the staging area.
    pub fn readings_left(&self) -> u16 {
        MAX_STAGE_READINGS.saturating_sub(self.readings)
    }

    /// Readings since the artifact's state last changed.
    pub fn recent_readings(&self) -> u16 {
        self.recent_readings
    }

    pub fn read_at_ns(&self) -> Option<u64> {
        self.read_at_ns
    }

    pub fn gone_since_ns(&self) -> Option<u64> {
        self.gone_since_ns
    }

    /// An entry that is not compared to its end, if possible one for which no other bytes were served.
    pub fn unread(&self) -> Option<&Stage> {
        let is_open = |stage: &&Stage| stage.judgement.is_none();
        let clean = self.stages.iter().filter(is_open).find(|stage| stage.foreign.is_none());
        clean.or_else(|| self.stages.iter().find(is_open))
    }

    /// Whether an entry remains that is to be read at once.
    pub fn has_clean_unread(&self) -> bool {
        self.unread().is_some_and(|stage| stage.foreign.is_none())
    }

    /// Whether none is the voted one so far, and one may be for which other bytes were served.
    pub fn is_only_doubted(&self) -> bool {
        !self.has_clean_unread() && self.unread().is_some() && self.judged(Judgement::Equal).is_none()
    }

    /// Entries for which other bytes were served that are not believed yet.
    pub fn doubted(&self) -> impl Iterator<Item = &StageId> {
        let is_doubted = |stage: &&Stage| stage.judgement.is_none() && stage.foreign.is_some();
        self.stages.iter().filter(is_doubted).map(|stage| &stage.id)
    }

    /// The first entry of this judgement.
    pub fn judged(&self, judgement: Judgement) -> Option<&StageId> {
        self.stages.iter().find(|stage| stage.judgement == Some(judgement)).map(|stage| &stage.id)
    }

    /// Entries that must not be approved, with the reason.
    pub fn foreign(&self) -> impl Iterator<Item = (&StageId, Judgement)> {
        self.stages
            .iter()
            .filter_map(|stage| Some((&stage.id, stage.judgement?)))
            .filter(|(_, judgement)| *judgement != Judgement::Equal)
    }

    pub(super) fn count_reading(&mut self, time_ns: u64) {
        self.readings = self.readings.saturating_add(1);
        self.recent_readings = self.recent_readings.saturating_add(1);
        self.read_at_ns = Some(time_ns);
    }

    pub(super) fn begin_anew(&mut self) {
        self.recent_readings = 0;
    }

    /// Takes a new list over; what is known of an entry is kept, because staged bytes do not change.
    pub(super) fn list(&mut self, listed: &[ListedStage], proven: Option<&StageId>, time_ns: u64) {
        let known = std::mem::take(&mut self.stages);
        self.stages = listed
            .iter()
            .map(|entry| {
                known.iter().find(|stage| stage.id == entry.id).cloned().unwrap_or_else(|| Stage {
                    id: entry.id.clone(),
                    equal_pieces: 0,
                    foreign: None,
                    judgement: (!entry.has_voted_tag).then_some(Judgement::OtherTag),
                })
            })
            .collect();
        let is_gone = proven.is_some_and(|proven| self.stages.iter().all(|stage| stage.id != *proven));
        self.gone_since_ns = is_gone.then(|| self.gone_since_ns.unwrap_or(time_ns));
    }

    pub(super) fn lose(&mut self, id: &StageId) {
        self.stages.retain(|stage| stage.id != *id);
    }

    pub(super) fn stage_mut(&mut self, id: &StageId) -> &mut Stage {
        self.stages
            .iter_mut()
            .find(|stage| stage.id == *id)
            .unwrap_or_else(|| panic!("BUG: stage {id} was never listed"))
    }
}

impl Judgement {
    /// What is wrong with it, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Equal => "the approved bytes",
            Self::OtherBytes => "other bytes than approved",
            Self::OtherTag => "another dist-tag than approved",
            Self::NotReadable => "bytes that the registry does not serve in ranges",
        }
    }
}

impl StagingFact {
    /// Every operation of this kind that may be on the log.
    pub const OPERATIONS: [&'static str; 6] = [
        "1countersign.listed_stages",
        "1countersign.found_equal_stage_pieces",
        "1countersign.found_foreign_stage_bytes",
        "1countersign.judged_stage",
        "1countersign.lost_stage",
        "1countersign.proved_stage",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Listed { .. } => "1countersign.listed_stages",
            Self::FoundEqualPieces { .. } => "1countersign.found_equal_stage_pieces",
            Self::FoundForeignBytes { .. } => "1countersign.found_foreign_stage_bytes",
            Self::Judged { .. } => "1countersign.judged_stage",
            Self::Lost { .. } => "1countersign.lost_stage",
            Self::Proven { .. } => "1countersign.proved_stage",
        }
    }

    /// The artifact that it is about.
    pub fn subject(&self) -> (&OrderId, u32) {
        match self {
            Self::Listed { order, artifact, .. }
            | Self::FoundEqualPieces { order, artifact, .. }
            | Self::FoundForeignBytes { order, artifact, .. }
            | Self::Judged { order, artifact, .. }
            | Self::Lost { order, artifact, .. }
            | Self::Proven { order, artifact, .. } => (order, *artifact),
        }
    }
}
