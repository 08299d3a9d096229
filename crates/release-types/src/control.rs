//! Control of the group's canisters: upgrades, their settings, and recovery, as the upgrader carries them out.

use std::fmt;

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{Defect, Sha256Digest};

/// Longest id of an upgrade, in bytes.
pub const MAX_UPGRADE_ID_BYTES: usize = 100;
/// Longest argument of an upgrade, in bytes.
pub const MAX_ARG_BYTES: usize = 10_000;
/// Most chunks that one module is made of; each is at most [`CHUNK_BYTES`](crate::CHUNK_BYTES).
pub const MAX_MODULE_CHUNKS: usize = 8;
/// Shortest public delay of a recovery: a week.
pub const MIN_RECOVERY_DELAY_NS: u64 = 7 * DAY_NS;
/// Longest public delay of a recovery: a quarter of a year.
pub const MAX_RECOVERY_DELAY_NS: u64 = 90 * DAY_NS;
/// Largest recovery committee.
pub const MAX_COMMITTEE_MEMBERS: usize = 20;
const DAY_NS: u64 = 86_400_000_000_000;

/// Names an upgrade; chosen by who orders it, 1 to 100 bytes, used once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct UpgradeId(pub String);

impl fmt::Display for UpgradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A canister that the upgrader controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub enum Controlled {
    Dao,
    Custody,
}

impl fmt::Display for Controlled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dao => "the DAO",
            Self::Custody => "custody",
        })
    }
}

/// One of the group's canisters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub enum GroupCanister {
    Dao,
    Custody,
    Upgrader,
}

impl GroupCanister {
    /// As the upgrader names it; none for itself.
    pub fn controlled(self) -> Option<Controlled> {
        match self {
            Self::Dao => Some(Controlled::Dao),
            Self::Custody => Some(Controlled::Custody),
            Self::Upgrader => None,
        }
    }
}

impl fmt::Display for GroupCanister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dao => "the DAO",
            Self::Custody => "custody",
            Self::Upgrader => "the upgrader",
        })
    }
}

/// A vote to put new code into a canister. The module is uploaded to the DAO beforehand, as artifacts are.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UpgradeProposal {
    pub canister: GroupCanister,
    pub module_sha256: Sha256Digest,
    /// At most 8 MiB.
    pub size_bytes: u64,
    /// What the new code's `post_upgrade` is given, in Candid; at most 10,000 bytes. Empty for no argument.
    pub arg: ByteBuf,
}

/// A vote to adjust a canister.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CanisterSettingsProposal {
    pub canister: GroupCanister,
    pub settings: CanisterSettings,
}

/// A vote to pass cycles on from the DAO's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct TopUpProposal {
    pub canister: GroupCanister,
    pub amount_cycles: u64,
}

/// A vote against a recovery of the DAO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CancelRecoveryProposal {
    pub recovery: RecoveryId,
}

/// A canister module, by digests.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ModuleRef {
    /// Of the whole module: what the network reports of a canister that runs it.
    pub sha256: Sha256Digest,
    /// Of its chunks in order, 1 to 8 of at most 1 MiB each.
    pub chunks: Vec<Sha256Digest>,
}

/// An order to upgrade. The same order again returns its status; another one under the same id is refused.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UpgradeOrder {
    pub id: UpgradeId,
    pub target: Controlled,
    pub module: ModuleRef,
    /// What the new code's `post_upgrade` is given, in Candid; at most 10,000 bytes.
    pub arg: ByteBuf,
    pub arg_sha256: Sha256Digest,
}

impl UpgradeOrder {
    /// Everything that is wrong with it by itself.
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        let length = self.id.0.len();
        if !(1..=MAX_UPGRADE_ID_BYTES).contains(&length) {
            let allowed = format!("1 to {MAX_UPGRADE_ID_BYTES} bytes");
            defects.push(Defect::new("id", format!("{length} bytes"), allowed, "Choose another id."));
        }
        defects.extend(self.module.defects());
        defects.extend(arg_defects(&self.arg));
        let found = Sha256Digest::of(&self.arg);
        if found != self.arg_sha256 {
            let hint = "Order with the argument that was decided on.";
            defects.push(Defect::new("arg", found.to_string(), self.arg_sha256.to_string(), hint));
        }
        defects
    }
}

impl ModuleRef {
    /// Everything that is wrong with it by itself.
    pub fn defects(&self) -> Vec<Defect> {
        let count = self.chunks.len();
        if (1..=MAX_MODULE_CHUNKS).contains(&count) {
            return Vec::new();
        }
        let allowed = format!("1 to {MAX_MODULE_CHUNKS}");
        vec![Defect::new("module.chunks", count.to_string(), allowed, "Cut the module into chunks of 1 MiB.")]
    }
}

