//! Everything that people must look at, computed from the state when asked.

use release_types::{
    CredentialId, FreezeScope, PackageKey,
    alarms::{Alarm, AlarmKind, MAX_ALARMS},
    credential::ProbeOutcome,
    watch::FindingKind,
};

use crate::{
    amend::driver::doubted_since_ns,
    freeze, funds,
    runtime::Runtime,
    state::{Credential, Stage, State, event::BlockedReason, read_state, watch::Watch},
    storage,
};

/// Looks in a row that brought nothing before there is an alarm.
const FAILED_LOOKS: u32 = 3;
const DAY_NS: u64 = 24 * 3_600 * 1_000_000_000;
/// Days before its end at which a credential raises the alarm anew.
const EXPIRY_STAGES_DAYS: [u64; 4] = [2, 7, 14, 30];
/// How long a registry's notice is an alarm. The credential shows it for good.
const NOTICE_DAYS: u64 = 30;

/// The alarms, newest first.
pub fn alarms<R: Runtime>(runtime: &R) -> Vec<Alarm> {
    let now_ns = runtime.time_ns();
    let mut alarms: Vec<_> = freezes().collect();
    alarms.extend(low_cycles(runtime));
    read_state(|state| {
        alarms.extend(state.watches().iter().flat_map(|(package, watch)| of_watch(package, watch)));
        alarms.extend(of_orders(state));
        alarms.extend(of_amendments(state, now_ns));
        alarms.extend(state.missed_registry_keys().map(|(read_url, since_ns)| keys_gone(read_url, since_ns)));
        alarms.extend(
            state.credentials().flat_map(|(id, credential)| of_credential(state, *id, credential, now_ns)),
        );
    });
    alarms.sort_by_key(|alarm| std::cmp::Reverse(alarm.since_ns));
    alarms.truncate(MAX_ALARMS);
    alarms
}

fn alarm(kind: AlarmKind, since_ns: u64, advice: &str) -> Alarm {
    Alarm { kind, since_ns, advice: advice.to_owned() }
}

fn freezes() -> impl Iterator<Item = Alarm> {
    freeze::in_force().into_iter().map(|freeze| {
        let advice = match freeze.scope {
            FreezeScope::Everything => "find out what happened, then have `countersign unfreeze` voted",
            FreezeScope::Credential(_) => {
                "find out what happened; revoke the token if it leaked; else have `countersign unfreeze --credential` voted"
            }
        };
        alarm(AlarmKind::Frozen { scope: freeze.scope, reason: freeze.reason }, freeze.since_ns, advice)
    })
}

fn low_cycles<R: Runtime>(runtime: &R) -> Option<Alarm> {
    let funds = funds::funds(runtime);
    let kind = AlarmKind::LowCycles { liquid_cycles: funds.liquid_cycles };
    funds::are_low(&funds).then(|| alarm(kind, runtime.time_ns(), "top the custody canister up with cycles"))
}

fn of_watch(package: &PackageKey, watch: &Watch) -> Vec<Alarm> {
    let findings = watch.findings.iter().map(|(name, finding)| {
        let (package, name) = (package.clone(), name.clone());
        match finding.kind {
            FindingKind::Unapproved => alarm(
                AlarmKind::UnapprovedVersion { package, name },
                finding.found_at_ns,
                "ask who published it; if nobody did: take it down at the registry and revoke every token; watch the \
                 package anew once it is settled",
            ),
            FindingKind::DigestChanged => alarm(
                AlarmKind::DigestChanged { package, name },
                finding.found_at_ns,
                "compare the bytes and tell the registry: a published version never changes; watch the package anew \
                 once it is settled",
            ),
            FindingKind::Vanished => alarm(
                AlarmKind::Vanished { package, name },
                finding.found_at_ns,
                "ask who took it down; watch the package anew once it is settled",
            ),
        }
    });
    let look = storage::look(package).filter(|look| look.failures >= FAILED_LOOKS);
    let failing = look.map(|look| {
        let kind = AlarmKind::WatchFailing { package: package.clone(), failed_looks: look.failures };
        let advice = "the registry is down, wants a token (`countersign watch propose --read-credential`), or its list \
                      has outgrown an HTTPS outcall: see its read URL, and watch the package anew";
        alarm(kind, look.answered_at_ns.unwrap_or(watch.begun_at_ns), advice)
    });
    findings.chain(failing).collect()
}

