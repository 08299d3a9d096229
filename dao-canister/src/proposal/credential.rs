//! Proposals to put a sealed token into use, or out of it.

use release_types::{
    CredentialId, CredentialMode, Defect, Registry,
    credential::CredentialStatus,
    proposal::{CredentialChange, CredentialProposal},
};

use crate::state::State;

pub fn validate(state: &State, proposal: &CredentialProposal) -> Result<(), Vec<Defect>> {
    let Some(credential) = state.credential(&proposal.credential) else {
        return Err(vec![unknown("credential", &proposal.credential.to_string())]);
    };
    let allowed = match (proposal.change, &credential.status) {
        (_, CredentialStatus::Revoked) => "one that is not revoked",
        (CredentialChange::Activate, CredentialStatus::Active) => "one that is not active yet",
        _ => return Ok(()),
    };
    let found = format!("{}, which is {}", proposal.credential, status_name(&credential.status));
    Err(vec![Defect::new("credential", found, allowed, "Seal and deposit a token anew if one is needed.")])
}

/// What keeps a credential from reading this package at its registry.
pub fn read_defect(
    state: &State,
    field: &str,
    id: CredentialId,
    registry: &Registry,
    package: &str,
    now_ns: u64,
) -> Option<Defect> {
    let Some(known) = state.credential(&id) else { return Some(unknown(field, &id.to_string())) };
    let is_usable = known.status == CredentialStatus::Active
        && known.policy.covers(CredentialMode::Read, registry, package, now_ns);
    let policy = &known.policy;
    let found = format!(
        "a {} credential that is {}, for {} at {}",
        policy.mode,
        status_name(&known.status),
        policy.packages.join(", "),
        policy.endpoint
    );
    let allowed =
        format!("an active read one for {package} at {}, whose time is not over", registry.read_url);
    let hint = "Choose another credential, or seal one with `--mode read`.";
    (!is_usable).then(|| Defect::new(field, found, allowed, hint))
}

/// The defect of naming a credential that was never deposited.
pub fn unknown(field: &str, found: &str) -> Defect {
    let hint = "Deposit the sealed token first; the answer is its id.";
    Defect::new(field, found, "a credential that was deposited through this canister", hint)
}

/// A status for people.
pub fn status_name(status: &CredentialStatus) -> &'static str {
    match status {
        CredentialStatus::Deposited => "deposited and not active",
        CredentialStatus::Activating => "being activated",
        CredentialStatus::Active => "active",
        CredentialStatus::Unusable { .. } => "unusable",
        CredentialStatus::Revoked => "revoked",
    }
}
