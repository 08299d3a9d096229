//! What npm does when it installs a version, besides unpacking it: what it fetches, runs and links. npm believes the
//! registry's document there and not the tarball, so the voted bytes alone do not say it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Bytes kept of each digest: enough that nobody finds another text with the same.
const DIGEST_BYTES: usize = 16;

/// What a version document makes npm do, each kind by a digest. Of what it does not name there is nothing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct InstallFacts(BTreeMap<String, String>);

/// The parts of a version document that npm follows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Followed {
    dependencies: Option<Value>,
    optional_dependencies: Option<Value>,
    peer_dependencies: Option<Value>,
    scripts: Option<Value>,
    bin: Option<Value>,
}

impl InstallFacts {
    /// Reads them from a version document of the package `name`; none if that is no JSON object.
    pub fn of(name: &str, document: &[u8]) -> Option<Self> {
        let followed: Followed = serde_json::from_slice(document).ok()?;
        // Of both, the optional one counts; npm itself leaves it out of the others or not.
        let mut requires = entries(followed.dependencies);
        requires.extend(entries(followed.optional_dependencies));
        let scripts = entries(followed.scripts);
        let runs = |script: &str| {
            let text = scripts.get(script).filter(|text| !text.is_empty())?;
            Some(BTreeMap::from([(script.to_owned(), text.clone())]))
        };
        let kinds = [
            ("requires", Some(requires)),
            ("peers", Some(entries(followed.peer_dependencies))),
            ("preinstall", runs("preinstall")),
            ("install", runs("install")),
            ("postinstall", runs("postinstall")),
            ("links", Some(links(name, followed.bin))),
        ];
        let named = kinds.into_iter().filter_map(|(kind, entries)| {
            let entries = entries.filter(|entries| !entries.is_empty())?;
            Some((kind.to_owned(), digest(&entries)))
        });
        Some(Self(named.collect()))
    }

    /// Whether there is anything here that `voted` has not, or has otherwise. What is left out does no harm.
    pub(super) fn differ_from(&self, voted: &Self) -> bool {
        self.0.iter().any(|(kind, digest)| voted.0.get(kind) != Some(digest))
    }
}

/// The entries of an object, each value as text. Nonsense counts as one entry: npm may make something of it.
fn entries(shown: Option<Value>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match shown {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Array(items)) if items.is_empty() => BTreeMap::new(),
        Some(Value::Object(object)) => object.into_iter().map(|(name, value)| (name, text(value))).collect(),
        Some(other) => BTreeMap::from([(String::new(), other.to_string())]),
    }
}

/// Commands with the files behind them, however they are written.
fn links(name: &str, bin: Option<Value>) -> BTreeMap<String, String> {
    let commands = match bin {
        Some(Value::String(path)) => {
            let command = name.rsplit('/').next().unwrap_or(name);
            BTreeMap::from([(command.to_owned(), path)])
        }
        other => entries(other),
    };
    let plain = |path: String| path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
    commands.into_iter().map(|(command, path)| (command, plain(path))).collect()
}

fn digest(entries: &BTreeMap<String, String>) -> String {
    let text = serde_json::to_vec(entries).expect("texts by text");
    hex::encode(&Sha256::digest(text)[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(document: &Value) -> InstallFacts {
        InstallFacts::of("@dao/demo", document.to_string().as_bytes()).expect("an object")
    }

    #[test]
    fn should_tell_whatever_npm_would_fetch_run_or_link_beyond_the_vote() {
        let voted = facts(&json!({
            "dependencies": {"one": "^1.0.0"}, "scripts": {"install": "make", "test": "check"}, "bin": {"demo": "cli.js"}
        }));
        for more in [
            json!({"dependencies": {"one": "^1.0.0", "evil": "*"}}),
            json!({"dependencies": {"one": "^2.0.0"}}),
            json!({"dependencies": {"one": "^1.0.0"}, "optionalDependencies": {"evil": "*"}}),
            json!({"peerDependencies": {"evil": "*"}}),
            json!({"scripts": {"install": "make && evil"}}),
            json!({"scripts": {"postinstall": "evil"}}),
            json!({"bin": {"demo": "cli.js", "git": "evil.js"}}),
            json!({"bin": "evil.js"}),
            json!({"dependencies": ["evil"]}),
            json!({"dependencies": "evil"}),
        ] {
            assert!(facts(&more).differ_from(&voted), "{more}");
        }
    }

    #[test]
    fn should_take_other_spellings_and_what_is_left_out_for_the_same() {
        let voted = facts(&json!({
            "dependencies": {"one": "^1.0.0"}, "optionalDependencies": {"two": "*"}, "bin": {"demo": "cli.js"}
        }));
        for same in [
            json!({}),
            json!({"optionalDependencies": {"two": "*"}, "dependencies": {"two": "*", "one": "^1.0.0"}}),
            json!({"bin": "./cli.js", "dependencies": {}, "peerDependencies": null}),
            json!({"scripts": {"test": "anything"}, "devDependencies": {"evil": "*"}}),
        ] {
            assert!(!facts(&same).differ_from(&voted), "{same}");
        }
        assert_eq!(InstallFacts::of("demo", b"[]"), None);
    }
}
