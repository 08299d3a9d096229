//! The keys with which npm registries sign what they show, as the nodes agreed that they publish them.

use std::collections::BTreeMap;

use registry_protocols::npm::signature::RegistryKeys;
use serde::{Deserialize, Serialize};

/// Something that was learned of a registry's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryKeysFact {
    /// The registry read at this URL publishes these keys, or none.
    Learned { read_url: String, keys: RegistryKeys },
}

impl RegistryKeysFact {
    /// Every operation of this kind that may be on the log.
    pub const OPERATIONS: [&'static str; 1] = ["1countersign.learned_registry_keys"];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Learned { .. } => "1countersign.learned_registry_keys",
        }
    }
}

/// The keys of each registry, by the URL at which it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KnownKeys(BTreeMap<String, LearnedKeys>);

/// Keys, and when they were read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LearnedKeys {
    pub keys: RegistryKeys,
    pub read_at_ns: u64,
}

impl KnownKeys {
    /// The keys of the registry that is read at this URL.
    pub fn of(&self, read_url: &str) -> Option<&LearnedKeys> {
        self.0.get(read_url)
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &RegistryKeysFact) {
        match fact {
            RegistryKeysFact::Learned { read_url, keys } => {
                let learned = LearnedKeys { keys: keys.clone(), read_at_ns: time_ns };
                self.0.insert(read_url.clone(), learned);
            }
        }
    }
}
