//! Upgrades of this canister as far as it knows of them: the facts, and the part of the state that they make.

use release_types::control::{LogTip, UpgradeId};
use serde::{Deserialize, Serialize};

/// Something that happened to an upgrade of this canister.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlFact {
    /// From here on nothing is derived and no order taken, whatever code runs, until the upgrade ends.
    Began { upgrade: UpgradeId },
    /// The code that runs stays.
    Stayed { upgrade: UpgradeId },
    /// Here the log forks: other code ran after the blocks before this one, and wrote blocks up to `lost`, if it told.
    /// Whatever it did, this log does not say.
    TakenBack { upgrade: UpgradeId, lost: Option<LogTip> },
}

impl ControlFact {
    /// Every operation that may be on the log.
    pub const OPERATIONS: [&'static str; 3] =
        ["1countersign.began_upgrade", "1countersign.stayed_upgraded", "1countersign.taken_back"];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Began { .. } => "1countersign.began_upgrade",
            Self::Stayed { .. } => "1countersign.stayed_upgraded",
            Self::TakenBack { .. } => "1countersign.taken_back",
        }
    }
}

/// What is known of upgrades of this canister.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Control {
    /// The upgrade under way.
    suspended_by: Option<UpgradeId>,
    /// When it was last taken back, and from which upgrade.
    taken_back: Option<(UpgradeId, u64)>,
}

impl Control {
    /// The upgrade under way, during which nothing is derived.
    pub fn suspended_by(&self) -> Option<&UpgradeId> {
        self.suspended_by.as_ref()
    }

    /// The upgrade from which it was last taken back.
    pub fn taken_back_from(&self) -> Option<&UpgradeId> {
        self.taken_back.as_ref().map(|(upgrade, _)| upgrade)
    }

    /// When it was last taken back.
    pub fn taken_back_at_ns(&self) -> Option<u64> {
        self.taken_back.as_ref().map(|(_, at_ns)| *at_ns)
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &ControlFact) {
        match fact {
            ControlFact::Began { upgrade } => self.suspended_by = Some(upgrade.clone()),
            ControlFact::Stayed { .. } => self.suspended_by = None,
            ControlFact::TakenBack { upgrade, .. } => {
                self.suspended_by = None;
                self.taken_back = Some((upgrade.clone(), time_ns));
            }
        }
    }
}
