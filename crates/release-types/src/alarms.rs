//! What people must look at, and what custody can still pay for. All of it is computed when asked.

use candid::CandidType;
use serde::{Deserialize, Serialize};

use crate::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, Notice, OrderId, PackageKey,
    credential::ProbeOutcome,
    freeze::{FreezeReason, FreezeScope},
    registry::{DirectPublishing, END_WARNING_NS},
};

/// Most alarms in one answer.
pub const MAX_ALARMS: usize = 100;

/// Something that people must look at.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Alarm {
    pub kind: AlarmKind,
    /// When it began.
    pub since_ns: u64,
    /// What to do.
    pub advice: String,
}

/// What is the matter.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum AlarmKind {
    /// No key is derived within the scope.
    Frozen { scope: FreezeScope, reason: FreezeReason },
    /// A watched package has a version or file that nobody approved.
    UnapprovedVersion { package: PackageKey, name: String },
    /// A version or file of a watched package has other bytes than before, or than were approved.
    DigestChanged { package: PackageKey, name: String },
    /// A version or file of a watched package is gone.
    Vanished { package: PackageKey, name: String },
    /// A watched package could not be looked at several times in a row.
    WatchFailing { package: PackageKey, failed_looks: u32 },
    /// The registry shows other bytes than the order says.
    Mismatch { order: OrderId, filename: String },
    /// What was sent did not appear.
    Blocked { order: OrderId, filename: String },
    /// One node says that the registry refused an amendment, and it is not shown.
    AmendmentDoubted { order: OrderId },
    /// A credential in use runs out.
    CredentialExpiring { credential: CredentialId, days_left: u32 },
    /// A credential in use ran out.
    CredentialExpired { credential: CredentialId },
    /// A probe found that the token does not work.
    CredentialDead { credential: CredentialId, outcome: ProbeOutcome },
    /// The registry of a credential in use has announced to end direct publishing by token, within 90 days or in the past.
    DirectPublishingEnds { credential: CredentialId, at_ns: u64 },
    /// npm put a notice beside its answer to a request with this token.
    RegistryNotice { credential: CredentialId, notice: Notice },
    /// An npm registry published keys to check its signatures with, and does so no more.
    RegistryKeysGone { read_url: String },
    /// There are too few cycles for two weeks of watching, or for one more release.
    LowCycles { liquid_cycles: u128 },
}

impl Alarm {
    /// The alarm for a credential in use whose registry announced to end direct publishing by token, from 90 days before.
    pub fn of_announced_end(policy: &CredentialPolicy, ends_at_ns: Option<u64>, now_ns: u64) -> Option<Self> {
        let at_ns = match DirectPublishing::at(ends_at_ns, now_ns) {
            DirectPublishing::EndsSoon { at_ns } | DirectPublishing::Ended { at_ns } => at_ns,
            DirectPublishing::Open => return None,
        };
        let advice = match policy.ecosystem {
            Ecosystem::Npm => {
                "seal a stage-only token with `countersign credential seal --mode staged`, propose releases with `--mode \
                 staged`, and have this credential revoked"
            }
            Ecosystem::Pypi => "propose releases with `--mode verify-only`, and have this credential revoked",
        };
        (policy.mode == CredentialMode::Direct).then(|| Self {
            kind: AlarmKind::DirectPublishingEnds { credential: policy.id(), at_ns },
            since_ns: at_ns.saturating_sub(END_WARNING_NS),
            advice: advice.to_owned(),
        })
    }
}

/// What custody has, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Funds {
    /// Cycles that may be spent without freezing the canister.
    pub liquid_cycles: u128,
    /// What watching all watched packages costs within a day at most.
    pub watch_most_cycles_per_day: u128,
    /// What one release of one artifact costs at most in the direct mode, the largest artifact and long reading back
    /// assumed; custody begins none that it could not pay to its end.
    pub direct_release_most_cycles: u128,
    /// The same in the staged mode, a few readings of the staging area assumed.
    pub staged_release_most_cycles: u128,
    /// The same for what custody only verifies.
    pub verify_only_release_most_cycles: u128,
    /// The same for an amendment.
    pub amendment_most_cycles: u128,
    /// How many direct releases the liquid cycles suffice for.
    pub direct_releases_affordable: u64,
    /// How many staged ones.
    pub staged_releases_affordable: u64,
    /// For how many days of watching they suffice; none if nothing is watched.
    pub watch_days_left: Option<u64>,
}
