//! Sealed tokens on their way to custody. Only their policies and digests stay here.

use candid::Principal;
use release_types::{CredentialId, Sha256Digest, credential::DepositCredentialArgs, dao::DepositError};

use crate::{
    lifecycle,
    runtime::{CustodyError, Runtime},
    state::{Event, audit::process_event, read_state},
};

/// Forwards a member's sealed token to custody, which checks it, and records its policy.
///
/// Safe to repeat: custody gives the same answer for the same deposit.
///
/// # Errors
/// If the caller is no member, or custody refuses or cannot be reached.
pub async fn deposit<R: Runtime>(
    runtime: &R,
    caller: Principal,
    args: DepositCredentialArgs,
) -> Result<CredentialId, DepositError> {
    if !read_state(|state| state.is_member(&caller)) {
        return Err(DepositError::NotAllowed { caller });
    }
    let Some(custody) = lifecycle::custody(runtime) else {
        let reason = "no custody canister is configured".to_owned();
        return Err(DepositError::Unavailable { reason });
    };
    let policy = args.policy.clone();
    let sealed_token_sha256 = Sha256Digest::of(&args.sealed_token);
    let deposited = runtime.deposit_credential(custody, args).await.map_err(|error| match error {
        CustodyError::Refused { reason } => DepositError::Refused { reason },
        CustodyError::Unavailable { reason } => DepositError::Unavailable { reason },
    })?;
    let credential = policy.id();
    if deposited.id != credential {
        let reason = format!("custody calls it {}, its policy says {credential}", deposited.id);
        return Err(DepositError::Refused { reason });
    }
    if read_state(|state| state.credential(&credential).is_none()) {
        let deposited =
            Event::CredentialDeposited { depositor: caller, credential, policy, sealed_token_sha256 };
        process_event(runtime, deposited);
    }
    Ok(credential)
}
