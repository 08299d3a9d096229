//! What voters read of depositing and changing credentials.

use release_types::{
    CredentialPolicy, Sha256Digest, credential::DepositCredentialArgs, custody::ChangeCredentialArgs,
    proposal::CredentialChange,
};

use super::rendering::Rendering;
use crate::state::read_state;

pub fn render_deposit(args: &DepositCredentialArgs) -> String {
    let mut text = Rendering::new("Take a sealed token into custody, unused");
    text.line("credential", args.policy.id().to_string());
    render_policy(&mut text, &args.policy);
    text.line("sealed_token", format!("SHA-256 {}", Sha256Digest::of(&args.sealed_token)));
    text.finish()
}

pub fn render_change(args: &ChangeCredentialArgs) -> String {
    let mut text = Rendering::new(match args.change {
        CredentialChange::Activate => "Put a sealed token into use",
        CredentialChange::Revoke => "Never use a sealed token again",
        CredentialChange::Probe => "Try whether a sealed token still works",
    });
    text.line("credential", args.credential.to_string());
    let policy = read_state(|state| state.credential(&args.credential).map(|kept| kept.policy().clone()));
    if let Some(policy) = policy {
        render_policy(&mut text, &policy);
    }
    text.finish()
}

fn render_policy(text: &mut Rendering, policy: &CredentialPolicy) {
    // Every field by name: one that is added has to be shown too.
    let CredentialPolicy { custody, ecosystem, endpoint, packages, mode, not_before_ns, not_after_ns, epoch } =
        policy;
    text.line("policy.custody", custody.to_text());
    text.line("policy.ecosystem", ecosystem.to_string());
    text.line("policy.endpoint", endpoint);
    for (index, package) in packages.iter().enumerate() {
        text.line(&format!("policy.packages[{index}]"), package);
    }
    text.line("policy.mode", mode.to_string());
    text.moment("policy.not_before", *not_before_ns);
    text.moment("policy.not_after", *not_after_ns);
    text.line("policy.epoch", epoch.to_string());
}
