//! A group of maintainers with its canisters, acting through the `countersign` program alone.

use std::{path::Path, sync::Mutex};

use e2e_tests::countersign_command::Countersign;
use serde_json::Value;

/// The members, one vote each: two of three decide.
pub const MEMBERS: [&str; 3] = ["alice", "bob", "carol"];

/// A deployed group.
pub struct Group {
    pub countersign: Countersign,
    pub dao: String,
    pub custody: String,
    /// Held while artifacts are uploaded, so that a test can count what is sent.
    pub uploading: Mutex<()>,
}

impl Group {
    /// Deploys the canisters in `wasm` for the members and the CI, whose identities are there already.
    pub fn deploy(countersign: Countersign, wasm: &Path) -> Self {
        let principal = |name: &str| {
            let told = countersign.json(Some(name), &["identity", "principal"]);
            format!("{name}={}", told["principal"].as_str().expect("a principal"))
        };
        let mut arguments = vec!["deploy".to_string(), "--wasm-dir".into(), wasm.display().to_string()];
        for member in MEMBERS {
            arguments.extend(["--member".into(), principal(member)]);
        }
        arguments.extend(["--proposer".into(), principal("ci")]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let deployed = countersign.json(Some("operator"), &arguments);
        let id = |name: &str| deployed[name].as_str().expect("a canister id").to_string();
        Self { dao: id("dao"), custody: id("custody"), countersign, uploading: Mutex::new(()) }
    }

    /// The object that a command of somebody prints which must go well.
    #[track_caller]
    pub fn json(&self, who: &str, arguments: &[&str]) -> Value {
        self.countersign.json(Some(who), arguments)
    }

    /// Has two members vote yes, and waits until the proposal is carried out.
    #[track_caller]
    pub fn approve(&self, proposal: &str) -> Value {
        for member in &MEMBERS[..2] {
            self.json(member, &["vote", proposal, "yes"]);
        }
        let outcome = self.json("carol", &["status", proposal, "--wait", "--timeout", "60s"]);
        assert_eq!(outcome["status"], "Executed", "{outcome:#}");
        outcome
    }

    /// Votes a registry into place.
    #[track_caller]
    pub fn add_registry(&self, id: &str, upload_url: &str, read_url: &str) {
        let urls = ["--upload-url", upload_url, "--read-url", read_url];
        let made = self
            .json("alice", &[&["registry", "propose", "--id", id, "--ecosystem", id], &urls[..]].concat());
        self.approve(&number(&made["proposal"]));
    }

    /// Has alice seal a token, votes it into use, and returns the credential's id.
    #[track_caller]
    pub fn add_credential(&self, registry: &str, packages: &[&str], token: &str) -> String {
        let mut arguments = vec!["credential", "seal", "--registry", registry];
        arguments.extend(packages.iter().flat_map(|package| ["--package", package]));
        let (code, sealed) = self.countersign.run_json(Some("alice"), &arguments, &format!("{token}\n"));
        assert_eq!(code, 0, "{sealed:#}");
        let credential = sealed["credential"].as_str().expect("an id").to_string();
        let made = self.json("alice", &["credential", "propose", &credential]);
        self.approve(&number(&made["proposal"]));
        let shown = self.json("bob", &["credential", "status", &credential]);
        assert!(shown.to_string().contains("Active"), "{shown:#}");
        credential
    }

    /// Has the CI propose a release of the files, and returns the proposal's number.
    #[track_caller]
    pub fn propose(&self, registry: &str, files: &[&Path]) -> String {
        let mut arguments = vec!["propose", "--registry", registry];
        arguments.extend(["--source-repository", "https://git.example/five", "--commit"]);
        let commit = "0".repeat(40);
        arguments.push(&commit);
        arguments.extend(files.iter().map(|file| file.to_str().expect("a plain path")));
        let _uploading = self.uploading.lock();
        number(&self.json("ci", &arguments)["proposal"])
    }
}

/// A number in an answer, as an argument of the next command.
#[track_caller]
pub fn number(value: &Value) -> String {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}")).to_string()
}
