//! What people and scripts see: text with colours on a terminal, or one JSON object; notes and progress on stderr.

use std::{fmt::Write as _, io::IsTerminal as _, time::Duration};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::failure::Failure;

/// A heading.
pub const HEADING: Style = Style::new().bold();
/// Something that went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Something to look at before agreeing.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Something that went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something of less weight.
pub const FAINT: Style = Style::new().dimmed();

/// `text` in `style`; the codes vanish where the output is no terminal or `NO_COLOR` is set.
pub fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` from outside, safe to print: control characters and those that reorder or hide text are shown as escapes,
/// so that a package's description cannot rewrite what a voter reads.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if character.is_control() || hides {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Like [`printable`], for texts of several lines: line ends stay.
pub fn printable_lines(text: &str) -> Vec<String> {
    text.lines().map(printable).collect()
}

/// Where a command's results and notes go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints the result: `text` for people, or `value` as the one JSON object.
    pub fn result(&self, value: Value, text: impl AsRef<str>) {
        if self.json {
            anstream::println!("{value}");
        } else {
            anstream::println!("{}", text.as_ref().trim_end_matches('\n'));
        }
    }

    /// Says something beside the result, on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        anstream::eprintln!("{}", text.as_ref());
    }

    /// Prints a failure: what happened, each defect, what to do next.
    pub fn failure(&self, failure: &Failure) {
        let code = failure.kind.exit_code();
        if self.json {
            let error = json!({
                "message": failure.message,
                "hint": failure.hint,
                "defects": failure.defects,
                "exit_code": code,
            });
            anstream::println!("{}", json!({ "error": error }));
        }
        let mut text =
            format!("{} {}", styled(BAD, "error:"), printable_lines(&failure.message).join("\n  "));
        for defect in &failure.defects {
            let _ = write!(text, "\n  - {}", printable(&defect.to_string()));
        }
        if let Some(hint) = &failure.hint {
            let _ = write!(text, "\n{} {}", styled(HEADING, "hint:"), printable(hint));
        }
        anstream::eprintln!("{text}");
    }

    /// A bar over `length` bytes; plain lines where stderr is no terminal.
    pub fn bytes(&self, what: &str, length: u64) -> Progress {
        let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}";
        self.progress(what, Some(length), template)
    }

    /// A spinner for a wait; a line for each new message where stderr is no terminal.
    pub fn waiting(&self, what: &str) -> Progress {
        self.progress(what, None, "{spinner} {msg} ({elapsed})")
    }

    fn progress(&self, what: &str, length: Option<u64>, template: &str) -> Progress {
        let on_terminal = std::io::stderr().is_terminal();
        let bar = match (on_terminal, length) {
            (false, _) => {
                anstream::eprintln!("{what}");
                ProgressBar::hidden()
            }
            (true, Some(length)) => ProgressBar::new(length),
            (true, None) => ProgressBar::new_spinner(),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_string());
        if on_terminal && length.is_none() {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Progress { bar, on_terminal, last: what.to_string() }
    }
}

/// A progress bar or spinner, gone when dropped.
pub struct Progress {
    bar: ProgressBar,
    on_terminal: bool,
    last: String,
}

impl Progress {
    /// `amount` more is done.
    pub fn advance(&self, amount: u64) {
        self.bar.inc(amount);
    }

    /// What is being waited for now.
    pub fn say(&mut self, message: &str) {
        let message = anstream::adapter::strip_str(message).to_string();
        if message == self.last {
            return;
        }
        self.last = message;
        if self.on_terminal {
            self.bar.set_message(self.last.clone());
        } else {
            anstream::eprintln!("{}", self.last);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_show_control_and_reordering_characters_as_escapes() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("safe\u{202e}gpj.exe"), "safe\\u{202e}gpj.exe");
        assert_eq!(printable("grün ✓"), "grün ✓");
    }

    #[test]
    fn should_keep_line_ends_only_where_lines_are_meant() {
        assert_eq!(printable("a\nb"), "a\\u{a}b");
        assert_eq!(printable_lines("a\nb\r"), ["a", "b\\u{d}"]);
    }
}
