//! Probes of tokens: the facts, and the part of a credential's state that they make.

use release_types::{
    CredentialId,
    credential::{ProbeOutcome, ProbeView},
};
use serde::{Deserialize, Serialize};

/// Something that happened to a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeFact {
    /// The authority asked whether the token still works.
    Asked { credential: CredentialId },
    /// The answer.
    Concluded { credential: CredentialId, outcome: ProbeOutcome },
}

impl ProbeFact {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "1countersign.asked_probe",
            Self::Concluded { .. } => "1countersign.concluded_probe",
        }
    }

    pub(super) fn credential(&self) -> &CredentialId {
        match self {
            Self::Asked { credential } | Self::Concluded { credential, .. } => credential,
        }
    }
}

/// The last probe of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    pub asked_at_ns: u64,
    /// Keys derived for it.
    pub derivations: u8,
    /// None while it is under way.
    pub outcome: Option<ProbeOutcome>,
    /// When it ended.
    pub concluded_at_ns: Option<u64>,
}

impl Probe {
    pub fn is_under_way(&self) -> bool {
        self.outcome.is_none()
    }

    pub fn view(&self) -> ProbeView {
        ProbeView { asked_at_ns: self.asked_at_ns, outcome: self.outcome }
    }

    /// What a fact makes of the probe before it.
    pub(super) fn after(last: Option<Self>, fact: &ProbeFact, time_ns: u64) -> Self {
        let under_way = last.filter(Self::is_under_way);
        match (fact, under_way) {
            (ProbeFact::Asked { .. }, None) => {
                Self { asked_at_ns: time_ns, derivations: 0, outcome: None, concluded_at_ns: None }
            }
            (ProbeFact::Concluded { outcome, .. }, Some(probe)) => {
                Self { outcome: Some(*outcome), concluded_at_ns: Some(time_ns), ..probe }
            }
            _ => panic!("BUG: a probe began twice or ended without beginning"),
        }
    }
}
