//! A credential's part of the state. The sealed token itself is kept beside it, in stable memory.

use release_types::{
    CredentialPolicy, SeenNotice, Sha256Digest,
    credential::{CredentialStatus, CredentialView},
};
use serde::Serialize;

use crate::state::{event::UnusableReason, probe::Probe};

/// A sealed token in custody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credential {
    pub(super) policy: CredentialPolicy,
    pub(super) sealed_token_sha256: Sha256Digest,
    pub(super) deposited_at_ns: u64,
    pub(super) standing: Standing,
    /// Keys derived since the present activation was asked for.
    pub(super) derivations: u8,
    pub(super) probe: Option<Probe>,
    pub(super) notice: Option<SeenNotice>,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Standing {
    Deposited,
    Activating,
    Active,
    Unusable { reason: UnusableReason },
    Revoked,
}

impl Credential {
    pub fn policy(&self) -> &CredentialPolicy {
        &self.policy
    }

    pub fn standing(&self) -> Standing {
        self.standing
    }

    pub fn deposited_at_ns(&self) -> u64 {
        self.deposited_at_ns
    }

    pub fn sealed_token_sha256(&self) -> Sha256Digest {
        self.sealed_token_sha256
    }

    /// Keys derived since the present activation was asked for.
    pub fn derivations(&self) -> u8 {
        self.derivations
    }

    /// The last probe of its token.
    pub fn probe(&self) -> Option<Probe> {
        self.probe
    }

    /// What npm said beside its last answers.
    pub fn notice(&self) -> Option<SeenNotice> {
        self.notice
    }

    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    pub fn is_revoked(&self) -> bool {
        self.standing == Standing::Revoked
    }

    pub fn is_activating(&self) -> bool {
        self.standing == Standing::Activating
    }

    /// What anyone may know of it.
    pub fn view(&self) -> CredentialView {
        CredentialView {
            id: self.policy.id(),
            policy: self.policy.clone(),
            status: match self.standing {
                Standing::Deposited => CredentialStatus::Deposited,
                Standing::Activating => CredentialStatus::Activating,
                Standing::Active => CredentialStatus::Active,
                Standing::Unusable { reason } => {
                    CredentialStatus::Unusable { reason: reason.advice().to_owned() }
                }
                Standing::Revoked => CredentialStatus::Revoked,
            },
            deposited_at_ns: self.deposited_at_ns,
            sealed_token_sha256: self.sealed_token_sha256,
            probe: self.probe.map(|probe| probe.view()),
            notice: self.notice,
        }
    }
}

impl UnusableReason {
    /// What people can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::DerivationFailed => {
                "the subnet could not derive the key, repeatedly: check custody's cycles and activate again"
            }
            Self::InvalidKey => "the subnet's answer was not a valid key: activate again",
            Self::NotDecryptable => {
                "it was not sealed to this policy and this custody canister, or is damaged: seal the token anew"
            }
            Self::NotAToken => "what was sealed is no token of this ecosystem: seal the token anew",
        }
    }
}
