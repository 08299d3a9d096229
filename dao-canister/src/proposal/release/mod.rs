//! A release on its way: submitted (a [`ReleaseProposal`]), valid ([`ValidRelease`]), approved ([`ApprovedRelease`]),
//! ordered (a [`PublishOrder`]). Each step can be taken only from the one before it, and only the tally can take the
//! one to approval.

mod artifacts;

use candid::{CandidType, Decode, Encode, Principal};
use release_types::{
    CredentialId, CredentialMode, Defect, Ecosystem, OrderId, ProposalAction, ProposalId, PublishOrder,
    PublishingMode, Registry, Sha256Digest,
    credential::CredentialStatus,
    order::{Decision, OrderedArtifact, Publication, VoteRecord},
    proposal::{ArtifactReview, ReleaseProposal},
    registry::DirectPublishing,
};
use serde::{Deserialize, Serialize};

use crate::{
    proposal::{ReleaseKey, amendment, credential, submission, text},
    state::{Proposal, ReleaseFacts, State},
    storage,
    voting::Adoption,
};

const HOUR_NS: u64 = 3_600 * 1_000_000_000;
const DAY_NS: u64 = 24 * HOUR_NS;
/// Custody must have taken what was decided within a day.
pub const HANDOVER_NS: u64 = DAY_NS;
/// What is derived from all artifacts together, encoded. It goes to voters in one reply and to custody in one
/// message, each of which carries 2 MiB.
const MAX_DOCUMENT_BYTES: usize = 1_900_000;
const MAX_NAME_BYTES: usize = 214;
const MAX_VERSION_BYTES: usize = 256;

/// What the artifacts of a release say, and what will be published for them. Stored when the proposal is submitted
/// and until it is rejected or withdrawn; the log has its digest.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ReleaseDocument {
    /// The registry as it was when the vote began.
    pub registry: Registry,
    pub package: String,
    pub version: String,
    pub artifacts: Vec<DerivedArtifact>,
}

/// One artifact's part of a [`ReleaseDocument`].
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct DerivedArtifact {
    pub review: ArtifactReview,
    pub publication: Publication,
}

/// A release in which nothing was found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidRelease {
    proposal: ReleaseProposal,
    key: ReleaseKey,
    document: ReleaseDocument,
}

/// A release that the tally adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedRelease {
    release: ValidRelease,
    adoption: Adoption,
}

/// Opens every artifact and compares it with the proposal.
///
/// # Errors
/// Everything that is wrong.
pub fn validate(state: &State, proposal: &ReleaseProposal, now_ns: u64) -> Result<ValidRelease, Vec<Defect>> {
    let mut defects = Vec::new();
    defects.extend(text::length("name", &proposal.name, 1, MAX_NAME_BYTES));
    defects.extend(text::length("version", &proposal.version, 1, MAX_VERSION_BYTES));
    defects.extend(proposal.source.iter().flat_map(text::source_defects));
    let Some(registry) = state.registry(&proposal.registry) else {
        defects.push(unknown_registry(state, proposal));
        return Err(defects);
    };
    defects.extend(artifacts::declaration_defects(registry.ecosystem, proposal));
    if let Some(options) = &proposal.npm {
        let delay_ns = state.promotion_delay_ns(&proposal.registry);
        defects.extend(amendment::release_tag_defect(delay_ns, &options.dist_tag));
    }
    if !artifacts::is_count_allowed(registry.ecosystem, proposal) {
        // Nobody would read what is wrong with each of too many.
        return Err(defects);
    }
    let opened = artifacts::open(state, registry, proposal);
    let package = opened.package.clone();
    defects.extend(credential_defects(state, proposal, registry, &package, now_ns));
    defects.extend(opened.defects);
    let document = ReleaseDocument {
        registry: registry.clone(),
        package: package.clone(),
        version: opened.version.clone(),
        artifacts: opened.artifacts,
    };
    let document_bytes = document.encode().len();
    if document_bytes > MAX_DOCUMENT_BYTES {
        defects.push(Defect::new(
            "artifacts",
            format!("{document_bytes} bytes of metadata and file lists"),
            format!("at most {MAX_DOCUMENT_BYTES} bytes for all artifacts together"),
            "Shorten readme or description, or leave files out.",
        ));
    }
    if !defects.is_empty() {
        return Err(defects);
    }
    let key = ReleaseKey { registry: proposal.registry.clone(), package, version: opened.version };
    Ok(ValidRelease { proposal: proposal.clone(), key, document })
}

fn unknown_registry(state: &State, proposal: &ReleaseProposal) -> Defect {
    let known: Vec<_> = state.registries().map(|(id, _)| id.to_string()).collect();
    let allowed = if known.is_empty() { "none is in place".to_owned() } else { known.join(", ") };
    let found: String = proposal.registry.0.chars().take(60).collect();
    Defect::new("registry", found, allowed, "Propose the registry first.")
}

fn credential_defects(
    state: &State,
    proposal: &ReleaseProposal,
    registry: &Registry,
    package: &str,
    now_ns: u64,
) -> Vec<Defect> {
    let mut defects = proposal.mode.defects(registry.ecosystem, proposal.credential.is_some());
    if let (PublishingMode::Direct, DirectPublishing::Ended { at_ns }) =
        (proposal.mode, registry.direct_publishing(now_ns))
    {
        let allowed = match registry.ecosystem {
            Ecosystem::Npm => "staged, staged-elsewhere or verify-only",
            Ecosystem::Pypi => "verify-only",
        };
        let found = format!("direct, which this registry ended {at_ns} nanoseconds after 1970");
        let hint = "Propose it in another mode; if the registry still takes tokens, have its entry changed.";
        defects.push(Defect::new("mode", found, allowed, hint));
    }
    let mut check = |field: &str, id: Option<CredentialId>, mode: Option<CredentialMode>| {
        if let (Some(id), Some(mode)) = (id, mode) {
            defects.extend(credential_defects_of(state, field, id, mode, registry, package, now_ns));
        }
    };
    check("credential", proposal.credential, proposal.mode.credential_mode());
    check("read_credential", proposal.read_credential, Some(CredentialMode::Read));
    defects
}

