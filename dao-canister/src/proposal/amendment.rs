//! Proposals to move a dist-tag or to deprecate a version, and to delay promotions.

use package_formats::npm::{dist_tag_defects, version_defects};
use registry_protocols::npm::escaped_name;
use release_types::{
    AmendOrder, Amendment, AmendmentProposal, CredentialMode, Defect, Ecosystem, PromotionDelayProposal,
    ProposalId, Registry,
    amendment::{MAX_DEPRECATION_BYTES, MAX_PROMOTION_DELAY_NS},
    credential::CredentialStatus,
    order::Decision,
};

use crate::{
    proposal::{ReleaseKey, credential, order_id, text},
    state::State,
};

/// The tag that npm installs by.
const LATEST: &str = "latest";

pub fn validate(state: &State, proposal: &AmendmentProposal, now_ns: u64) -> Result<(), Vec<Defect>> {
    let Some(registry) = state.registry(&proposal.registry) else {
        return Err(vec![unknown_registry(state, &proposal.registry.0)]);
    };
    let mut defects = Vec::new();
    if registry.ecosystem != Ecosystem::Npm {
        let found = format!("one of {}", registry.ecosystem);
        let hint = "Only npm has tags and deprecations.";
        return Err(vec![Defect::new("registry", found, "an npm registry", hint)]);
    }
    if let Err(error) = escaped_name(&proposal.package) {
        defects.push(Defect::new("package", error.to_string(), "a full npm name", "Correct it."));
    }
    match &proposal.amendment {
        Amendment::DistTag { tag, version, replaces } => {
            defects.extend(version_defects("amendment.version", version));
            defects.extend(dist_tag_defects(tag));
            if let Some(replaced) = replaces {
                defects.extend(version_defects("amendment.replaces", replaced));
            }
            if replaces.as_ref() == Some(version) {
                let hint = "Read the tag at the registry; it may name that version already.";
                defects.push(Defect::new("amendment.replaces", version, "another version, or none", hint));
            }
            if tag == LATEST {
                defects.extend(promotion_defect(state, proposal, version, replaces.as_deref(), now_ns));
            }
        }
        Amendment::Deprecation { version, message } => {
            defects.extend(version_defects("amendment.version", version));
            defects.extend(text::length("amendment.message", message, 0, MAX_DEPRECATION_BYTES));
        }
    }
    defects.extend(credential_defect(state, proposal, registry, now_ns));
    if let Some(id) = proposal.read_credential {
        let package = &proposal.package;
        defects.extend(credential::read_defect(state, "read_credential", id, registry, package, now_ns));
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}

/// What keeps `latest` from naming this version: it was not released and verified here, or not long enough ago. Going back
/// behind a version that was verified later never waits; custody checks that the tag still names that one.
fn promotion_defect(
    state: &State,
    proposal: &AmendmentProposal,
    version: &str,
    replaces: Option<&str>,
    now_ns: u64,
) -> Option<Defect> {
    let verified_at_ns = |version: &str| {
        state.verified_at_ns(&ReleaseKey {
            registry: proposal.registry.clone(),
            package: proposal.package.clone(),
            version: version.to_owned(),
        })
    };
    let replaced_at_ns = replaces.and_then(verified_at_ns);
    let Some(verified_at_ns) = verified_at_ns(version) else {
        let hint = "Release it here, or say in the proposal that an unverified version is meant.";
        let found = format!("{version}, which this group did not release and verify");
        let allowed = "a version with a receipt";
        return (!proposal.allow_unverified).then(|| Defect::new("amendment.version", found, allowed, hint));
    };
    if replaced_at_ns.is_some_and(|replaced_at_ns| verified_at_ns < replaced_at_ns) {
        return None;
    }
    let frees_at_ns = verified_at_ns.saturating_add(state.promotion_delay_ns(&proposal.registry));
    (now_ns < frees_at_ns).then(|| {
        Defect::new(
            "amendment.version",
            format!("{version}, verified {} seconds ago", seconds(now_ns.saturating_sub(verified_at_ns))),
            format!(
                "a version verified {} seconds ago",
                seconds(state.promotion_delay_ns(&proposal.registry))
            ),
            "Propose it again then, or propose a shorter delay first.",
        )
    })
}

fn credential_defect(
    state: &State,
    proposal: &AmendmentProposal,
    registry: &Registry,
    now_ns: u64,
) -> Option<Defect> {
    let id = proposal.credential;
    let Some(known) = state.credential(&id) else {
        return Some(credential::unknown("credential", &id.to_string()));
    };
    let covers = |mode| known.policy.covers(mode, registry, &proposal.package, now_ns);
    let is_usable = known.status == CredentialStatus::Active
        && (covers(CredentialMode::Direct) || covers(CredentialMode::Staged));
    let found = format!(
        "a {} credential that is {}, for {} at {}",
        known.policy.mode,
        credential::status_name(&known.status),
        known.policy.packages.join(", "),
        known.policy.endpoint
    );
    let allowed = format!(
        "an active direct or staged one for {} at {}, whose time is not over",
        proposal.package, registry.upload_url
    );
    let hint = "Choose another credential, or seal one for this package.";
    (!is_usable).then(|| Defect::new("credential", found, allowed, hint))
}

fn unknown_registry(state: &State, found: &str) -> Defect {
    let known: Vec<_> = state.registries().map(|(id, _)| id.to_string()).collect();
    let allowed = if known.is_empty() { "none is in place".to_owned() } else { known.join(", ") };
    let found: String = found.chars().take(60).collect();
    Defect::new("registry", found, allowed, "Propose the registry first.")
}

/// The order for custody; the same each time.
pub fn order(
    proposal: AmendmentProposal,
    registry: Registry,
    id: ProposalId,
    decision: Decision,
    expires_at_ns: u64,
) -> AmendOrder {
    AmendOrder {
        id: order_id(id),
        credential: proposal.credential,
        read_credential: proposal.read_credential,
        registry,
        package: proposal.package,
        amendment: proposal.amendment,
        expires_at_ns,
        decision,
    }
}

/// What is wrong with a delay of promotions.
pub fn validate_delay(state: &State, proposal: &PromotionDelayProposal) -> Result<(), Vec<Defect>> {
    let mut defects = Vec::new();
    if state.registry(&proposal.registry).is_none() {
        defects.push(unknown_registry(state, &proposal.registry.0));
    }
    if proposal.delay_ns > MAX_PROMOTION_DELAY_NS {
        defects.push(Defect::new(
            "delay_ns",
            proposal.delay_ns.to_string(),
            format!("at most {MAX_PROMOTION_DELAY_NS}, 90 days"),
            "Choose a shorter delay.",
        ));
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}

/// What keeps a release from being published under `latest` at once: the group's delay of promotions.
pub fn release_tag_defect(promotion_delay_ns: u64, dist_tag: &str) -> Option<Defect> {
    (promotion_delay_ns > 0 && dist_tag == LATEST).then(|| {
        Defect::new(
            "npm.dist_tag",
            LATEST,
            format!(
                "another tag: this group lets latest name a version {} seconds after it was verified",
                seconds(promotion_delay_ns)
            ),
            "Publish under a tag such as `next` and promote the version later.",
        )
    })
}

/// For people: whole seconds.
fn seconds(duration_ns: u64) -> u64 {
    duration_ns / 1_000_000_000
}
