//! One thing wrong with what somebody submitted.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

/// A defect of an input. Validation reports every defect it finds at once.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Defect {
    /// Where: a field path such as `artifacts[0].filename` or `package.json: version`.
    pub field: String,
    /// What was found there, shortened if long.
    pub found: String,
    /// What is allowed there.
    pub allowed: String,
    /// What to do about it.
    pub hint: String,
}

impl Defect {
    pub fn new(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), found: found.into(), allowed: allowed.into(), hint: hint.into() }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; allowed: {}. {}", self.field, self.found, self.allowed, self.hint)
    }
}
