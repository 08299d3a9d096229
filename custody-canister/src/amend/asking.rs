//! Asking the registry on behalf of an amendment: with which token, for which purpose, and how often at most.

use registry_protocols::http::HttpAnswer;
use release_types::CredentialId;

use crate::{
    amend::{
        driver::Job,
        validation::{usable, usable_for_reading},
    },
    asking::{self, NotAsked},
    funds,
    outcall::{EncodedOutcall, Inquiry},
    runtime::{CallError, Runtime},
    state::event::{DerivationPurpose, RefusedReason},
};

/// How often a key may be derived to change something.
const MAX_CHANGING_DERIVATIONS: u8 = 8;
/// How often a key may be derived to read it.
const MAX_READING_DERIVATIONS: u8 = 120;

/// What a token is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Changing what is voted.
    Changing,
    /// Reading the document that the change is written into, at the URL that takes the change.
    DocumentReading,
    /// Looking how it stands, at the URL that is read.
    ReadBack,
}

/// Asks every node.
///
/// # Errors
/// If nothing was asked.
pub async fn ask<R: Runtime>(
    job: &Job<'_, R>,
    token_use: TokenUse,
    inquiry: Inquiry,
) -> Result<Result<HttpAnswer, CallError>, NotAsked> {
    // Where a registry shows nothing without a token, it shows the document to the one that may change it.
    let outcalls = if job.order.read_credential.is_some() {
        vec![authorize(job, token_use, inquiry).await?]
    } else {
        asking::open(job.runtime, vec![inquiry])?
    };
    let answer = asking::send(job.runtime, outcalls).await.into_iter().next();
    Ok(answer.unwrap_or_else(|| panic!("BUG: one outcall has no answer")))
}

/// Puts the token into the request, which must be sent before anything is awaited.
///
/// # Errors
/// If it may not be used, does not open, or cannot be paid for.
pub async fn authorize<R: Runtime>(
    job: &Job<'_, R>,
    token_use: TokenUse,
    inquiry: Inquiry,
) -> Result<EncodedOutcall, NotAsked> {
    let runtime = job.runtime;
    let credential = admitted(job, token_use)?;
    let amendment = job.amendment();
    let is_used_up = match token_use {
        TokenUse::Changing => amendment.derivations() >= MAX_CHANGING_DERIVATIONS,
        TokenUse::DocumentReading | TokenUse::ReadBack => {
            amendment.read_derivations() >= MAX_READING_DERIVATIONS
        }
    };
    if is_used_up {
        return Err(NotAsked::Never(RefusedReason::TooManyDerivations));
    }
    let order = job.id.clone();
    let (purpose, reserve_cycles) = match token_use {
        TokenUse::Changing => (
            DerivationPurpose::Amendment { credential, order },
            funds::after_amending_derivation_cycles(runtime, job.order.read_credential.is_some()),
        ),
        TokenUse::DocumentReading => {
            (DerivationPurpose::AmendmentReading { credential, order }, funds::document_cycles(runtime))
        }
        TokenUse::ReadBack => {
            (DerivationPurpose::AmendmentReading { credential, order }, funds::read_cycles(runtime))
        }
    };
    let token = asking::TokenUse { purpose, package: &job.order.package, reserve_cycles };
    let outcalls =
        asking::authorize(runtime, token, vec![inquiry], || admitted(job, token_use).map(drop)).await?;
    outcalls.into_iter().next().ok_or(NotAsked::Never(RefusedReason::NotPublishable))
}

/// The credential for this use, if it and the order still allow it.
pub fn admitted<R: Runtime>(job: &Job<'_, R>, token_use: TokenUse) -> Result<CredentialId, NotAsked> {
    let now_ns = job.runtime.time_ns();
    let usable = match token_use {
        TokenUse::Changing | TokenUse::DocumentReading if now_ns >= job.order.expires_at_ns => {
            return Err(NotAsked::Never(RefusedReason::Expired));
        }
        TokenUse::Changing | TokenUse::DocumentReading => {
            usable(job.order, now_ns).then_some(job.order.credential)
        }
        TokenUse::ReadBack => {
            job.order.read_credential.filter(|id| usable_for_reading(job.order, *id, now_ns))
        }
    };
    usable.ok_or(NotAsked::Never(RefusedReason::CredentialNotUsable))
}
