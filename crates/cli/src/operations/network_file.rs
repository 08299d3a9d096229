//! The network file: how to reach a network and which of its keys to trust. A served local network writes one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Outcome};

/// A network's address and keys, as a JSON file with keys in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFile {
    /// Base URL of the public HTTP interface.
    pub url: String,
    /// The key that certificates end at, DER-encoded.
    pub root_key: String,
    /// The master key that sealing keys derive from (96 bytes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vetkd_master_public_key: Option<String>,
    /// The master key that receipt keys derive from (32 bytes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schnorr_ed25519_master_public_key: Option<String>,
    /// The process that serves it, when it runs on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

impl NetworkFile {
    /// Where `network start` puts it inside its directory.
    pub fn path_in(directory: &Path) -> PathBuf {
        directory.join("network.json")
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file is missing or not a network file.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::file("read the network file", path, error)
                .hint("start one with `countersign network start`, or name another with --network")
        })?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::file("understand the network file", path, error).hint(
                "it is JSON with at least \"url\" and \"root_key\"; `countersign network start` writes one",
            )
        })
    }

    /// Writes it, as the network does when it starts.
    #[cfg(test)]
    pub fn write(&self, path: &Path) -> Outcome<()> {
        write_atomically(path, serde_json::to_string(self).expect("JSON").as_bytes())
    }
}

/// Replaces a file in one step.
///
/// # Errors
/// When the directory cannot be made or written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let failed = |error: std::io::Error| Failure::file("write", path, error);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let fresh = path.with_file_name(name);
    fs::write(&fresh, bytes).map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    fn file() -> NetworkFile {
        NetworkFile {
            url: "http://127.0.0.1:4943".into(),
            root_key: "00ff".into(),
            vetkd_master_public_key: Some("aa".into()),
            schnorr_ed25519_master_public_key: None,
            pid: Some(42),
        }
    }

    #[test]
    fn should_read_back_what_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = NetworkFile::path_in(directory.path());
        file().write(&path).expect("written");
        assert_eq!(NetworkFile::read(&path).expect("read"), file());
        let beside: Vec<_> = fs::read_dir(path.parent().expect("has one")).expect("listed").collect();
        assert_eq!(beside.len(), 1, "no temporary file is left");
    }

    #[test]
    fn should_say_what_to_do_when_the_file_is_missing_or_broken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("network.json");
        let missing = NetworkFile::read(&path).expect_err("missing");
        assert_eq!(missing.kind, FailureKind::Usage);
        assert!(missing.hint.expect("has one").contains("network start"));
        fs::write(&path, "{\"url\": 1}").expect("written");
        assert!(NetworkFile::read(&path).expect_err("broken").message.contains("understand"));
    }
}
