//! Refusals: every update of custody and of the upgrader that is not carried out ends in a reject with one of these
//! texts.
//!
//! `REFUSED: ` is the answer to this call for good; after `BUSY: ` the same call may be made again.

use std::fmt;

use crate::{
    Defect,
    custody::{BUSY_PREFIX, REFUSED_PREFIX},
};

/// Why a call was refused: everything that is wrong with it, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    prefix: &'static str,
    defects: Vec<Defect>,
}

impl Refusal {
    /// A refusal for one reason.
    pub fn of(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { prefix: REFUSED_PREFIX, defects: vec![Defect::new(field, found, allowed, hint)] }
    }

    /// A refusal that passes by itself.
    pub fn busy(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { prefix: BUSY_PREFIX, ..Self::of(field, found, allowed, hint) }
    }

    /// Refuses if anything is wrong.
    pub fn unless_empty(defects: Vec<Defect>) -> Result<(), Self> {
        if defects.is_empty() { Ok(()) } else { Err(Self { prefix: REFUSED_PREFIX, defects }) }
    }

    /// What is wrong.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, defect) in self.defects.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}{defect}", self.prefix)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}
