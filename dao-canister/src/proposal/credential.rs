//! Proposals to put a sealed token into use, or out of it.

use release_types::{
    Defect,
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
