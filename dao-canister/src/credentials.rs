//! Sealed tokens on their way to custody. Only their policies and digests stay here.

use std::{cell::RefCell, collections::BTreeSet};

use candid::Principal;
use release_types::{CredentialId, Sha256Digest, credential::DepositCredentialArgs, dao::DepositError};

use crate::{
    lifecycle,
    runtime::{CustodyError, Runtime},
    state::{Event, audit::process_event, read_state},
};

/// Credentials of one member that no vote has put into use or revoked yet. Custody keeps a bounded number in all, and no
/// single member shall use them up.
pub const MAX_UNDECIDED: usize = 10;

thread_local! {
    static DEPOSITING: RefCell<BTreeSet<Principal>> = const { RefCell::new(BTreeSet::new()) };
}

/// Held while a deposit of a member is under way, so that none slips past the limit before the one before it is
/// counted; given back when dropped, also when the callback traps.
#[must_use]
struct DepositGuard(Principal);

impl DepositGuard {
    /// The guard, unless a deposit of this member is under way.
    fn acquire(member: Principal) -> Option<Self> {
        DEPOSITING.with_borrow_mut(|depositing| depositing.insert(member)).then(|| Self(member))
    }
}

impl Drop for DepositGuard {
    fn drop(&mut self) {
        DEPOSITING.with_borrow_mut(|depositing| depositing.remove(&self.0));
    }
}

/// Forwards a member's sealed token to custody, which checks it, and records its policy.
///
/// Safe to repeat: custody gives the same answer for the same deposit.
///
/// # Errors
/// If the caller is no member, deposited as many undecided ones as allowed, or is depositing right now, or custody
/// refuses or cannot be reached.
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
    let Some(_guard) = DepositGuard::acquire(caller) else {
        let reason = "another deposit of this member is under way; try again".to_owned();
        return Err(DepositError::Unavailable { reason });
    };
    check_limit(&caller, &policy.id())?;
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

/// Whether a member may deposit this credential; one that is known already may always be deposited again.
fn check_limit(depositor: &Principal, credential: &CredentialId) -> Result<(), DepositError> {
    let undecided = read_state(|state| match state.credential(credential) {
        Some(_) => 0,
        None => state.undecided_deposits(depositor),
    });
    if undecided < MAX_UNDECIDED {
        return Ok(());
    }
    Err(DepositError::Refused {
        reason: format!(
            "credentials: found {undecided} of this member that no vote has decided on, allowed at most \
             {MAX_UNDECIDED}. Propose to activate or to revoke them first."
        ),
    })
}
