//! Texts for voters: a heading and a list of named values.
//!
//! Whoever wrote the call wrote the values too. So that none can pass for another line, hide behind invisible
//! characters or push the rest out of sight, every value is printable ASCII and has a largest length.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use release_types::Sha256Digest;

/// Longest value that is shown as a whole, in bytes.
const MAX_VALUE_BYTES: usize = 400;
/// Most lines.
const MAX_LINES: usize = 250;

/// A text under way.
pub struct Rendering {
    text: String,
    lines: usize,
}

impl Rendering {
    pub fn new(heading: &str) -> Self {
        Self { text: format!("# {}\n", printable(heading)), lines: 0 }
    }

    /// A named value.
    pub fn line(&mut self, name: &str, value: impl AsRef<str>) {
        self.lines += 1;
        if self.lines <= MAX_LINES {
            let _ = write!(self.text, "\n- {}: {}", printable(name), printable(value.as_ref()));
        }
    }

    /// A moment, in nanoseconds since 1970.
    pub fn moment(&mut self, name: &str, at_ns: u64) {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_nanos(at_ns);
        self.line(name, humantime::format_rfc3339_seconds(moment).to_string());
    }

    /// The whole text; says so if lines were left out.
    pub fn finish(mut self) -> String {
        if let Some(left_out @ 1..) = self.lines.checked_sub(MAX_LINES) {
            let _ = write!(self.text, "\n- {left_out} more lines are not shown: read the argument itself");
        }
        self.text
    }
}

/// The value with everything escaped that is not printable ASCII; of a long one the beginning, length and digest.
fn printable(value: &str) -> String {
    if value.len() <= MAX_VALUE_BYTES {
        return value.escape_default().to_string();
    }
    let beginning: String = value.chars().take(MAX_VALUE_BYTES / 4).collect();
    format!(
        "{}... ({} bytes, SHA-256 {})",
        beginning.escape_default(),
        value.len(),
        Sha256Digest::of(value.as_bytes())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_keep_every_value_on_its_line_when_it_is_written_to_deceive() {
        let mut rendering = Rendering::new("Publish demo\n- version: 2.0.0");
        rendering.line("version", "1.0.0\n- version: 2.0.0\u{202e}");
        rendering.moment("expires_at", 1_800_000_000_000_000_000);
        assert_eq!(
            rendering.finish(),
            "# Publish demo\\n- version: 2.0.0\n\
             \n- version: 1.0.0\\n- version: 2.0.0\\u{202e}\
             \n- expires_at: 2027-01-15T08:00:00Z"
        );
    }

    #[test]
    fn should_name_length_and_digest_of_what_is_too_long_to_show() {
        let mut rendering = Rendering::new("long");
        let value = "x".repeat(MAX_VALUE_BYTES + 1);
        rendering.line("readme", &value);
        let text = rendering.finish();
        assert!(
            text.contains(&format!("(401 bytes, SHA-256 {})", Sha256Digest::of(value.as_bytes()))),
            "{text}"
        );
        assert!(text.len() < 300);
    }

    #[test]
    fn should_say_how_many_lines_are_left_out() {
        let mut rendering = Rendering::new("many");
        for number in 0..MAX_LINES + 3 {
            rendering.line("line", number.to_string());
        }
        let text = rendering.finish();
        assert_eq!(text.matches("- line: ").count(), MAX_LINES);
        assert!(text.ends_with("- 3 more lines are not shown: read the argument itself"), "{text}");
    }
}