/// The defect of an argument that is too long.
pub fn arg_defects(arg: &[u8]) -> Option<Defect> {
    (arg.len() > MAX_ARG_BYTES).then(|| {
        let found = format!("{} bytes", arg.len());
        Defect::new("arg", found, format!("at most {MAX_ARG_BYTES} bytes"), "Give a shorter argument.")
    })
}

/// A step of an upgrade. The upgrader writes down each before it takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum UpgradeStep {
    /// Custody derives no key from here on; the log's tip is noted.
    Prepare,
    Stop,
    TakeSnapshot,
    Install,
    Start,
    /// The new code must answer, with its whole log.
    CheckHealth,
    /// Custody works again.
    Resume,
    /// The new code is taken back from here on.
    StopAgain,
    LoadSnapshot,
    StartAgain,
    /// The canister learns that it was taken back.
    TellTakenBack,
    /// Snapshots and chunks are dropped.
    ClearUp,
}

impl fmt::Display for UpgradeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "preparing the canister",
            Self::Stop => "stopping the canister",
            Self::TakeSnapshot => "taking a snapshot",
            Self::Install => "installing the new code",
            Self::Start => "starting the canister",
            Self::CheckHealth => "waiting for the new code to report healthy",
            Self::Resume => "letting the canister work again",
            Self::StopAgain => "stopping the new code",
            Self::LoadSnapshot => "going back to the snapshot",
            Self::StartAgain => "starting the former code",
            Self::TellTakenBack => "telling the canister that it was taken back",
            Self::ClearUp => "clearing up",
        })
    }
}

/// Why an upgrade did not last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum UpgradeFailure {
    /// Calls that it had under way did not end in half an hour. The former code runs on.
    NotStopped,
    /// No snapshot could be taken. The former code runs on.
    NoSnapshot,
    /// The network did not take the code, or it trapped in its first message. The former code runs on.
    NotInstalled,
    /// The new code ran and did not report healthy in time. The canister was taken back to the snapshot.
    Unhealthy,
    /// As `Unhealthy`, and custody could not be prepared before: it is back at the snapshot, and left stopped.
    UnhealthyAndStopped,
}

impl fmt::Display for UpgradeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotStopped => "the canister could not be stopped; the former code runs on",
            Self::NoSnapshot => "no snapshot could be taken; the former code runs on",
            Self::NotInstalled => "the new code could not be installed, or trapped; the former code runs on",
            Self::Unhealthy => "the new code did not report healthy in time; the canister was taken back",
            Self::UnhealthyAndStopped => {
                "the new code did not report healthy in time; custody was taken back and left stopped, because it \
                 could not be prepared before: upgrade it again"
            }
        })
    }
}

/// How far an upgrade has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum UpgradeState {
    Running {
        step: UpgradeStep,
        failure: Option<UpgradeFailure>,
    },
    /// The new code runs and reported healthy.
    Done,
    Failed {
        failure: UpgradeFailure,
    },
}

/// An upgrade as the upgrader knows it.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UpgradeStatus {
    pub id: UpgradeId,
    pub target: Controlled,
    pub module_sha256: Sha256Digest,
    pub arg_sha256: Sha256Digest,
    pub ordered_at_ns: u64,
    pub state: UpgradeState,
    /// When it came to this state.
    pub since_ns: u64,
}

/// The last block of a log.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct LogTip {
    pub index: u64,
    /// 32 bytes.
    pub hash: Sha256Digest,
}

/// How an upgrade ended, as the upgrader tells the canister.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum UpgradeEnd {
    /// The code that hears this stays.
    Stays,
    /// The canister is back at a snapshot. `lost` is the tip of the log that the other code left, if it told.
    TakenBack { lost: Option<LogTip> },
}

/// Tells a canister that an upgrade of it is over.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct EndUpgradeArgs {
    pub upgrade: UpgradeId,
    pub end: UpgradeEnd,
}

/// Who may repair a DAO that no longer works: any `threshold` of the members, after a public delay.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Committee {
    /// 2 to 20, none twice.
    pub members: Vec<Principal>,
    /// 2 to the number of members.
    pub threshold: u32,
    /// From the last support needed until the upgrade, 7 to 90 days.
    pub delay_ns: u64,
}

