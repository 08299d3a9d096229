//! `icp`, the Internet Computer's own command: a project's whole life on the replica.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::network::{Network, client, counter, run};

/// A project with one canister, `counter`, built from a module file.
struct Project {
    network: Network,
    directory: TempDir,
}

impl Project {
    fn new() -> Self {
        let project =
            Self { network: Network::start(), directory: tempfile::tempdir().expect("a directory") };
        let configuration = format!(
            "canisters:\n  - name: counter\n    build:\n      steps:\n        - type: pre-built\n          path: counter.wasm\n\
             networks:\n  - name: here\n    mode: connected\n    url: {}\n    root-key: fetch\n\
             environments:\n  - name: here\n    network: here\n",
            project.network.url
        );
        fs::write(project.path().join("icp.yaml"), configuration).expect("written");
        project.build(&counter());
        project.icp(&["identity", "new", "tester", "--storage", "plaintext", "--quiet"]);
        project
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn build(&self, module: &[u8]) {
        fs::write(self.path().join("counter.wasm"), module).expect("written");
    }

    #[track_caller]
    fn icp(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(client("icp"));
        command.args(arguments).current_dir(self.path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ICP_")) {
            command.env_remove(name);
        }
        run(command.env("ICP_TELEMETRY_DISABLED", "1").env("ICP_HOME", self.path().join("icp-home")))
    }

    /// A command that acts on this network as the tester.
    #[track_caller]
    fn on_network(&self, arguments: &[&str]) -> String {
        self.icp(&[arguments, &["-e", "here", "--identity", "tester"]].concat())
    }

    #[track_caller]
    fn deploy(&self) {
        self.on_network(&["deploy", "-y"]);
    }

    #[track_caller]
    fn call(&self, method: &str) -> String {
        self.on_network(&["canister", "call", "counter", method, "()"]).trim().to_owned()
    }

    #[track_caller]
    fn status(&self) -> Value {
        let said = self.on_network(&["canister", "status", "counter", "--json"]);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

#[test]
fn should_deploy_call_and_upgrade() {
    let project = Project::new();
    project.deploy();
    assert_eq!(project.call("increment"), "(1 : nat64)");
    assert_eq!(project.call("increment"), "(2 : nat64)");
    let before = project.status();
    project.build(&[&counter()[..], &custom_section("changed", &[1])].concat());
    project.deploy();
    assert_ne!(project.status()["module_hash"], before["module_hash"], "{before:#}");
    assert_eq!(project.call("value"), "(2 : nat64)");
}

/// Modules over 2 MiB do not fit in one message: `icp` uploads them in chunks.
#[test]
fn should_install_a_large_module_in_chunks() {
    let project = Project::new();
    project.build(&[&counter()[..], &custom_section("ballast", &vec![7; 3 << 20])].concat());
    project.deploy();
    assert_eq!(project.call("increment"), "(1 : nat64)");
    project.deploy();
    assert_eq!(project.call("value"), "(1 : nat64)");
}

#[test]
fn should_show_logs() {
    let project = Project::new();
    project.deploy();
    project.call("increment");
    let logs = project.on_network(&["canister", "logs", "counter"]);
    assert!(logs.contains("counted"), "{logs}");
}

#[test]
fn should_change_and_show_settings() {
    let project = Project::new();
    project.deploy();
    project.on_network(&[
        "canister",
        "settings",
        "update",
        "counter",
        "--freezing-threshold",
        "90d",
        "--log-visibility",
        "public",
        "-f",
    ]);
    let settings = &project.status()["settings"];
    assert_eq!(settings["freezing_threshold"], "7_776_000", "{settings:#}");
    assert_eq!(settings["log_visibility"]["type"], "Public", "{settings:#}");
    let shown = project.on_network(&["canister", "settings", "show", "counter"]);
    assert!(shown.contains("7_776_000"), "{shown}");
}

#[test]
fn should_take_list_restore_and_delete_a_snapshot() {
    let project = Project::new();
    project.deploy();
    project.call("increment");
    project.on_network(&["canister", "stop", "counter"]);
    let snapshot = project.on_network(&["canister", "snapshot", "create", "counter", "--quiet"]);
    let snapshot = snapshot.trim();
    project.on_network(&["canister", "start", "counter"]);
    assert_eq!(project.call("increment"), "(2 : nat64)");
    assert!(project.on_network(&["canister", "snapshot", "list", "counter"]).contains(snapshot));
    project.on_network(&["canister", "stop", "counter"]);
    project.on_network(&["canister", "snapshot", "restore", "counter", snapshot]);
    project.on_network(&["canister", "start", "counter"]);
    assert_eq!(project.call("value"), "(1 : nat64)");
    project.on_network(&["canister", "snapshot", "delete", "counter", snapshot]);
    assert!(!project.on_network(&["canister", "snapshot", "list", "counter"]).contains(snapshot));
}

/// A snapshot leaves the network as files and comes back into another canister's life.
#[test]
fn should_download_and_upload_a_snapshot() {
    let project = Project::new();
    project.deploy();
    project.call("increment");
    project.on_network(&["canister", "stop", "counter"]);
    let taken = project.on_network(&["canister", "snapshot", "create", "counter", "--quiet"]);
    let files = project.path().join("files").display().to_string();
    project.on_network(&["canister", "snapshot", "download", "counter", taken.trim(), "--output", &files]);
    project.on_network(&["canister", "snapshot", "delete", "counter", taken.trim()]);
    project.on_network(&["canister", "start", "counter"]);
    project.call("increment");
    project.on_network(&["canister", "stop", "counter"]);
    let uploaded =
        project.on_network(&["canister", "snapshot", "upload", "counter", "--input", &files, "--quiet"]);
    project.on_network(&["canister", "snapshot", "restore", "counter", uploaded.trim()]);
    project.on_network(&["canister", "start", "counter"]);
    assert_eq!(project.call("value"), "(1 : nat64)");
}

#[test]
fn should_stop_start_and_delete_a_canister() {
    let project = Project::new();
    project.deploy();
    project.on_network(&["canister", "stop", "counter"]);
    assert!(project.status().to_string().to_lowercase().contains("\"stopped\""));
    project.on_network(&["canister", "start", "counter"]);
    project.call("increment");
    project.on_network(&["canister", "stop", "counter"]);
    let balance = || digits(&project.on_network(&["cycles", "balance"]));
    let before = balance();
    project.on_network(&["canister", "delete", "counter"]);
    assert!(balance() > before, "the canister's cycles come back");
}

#[test]
fn should_mint_and_transfer_cycles() {
    let project = Project::new();
    let cycles = |arguments: &[&str]| project.on_network(&[&["cycles"], arguments].concat());
    let minted = cycles(&["mint", "--icp", "2"]);
    assert!(minted.contains("Minted"), "{minted}");
    let sent = cycles(&["transfer", "1T", "aaaaa-aa"]);
    assert!(sent.contains("Transferred 1_000_000_000_000 cycles to aaaaa-aa"), "{sent}");
    let icp = project.on_network(&["token", "balance"]);
    assert!(icp.contains("ICP"), "{icp}");
}

#[test]
fn should_top_up_and_show_metadata() {
    let project = Project::new();
    project.build(&[&counter()[..], &custom_section("icp:public note", b"for all")].concat());
    project.deploy();
    assert_eq!(project.on_network(&["canister", "metadata", "counter", "note"]).trim(), "for all");
    let before = digits(&project.status()["cycles"].to_string());
    project.on_network(&["canister", "top-up", "--amount", "1T", "counter"]);
    let gained = digits(&project.status()["cycles"].to_string()).saturating_sub(before);
    assert!(gained > 900_000_000_000, "gained {gained} cycles, but for what existing costs");
}

/// The number that a text like `1_000 cycles` shows.
fn digits(text: &str) -> u128 {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

/// A custom section that wasm engines skip.
fn custom_section(name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = vec![u8::try_from(name.len()).expect("short")];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    let mut section = vec![0];
    leb128::write::unsigned(&mut section, body.len() as u64).expect("memory");
    section.extend(body);
    section
}
