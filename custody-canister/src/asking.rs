//! Asking a registry with a token: from what a key is for to outcalls that are ready to go.
//!
//! The only place that puts a token into what changes or reads something at a registry: the derivation is written down
//! first, what it is for is part of what is written, and nothing awaits between decrypting and sending. One decryption
//! may serve several requests that leave in the same message.

use futures_util::future::join_all;
use registry_protocols::http::HttpAnswer;
use release_types::Obstacle;

use crate::{
    outcall::{self, EncodedOutcall, Inquiry},
    runtime::{CallError, Runtime},
    state::event::{DerivationPurpose, RefusedReason},
    vault::{self, VaultError},
    vetkeys::{self, NoKey},
};

/// Why nothing was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAsked {
    /// For good.
    Never(RefusedReason),
    /// For now.
    Waits(Obstacle),
}

/// One use of a token.
pub struct TokenUse<'a> {
    /// What the key is derived for; names the credential.
    pub purpose: DerivationPurpose,
    /// What a narrowed token is limited to.
    pub package: &'a str,
    /// What must be left once the key is paid for, so that no derivation is in vain.
    pub reserve_cycles: u128,
}

impl From<NoKey> for NotAsked {
    fn from(error: NoKey) -> Self {
        Self::Waits(match error {
            NoKey::Frozen => Obstacle::Frozen,
            NoKey::NotDelivered => Obstacle::KeyNotDelivered,
        })
    }
}

impl From<VaultError> for NotAsked {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::InvalidSeed | VaultError::InvalidKey => Self::Waits(Obstacle::KeyNotDelivered),
            VaultError::NotDecryptable | VaultError::NotAToken => Self::Never(RefusedReason::NotDecryptable),
        }
    }
}

/// Puts the token into the requests, which must be sent before anything is awaited. `admitted` says whether the token may
/// be used; it is asked again once the key is there.
///
/// # Errors
/// If the token may not be used, does not open, or cannot be paid for.
pub async fn authorize<R: Runtime>(
    runtime: &R,
    token_use: TokenUse<'_>,
    inquiries: Vec<Inquiry>,
    admitted: impl Fn() -> Result<(), NotAsked>,
) -> Result<Vec<EncodedOutcall>, NotAsked> {
    let TokenUse { purpose, package, reserve_cycles } = token_use;
    let id = purpose.credential();
    admitted()?;
    if vetkeys::is_frozen(&id) {
        return Err(NotAsked::Waits(Obstacle::Frozen));
    }
    if !vetkeys::can_pay(runtime, reserve_cycles) {
        return Err(NotAsked::Waits(Obstacle::TooFewCycles));
    }
    let key = vetkeys::derive(runtime, purpose).await?;

    // From here to the outcall nothing awaits.
    admitted()?;
    let credential =
        vetkeys::sealed_credential(&id).ok_or(NotAsked::Never(RefusedReason::CredentialNotUsable))?;
    let now_s = runtime.time_ns() / 1_000_000_000;
    let custody = runtime.canister_self();
    let outcalls = vault::authorized_outcalls(custody, &credential, key, inquiries, package, now_s)?;
    check_payable(runtime, &outcalls)?;
    Ok(outcalls)
}

/// The outcalls of inquiries that need no token.
///
/// # Errors
/// If they cannot be paid for.
pub fn open<R: Runtime>(runtime: &R, inquiries: Vec<Inquiry>) -> Result<Vec<EncodedOutcall>, NotAsked> {
    let open = |inquiry| outcall::open_outcall(runtime.canister_self(), inquiry);
    let outcalls: Vec<_> = inquiries.into_iter().map(open).collect();
    check_payable(runtime, &outcalls)?;
    Ok(outcalls)
}

/// Sends them all at once; answers in their order.
pub async fn send<R: Runtime>(
    runtime: &R,
    outcalls: Vec<EncodedOutcall>,
) -> Vec<Result<HttpAnswer, CallError>> {
    join_all(outcalls.into_iter().map(|outcall| runtime.send(outcall))).await
}

fn check_payable<R: Runtime>(runtime: &R, outcalls: &[EncodedOutcall]) -> Result<(), NotAsked> {
    let cost: u128 = outcalls.iter().map(|outcall| runtime.outcall_cost_cycles(outcall)).sum();
    if runtime.liquid_cycles() > cost { Ok(()) } else { Err(NotAsked::Waits(Obstacle::TooFewCycles)) }
}
