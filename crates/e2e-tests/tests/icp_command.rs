//! `icp`, the Internet Computer's own command, with this repository's `icp.yaml`: deploy, call, status, redeploy.
//!
//! It reaches the canisters through the public HTTP interface of a replica that runs as a process of its own, or of
//! the network that `COUNTERSIGN_E2E_NETWORK` names (see `local_network`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use e2e_tests::{
    canister_wasm::{canister_wasm, repository_root},
    countersign_command::Countersign,
    local_network::LocalNetwork,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What `icp.yaml` has in place of a network started here and of a member.
const CONFIGURED_URL: &str = "http://127.0.0.1:4943";
const TRIAL_MEMBER: &str = "535yc-uxytb-gfk7h-tny7p-vjkoe-i4krp-3qmcl-uqfgr-cpgej-yqtjq-rqe";

/// A project directory with this repository's `icp.yaml`, and a network to deploy it to.
struct Project {
    countersign: Countersign,
    network: LocalNetwork,
    directory: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let network = LocalNetwork::start(&directory.path().join("network"), &[]);
        let countersign = Countersign::new(directory.path(), Some(network.file.clone()));
        let member = match std::env::var("COUNTERSIGN_E2E_IDENTITY") {
            Ok(pem) => {
                fs::copy(pem, directory.path().join("member.pem")).expect("the identity who pays");
                let told = countersign.json(Some("member"), &["identity", "principal"]);
                told["principal"].as_str().expect("a principal").to_string()
            }
            Err(_) => countersign.new_identity("member"),
        };
        let project = Self { countersign, network, directory };
        project.write_configuration(&member);
        let pem = project.path("member.pem").display().to_string();
        project.icp(&["identity", "import", "member", "--from-pem", &pem, "--storage", "plaintext"]);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The repository's own configuration but for the network's address and the member, built by its own script.
    fn write_configuration(&self, member: &str) {
        let configuration =
            fs::read_to_string(repository_root().join("icp.yaml")).expect("the project's own");
        for part in [CONFIGURED_URL, TRIAL_MEMBER] {
            assert_eq!(configuration.matches(part).count(), 1, "{part} in icp.yaml");
        }
        let configuration =
            configuration.replace(CONFIGURED_URL, &self.network.url).replace(TRIAL_MEMBER, member);
        fs::write(self.path("icp.yaml"), configuration).expect("written");
        let root = repository_root().canonicalize().expect("the repository");
        fs::create_dir(self.path("scripts")).expect("a directory");
        fs::create_dir(self.path("target")).expect("a directory");
        // Not a link: the script looks for its checkout where it is called.
        let build = format!("#!/bin/sh\nexec '{}' \"$@\"\n", root.join("scripts/build").display());
        fs::write(self.path("scripts/build"), build).expect("written");
        make_executable(&self.path("scripts/build"));
        std::os::unix::fs::symlink(root.join("target/wasm"), self.path("target/wasm")).expect("a link");
    }

    /// Runs `icp` in the project and returns what it printed.
    ///
    /// # Panics
    /// When it fails, with all that it said.
    #[track_caller]
    fn icp(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(icp());
        command.args(arguments).current_dir(self.directory.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ICP_") {
                command.env_remove(name);
            }
        }
        command.env("ICP_TELEMETRY_DISABLED", "1").env("ICP_HOME", self.path("icp-home"));
        let done = command.output().expect("icp runs");
        let printed = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{arguments:?}:\n{printed}{}", String::from_utf8_lossy(&done.stderr));
        printed
    }

    #[track_caller]
    fn deploy(&self) {
        self.icp(&["deploy", "-e", "local", "--identity", "member", "-y"]);
    }

    #[track_caller]
    fn proposals(&self) -> String {
        let list = ["canister", "call", "dao_canister", "list_proposals", "(record {})"];
        self.icp(&[&list[..], &["-e", "local", "--identity", "member"]].concat())
    }

    /// Asks a query method without arguments.
    #[track_caller]
    fn query(&self, canister: &str, method: &str) -> String {
        self.icp(&[
            "canister",
            "call",
            "--query",
            canister,
            method,
            "()",
            "-e",
            "local",
            "--identity",
            "member",
        ])
    }

    /// What the network says of a canister of ours.
    #[track_caller]
    fn status(&self, canister: &str) -> Value {
        let said =
            self.icp(&["canister", "status", canister, "-e", "local", "--identity", "member", "--json"]);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

fn icp() -> PathBuf {
    let told =
        Command::new(repository_root().join("scripts/icp")).arg("path").output().expect("the script runs");
    PathBuf::from(String::from_utf8(told.stdout).expect("a path").trim())
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
}

#[test]
fn should_deploy_call_and_upgrade_when_icp_uses_the_projects_own_configuration() {
    let project = Project::new();
    project.deploy();
    let empty = project.proposals();
    assert!(empty.contains("proposals = vec {}") && empty.contains("total = 0"), "an empty page: {empty}");

    let mut ids = Vec::new();
    for canister in ["dao_canister", "custody_canister", "upgrader_canister"] {
        let status = project.status(canister);
        let text = status.to_string();
        assert!(text.to_lowercase().contains("\"running\""), "{status:#}");
        let module = hex::encode(Sha256::digest(canister_wasm(canister)));
        assert!(text.contains(&module), "the module is target/wasm/{canister}.wasm.gz, {module}: {status:#}");
        ids.push(status["id"].as_str().unwrap_or_else(|| panic!("no id: {status:#}")).to_string());
    }

    // None was told of the others: `icp deploy` sets PUBLIC_CANISTER_ID of each, which they read.
    let [dao, custody, upgrader] = &ids[..] else { panic!("three canisters") };
    let told = project.query("custody_canister", "custody_info");
    assert!(told.contains(dao), "custody obeys the DAO canister {dao}: {told}");
    let told = project.query("dao_canister", "dao_info");
    assert!(told.contains(custody), "the DAO orders custody {custody}: {told}");
    assert!(told.contains(upgrader), "the DAO orders upgrades from {upgrader}: {told}");
    let told = project.query("upgrader_canister", "upgrader_info");
    assert!(told.contains(dao) && told.contains(custody), "the upgrader knows both: {told}");

    // The same key file speaks for the same member in both programs.
    let canisters = ["--dao", dao, "--custody", custody];
    let url = "https://npm.registry.example/";
    let propose = ["registry", "propose", "--ecosystem", "npm", "--upload-url", url, "--read-url", url];
    let made = project.countersign.json(Some("member"), &[&canisters[..], &propose].concat());
    assert_eq!(made["proposal"], 1);
    let before = project.proposals();
    assert!(before.contains("total = 1"), "{before}");

    project.deploy();
    assert_eq!(project.proposals(), before, "the proposal made in between is still there");
    for id in &ids {
        assert!(
            matches!(project.network.executed(id, "PostUpgrade"), Some(1) | None),
            "{id} was upgraded once"
        );
    }
}