impl Committee {
    /// Everything that is wrong with it.
    pub fn defects(&self) -> Vec<Defect> {
        let mut defects = Vec::new();
        let count = self.members.len();
        if !(2..=MAX_COMMITTEE_MEMBERS).contains(&count) {
            let allowed = format!("2 to {MAX_COMMITTEE_MEMBERS}");
            defects.push(Defect::new("committee.members", count.to_string(), allowed, "Adjust the list."));
        }
        for (index, member) in self.members.iter().enumerate() {
            let is_nobody = *member == Principal::anonymous() || *member == Principal::management_canister();
            if is_nobody || self.members[..index].contains(member) {
                let (field, hint) = (format!("committee.members[{index}]"), "Name each person once.");
                defects.push(Defect::new(field, member.to_text(), "another principal", hint));
            }
        }
        if !(2..=count.max(2)).contains(&(self.threshold as usize)) {
            let allowed = format!("2 to {count}");
            let hint = "One stolen key must not suffice.";
            defects.push(Defect::new("committee.threshold", self.threshold.to_string(), allowed, hint));
        }
        if !(MIN_RECOVERY_DELAY_NS..=MAX_RECOVERY_DELAY_NS).contains(&self.delay_ns) {
            let allowed = format!("{MIN_RECOVERY_DELAY_NS} to {MAX_RECOVERY_DELAY_NS} (7 to 90 days)");
            let hint = "Leave the group time to see it and to object.";
            defects.push(Defect::new("committee.delay_ns", self.delay_ns.to_string(), allowed, hint));
        }
        defects
    }
}

/// Arguments of the upgrader's installation.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UpgraderInit {
    /// The DAO, whose orders it carries out; if absent, `PUBLIC_CANISTER_ID:dao_canister` names it.
    pub dao: Option<Principal>,
    /// If absent, `PUBLIC_CANISTER_ID:custody_canister` names it.
    pub custody: Option<Principal>,
    pub committee: Option<Committee>,
}

/// Arguments of the upgrader's own upgrade: what changes.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UpgraderChange {
    /// Puts this committee in place, or none.
    pub committee: Option<Committee>,
}

/// Proposes new code for the DAO, as a member of the recovery committee.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ProposeRecoveryArgs {
    pub module: ModuleRef,
    pub arg: ByteBuf,
    /// For people: what is broken, and where the code comes from. 1 to 500 bytes.
    pub reason: String,
}

/// Numbers recoveries from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, CandidType, Serialize, Deserialize)]
pub struct RecoveryId(pub u64);

impl fmt::Display for RecoveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A recovery under way.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct RecoveryView {
    pub id: RecoveryId,
    pub proposed_by: Principal,
    pub module: ModuleRef,
    pub arg: ByteBuf,
    pub reason: String,
    /// The proposer included.
    pub supporters: Vec<Principal>,
    /// When the DAO is upgraded, once enough support it.
    pub due_at_ns: Option<u64>,
}

/// What anyone may know of an upgrader.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct UpgraderInfo {
    pub dao: Principal,
    pub custody: Principal,
    pub committee: Option<Committee>,
    /// The upgrade under way.
    pub running: Option<UpgradeStatus>,
    pub recoveries: Vec<RecoveryView>,
}

/// What a group may adjust of a canister: nothing that gives anybody power over it. Absent is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CanisterSettings {
    /// For how long its cycles must last before it stops working, 30 days to 2 years.
    pub freezing_threshold_s: Option<u64>,
    /// Most heap memory of its code, 256 MiB to 4 GiB.
    pub wasm_memory_limit_bytes: Option<u64>,
    /// Who may read its debug log besides its controllers; at most 10.
    pub log_viewers: Option<Vec<Principal>>,
}

impl CanisterSettings {
    /// Everything that is wrong with them.
    pub fn defects(&self) -> Vec<Defect> {
        const DAY_S: u64 = 86_400;
        const MIB: u64 = 1_048_576;
        let mut defects = Vec::new();
        let mut check = |field: &str, found: Option<u64>, least: u64, most: u64, hint: &str| {
            if let Some(found) = found.filter(|found| !(least..=most).contains(found)) {
                defects.push(Defect::new(field, found.to_string(), format!("{least} to {most}"), hint));
            }
        };
        let threshold = self.freezing_threshold_s;
        check("freezing_threshold_s", threshold, 30 * DAY_S, 730 * DAY_S, "Give 30 days to 2 years.");
        let limit = self.wasm_memory_limit_bytes;
        check("wasm_memory_limit_bytes", limit, 256 * MIB, 4_096 * MIB, "Give 256 MiB to 4 GiB.");
        let viewers = self.log_viewers.as_deref().unwrap_or_default();
        if viewers.len() > 10 || viewers.contains(&Principal::anonymous()) {
            let found = format!("{} principals", viewers.len());
            let hint = "Name the people who operate it.";
            defects.push(Defect::new("log_viewers", found, "at most 10, none of them anonymous", hint));
        }
        if *self == Self::default() {
            defects.push(Defect::new(
                "settings",
                "nothing",
                "at least one setting",
                "Say what is to change.",
            ));
        }
        defects
    }
}

/// Asks the upgrader to adjust a canister.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ChangeCanisterSettingsArgs {
    pub target: Controlled,
    pub settings: CanisterSettings,
}
