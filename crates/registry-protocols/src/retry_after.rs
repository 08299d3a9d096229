//! `Retry-After` (RFC 9110, 10.2.3): how long a registry asks to be left alone.

use crate::{http::HttpAnswer, timestamp};

/// Shortest wait that the nodes agree on, in seconds.
const SHORTEST_AGREED_S: u64 = 60;
/// Longest wait that a registry can ask of whoever reads, in seconds: it must not park what it does not like.
const LONGEST_AGREED_S: u64 = 3_600;

/// The wait that a registry asks for, in seconds or as a date. A date counts from the answer's own `date`: the
/// registry's clock is the one that it means.
pub(crate) fn seconds(answer: &HttpAnswer) -> Option<u64> {
    let value = answer.header("retry-after")?.trim();
    value.parse().ok().or_else(|| {
        let until = timestamp::http_seconds(value)?;
        Some(until.saturating_sub(timestamp::http_seconds(answer.header("date")?.trim())?))
    })
}

/// The same for a reading, on which all nodes are to agree: they ask within seconds of each other, and many registries
/// count down. So the wait is rounded up to the next of 1, 2, 4, 8, 16, 32 and 60 minutes; nodes that are told values on
/// both sides of such a step disagree, and ask again soon.
pub(crate) fn agreed_seconds(answer: &HttpAnswer) -> Option<u32> {
    let minutes = seconds(answer)?.min(LONGEST_AGREED_S).div_ceil(60).next_power_of_two();
    u32::try_from((minutes * 60).clamp(SHORTEST_AGREED_S, LONGEST_AGREED_S)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> HttpAnswer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HttpAnswer { status: 429, headers, body: Vec::new() }
    }

    #[test]
    fn should_read_seconds_and_dates() {
        let (now, later) = ("Sat, 21 Nov 2026 07:17:49 GMT", "Sat, 21 Nov 2026 07:50:00 GMT");
        assert_eq!(seconds(&answer(&[("Retry-After", " 1934 ")])), Some(1_934));
        assert_eq!(seconds(&answer(&[("date", now), ("retry-after", later)])), Some(1_931));
        assert_eq!(seconds(&answer(&[("date", later), ("retry-after", now)])), Some(0));
        for headers in [&[][..], &[("retry-after", "soon")], &[("retry-after", later)]] {
            assert_eq!(seconds(&answer(headers)), None, "{headers:?}");
        }
    }

    #[test]
    fn should_round_up_to_few_steps_within_an_hour_when_nodes_are_to_agree() {
        let agreed = |value: &str| agreed_seconds(&answer(&[("retry-after", value)]));
        for (asked, waited_s) in [
            ("0", 60),
            ("1", 60),
            ("60", 60),
            ("61", 120),
            ("118", 120),
            ("1934", 3_600),
            ("3600", 3_600),
            ("18446744073709551615", 3_600),
        ] {
            assert_eq!(agreed(asked), Some(waited_s), "{asked}");
        }
        assert_eq!(agreed("soon"), None);
    }
}
