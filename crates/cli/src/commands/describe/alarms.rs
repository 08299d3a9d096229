//! Alarms, funds and watches.

use std::fmt::Write as _;

use release_types::{
    PackageKey,
    alarms::{Alarm, AlarmKind, Funds},
    watch::{FindingKind, ListingKind, WatchView},
};

use super::freeze;
use crate::{
    operations::{moment, period},
    output::{BAD, GOOD, HEADING, WARNING, printable, styled},
};

/// Below this the DAO canister is topped up: an upload and review of 2 MB cost it some ten billion cycles, keeping a
/// hundred such artifacts a few billion a day.
const DAO_LEAST_CYCLES: u128 = 100_000_000_000;

/// The alarms, each with what to do; nothing if there are none. Freezes have lines of their own.
pub fn alarms(alarms: &[Alarm]) -> String {
    let mut text = String::new();
    for alarm in alarms.iter().filter(|alarm| !matches!(alarm.kind, AlarmKind::Frozen { .. })) {
        let _ = writeln!(
            text,
            "{} {} (since {})",
            styled(BAD, "ALARM"),
            kind(&alarm.kind),
            moment(alarm.since_ns)
        );
        let _ = writeln!(text, "  {}", printable(&alarm.advice));
    }
    text
}

fn kind(kind: &AlarmKind) -> String {
    match kind {
        AlarmKind::Frozen { scope, .. } => format!("{} is frozen", freeze::scope(scope)),
        AlarmKind::UnapprovedVersion { package, name } => {
            format!("{} of {} is published and nobody approved it", printable(name), at(package))
        }
        AlarmKind::DigestChanged { package, name } => {
            format!("{} of {} has other bytes than before", printable(name), at(package))
        }
        AlarmKind::Vanished { package, name } => format!("{} of {} is gone", printable(name), at(package)),
        AlarmKind::WatchFailing { package, failed_looks } => {
            format!("{} could not be looked at, {failed_looks} times in a row", at(package))
        }
        AlarmKind::Mismatch { order, filename } => {
            format!("{}: the registry shows other bytes for {}", printable(&order.0), printable(filename))
        }
        AlarmKind::Blocked { order, filename } => {
            format!("{}: {} did not appear", printable(&order.0), printable(filename))
        }
        AlarmKind::AmendmentDoubted { order } => {
            format!("{}: the registry is said to have refused it", printable(&order.0))
        }
        AlarmKind::CredentialExpiring { credential, days_left } => {
            format!("credential {credential} ends in {days_left} days")
        }
        AlarmKind::CredentialExpired { credential } => format!("credential {credential} has ended"),
        AlarmKind::CredentialDead { credential, .. } => format!("credential {credential} does not work"),
        AlarmKind::DirectPublishingEnds { credential, at_ns } => {
            format!(
                "direct publishing with credential {credential} ends {}: its registry announced so",
                moment(*at_ns)
            )
        }
        AlarmKind::RegistryNotice { credential, .. } => {
            format!("the registry has a notice for the owner of credential {credential}")
        }
        AlarmKind::RegistryKeysGone { read_url } => {
            format!("{} publishes no keys any more to check its signatures with", printable(read_url))
        }
        AlarmKind::LowCycles { liquid_cycles } => {
            format!("custody runs out of cycles: {} left", billions(*liquid_cycles))
        }
    }
}

/// What custody can pay for.
pub fn funds(funds: &Funds) -> String {
    let (releases, staged) = (funds.direct_releases_affordable, funds.staged_releases_affordable);
    let watching = match funds.watch_days_left {
        Some(days) => format!(", or for {days} days of watching"),
        None => String::new(),
    };
    format!(
        "{} cycles: enough for {releases} releases, {staged} if staged{watching}",
        billions(funds.liquid_cycles)
    )
}

/// What the DAO canister has left, and a call to top it up while it can still take a release and send its order.
pub fn dao_funds(liquid_cycles: u128) -> String {
    let left = format!("{} cycles", billions(liquid_cycles));
    if liquid_cycles < DAO_LEAST_CYCLES {
        format!("{}: top the DAO canister up", styled(BAD, left))
    } else {
        left
    }
}

/// A watch, on a few lines.
pub fn watch(view: &WatchView) -> String {
    let mut text = format!("{}\n", styled(HEADING, at(&view.package)));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    line("every", period(view.interval_s.saturating_mul(1_000_000_000)));
    line("cost", format!("at most {} cycles a day", billions(view.most_cycles_per_day)));
    if let Some(credential) = view.read_credential {
        line("read with", credential.to_string());
    }
    match &view.baseline {
        None => line("baseline", styled(WARNING, "none yet: the registry has not answered")),
        Some(baseline) => {
            let what = match baseline.kind {
                ListingKind::Versions => "versions".to_string(),
                ListingKind::Files => "files".to_string(),
                ListingKind::TaggedVersions => {
                    styled(WARNING, "tagged versions: the list of all exceeds what custody can read")
                }
            };
            line("baseline", format!("{} {what}, taken {}", baseline.entries, moment(baseline.taken_at_ns)));
            line("  sha256", baseline.sha256.to_string());
            let names: Vec<_> = baseline.sample.iter().map(|entry| printable(&entry.name)).collect();
            line("  among them", names.join(", "));
        }
    }
    let answered = view.answered_at_ns.map_or_else(|| "never".to_string(), moment);
    line("last look", format!("answered {answered}; {} failed since", view.failed_looks));
    if view.findings.is_empty() {
        line("found", styled(GOOD, "nothing that was not known or approved"));
    }
    for finding in &view.findings {
        let what = match finding.kind {
            FindingKind::Unapproved => "was not approved",
            FindingKind::DigestChanged => "has other bytes",
            FindingKind::Vanished => "is gone",
        };
        let found = format!("{} {what}, seen {}", printable(&finding.name), moment(finding.found_at_ns));
        line("found", styled(BAD, found));
    }
    text
}

fn at(package: &PackageKey) -> String {
    format!("{} at {}", printable(&package.package), printable(&package.endpoint))
}

/// Cycles, in billions.
fn billions(cycles: u128) -> String {
    format!("{} billion", cycles / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use release_types::Ecosystem;

    use super::*;

    #[test]
    fn should_print_no_control_characters_of_a_package_that_is_watched() {
        let endpoint = "https://npm.registry.example/".to_string();
        let package = PackageKey { ecosystem: Ecosystem::Npm, endpoint, package: "x\u{1b}[2J".into() };
        let kind = AlarmKind::UnapprovedVersion { package, name: "1\u{202e}".into() };
        let text = alarms(&[Alarm { kind, since_ns: 0, advice: "look".into() }]);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && text.contains("nobody approved it"), "{text}");
    }
}
