//! Which registry releases an npm lockfile (`package-lock.json`, `npm-shrinkwrap.json`; versions 2 and 3) pins.
//!
//! A digest counts only where npm itself compares it: what a lockfile has from a git repository npm installs unchecked,
//! whatever digest stands beside it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use package_formats::npm::is_hosted_repository;
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
    /// Where it is fetched from; without it, the registry is asked by name and version. Of a link, its target.
    resolved: Option<String>,
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
    for (path, entry) in &packages {
        if entry.link {
            check_link(path, entry)?;
            continue;
        }
        let Some((_, installed_as)) = path.rsplit_once("node_modules/") else { continue };
        let version = entry.version.as_deref().unwrap_or_default();
        let digests = entry.enforced_integrity().map(sha512_digests).unwrap_or_default();
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

impl Entry {
    /// The integrity text, where npm compares it with what it fetches.
    fn enforced_integrity(&self) -> Option<&str> {
        let is_enforced = self.resolved.as_deref().is_none_or(|address| {
            ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme))
                && !is_hosted_repository(address)
        });
        self.integrity.as_deref().filter(|_| is_enforced)
    }
}

/// Refuses a link to an installed package: it would stand under one name for what is pinned under another.
fn check_link(path: &str, entry: &Entry) -> Outcome<()> {
    let target = entry.resolved.as_deref().unwrap_or("node_modules");
    if target.split(['/', '\\']).any(|part| part.eq_ignore_ascii_case("node_modules")) {
        return Err(Failure::usage(format!(
            "\"{}\": links to another package, not to a directory of the project",
            path.escape_default()
        ))
        .hint("depend on that package under its own name, or as an alias, `npm:NAME@VERSION`"));
    }
    Ok(())
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
    fn should_count_a_digest_only_where_npm_enforces_it() {
        let digests_from = |resolved: &str| {
            let entry =
                serde_json::json!({"version": "1.2.3", "integrity": integrity(1), "resolved": resolved});
            let lockfile = serde_json::json!({"packages": {"node_modules/demo": entry}});
            pins(&lockfile.to_string()).expect("a lockfile").remove(0).digests
        };
        for unchecked in [
            "git+ssh://git.example/demo.git#0123",
            "git+https://git.example/demo.git",
            "https://github.com/evil/demo.git#0123",
            "https://www.github.com/evil/demo",
            "HTTPS://github.com/evil/demo",
            "github:evil/demo",
            "evil/demo",
            "file:../demo",
            "",
        ] {
            assert_eq!(digests_from(unchecked), [], "{unchecked}");
        }
        for checked in [
            "https://npm.registry.example/demo/-/demo-1.2.3.tgz",
            "http://127.0.0.1:4873/demo/-/demo-1.2.3.tgz",
            "https://github.com/five/demo/releases/download/v1.2.3/demo.tgz",
        ] {
            assert_eq!(digests_from(checked), [digest(1)], "{checked}");
        }
    }

    #[test]
    fn should_refuse_a_link_that_puts_one_package_in_the_place_of_another() {
        for target in ["node_modules/other", "packages/../node_modules/other", "a\\Node_Modules\\other"] {
            let link = serde_json::json!({"link": true, "resolved": target});
            let failure = pins(&serde_json::json!({"packages": {"node_modules/demo": link}}).to_string());
            assert!(failure.expect_err("refused").message.contains("node_modules/demo"), "{target}");
        }
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
