//! Sealing a token on its owner's machine, to a key that this machine derives itself. The custody canister's word
//! about its key is only compared, never used.

use candid::Principal;
use rand::RngCore as _;
use registry_protocols::{macaroon, secret::SecretToken};
use release_types::{
    CredentialMode, CredentialPolicy, Ecosystem,
    credential::{CredentialView, DepositCredentialArgs},
    custody::CustodyInfo,
    dao::RegistryView,
};
use sealing::{MasterKey, SealingKey};

use crate::{
    failure::{Failure, Outcome},
    operations::moment,
};

const NS_PER_S: u64 = 1_000_000_000;
/// A narrowed token is valid from a little before now on, for clocks that are behind.
const CLOCK_TOLERANCE_S: u64 = 300;

/// The key that tokens for `custody` are sealed to: derived from the pinned master key, and compared with what the
/// canister reports.
///
/// # Errors
/// When the canister reports another key or none: then it is not what it seems, or on another network.
pub fn custody_key(
    master: &MasterKey,
    key_name: &str,
    custody: Principal,
    info: &CustodyInfo,
) -> Outcome<SealingKey> {
    if info.key_name != key_name {
        return Err(Failure::refused(format!(
            "{custody} uses the network's key {:?}, and was deployed to use {key_name:?}; nothing was sealed",
            info.key_name
        ))
        .hint("do not trust this canister with a token before the group has found out why"));
    }
    let key = sealing::custody_public_key(master, custody);
    let Some(reported) = &info.sealing_key else {
        return Err(Failure::network(format!("{custody} has not got its key from the network yet"))
            .hint("try again in a few seconds"));
    };
    sealing::check_reported(&key, reported).map_err(|mismatch| {
        Failure::refused(format!("nothing was sealed: {mismatch}"))
            .hint("check --network and --custody; if both are right, do not trust this canister with a token")
    })?;
    Ok(key)
}

/// Checks that a token can be one of the ecosystem's, and makes a PyPI token no wider than the policy: it expires
/// with it, and allows only its packages. Custody narrows it further for each upload.
///
/// # Errors
/// When it is no token, or one of another ecosystem. The token is never shown.
pub fn narrow(token: SecretToken, policy: &CredentialPolicy, now_ns: u64) -> Outcome<SecretToken> {
    let unusable =
        |reason: String| Failure::usage(reason).hint("nothing was sealed, and the token was not kept");
    sealing::check_token(policy.ecosystem, policy.mode, &token)
        .map_err(|error| unusable(error.to_string()))?;
    if policy.ecosystem != Ecosystem::Pypi {
        return Ok(token);
    }
    let not_before_s = (now_ns / NS_PER_S).saturating_sub(CLOCK_TOLERANCE_S);
    let expires_s = policy.not_after_ns / NS_PER_S;
    let packages: Vec<_> = policy.packages.iter().map(String::as_str).collect();
    let narrowed = macaroon::narrow_to_any(&token, &packages, not_before_s, expires_s);
    narrowed.map_err(|error| unusable(error.to_string()))
}

/// What a user should know of a token before it is sealed: where it is weaker or wider than the policy.
pub fn warnings(token: &SecretToken, policy: &CredentialPolicy) -> Vec<String> {
    if policy.ecosystem != Ecosystem::Pypi {
        return Vec::new();
    }
    let Ok(own) = macaroon::restrictions(token) else { return Vec::new() };
    let mut warnings = Vec::new();
    if own.expires_s.is_some_and(|expires_s| expires_s < policy.not_after_ns / NS_PER_S) {
        warnings.push("the token expires before the credential does".to_string());
    }
    if let Some(projects) = &own.projects {
        let missing: Vec<_> = policy.packages.iter().filter(|package| !projects.contains(package)).collect();
        for package in missing {
            warnings.push(format!("the token does not allow {package}"));
        }
    }
    warnings
}

/// What a user should know before handing over a token that sends releases by itself: that its registry stops taking
/// them within the credential's time.
pub fn announced_end(policy: &CredentialPolicy, registries: &[RegistryView]) -> Option<String> {
    let of_policy = registries.iter().filter(|known| known.registry.upload_url == policy.endpoint);
    let ends_at_ns = of_policy.filter_map(|known| known.registry.direct_publishing_ends_at_ns).min()?;
    let instead = match policy.ecosystem {
        Ecosystem::Npm => "seal a stage-only token with --mode staged instead",
        Ecosystem::Pypi => "propose releases with `--mode verify-only` from then on",
    };
    (policy.mode == CredentialMode::Direct && ends_at_ns <= policy.not_after_ns).then(|| {
        format!("the registry takes no releases sent by token from {} on: {instead}", moment(ends_at_ns))
    })
}

/// The epoch of the next token under the same policy: one more than any before.
pub fn next_epoch(credentials: &[CredentialView], ecosystem: Ecosystem, endpoint: &str) -> u32 {
    let alike =
        |view: &&CredentialView| view.policy.ecosystem == ecosystem && view.policy.endpoint == endpoint;
    let last = credentials.iter().filter(alike).map(|view| view.policy.epoch).max().unwrap_or(0);
    last.saturating_add(1)
}

/// Seals a token to its policy.
///
/// # Errors
/// When it is too long to seal.
pub fn seal(
    key: &SealingKey,
    policy: CredentialPolicy,
    token: SecretToken,
) -> Outcome<DepositCredentialArgs> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    rand::rngs::OsRng.fill_bytes(seed.as_mut());
    let sealed_token = sealing::seal(key, &policy, token, *seed)
        .map_err(|error| Failure::usage(format!("the token cannot be sealed: {error}")))?;
    Ok(DepositCredentialArgs { policy, sealed_token })
}

#[cfg(test)]
mod tests;
