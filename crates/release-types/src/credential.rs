//! Publish credentials: what a sealed token may be used for, and its id.

use std::fmt;

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Ecosystem, Registry, SeenNotice, Sha256Digest};

/// Most packages one credential may cover.
pub const MAX_PACKAGES: usize = 50;
/// Most credentials in one answer of `list_credentials`: fifty of the largest policies stay below 1 MB.
pub const MAX_LISTED_CREDENTIALS: u32 = 50;

/// How custody uses a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum CredentialMode {
    /// Custody uploads the artifact itself, with this token.
    Direct,
    /// npm: custody stages with this token and reads the staging area; what is staged, a person approves.
    Staged,
    /// Custody reads a registry that shows nothing without a token; the token itself should be read-only.
    Read,
}

impl CredentialMode {
    /// The URL of a registry to which tokens of this kind may be sent.
    pub fn endpoint(self, registry: &Registry) -> &str {
        match self {
            Self::Direct | Self::Staged => &registry.upload_url,
            Self::Read => &registry.read_url,
        }
    }
}

impl fmt::Display for CredentialMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Staged => "staged",
            Self::Read => "read",
        })
    }
}

/// What a sealed token may be used for. The token is encrypted to the hash of this policy, so changing any of it
/// means sealing anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash, CandidType, Serialize, Deserialize)]
pub struct CredentialPolicy {
    /// The custody canister that may open it.
    pub custody: Principal,
    pub ecosystem: Ecosystem,
    /// The URL it may be sent to, and no other: the upload URL, or the read URL for a token that only reads.
    pub endpoint: String,
    /// Packages it may be used for: full npm names, or PyPI names in normalised form. Never empty.
    pub packages: Vec<String>,
    pub mode: CredentialMode,
    /// Custody refuses to use it before this moment; 0: it may be used at once.
    pub not_before_ns: u64,
    /// Custody refuses to use it from this moment on.
    pub not_after_ns: u64,
    /// Distinguishes successive tokens of the same policy; starts at 1.
    pub epoch: u32,
}

impl CredentialPolicy {
    /// The policy's identity: the hash that the token is encrypted to, and the credential's id.
    ///
    /// SHA-256 over a domain tag and each field in order, texts and lists preceded by their length as 8 bytes
    /// big-endian, so that no two policies share an encoding.
    pub fn id(&self) -> CredentialId {
        let mut hash = Sha256::new();
        let mut text = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        text(b"countersign credential policy v1");
        text(self.custody.as_slice());
        text(match self.ecosystem {
            Ecosystem::Npm => b"npm",
            Ecosystem::Pypi => b"pypi",
        });
        text(self.endpoint.as_bytes());
        text(match self.mode {
            CredentialMode::Direct => b"direct",
            CredentialMode::Staged => b"staged",
            CredentialMode::Read => b"read",
        });
        text(&self.not_before_ns.to_be_bytes());
        text(&self.not_after_ns.to_be_bytes());
        text(&self.epoch.to_be_bytes());
        text(&(self.packages.len() as u64).to_be_bytes());
        for package in &self.packages {
            text(package.as_bytes());
        }
        CredentialId(Sha256Digest(hash.finalize().into()))
    }

    /// Whether it may be used in this way for `package` at `registry` at `now_ns`.
    pub fn covers(&self, mode: CredentialMode, registry: &Registry, package: &str, now_ns: u64) -> bool {
        self.mode == mode
            && self.ecosystem == registry.ecosystem
            && self.endpoint == mode.endpoint(registry)
            && (self.not_before_ns..self.not_after_ns).contains(&now_ns)
            && self.packages.iter().any(|allowed| allowed == package)
    }
}

/// Names a credential: the identity of its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct CredentialId(pub Sha256Digest);

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sealed token on its way to custody.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DepositCredentialArgs {
    pub policy: CredentialPolicy,
    /// The token under identity-based encryption to the policy's identity; sealed tokens all have one size.
    #[serde(with = "serde_bytes")]
    pub sealed_token: Vec<u8>,
}

/// Where a credential stands.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum CredentialStatus {
    /// In custody, unused; a vote activates it.
    Deposited,
    /// The trial decryption of its activation is under way.
    Activating,
    /// May be used by approved orders.
    Active,
    /// The trial decryption failed; seal the token anew.
    Unusable { reason: String },
    /// Never used again. The token itself must also be revoked at the registry.
    Revoked,
}

