//! Replacing a token by its successor, step by step. Where a rotation stands is read from custody and the proposals,
//! so the same command goes on after an interruption, whoever runs it.

use release_types::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, ProposalAction, ProposalId,
    credential::{CredentialStatus, CredentialView},
    proposal::{CredentialChange, CredentialProposal, ListProposalsArgs, ProposalPage},
};

use super::{dao::Dao, proposal::is_over};
use crate::failure::{Failure, Outcome};

const NS_PER_DAY: u64 = 24 * 3_600 * 1_000_000_000;
/// Longest life of an npm token that may write; npm issues none that live longer.
pub const MAX_NPM_WRITE_TOKEN_DAYS: u64 = 90;
/// Proposals asked for in one query.
const PAGE: u32 = 100;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Seal a new token under this epoch.
    Seal { epoch: u32 },
    /// A successor lies in custody; it needs a vote.
    Activate { successor: CredentialId },
    /// Custody is trying the successor.
    WaitForTrial { successor: CredentialId },
    /// The successor works; the old one needs a vote to be gone.
    RevokeOld { successor: CredentialId },
    /// Nothing: the successor works and the old one is revoked.
    Done { successor: CredentialId },
}

/// The next step of replacing `old`. A successor is a later token for the same packages at the same place, that may be
/// used by now: a dated slice of another while replaces nothing.
pub fn next_step(old: &CredentialView, credentials: &[CredentialView], now_ns: u64) -> Step {
    let alike = |view: &&CredentialView| {
        let (policy, old) = (&view.policy, &old.policy);
        let same_use = policy.custody == old.custody
            && policy.ecosystem == old.ecosystem
            && policy.endpoint == old.endpoint
            && policy.packages == old.packages
            && policy.mode == old.mode;
        same_use && policy.epoch > old.epoch
    };
    let usable = |view: &&CredentialView| {
        let is_its_time = (view.policy.not_before_ns..view.policy.not_after_ns).contains(&now_ns);
        is_its_time && !matches!(view.status, CredentialStatus::Revoked | CredentialStatus::Unusable { .. })
    };
    let Some(successor) =
        credentials.iter().filter(alike).filter(usable).max_by_key(|view| view.policy.epoch)
    else {
        let taken = credentials.iter().filter(alike).map(|view| view.policy.epoch).max();
        return Step::Seal { epoch: taken.unwrap_or(old.policy.epoch).saturating_add(1) };
    };
    let is_gone = old.status == CredentialStatus::Revoked;
    let successor_id = successor.id;
    match successor.status {
        CredentialStatus::Activating => Step::WaitForTrial { successor: successor_id },
        CredentialStatus::Active if is_gone => Step::Done { successor: successor_id },
        CredentialStatus::Active => Step::RevokeOld { successor: successor_id },
        _ => Step::Activate { successor: successor_id },
    }
}

/// Refuses a token's period that its registry does not grant: npm tokens that may write live 90 days at most.
///
/// # Errors
/// When `not_after_ns` is later than that.
pub fn check_period(policy: &CredentialPolicy, now_ns: u64) -> Outcome<()> {
    let writes = policy.ecosystem == Ecosystem::Npm && policy.mode != CredentialMode::Read;
    if writes && policy.not_after_ns > now_ns.saturating_add(MAX_NPM_WRITE_TOKEN_DAYS * NS_PER_DAY) {
        return Err(Failure::usage(format!(
            "--expires-in: npm tokens that may write live {MAX_NPM_WRITE_TOKEN_DAYS} days at most"
        ))
        .hint(format!("give {MAX_NPM_WRITE_TOKEN_DAYS}d or less, and not more than the token itself has")));
    }
    Ok(())
}

/// The proposal under way that changes a credential so, if there is one.
///
/// # Errors
/// When the canister does not answer.
pub async fn proposal_under_way(
    dao: &Dao<'_>,
    wanted: &CredentialProposal,
    deposited_at_ns: u64,
) -> Outcome<Option<ProposalId>> {
    let mut before = None;
    loop {
        let ProposalPage { proposals, .. } =
            dao.proposals(ListProposalsArgs { before, limit: Some(PAGE) }).await?;
        let found = proposals.iter().find(|view| {
            matches!(&view.action, ProposalAction::Credential(proposed) if proposed == wanted)
                && !is_over(&view.status)
        });
        if let Some(view) = found {
            return Ok(Some(view.id));
        }
        // Nobody proposed anything about a credential before it was deposited.
        match proposals.last() {
            Some(oldest) if oldest.submitted_at_ns >= deposited_at_ns => before = Some(oldest.id),
            _ => return Ok(None),
        }
    }
}

/// The change that puts a credential into use.
pub fn activation(credential: CredentialId) -> CredentialProposal {
    CredentialProposal { credential, change: CredentialChange::Activate }
}

/// The change that ends a credential.
pub fn revocation(credential: CredentialId) -> CredentialProposal {
    CredentialProposal { credential, change: CredentialChange::Revoke }
}

#[cfg(test)]
mod tests;
