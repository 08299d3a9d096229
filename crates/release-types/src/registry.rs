//! Package registries. Endpoints are data that a vote puts in place; none is written in code.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

/// The protocol family a registry speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub enum Ecosystem {
    /// The npm registry protocol.
    Npm,
    /// The Python index: legacy upload API and the JSON simple API (PEP 691).
    Pypi,
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npm => "npm",
            Self::Pypi => "PyPI",
        })
    }
}

/// The name a group gives a registry: 1 to 40 of `a-z`, `0-9` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, CandidType, Serialize, Deserialize)]
pub struct RegistryId(pub String);

impl fmt::Display for RegistryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a registry takes uploads and where it is read back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, CandidType, Serialize, Deserialize)]
pub struct Registry {
    pub ecosystem: Ecosystem,
    /// npm: the registry's base URL. PyPI: the upload URL, with its trailing slash. Always https.
    pub upload_url: String,
    /// npm: the base URL of version documents (usually the upload URL). PyPI: the base of the simple API.
    pub read_url: String,
}
