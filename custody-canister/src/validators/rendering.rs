//! Texts for voters: a heading and a list of named values.
//!
//! Whoever wrote the call wrote the values too. So that none can pass for another line or hide behind invisible
//! characters, every value is printable ASCII. So that none can push another out of sight, what decides about security
//! comes first and whole; only details, which come after it, are shortened and left out where they are many.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use release_types::Sha256Digest;

/// Longest detail that is shown as a whole, in bytes.
const MAX_DETAIL_BYTES: usize = 400;
/// Most details.
const MAX_DETAILS: usize = 200;

/// A text under way.
pub struct Rendering {
    text: String,
    details: Vec<(String, String)>,
}

impl Rendering {
    pub fn new(heading: &str) -> Self {
        Self { text: format!("# {}\n", heading.escape_default()), details: Vec::new() }
    }

    /// A named value, shown whole.
    pub fn line(&mut self, name: &str, value: impl AsRef<str>) {
        let _ = write!(self.text, "\n- {}: {}", name.escape_default(), value.as_ref().escape_default());
    }

    /// A named value that is shown after all lines; shortened if it is long, left out after many others.
    pub fn detail(&mut self, name: &str, value: impl Into<String>) {
        self.details.push((name.to_owned(), value.into()));
    }

    /// A moment, in nanoseconds since 1970.
    pub fn moment(&mut self, name: &str, at_ns: u64) {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_nanos(at_ns);
        self.line(name, humantime::format_rfc3339_seconds(moment).to_string());
    }

    /// The whole text; says so if details were left out.
    pub fn finish(mut self) -> String {
        for (name, value) in self.details.iter().take(MAX_DETAILS) {
            let _ = write!(self.text, "\n- {}: {}", shortened(name), shortened(value));
        }
        if let Some(left_out @ 1..) = self.details.len().checked_sub(MAX_DETAILS) {
            let _ = write!(self.text, "\n- {left_out} more lines are not shown: read the argument itself");
        }
        self.text
    }
}

/// The value with everything escaped that is not printable ASCII; of a long one the beginning, length and digest.
fn shortened(value: &str) -> String {
    if value.len() <= MAX_DETAIL_BYTES {
        return value.escape_default().to_string();
    }
    let beginning: String = value.chars().take(MAX_DETAIL_BYTES / 4).collect();
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
        let value = "x".repeat(MAX_DETAIL_BYTES + 1);
        rendering.detail("readme", &value);
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
        for number in 0..MAX_DETAILS + 3 {
            rendering.detail("line", number.to_string());
        }
        let text = rendering.finish();
        assert_eq!(text.matches("- line: ").count(), MAX_DETAILS);
        assert!(text.ends_with("- 3 more lines are not shown: read the argument itself"), "{text}");
    }

    #[test]
    fn should_show_what_matters_first_and_whole_whatever_the_details_are() {
        let mut rendering = Rendering::new("mixed");
        for _ in 0..=MAX_DETAILS {
            rendering.detail("classifier", "c".repeat(MAX_DETAIL_BYTES + 1));
        }
        let script = "s".repeat(5_000);
        rendering.line("script", &script);
        let text = rendering.finish();
        let shown = text.find(&format!("\n- script: {script}\n")).expect("whole");
        assert!(shown < text.find("classifier").expect("after it"));
    }
}
