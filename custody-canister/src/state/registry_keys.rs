//! The keys with which npm registries sign what they show, as the nodes agreed that they publish them.

use std::collections::BTreeMap;

use registry_protocols::npm::signature::RegistryKeys;
use serde::{Deserialize, Serialize};

/// Something that was learned of a registry's keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryKeysFact {
    /// The registry read at this URL publishes these keys, or none.
    Learned { read_url: String, keys: RegistryKeys },
    /// The registry read at this URL published keys, and does so no more. Those that are known stay in use.
    Missed { read_url: String },
    /// A version that the registry read at this URL shows is signed with one of its keys.
    FoundSignature { read_url: String },
}

impl RegistryKeysFact {
    /// Every operation of this kind that may be on the log.
    pub const OPERATIONS: [&'static str; 3] = [
        "1countersign.learned_registry_keys",
        "1countersign.missed_registry_keys",
        "1countersign.found_registry_signature",
    ];

    /// The operation's name on the log.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Learned { .. } => "1countersign.learned_registry_keys",
            Self::Missed { .. } => "1countersign.missed_registry_keys",
            Self::FoundSignature { .. } => "1countersign.found_registry_signature",
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
    /// Since when the registry publishes none any more.
    pub missed_since_ns: Option<u64>,
    /// Whether a version was ever verified by one of its keys.
    pub has_signed: bool,
}

impl KnownKeys {
    /// The keys of the registry that is read at this URL.
    pub fn of(&self, read_url: &str) -> Option<&LearnedKeys> {
        self.0.get(read_url)
    }

    /// The registries that published keys and do so no more, by the URLs at which they are read, and since when.
    pub fn missed(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().filter_map(|(read_url, known)| Some((read_url.as_str(), known.missed_since_ns?)))
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &RegistryKeysFact) {
        match fact {
            RegistryKeysFact::Learned { read_url, keys } => {
                let learned = LearnedKeys {
                    keys: keys.clone(),
                    read_at_ns: time_ns,
                    missed_since_ns: None,
                    has_signed: self.of(read_url).is_some_and(|known| known.has_signed),
                };
                self.0.insert(read_url.clone(), learned);
            }
            RegistryKeysFact::Missed { read_url } => {
                self.known_mut(read_url).missed_since_ns = Some(time_ns);
            }
            RegistryKeysFact::FoundSignature { read_url } => self.known_mut(read_url).has_signed = true,
        }
    }

    fn known_mut(&mut self, read_url: &str) -> &mut LearnedKeys {
        self.0.get_mut(read_url).unwrap_or_else(|| panic!("BUG: {read_url} never published keys"))
    }
}
