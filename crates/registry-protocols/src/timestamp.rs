//! Moments as registries write them, in seconds since 1970.

use std::time::SystemTime;

/// A moment in RFC 3339.
pub(crate) fn seconds(moment: &str) -> Option<u64> {
    since_1970(humantime::parse_rfc3339_weak(moment).ok()?)
}

/// A moment in an HTTP header (RFC 9110, 5.6.7).
pub(crate) fn http_seconds(moment: &str) -> Option<u64> {
    since_1970(httpdate::parse_http_date(moment).ok()?)
}

fn since_1970(moment: SystemTime) -> Option<u64> {
    Some(moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_read_the_forms_that_registries_write() {
        assert_eq!(seconds("2026-11-21T07:17:49.681Z"), Some(1_795_245_469));
        assert_eq!(seconds("2026-11-21T07:17:49.681234Z"), Some(1_795_245_469));
        assert_eq!(http_seconds("Sat, 21 Nov 2026 07:17:49 GMT"), Some(1_795_245_469));
        for text in ["", "soon", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(http_seconds("tomorrow"), None);
    }
}
