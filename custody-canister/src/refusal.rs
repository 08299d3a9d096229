//! Refusals: every update that is not carried out ends in a reject with one of these texts.

use std::fmt;

use release_types::Defect;

/// Why a call was refused: everything that is wrong with it, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Vec<Defect>);

impl Refusal {
    /// A refusal for one reason.
    pub fn of(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self(vec![Defect::new(field, found, allowed, hint)])
    }

    /// Refuses if anything is wrong.
    pub fn unless_empty(defects: Vec<Defect>) -> Result<(), Self> {
        if defects.is_empty() { Ok(()) } else { Err(Self(defects)) }
    }

    /// What is wrong.
    pub fn defects(&self) -> &[Defect] {
        &self.0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, defect) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}REFUSED: {defect}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
