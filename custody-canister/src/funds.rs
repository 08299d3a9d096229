//! What custody has to pay, by the subnet's own prices: nothing is begun that could not be paid to its end.

use release_types::{CredentialMode, PublishingMode, alarms::Funds};

use crate::{outcall, runtime::Runtime, state::read_state, watch};

/// Read-backs that one artifact is reckoned with: as many as custody makes within about ten minutes.
const READ_BACKS: u128 = 20;
/// The same where each derives a key; custody then looks less often.
const READ_BACKS_WITH_TOKEN: u128 = 12;
/// Readings of npm's staging area that one artifact is reckoned with: finding it, comparing it, and a few while a person
/// is waited for. Each derives a key.
const STAGE_READINGS: u128 = 4;
/// Outcalls of one such reading: pages of its list, or pieces of a file.
const OUTCALLS_OF_A_STAGE_READING: u128 = 4;
/// Days of watching below which an alarm is raised.
const RUNWAY_ALARM_DAYS: u64 = 14;

/// One read by all nodes, at most.
pub fn read_cycles<R: Runtime>(runtime: &R) -> u128 {
    runtime.outcall_cost_cycles(&outcall::largest(true))
}

/// One reading of the document that an amendment is written into, at most.
pub fn document_cycles<R: Runtime>(runtime: &R) -> u128 {
    runtime.outcall_cost_cycles(&outcall::largest_document())
}

/// What a release of one artifact still needs once a key was derived to send it with, at most: sending, finding what was
/// staged, reading back, signing.
pub fn after_derivation_cycles<R: Runtime>(
    runtime: &R,
    mode: PublishingMode,
    reads_with_token: bool,
) -> u128 {
    sending_cycles(runtime).saturating_add(waiting_cycles(runtime, mode, reads_with_token))
}

/// What a release of one artifact needs at most once it is no longer custody's turn to send: finding what was staged,
/// reading back, signing.
pub fn waiting_cycles<R: Runtime>(runtime: &R, mode: PublishingMode, reads_with_token: bool) -> u128 {
    let signature = read_state(|state| runtime.signature_cost_cycles(state.key_name())).unwrap_or_default();
    artifact_waiting_cycles(runtime, mode, reads_with_token).saturating_add(signature)
}

/// What an order's artifacts after the present one need at most: for each a look, sending where custody sends, finding
/// what was staged, reading back.
pub fn further_artifacts_cycles<R: Runtime>(
    runtime: &R,
    mode: PublishingMode,
    reads_with_token: bool,
    artifacts: usize,
) -> u128 {
    let key = derivation_cycles(runtime);
    let look = read_cycles(runtime).saturating_add(if reads_with_token { key } else { 0 });
    let sending = if mode.sends_bytes() { key.saturating_add(sending_cycles(runtime)) } else { 0 };
    let finding = artifact_waiting_cycles(runtime, mode, reads_with_token);
    look.saturating_add(sending).saturating_add(finding).saturating_mul(artifacts as u128)
}

/// What an amendment still needs at most once a key was derived to make it with: sending and reading back.
pub fn after_amending_derivation_cycles<R: Runtime>(runtime: &R, reads_with_token: bool) -> u128 {
    sending_cycles(runtime).saturating_add(read_backs_cycles(runtime, reads_with_token))
}

/// What an amendment needs at most: a look, the document that it is written into, and all that follows.
pub fn amendment_cycles<R: Runtime>(runtime: &R, reads_with_token: bool) -> u128 {
    let keys = derivation_cycles(runtime).saturating_mul(if reads_with_token { 3 } else { 1 });
    keys.saturating_add(read_cycles(runtime))
        .saturating_add(document_cycles(runtime))
        .saturating_add(after_amending_derivation_cycles(runtime, reads_with_token))
}

/// Everything that there is, and what it suffices for.
pub fn funds<R: Runtime>(runtime: &R) -> Funds {
    let liquid_cycles = runtime.liquid_cycles();
    let release = |mode| {
        derivation_cycles(runtime)
            .saturating_add(read_cycles(runtime))
            .saturating_add(after_derivation_cycles(runtime, mode, false))
    };
    let direct_release_most_cycles = release(PublishingMode::Direct);
    let staged_release_most_cycles = release(PublishingMode::Staged);
    let watch_most_cycles_per_day = read_state(|state| {
        let watches = state.watches().iter();
        watches.map(|(package, watch)| watch::most_cycles_per_day(runtime, package, watch)).sum::<u128>()
    });
    let whole = |cycles: u128| u64::try_from(cycles).unwrap_or(u64::MAX);
    let affordable = |cycles| whole(liquid_cycles.checked_div(cycles).unwrap_or(u128::MAX));
    Funds {
        liquid_cycles,
        watch_most_cycles_per_day,
        direct_release_most_cycles,
        staged_release_most_cycles,
        verify_only_release_most_cycles: waiting_cycles(runtime, PublishingMode::VerifyOnly, false),
        amendment_most_cycles: amendment_cycles(runtime, false),
        direct_releases_affordable: affordable(direct_release_most_cycles),
        staged_releases_affordable: affordable(staged_release_most_cycles),
        watch_days_left: liquid_cycles.checked_div(watch_most_cycles_per_day).map(whole),
    }
}

/// Whether there is too little for another release of a kind that there is a credential for, or for two weeks of watching.
pub fn are_low(funds: &Funds) -> bool {
    let stages = read_state(|state| {
        let mut active = state.credentials().filter(|(_, credential)| credential.is_active());
        active.any(|(_, credential)| credential.policy().mode == CredentialMode::Staged)
    });
    funds.direct_releases_affordable == 0
        || (stages && funds.staged_releases_affordable == 0)
        || funds.watch_days_left.is_some_and(|days| days < RUNWAY_ALARM_DAYS)
}

/// One key; nothing where there is none of that name, because then none is derived.
pub fn derivation_cycles<R: Runtime>(runtime: &R) -> u128 {
    read_state(|state| runtime.derivation_cost_cycles(state.key_name())).unwrap_or_default()
}

fn sending_cycles<R: Runtime>(runtime: &R) -> u128 {
    runtime.outcall_cost_cycles(&outcall::largest(false))
}

fn read_backs_cycles<R: Runtime>(runtime: &R, with_token: bool) -> u128 {
    if with_token {
        read_cycles(runtime).saturating_add(derivation_cycles(runtime)).saturating_mul(READ_BACKS_WITH_TOKEN)
    } else {
        read_cycles(runtime).saturating_mul(READ_BACKS)
    }
}

/// Finding what was staged, and reading back.
fn artifact_waiting_cycles<R: Runtime>(runtime: &R, mode: PublishingMode, reads_with_token: bool) -> u128 {
    let staging = if mode.uses_staging_area() { stage_readings_cycles(runtime) } else { 0 };
    read_backs_cycles(runtime, reads_with_token).saturating_add(staging)
}

fn stage_readings_cycles<R: Runtime>(runtime: &R) -> u128 {
    let outcalls = read_cycles(runtime).saturating_mul(OUTCALLS_OF_A_STAGE_READING);
    derivation_cycles(runtime).saturating_add(outcalls).saturating_mul(STAGE_READINGS)
}
