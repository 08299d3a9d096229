//! Collects everything that is wrong with an artifact, so that it is reported at once.

use std::fmt::Display;

use release_types::Defect;

use crate::limits::MAX_DEFECTS;

/// Longest excerpt of outside text in a defect, in characters.
const MAX_SHOWN_CHARS: usize = 160;

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    defects: Vec<Defect>,
    left_out: usize,
}

impl Report {
    pub fn add(
        &mut self,
        field: impl Into<String>,
        found: impl Display,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) {
        if self.defects.len() < MAX_DEFECTS {
            self.defects.push(Defect::new(field, shown(&found.to_string()), allowed, hint));
        } else {
            self.left_out += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.defects.is_empty()
    }

    /// Whether a defect of this field was reported already.
    pub fn names(&self, field: &str) -> bool {
        self.defects.iter().any(|defect| defect.field == field)
    }

    pub fn into_defects(mut self) -> Vec<Defect> {
        if self.left_out > 0 {
            self.defects.push(Defect::new(
                "artifact",
                format!("{} more defects", self.left_out),
                format!("at most {MAX_DEFECTS} are listed"),
                "mend the listed ones first",
            ));
        }
        self.defects
    }

    /// `value` if nothing was wrong, else all defects.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<Defect>> {
        if self.is_empty() { Ok(value) } else { Err(self.into_defects()) }
    }
}

/// Outside text made safe to print: shortened, control and direction-changing characters escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == MAX_SHOWN_CHARS {
            out.push('…');
            break;
        }
        if is_deceptive(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    if out.is_empty() { "nothing".to_owned() } else { out }
}

/// Characters that a reader does not see or that reorder what he sees.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
