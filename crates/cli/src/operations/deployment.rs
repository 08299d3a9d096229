//! The deployment file: which canisters a group's commands speak to.

use std::path::Path;

use candid::Principal;
use serde::{Deserialize, Serialize};

use super::network_file::write_atomically;
use crate::failure::{Failure, Outcome};

/// A group's canisters. `deploy` writes it; it may be committed or handed around: nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub dao: Principal,
    pub custody: Principal,
    /// The canister that controls both, once they are handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrader: Option<Principal>,
    /// Name of the master keys that custody was installed with.
    pub key_name: String,
    /// Address of the network they live on.
    pub network: String,
}

impl Deployment {
    /// Reads it; `None` if there is none.
    ///
    /// # Errors
    /// When the file is there but not a deployment.
    pub fn read(path: &Path) -> Outcome<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("read the deployment", path, error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::file("understand the deployment", path, error)
                .hint("it is JSON with \"dao\", \"custody\", \"key_name\" and \"network\"; `countersign deploy` writes one")
        })
    }

    /// Writes it at once or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn write(&self, path: &Path) -> Outcome<()> {
        let text = serde_json::to_string_pretty(self).expect("texts are always JSON");
        write_atomically(path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_read_back_what_was_written_and_tell_missing_from_broken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deployment.json");
        assert_eq!(Deployment::read(&path).expect("missing is no failure"), None);
        let deployment = Deployment {
            dao: Principal::from_slice(&[1]),
            custody: Principal::from_slice(&[2]),
            upgrader: Some(Principal::from_slice(&[3])),
            key_name: "key_1".into(),
            network: "http://127.0.0.1:1".into(),
        };
        deployment.write(&path).expect("written");
        assert_eq!(Deployment::read(&path).expect("read"), Some(deployment));
        std::fs::write(&path, "{}").expect("written");
        assert!(Deployment::read(&path).is_err());
    }
}