fn of_orders(state: &State) -> impl Iterator<Item = Alarm> {
    state.orders().flat_map(|(id, order)| {
        order.artifacts().iter().filter_map(|artifact| {
            let (order, filename) = (id.clone(), artifact.filename().to_owned());
            let (kind, advice) = match artifact.stage() {
                Stage::Mismatch { .. } => (
                    AlarmKind::Mismatch { order, filename },
                    "freeze, revoke the token at the registry, and ask who published the other bytes"
                        .to_owned(),
                ),
                Stage::Blocked { reason } => (AlarmKind::Blocked { order, filename }, reason.advice()),
                _ => return None,
            };
            Some(alarm(kind, artifact.changed_at_ns(), &advice))
        })
    })
}

fn of_amendments(state: &State, now_ns: u64) -> impl Iterator<Item = Alarm> {
    state.amendments().filter_map(move |(order, amendment)| {
        let since_ns = doubted_since_ns(amendment, now_ns)?;
        let advice = BlockedReason::SaidNo { refusal: amendment.said_no()? }.advice();
        Some(alarm(AlarmKind::AmendmentDoubted { order: order.clone() }, since_ns, &advice))
    })
}

fn of_credential(state: &State, id: CredentialId, credential: &Credential, now_ns: u64) -> Vec<Alarm> {
    let dead = credential.probe().and_then(|probe| {
        let outcome = probe
            .outcome
            .filter(|outcome| !matches!(outcome, ProbeOutcome::Alive | ProbeOutcome::NotAnswered))?;
        let kind = AlarmKind::CredentialDead { credential: id, outcome };
        Some(alarm(kind, probe.concluded_at_ns?, outcome.advice()))
    });
    let expiry = if has_successor(state, credential, now_ns) { None } else { expiry(id, credential, now_ns) };
    let ends_at_ns = state.announced_end_ns(&credential.policy().endpoint);
    let end = Alarm::of_announced_end(credential.policy(), ends_at_ns, now_ns);
    let notice = credential.notice().filter(|seen| now_ns.saturating_sub(seen.at_ns) < NOTICE_DAYS * DAY_NS);
    let notice = notice.map(|seen| {
        let kind = AlarmKind::RegistryNotice { credential: id, notice: seen.notice };
        alarm(kind, seen.at_ns, &seen.notice.to_string())
    });
    let found = dead.into_iter().chain(expiry).chain(end).chain(notice);
    if credential.is_active() { found.collect() } else { Vec::new() }
}

fn keys_gone(read_url: &str, since_ns: u64) -> Alarm {
    alarm(
        AlarmKind::RegistryKeysGone { read_url: read_url.to_owned() },
        since_ns,
        "ask the registry; what its known keys signed is still verified, and everything else waits for people",
    )
}

fn expiry(credential: CredentialId, of: &Credential, now_ns: u64) -> Option<Alarm> {
    let not_after_ns = of.policy().not_after_ns;
    let Some(left_ns) = not_after_ns.checked_sub(now_ns).filter(|left_ns| *left_ns > 0) else {
        let advice = "seal a new token, have it activated, and have this one revoked";
        return Some(alarm(AlarmKind::CredentialExpired { credential }, not_after_ns, advice));
    };
    let stage = EXPIRY_STAGES_DAYS.into_iter().find(|days| left_ns <= days * DAY_NS)?;
    let days_left = u32::try_from(left_ns / DAY_NS).unwrap_or(u32::MAX);
    let kind = AlarmKind::CredentialExpiring { credential, days_left };
    let since_ns = not_after_ns.saturating_sub(stage * DAY_NS);
    Some(alarm(kind, since_ns, "make a new token at the registry, seal it, and have it activated in time"))
}

/// Whether another active credential covers the same for longer, with no gap before it begins.
fn has_successor(state: &State, credential: &Credential, now_ns: u64) -> bool {
    let policy = credential.policy();
    state.credentials().any(|(_, other)| {
        let later = other.policy();
        other.is_active()
            && later.not_after_ns > policy.not_after_ns
            && later.not_before_ns <= policy.not_after_ns.max(now_ns)
            && (later.ecosystem, &later.endpoint, later.mode)
                == (policy.ecosystem, &policy.endpoint, policy.mode)
            && policy.packages.iter().all(|package| later.packages.contains(package))
    })
}
