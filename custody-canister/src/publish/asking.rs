//! Asking the registry on behalf of an order: with which token, for which purpose, and how often at most.

use registry_protocols::http::HttpAnswer;
use release_types::{CredentialId, CredentialMode};

use crate::{
    asking, funds,
    outcall::{EncodedOutcall, Inquiry},
    publish::driver::Job,
    runtime::{CallError, Runtime},
    state::event::{DerivationPurpose, RefusedReason},
};

pub use crate::asking::NotAsked;

/// How often a key may be derived to send one artifact.
const MAX_SENDING_DERIVATIONS: u8 = 8;
/// How often a key may be derived to read one artifact back.
const MAX_READING_DERIVATIONS: u8 = 120;

/// What a token is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Publishing or staging.
    Sending,
    /// Reading npm's staging area.
    StageReading,
    /// Reading back from a registry that shows nothing without a token.
    ReadBack,
}

/// Asks every node; answers in the order of the inquiries.
///
/// # Errors
/// If nothing was asked.
pub async fn ask<R: Runtime>(
    job: &Job<'_, R>,
    token: Option<TokenUse>,
    inquiries: Vec<Inquiry>,
) -> Result<Vec<Result<HttpAnswer, CallError>>, NotAsked> {
    let outcalls = match token {
        Some(token_use) => authorize(job, token_use, inquiries).await?,
        None => asking::open(job.runtime, inquiries)?,
    };
    Ok(asking::send(job.runtime, outcalls).await)
}

/// Puts the token into the requests, which must be sent before anything is awaited.
///
/// # Errors
/// If it may not be used, does not open, or cannot be paid for.
pub async fn authorize<R: Runtime>(
    job: &Job<'_, R>,
    token_use: TokenUse,
    inquiries: Vec<Inquiry>,
) -> Result<Vec<EncodedOutcall>, NotAsked> {
    let runtime = job.runtime;
    let id = admitted(job, token_use)?;
    if is_used_up(job, token_use) {
        return Err(NotAsked::Never(RefusedReason::TooManyDerivations));
    }
    let reserve_cycles = match token_use {
        TokenUse::Sending => sending_reserve_cycles(job),
        TokenUse::StageReading | TokenUse::ReadBack => {
            funds::read_cycles(runtime).saturating_mul(inquiries.len() as u128)
        }
    };
    let token = asking::TokenUse {
        purpose: purpose(job, token_use, id),
        package: &job.order.package,
        reserve_cycles,
    };
    asking::authorize(runtime, token, inquiries, || admitted(job, token_use).map(drop)).await
}

/// What must be left once a key to send with is paid for: no release is begun that could not be paid to its last file.
pub fn sending_reserve_cycles<R: Runtime>(job: &Job<'_, R>) -> u128 {
    funds::after_derivation_cycles(job.runtime, job.order.mode, job.read_token().is_some())
        .saturating_add(job.further_artifacts_cycles())
}

/// The credential for this use, if it and the order still allow it.
pub fn admitted<R: Runtime>(job: &Job<'_, R>, token_use: TokenUse) -> Result<CredentialId, NotAsked> {
    let order = job.order;
    let is_over = job.runtime.time_ns() >= order.expires_at_ns;
    let usable = match token_use {
        TokenUse::Sending if is_over => return Err(NotAsked::Never(RefusedReason::Expired)),
        TokenUse::Sending | TokenUse::StageReading => job.usable_credential(),
        TokenUse::ReadBack => order.read_credential.and_then(|id| job.usable(id, CredentialMode::Read)),
    };
    usable.ok_or(NotAsked::Never(RefusedReason::CredentialNotUsable))
}

fn is_used_up<R: Runtime>(job: &Job<'_, R>, token_use: TokenUse) -> bool {
    let artifact = job.artifact();
    match token_use {
        TokenUse::Sending => artifact.derivations() >= MAX_SENDING_DERIVATIONS,
        TokenUse::StageReading => artifact.staging().readings_left() == 0,
        TokenUse::ReadBack => artifact.read_derivations() >= MAX_READING_DERIVATIONS,
    }
}

fn purpose<R: Runtime>(job: &Job<'_, R>, token_use: TokenUse, credential: CredentialId) -> DerivationPurpose {
    let (order, artifact) = (job.id.clone(), job.index);
    match token_use {
        TokenUse::Sending => DerivationPurpose::Publication { credential, order, artifact },
        TokenUse::StageReading => DerivationPurpose::StageReading { credential, order, artifact },
        TokenUse::ReadBack => DerivationPurpose::ReadBack { credential, order, artifact },
    }
}