fn credential_defects_of(
    state: &State,
    field: &str,
    id: CredentialId,
    mode: CredentialMode,
    registry: &Registry,
    package: &str,
    now_ns: u64,
) -> Vec<Defect> {
    let Some(known) = state.credential(&id) else {
        return vec![credential::unknown(field, &id.to_string())];
    };
    let policy = &known.policy;
    let mut defects = Vec::new();
    let mut expect = |holds: bool, found: String, allowed: String| {
        if !holds {
            let hint = "Choose another credential, or seal one for this release.";
            defects.push(Defect::new(field, found, allowed, hint));
        }
    };
    expect(
        known.status == CredentialStatus::Active,
        format!("one that is {}", credential::status_name(&known.status)),
        "an active credential".into(),
    );
    expect(policy.mode == mode, format!("a {} credential", policy.mode), format!("a {mode} credential"));
    expect(
        policy.ecosystem == registry.ecosystem,
        format!("one for {}", policy.ecosystem),
        format!("one for {}", registry.ecosystem),
    );
    expect(
        policy.endpoint == mode.endpoint(registry),
        format!("one for {}", policy.endpoint),
        format!("one for {}", mode.endpoint(registry)),
    );
    expect(
        policy.packages.iter().any(|allowed| allowed == package),
        format!("one for {}", policy.packages.join(", ")),
        format!("one for {package}"),
    );
    expect(
        now_ns < policy.not_after_ns,
        "one whose time is over".into(),
        "one that may still be used".into(),
    );
    let hours_left = policy.not_before_ns.saturating_sub(now_ns).div_ceil(HOUR_NS);
    expect(
        now_ns >= policy.not_before_ns,
        format!("one whose time begins in {hours_left} hours"),
        "one that may be used already".into(),
    );
    defects
}

impl ReleaseDocument {
    pub fn encode(&self) -> Vec<u8> {
        Encode!(self).expect("Candid encodes every value of a Candid type")
    }
}

impl ValidRelease {
    pub fn key(&self) -> &ReleaseKey {
        &self.key
    }

    /// What of it goes onto the log, and the document's bytes.
    pub fn facts(&self) -> (ReleaseFacts, Vec<u8>) {
        let bytes = self.document.encode();
        let document_sha256 = Sha256Digest::of(&bytes);
        (ReleaseFacts { key: self.key.clone(), document_sha256 }, bytes)
    }

    /// A release as it was found valid when it was submitted; none for other kinds of proposals, and once its document
    /// was dropped because it was rejected or withdrawn.
    ///
    /// # Panics
    /// If the stored document is not the one whose digest is on the log.
    pub fn recall(id: ProposalId, proposal: &Proposal) -> Option<Self> {
        let submission = submission(proposal);
        let (ProposalAction::Release(proposal), Some(facts)) = (submission.action, submission.release) else {
            return None;
        };
        let bytes = storage::document(id)?;
        assert_eq!(Sha256Digest::of(&bytes), facts.document_sha256, "BUG: the document of {id} was altered");
        let document = Decode!(&bytes, ReleaseDocument)
            .unwrap_or_else(|error| panic!("BUG: the document of proposal {id}: {error}"));
        Some(Self { proposal, key: facts.key, document })
    }

    pub fn into_document(self) -> ReleaseDocument {
        self.document
    }

    /// The tally's adoption makes it approved; nothing else can.
    pub fn approve(self, adoption: Adoption) -> ApprovedRelease {
        ApprovedRelease { release: self, adoption }
    }
}

impl ApprovedRelease {
    /// The order for custody; the same each time. Its time begins when it is due.
    pub fn into_order(
        self,
        authority: Principal,
        id: ProposalId,
        decided_at_ns: u64,
        due_at_ns: u64,
    ) -> PublishOrder {
        let ValidRelease { proposal, document, .. } = self.release;
        let artifacts = proposal.artifacts.into_iter().zip(document.artifacts);
        let artifacts = artifacts.map(|(artifact, derived)| OrderedArtifact {
            filename: artifact.filename,
            sha256: artifact.sha256,
            size_bytes: artifact.size_bytes,
            source: authority,
            publication: derived.publication,
        });
        PublishOrder {
            id: order_id(id),
            mode: proposal.mode,
            credential: proposal.credential,
            read_credential: proposal.read_credential,
            registry: document.registry,
            package: document.package,
            version: document.version,
            artifacts: artifacts.collect(),
            decision: Decision {
                authority,
                vote: Some(VoteRecord { proposal: id, decided_at_ns, tally: self.adoption.tally() }),
                source: proposal.source,
            },
            expires_at_ns: due_at_ns.saturating_add(order_lifetime_ns(proposal.mode)),
        }
    }
}

/// How long after the decision custody still starts something: a day where it sends the bytes itself, fourteen days
/// where it waits for other people to.
fn order_lifetime_ns(mode: PublishingMode) -> u64 {
    if mode.sends_bytes() { DAY_NS } else { 14 * DAY_NS }
}

/// The order of a proposal.
pub fn order_id(id: ProposalId) -> OrderId {
    OrderId(format!("proposal-{id}"))
}

/// The name by which a package's releases are told apart: as it is for npm, in normal form for PyPI.
pub fn package_name(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::Npm => name.to_owned(),
        Ecosystem::Pypi => package_formats::python::normalised_project_name(name),
    }
}