/// What anyone may know of a credential.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CredentialView {
    pub id: CredentialId,
    pub policy: CredentialPolicy,
    pub status: CredentialStatus,
    pub deposited_at_ns: u64,
    /// SHA-256 of the sealed token, so that its owner can recognise it.
    pub sealed_token_sha256: Sha256Digest,
    /// The last time the group asked whether the token still works.
    pub probe: Option<ProbeView>,
    /// What npm said beside its last answers to requests with this token.
    pub notice: Option<SeenNotice>,
}

/// A probe of a token, which says whether it works and nothing of whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ProbeView {
    pub asked_at_ns: u64,
    /// None while it is under way.
    pub outcome: Option<ProbeOutcome>,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum ProbeOutcome {
    /// npm: the registry knows the token. PyPI, which cannot be asked: it opens, and its own dates allow it now.
    Alive,
    /// The registry does not accept the token: it expired, or somebody revoked it.
    RefusedByRegistry,
    /// The dates written into the token do not allow it now.
    OutOfDate,
    /// The sealed token does not open any more.
    NotDecryptable,
    /// Nobody answered in a way that tells.
    NotAnswered,
}

impl ProbeOutcome {
    /// What it means, and what people can do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Alive => "the token works",
            Self::RefusedByRegistry => {
                "the registry does not accept the token: seal a new one, activate it, and revoke this one"
            }
            Self::OutOfDate => "the dates in the token do not allow its use now: seal another",
            Self::NotDecryptable => "the sealed token does not open: seal the token anew",
            Self::NotAnswered => "the registry did not say: probe again later",
        }
    }
}

/// Asks for credentials, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ListCredentialsArgs {
    /// Skip this many.
    pub start: u64,
    /// At most 50; 20 if absent.
    pub limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> CredentialPolicy {
        CredentialPolicy {
            custody: Principal::from_slice(&[1, 2, 3]),
            ecosystem: Ecosystem::Npm,
            endpoint: "https://npm.registry.example/".into(),
            packages: vec!["@dao/demo".into()],
            mode: CredentialMode::Direct,
            not_before_ns: 0,
            not_after_ns: 1_000,
            epoch: 1,
        }
    }

    #[test]
    fn should_change_the_identity_with_every_field() {
        let base = policy();
        let variants = [
            CredentialPolicy { custody: Principal::from_slice(&[1, 2, 4]), ..base.clone() },
            CredentialPolicy { ecosystem: Ecosystem::Pypi, ..base.clone() },
            CredentialPolicy { endpoint: "https://npm.registry.example".into(), ..base.clone() },
            CredentialPolicy { packages: vec!["@dao/".into(), "demo".into()], ..base.clone() },
            CredentialPolicy { packages: vec!["@dao/demo".into(), String::new()], ..base.clone() },
            CredentialPolicy { mode: CredentialMode::Staged, ..base.clone() },
            CredentialPolicy { mode: CredentialMode::Read, ..base.clone() },
            CredentialPolicy { not_before_ns: 1, ..base.clone() },
            CredentialPolicy { not_after_ns: 1_001, ..base.clone() },
            CredentialPolicy { epoch: 2, ..base.clone() },
        ];
        let mut ids: Vec<_> = variants.iter().map(CredentialPolicy::id).collect();
        ids.push(base.id());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), variants.len() + 1);
    }

    #[test]
    fn should_cover_only_its_own_use_registry_package_and_time() {
        let policy = policy();
        let registry =
            |ecosystem, upload_url: &str, read_url: &str| Registry::new(ecosystem, upload_url, read_url);
        let (own, other) = (policy.endpoint.as_str(), "https://other.example/");
        let npm = registry(Ecosystem::Npm, own, other);
        let direct = CredentialMode::Direct;
        assert!(policy.covers(direct, &npm, "@dao/demo", 999));
        assert!(!policy.covers(direct, &npm, "@dao/demo", 1_000));
        assert!(!policy.covers(direct, &npm, "@dao/demo2", 999));
        let later = CredentialPolicy { not_before_ns: 500, ..policy.clone() };
        assert!(!later.covers(direct, &npm, "@dao/demo", 499));
        assert!(later.covers(direct, &npm, "@dao/demo", 500));
        assert!(!policy.covers(CredentialMode::Staged, &npm, "@dao/demo", 999));
        assert!(!policy.covers(direct, &registry(Ecosystem::Pypi, own, other), "@dao/demo", 999));
        assert!(!policy.covers(direct, &registry(Ecosystem::Npm, other, own), "@dao/demo", 999));
        let reading = CredentialPolicy { mode: CredentialMode::Read, ..policy.clone() };
        assert!(!reading.covers(CredentialMode::Read, &npm, "@dao/demo", 999));
        assert!(reading.covers(
            CredentialMode::Read,
            &registry(Ecosystem::Npm, other, own),
            "@dao/demo",
            999
        ));
    }
}
