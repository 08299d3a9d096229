//! Delegation chains: one key lets another sign in its place, until a time and for some canisters.

use super::signature::{RootOfTrust, UserKey};
use super::{IngressError, MAX_DELEGATION_TARGETS, MAX_DELEGATIONS};
use crate::message::Principal;
use ic_transport_types::{DelegationPermissions, SignedDelegation};
use std::collections::BTreeSet;

/// What a verified chain ends in.
pub(super) struct VerifiedChain {
    /// The key that signs the request.
    pub(super) key: UserKey,
    /// The canisters that the chain is good for; `None` is all.
    pub(super) targets: Option<BTreeSet<Principal>>,
}

/// Follows `chain` from the sender's own key on, checking each link.
pub(super) fn verify_chain(
    sender_key_der: &[u8],
    chain: &[SignedDelegation],
    is_call: bool,
    now_ns: u64,
    root: RootOfTrust<'_>,
) -> Result<VerifiedChain, IngressError> {
    if chain.len() > MAX_DELEGATIONS {
        return Err(IngressError::TooManyDelegations { found: chain.len() });
    }
    let mut key = UserKey::from_der(sender_key_der, "sender_pubkey")?;
    let mut seen = BTreeSet::from([sender_key_der]);
    let mut targets: Option<BTreeSet<Principal>> = None;
    for (index, SignedDelegation { delegation, signature }) in chain.iter().enumerate() {
        if !seen.insert(&delegation.pubkey) {
            return Err(IngressError::DelegationCycle { index });
        }
        if delegation.expiration < now_ns {
            return Err(IngressError::DelegationExpired {
                index,
                expiration_ns: delegation.expiration,
                now_ns,
            });
        }
        if is_call && delegation.permissions == Some(DelegationPermissions::Queries) {
            return Err(IngressError::QueriesOnly { index });
        }
        if let Some(found) = delegation.targets.as_ref().map(Vec::len)
            && found > MAX_DELEGATION_TARGETS
        {
            return Err(IngressError::TooManyTargets { index, found });
        }
        if !key.verifies(&delegation.signable(), signature, root) {
            return Err(IngressError::WrongDelegationSignature { index });
        }
        targets = narrowed(targets, delegation.targets.as_deref());
        key = UserKey::from_der(&delegation.pubkey, format!("sender_delegation[{index}].pubkey"))?;
    }
    Ok(VerifiedChain { key, targets })
}

/// A chain is good for the canisters that each of its links allows.
fn narrowed(
    so_far: Option<BTreeSet<Principal>>,
    targets: Option<&[Principal]>,
) -> Option<BTreeSet<Principal>> {
    let Some(targets) = targets else { return so_far };
    let targets: BTreeSet<Principal> = targets.iter().copied().collect();
    Some(match so_far {
        None => targets,
        Some(so_far) => so_far.intersection(&targets).copied().collect(),
    })
}
