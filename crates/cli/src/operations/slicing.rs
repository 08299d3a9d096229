//! Cutting one token of a Python project into dated slices, offline, each with a policy of its own.

use registry_protocols::{macaroon, secret::SecretToken};
use release_types::{CredentialPolicy, Ecosystem};

use crate::failure::{Failure, Outcome};

const NS_PER_S: u64 = 1_000_000_000;
const S_PER_DAY: u64 = 24 * 3_600;
/// The first slice begins a little before now, for clocks that are behind.
const CLOCK_TOLERANCE_S: u64 = 300;
/// How much longer than its policy a slice's token holds, before and after: what custody sends within the policy's time
/// must not reach an index whose clock says otherwise.
const OVERLAP_S: u64 = 60;

/// A part of a token, and what it may be used for.
#[derive(Debug)]
pub struct DatedToken {
    pub policy: CredentialPolicy,
    pub token: SecretToken,
}

/// How a token is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub slices: u32,
    /// How long each lasts.
    pub days: u32,
}

/// Cuts `token` into slices whose policies follow each other, the first from `now_ns` on, and whose tokens overlap by a
/// little. `first` is the first one's policy but for its time; each later one has the next epoch.
///
/// # Errors
/// When it is no token of a Python index, does not allow the project, or expires before the last slice does.
pub fn cut(
    token: &SecretToken,
    first: &CredentialPolicy,
    plan: Plan,
    now_ns: u64,
) -> Outcome<Vec<DatedToken>> {
    let unusable = |reason: String| Failure::usage(reason).hint("nothing was sealed or kept");
    if first.ecosystem != Ecosystem::Pypi {
        return Err(unusable(format!(
            "tokens of {} cannot be narrowed, so they cannot be cut",
            first.ecosystem
        ))
        .hint("seal one with an expiry, and replace it with `countersign credential rotate`"));
    }
    let projects: Vec<_> = first.packages.iter().map(String::as_str).collect();
    let from_s = (now_ns / NS_PER_S).saturating_sub(CLOCK_TOLERANCE_S);
    let slice_s = u64::from(plan.days) * S_PER_DAY;
    let restrictions = macaroon::restrictions(token).map_err(|error| unusable(error.to_string()))?;
    if let Some(allowed) = &restrictions.projects
        && let Some(missing) = first.packages.iter().find(|project| !allowed.contains(project))
    {
        return Err(unusable(format!("the token does not allow {missing}")));
    }
    let end_s = from_s.saturating_add(slice_s.saturating_mul(u64::from(plan.slices)));
    if let Some(expires_s) = restrictions.expires_s.filter(|expires_s| *expires_s < end_s) {
        let days = expires_s.saturating_sub(from_s) / S_PER_DAY;
        return Err(unusable(format!("the token expires in {days} days, before the last slice does"))
            .hint("cut fewer or shorter slices, or make a token that does not expire"));
    }
    let dated = (first.epoch..).zip(0..u64::from(plan.slices)).map(|(epoch, index)| {
        let begin_s = from_s.saturating_add(slice_s.saturating_mul(index));
        let end_s = begin_s.saturating_add(slice_s);
        let (not_before_s, expires_s) = (begin_s.saturating_sub(OVERLAP_S), end_s.saturating_add(OVERLAP_S));
        let token = macaroon::narrow_to_any(token, &projects, not_before_s, expires_s)
            .map_err(|error| unusable(error.to_string()))?;
        let (not_before_ns, not_after_ns) =
            (begin_s.saturating_mul(NS_PER_S), end_s.saturating_mul(NS_PER_S));
        Ok(DatedToken {
            policy: CredentialPolicy { not_before_ns, not_after_ns, epoch, ..first.clone() },
            token,
        })
    });
    dated.collect()
}

#[cfg(test)]
mod tests;
