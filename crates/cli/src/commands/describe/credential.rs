//! Credentials: what a sealed token may be used for, and where it stands.

use release_types::{
    CredentialPolicy,
    credential::{CredentialStatus, CredentialView},
};

use crate::{
    operations::moment,
    output::{BAD, GOOD, HEADING, printable, styled},
};

/// A credential, on a few lines.
pub fn credential(view: &CredentialView) -> String {
    let status = match &view.status {
        CredentialStatus::Deposited => "deposited; a vote activates it".to_string(),
        CredentialStatus::Activating => "being tried".to_string(),
        CredentialStatus::Active => styled(GOOD, "active"),
        CredentialStatus::Unusable { reason } => {
            format!("{} {}", styled(BAD, "unusable:"), printable(reason))
        }
        CredentialStatus::Revoked => styled(BAD, "revoked"),
    };
    format!(
        "{}\n  status      {status}\n{}  deposited   {}\n  ciphertext  sha256 {}\n",
        styled(HEADING, view.id),
        credential_policy(&view.policy),
        moment(view.deposited_at_ns),
        view.sealed_token_sha256
    )
}

/// What a token may be used for.
pub fn credential_policy(policy: &CredentialPolicy) -> String {
    let packages: Vec<_> = policy.packages.iter().map(|package| printable(package)).collect();
    format!(
        "  for         {} at {}\n  packages    {}\n  until       {}\n  epoch       {}\n",
        policy.ecosystem,
        printable(&policy.endpoint),
        packages.join(", "),
        moment(policy.not_after_ns),
        policy.epoch
    )
}
