//! What the commands do, without arguments to parse and without printing.

pub mod artifact;
pub mod audit;
pub mod call;
pub mod content;
pub mod control;
pub mod custody;
pub mod dao;
pub mod deploy;
pub mod deployment;
pub mod difference;
pub mod download;
pub mod group;
pub mod identity;
pub mod network;
pub mod network_file;
pub mod network_process;
pub mod onboarding;
pub mod pages;
pub mod proposal;
pub mod receipt;
pub mod registry_config;
pub mod release;
pub mod replay;
pub mod review;
pub mod rotation;
pub mod seal;
pub mod serve;
pub mod slicing;
pub mod upgrader;
pub mod upload;
pub mod user_client;
pub mod verification;

use std::time::{Duration, SystemTime};

/// A moment, as people read it: UTC, to the second.
pub fn moment(at_ns: u64) -> String {
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_nanos(at_ns)).to_string()
}

/// A length of time, as people read it: `3 days 12 hours`.
pub fn period(length_ns: u64) -> String {
    let compact = humantime::format_duration(Duration::from_nanos(length_ns)).to_string();
    let part = |part: &str| {
        let (count, unit) = part.split_at(part.find(char::is_alphabetic).unwrap_or(part.len()));
        let unit = match unit {
            "h" => "hours",
            "m" => "minutes",
            "s" => "seconds",
            other => other,
        };
        let is_word = unit.len() > 2;
        let unit = if count == "1" && is_word { unit.trim_end_matches('s') } else { unit };
        format!("{count} {unit}")
    };
    compact.split(' ').map(part).collect::<Vec<_>>().join(" ")
}

/// Now, in nanoseconds since the Unix epoch, by this machine's clock.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_spell_out_lengths_of_time() {
        const HOUR_NS: u64 = 3_600 * 1_000_000_000;
        assert_eq!(period(72 * HOUR_NS), "3 days");
        assert_eq!(period(25 * HOUR_NS), "1 day 1 hour");
        assert_eq!(period(HOUR_NS / 2), "30 minutes");
        assert_eq!(period(1_001_000_000), "1 second 1 ms");
        assert_eq!(period(0), "0 seconds");
    }
}
