//! Which registry releases an npm lockfile (`package-lock.json`, `npm-shrinkwrap.json`; versions 2 and 3) pins.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;

use super::{FileDigest, Pin, ReleaseName};
use crate::failure::{Failure, Outcome};

#[derive(Deserialize)]
struct Lockfile {
    packages: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    /// The package's own name, where it is installed under another one.
    name: Option<String>,
    version: Option<String>,
    integrity: Option<String>,
    /// A workspace or a directory: not from a registry.
    #[serde(default)]
    link: bool,
}

/// The releases that a lockfile pins, each once. Packages of the project itself are left out. A package that is
/// installed under another's name counts as both.
///
/// # Errors
/// When it is no lockfile of a known version, or an entry names no exact release: nothing is skipped unseen.
pub fn pins(text: &str) -> Outcome<Vec<Pin>> {
    let lockfile: Lockfile = serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("not an npm lockfile: {error}")))?;
    let packages = lockfile.packages.ok_or_else(|| {
        Failure::usage("not an npm lockfile of version 2 or 3: it has no \"packages\"")
            .hint("write it anew with `npm install --package-lock-only --lockfile-version 3`")
    })?;
    let mut pins = Vec::new();
    for (path, entry) in packages.iter().filter(|(_, entry)| !entry.link) {
        let Some((_, installed_as)) = path.rsplit_once("node_modules/") else { continue };
        let version = entry.version.as_deref().unwrap_or_default();
        let digests = entry.integrity.as_deref().map(sha512_digests).unwrap_or_default();
        for name in [Some(installed_as), entry.name.as_deref()].into_iter().flatten() {
            let release = ReleaseName::npm(name, version)
                .map_err(|error| Failure::usage(format!("\"{}\": {error}", path.escape_default())))?;
            pins.push(Pin { release, digests: digests.clone() });
        }
    }
    pins.sort_by_key(|pin| (pin.release.clone(), pin.digests.first().map(ToString::to_string)));
    pins.dedup();
    Ok(pins)
}

/// The SHA-512 digests of an integrity text; other hashes are too weak or not on receipts.
fn sha512_digests(integrity: &str) -> Vec<FileDigest> {
    let digest = |part: &str| {
        let encoded = part.strip_prefix("sha512-")?.split('?').next()?;
        let bytes = BASE64.decode(encoded).ok().filter(|bytes| bytes.len() == 64)?;
        Some(FileDigest::Sha512(hex::encode(bytes)))
    };
    integrity.split_whitespace().filter_map(digest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integrity(byte: u8) -> String {
        format!("sha512-{}", BASE64.encode([byte; 64]))
    }

    fn digest(byte: u8) -> FileDigest {
        FileDigest::Sha512(hex::encode([byte; 64]))
    }

    #[test]
    fn should_read_every_registry_package_once_with_its_digest() {
        let lockfile = serde_json::json!({
            "name": "project", "version": "1.0.0", "lockfileVersion": 3,
            "packages": {
                "": {"name": "project", "version": "1.0.0"},
                "packages/inner": {"version": "0.1.0"},
                "node_modules/inner": {"resolved": "packages/inner", "link": true},
                "node_modules/demo": {"version": "1.2.3", "integrity": integrity(1)},
                "node_modules/other/node_modules/demo": {"version": "1.2.3", "integrity": integrity(1)},
                "node_modules/short": {"name": "@five/long", "version": "2.0.0", "integrity": integrity(2)},
                "node_modules/old": {"version": "0.0.1", "integrity": "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
                "node_modules/from-git": {"version": "3.0.0", "resolved": "git+ssh://git.example/x.git#0"},
            },
        });
        let pins = pins(&lockfile.to_string()).expect("a lockfile");
        let read: Vec<_> = pins.iter().map(|pin| (pin.release.to_string(), pin.digests.clone())).collect();
        let expected = [
            ("npm:@five/long@2.0.0", vec![digest(2)]),
            ("npm:demo@1.2.3", vec![digest(1)]),
            ("npm:from-git@3.0.0", vec![]),
            ("npm:old@0.0.1", vec![]),
            ("npm:short@2.0.0", vec![digest(2)]),
        ];
        assert_eq!(read, expected.map(|(name, digests)| (name.to_string(), digests)));
    }

    #[test]
    fn should_keep_apart_two_digests_of_the_same_release() {
        let lockfile = serde_json::json!({"packages": {
            "node_modules/demo": {"version": "1.2.3", "integrity": integrity(1)},
            "node_modules/other/node_modules/demo": {"version": "1.2.3", "integrity": integrity(2)},
        }});
        assert_eq!(pins(&lockfile.to_string()).expect("a lockfile").len(), 2);
    }

    #[test]
    fn should_not_skip_an_entry_that_names_no_exact_release() {
        for entry in [serde_json::json!({"integrity": integrity(1)}), serde_json::json!({"version": "x"})] {
            let failure = pins(&serde_json::json!({"packages": {"node_modules/demo": entry}}).to_string());
            assert!(failure.expect_err("refused").message.contains("node_modules/demo"));
        }
    }

    #[test]
    fn should_say_what_to_do_with_a_lockfile_of_version_1() {
        let failure = pins(r#"{"lockfileVersion": 1, "dependencies": {}}"#).expect_err("refused");
        assert!(failure.hint.expect("one").contains("--lockfile-version 3"));
        assert!(pins("no JSON").is_err());
    }
}
