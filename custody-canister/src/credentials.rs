//! Credentials: taking sealed tokens into custody, putting them into use and out of it.

use candid::Principal;
use registry_protocols::endpoint::EndpointUrl;
use release_types::{
    CredentialId, CredentialPolicy, Defect, Sha256Digest,
    credential::{CredentialView, DepositCredentialArgs, MAX_PACKAGES},
    custody::ChangeCredentialArgs,
    proposal::CredentialChange,
};
use sealing::SEALED_TOKEN_BYTES;
use std::time::Duration;

use crate::{
    authorization::admit_change,
    probe,
    refusal::{Novelty, Refusal},
    runtime::Runtime,
    state::{Event, credential::Standing, process_event, read_state},
    storage,
    tasks::{self, Task},
};

/// Most credentials in custody, revoked ones not counted: of those no token is kept.
pub const MAX_CREDENTIALS: usize = 500;
/// Longest package name, in bytes.
const MAX_PACKAGE_BYTES: usize = 214;

/// Takes a sealed token into custody, unused. Depositing the same again changes nothing.
///
/// # Errors
/// A caller other than the authority, a policy with defects, too many deposits, no sealed token by its size, or
/// another token under the same policy.
pub fn deposit<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: DepositCredentialArgs,
) -> Result<CredentialView, Refusal> {
    admit_change(caller)?;
    let id = args.policy.id();
    if let Novelty::New = check_deposit(runtime, &args)? {
        let sealed_token_sha256 = Sha256Digest::of(&args.sealed_token);
        storage::keep_sealed_token(&id, args.sealed_token);
        process_event(runtime, Event::DepositedCredential { policy: args.policy, sealed_token_sha256 });
    }
    Ok(view(&id))
}

/// Checks a deposit without taking it.
///
/// # Errors
/// As those of [`deposit`], the caller not counted.
pub fn check_deposit<R: Runtime>(runtime: &R, args: &DepositCredentialArgs) -> Result<Novelty, Refusal> {
    let kept = read_state(|state| state.credential(&args.policy.id()).map(|kept| kept.sealed_token_sha256()));
    if let Some(kept_sha256) = kept {
        if kept_sha256 == Sha256Digest::of(&args.sealed_token) {
            return Ok(Novelty::Known);
        }
        return Err(Refusal::of(
            "sealed_token",
            "another token under the same policy",
            "one token for each policy",
            "Raise the policy's epoch and seal the token to that.",
        ));
    }
    let mut defects = policy_defects(runtime, &args.policy);
    if args.sealed_token.len() != SEALED_TOKEN_BYTES {
        defects.push(Defect::new(
            "sealed_token",
            format!("{} bytes", args.sealed_token.len()),
            format!("{SEALED_TOKEN_BYTES} bytes"),
            "Seal the token with this project's command.",
        ));
    }
    let kept = read_state(|state| state.credentials().filter(|(_, kept)| !kept.is_revoked()).count());
    if kept >= MAX_CREDENTIALS {
        defects.push(Defect::new(
            "credentials",
            format!("{kept} in custody"),
            format!("at most {MAX_CREDENTIALS}"),
            "Use the ones that are there, or have some revoked.",
        ));
    }
    Refusal::unless_empty(defects).map(|()| Novelty::New)
}

/// Activates, revokes or probes a credential. Asking for what is already so changes nothing.
///
/// Activation answers at once with `Activating`; the trial decryption follows. So does a probe: see its outcome in the
/// view later.
///
/// # Errors
/// A caller other than the authority, an unknown credential, or one that was revoked or ran out.
pub fn change<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: ChangeCredentialArgs,
) -> Result<CredentialView, Refusal> {
    admit_change(caller)?;
    let id = args.credential;
    match (check_change(runtime, &args)?, args.change) {
        (Novelty::Known, _) => {}
        (Novelty::New, CredentialChange::Activate) => {
            process_event(runtime, Event::StartedActivation { credential: id });
            tasks::schedule(runtime, Task::Activate(id), Duration::ZERO);
        }
        (Novelty::New, CredentialChange::Revoke) => {
            process_event(runtime, Event::RevokedCredential { credential: id });
            storage::drop_sealed_token(&id);
        }
        (Novelty::New, CredentialChange::Probe) => probe::begin(runtime, id),
    }
    Ok(view(&id))
}

