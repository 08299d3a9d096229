//! What a registry shows of a package before the group takes it over: who else can publish, and what is there.

pub mod client;
pub mod doors;
mod npm;
mod pypi;

use std::collections::BTreeMap;

use serde::Serialize;

pub use doors::{Door, DoorState, doors};

/// What the user's client could see. What a registry does not show is `None`, never guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Accounts that may publish.
    pub publishers: Option<Vec<Publisher>>,
    /// The latest versions, newest first.
    pub recent: Vec<SeenVersion>,
    /// How many versions there are.
    pub versions: usize,
    /// npm: which version each tag names.
    pub tags: BTreeMap<String, String>,
    /// PyPI: whether the project is active, archived, quarantined.
    pub status: Option<String>,
}

/// An account that may publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Publisher {
    pub name: String,
    /// PyPI's roles, or that it is an organisation; npm has none.
    pub role: Option<String>,
}

/// A version that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SeenVersion {
    pub version: String,
    /// As the registry writes it.
    pub published_at: Option<String>,
    /// The account that published it.
    pub published_by: Option<String>,
    /// The CI that published it without a token.
    pub trusted_publisher: Option<String>,
    pub has_provenance: Option<bool>,
    /// npm: whether the registry signed it.
    pub is_signed: Option<bool>,
    /// Whether custody signed a receipt for it.
    pub has_receipt: bool,
}

#[cfg(test)]
mod tests;
