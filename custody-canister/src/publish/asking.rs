//! Asking the registry on behalf of an order, with a token where one is needed.
//!
//! The only place where an order derives a key: the derivation is written down first, what it is for is part of what is
//! written, and nothing awaits between decrypting and sending. One decryption may serve several requests that leave in
//! the same message.

use futures_util::future::join_all;
use registry_protocols::http::HttpAnswer;
use release_types::{CredentialId, CredentialMode, Obstacle};

use crate::{
    funds,
    outcall::{self, EncodedOutcall, Inquiry},
    publish::driver::Job,
    runtime::{CallError, Runtime},
    state::event::{DerivationPurpose, RefusedReason},
    vault::{self, VaultError},
    vetkeys::{self, NoKey},
};

/// How often a key may be derived to send one artifact.
const MAX_SENDING_DERIVATIONS: u8 = 8;
/// How often a key may be derived to read one artifact back.
const MAX_READING_DERIVATIONS: u8 = 120;
/// Kept aside for each outcall when a key is derived, so that no derivation is in vain: about three times what 2 MB
/// cost on a subnet of 34 nodes.
const OUTCALL_RESERVE_CYCLES: u128 = 10_000_000_000;

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

/// Why nothing was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAsked {
    /// For good.
    Never(RefusedReason),
    /// For now.
    Waits(Obstacle),
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
    let runtime = job.runtime;
    let outcalls = match token {
        Some(token_use) => authorize(job, token_use, inquiries).await?,
        None => {
            let open = |inquiry| outcall::open_outcall(runtime.canister_self(), inquiry);
            inquiries.into_iter().map(open).collect()
        }
    };
    check_payable(runtime, &outcalls)?;
    Ok(join_all(outcalls.into_iter().map(|outcall| runtime.send(outcall))).await)
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
    if vetkeys::is_frozen(&id) {
        return Err(NotAsked::Waits(Obstacle::Frozen));
    }
    if is_used_up(job, token_use) {
        return Err(NotAsked::Never(RefusedReason::TooManyDerivations));
    }
    // No derivation in vain: there must be enough for everything that follows it.
    let afterwards = match token_use {
        TokenUse::Sending => funds::after_derivation_cycles(runtime),
        TokenUse::StageReading | TokenUse::ReadBack => OUTCALL_RESERVE_CYCLES * inquiries.len() as u128,
    };
    if !vetkeys::can_pay(runtime, afterwards) {
        return Err(NotAsked::Waits(Obstacle::TooFewCycles));
    }
    let key = vetkeys::derive(runtime, purpose(job, token_use, id)).await.map_err(|error| match error {
        NoKey::Frozen => NotAsked::Waits(Obstacle::Frozen),
        NoKey::NotDelivered => NotAsked::Waits(Obstacle::KeyNotDelivered),
    })?;

    // From here to the outcall nothing awaits.
    admitted(job, token_use)?;
    let credential =
        vetkeys::sealed_credential(&id).ok_or(NotAsked::Never(RefusedReason::CredentialNotUsable))?;
    let now_s = runtime.time_ns() / 1_000_000_000;
    let custody = runtime.canister_self();
    let outcalls =
        vault::authorized_outcalls(custody, &credential, key, inquiries, &job.order.package, now_s).map_err(
            |error| match error {
                VaultError::InvalidSeed | VaultError::InvalidKey => {
                    NotAsked::Waits(Obstacle::KeyNotDelivered)
                }
                VaultError::NotDecryptable | VaultError::NotAToken => {
                    NotAsked::Never(RefusedReason::NotDecryptable)
                }
            },
        )?;
    check_payable(runtime, &outcalls)?;
    Ok(outcalls)
}

fn check_payable<R: Runtime>(runtime: &R, outcalls: &[EncodedOutcall]) -> Result<(), NotAsked> {
    let cost: u128 = outcalls.iter().map(|outcall| runtime.outcall_cost_cycles(outcall)).sum();
    if runtime.liquid_cycles() > cost { Ok(()) } else { Err(NotAsked::Waits(Obstacle::TooFewCycles)) }
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