/// Checks a change without making it.
///
/// # Errors
/// As those of [`change`], the caller not counted.
pub fn check_change<R: Runtime>(runtime: &R, args: &ChangeCredentialArgs) -> Result<Novelty, Refusal> {
    let id = args.credential;
    let Some((standing, not_after_ns)) = read_state(|state| {
        state.credential(&id).map(|credential| (credential.standing(), credential.policy().not_after_ns))
    }) else {
        return Err(Refusal::of("credential", id.to_string(), "one in custody", "Deposit it first."));
    };
    match args.change {
        CredentialChange::Activate => check_activation(runtime, standing, not_after_ns),
        CredentialChange::Revoke if standing == Standing::Revoked => Ok(Novelty::Known),
        CredentialChange::Probe if standing == Standing::Revoked => Err(Refusal::of(
            "credential",
            "revoked",
            "one that was never revoked",
            "Its token is no longer in custody.",
        )),
        CredentialChange::Revoke | CredentialChange::Probe => Ok(Novelty::New),
    }
}

fn check_activation<R: Runtime>(
    runtime: &R,
    standing: Standing,
    not_after_ns: u64,
) -> Result<Novelty, Refusal> {
    match standing {
        Standing::Active | Standing::Activating => return Ok(Novelty::Known),
        Standing::Revoked => {
            return Err(Refusal::of(
                "credential",
                "revoked",
                "one that was never revoked",
                "Seal a new token under a higher epoch.",
            ));
        }
        Standing::Deposited | Standing::Unusable { .. } => {}
    }
    if runtime.time_ns() >= not_after_ns {
        return Err(Refusal::of(
            "credential",
            "its policy's time is over",
            "a not-after in the future",
            "Seal a new token with a later not-after.",
        ));
    }
    Ok(Novelty::New)
}

fn view(id: &CredentialId) -> CredentialView {
    read_state(|state| state.credential(id).map(|credential| credential.view()))
        .unwrap_or_else(|| panic!("BUG: credential {id} vanished"))
}

fn policy_defects<R: Runtime>(runtime: &R, policy: &CredentialPolicy) -> Vec<Defect> {
    let mut defects = EndpointUrl::check("policy.endpoint", &policy.endpoint).err().unwrap_or_default();
    let own_id = runtime.canister_self();
    if policy.custody != own_id {
        defects.push(Defect::new(
            "policy.custody",
            policy.custody.to_text(),
            own_id.to_text(),
            "Seal the token to this custody canister.",
        ));
    }
    if policy.packages.is_empty() || policy.packages.len() > MAX_PACKAGES {
        defects.push(Defect::new(
            "policy.packages",
            format!("{} packages", policy.packages.len()),
            format!("1 to {MAX_PACKAGES}"),
            "Name the packages that the token may publish.",
        ));
    }
    for (index, package) in policy.packages.iter().take(MAX_PACKAGES).enumerate() {
        let is_printable = package.bytes().all(|byte| byte.is_ascii_graphic());
        if package.is_empty() || package.len() > MAX_PACKAGE_BYTES || !is_printable {
            defects.push(Defect::new(
                format!("policy.packages[{index}]"),
                package.escape_default().take(60).collect::<String>(),
                format!("1 to {MAX_PACKAGE_BYTES} printable ASCII characters without spaces"),
                "Give the full npm name, or the normalised PyPI name.",
            ));
        }
    }
    if policy.epoch == 0 {
        defects.push(Defect::new("policy.epoch", "0", "1 and up", "Start at 1."));
    }
    if policy.not_after_ns <= runtime.time_ns() {
        defects.push(Defect::new(
            "policy.not_after_ns",
            policy.not_after_ns.to_string(),
            "a moment in the future",
            "Seal the token with a later not-after.",
        ));
    }
    if policy.not_before_ns >= policy.not_after_ns {
        defects.push(Defect::new(
            "policy.not_before_ns",
            policy.not_before_ns.to_string(),
            "a moment before not_after_ns, or 0",
            "Seal the token with an earlier beginning.",
        ));
    }
    defects
}
