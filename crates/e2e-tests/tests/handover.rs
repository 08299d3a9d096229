//! The hand-over and the audit as people meet them: the `countersign` program, against a network in a process of its own.

use std::{fs, path::Path};

use e2e_tests::{
    canister_wasm::repository_root, control::marked, countersign_command::Countersign,
    local_network::LocalNetwork,
};
use serde_json::Value;

/// A group of one, whose canisters the operator controls yet.
struct Group {
    countersign: Countersign,
    wasm: String,
    _network: LocalNetwork,
    _directory: tempfile::TempDir,
}

impl Group {
    fn deploy() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let network = LocalNetwork::start(&directory.path().join("network"), &[]);
        let countersign = Countersign::new(directory.path(), Some(network.file.clone()));
        match std::env::var("COUNTERSIGN_E2E_IDENTITY") {
            Ok(pem) => drop(fs::copy(pem, directory.path().join("operator.pem")).expect("who pays")),
            Err(_) => drop(countersign.new_identity("operator")),
        }
        let member = format!("alice={}", countersign.new_identity("alice"));
        let wasm = repository_root().canonicalize().expect("the repository").join("target/wasm");
        let wasm = wasm.display().to_string();
        countersign.json(Some("operator"), &["deploy", "--wasm-dir", &wasm, "--member", &member]);
        Self { countersign, wasm, _network: network, _directory: directory }
    }

    fn path(&self) -> &Path {
        &self.countersign.directory
    }

    fn check(&self, wasm: &str) -> (i32, Value) {
        self.countersign.run_json(None, &["handover", "--check", "--wasm-dir", wasm], "")
    }

    /// What the check found that is not safe.
    fn unsafe_findings(&self, wasm: &str) -> Vec<String> {
        let (_, checked) = self.check(wasm);
        let findings = checked["findings"].as_array().expect("a list");
        let is_unsafe = findings.iter().filter(|finding| finding["verdict"] == "unsafe");
        is_unsafe.map(|finding| finding["what"].as_str().expect("text").to_owned()).collect()
    }

    fn audit(&self, canister: &str) -> Value {
        self.countersign.json(None, &["audit", canister])
    }

    /// Has alice, who decides alone, adopt what she proposes, and waits for its end.
    fn carry_out(&self, arguments: &[&str]) -> Value {
        let made = self.countersign.json(Some("alice"), arguments);
        let id = made["proposal"].as_u64().expect("a number").to_string();
        self.countersign.json(Some("alice"), &["vote", &id, "yes"]);
        self.countersign.json(Some("alice"), &["status", &id, "--wait", "--timeout", "120s"])
    }
}

#[test]
fn should_leave_control_to_votes_alone_and_say_when_it_is_not_so() {
    let group = Group::deploy();
    let (code, said) = group.check(&group.wasm);
    assert_eq!(code, 1, "nothing was handed over yet: {said:#}");
    let status = group.countersign.run(None, &["status"], "").ended_with(0).output();
    assert!(status.contains("upgrader none"), "{status}");

    let committee = ["--committee", &group.countersign.new_identity("bob")].map(str::to_owned);
    let one = ["handover", "--wasm-dir", &group.wasm, &committee[0], &committee[1], "--threshold", "1"];
    let (code, said) = group.countersign.run_json(Some("operator"), &one, "");
    assert_eq!(code, 2, "one key must not suffice: {said:#}");

    let handover = ["handover", "--wasm-dir", &group.wasm];
    let done = group.countersign.json(Some("operator"), &handover);
    assert_eq!(done["safe"], true, "{done:#}");
    assert_eq!(group.check(&group.wasm).0, 0);
    let status = group.countersign.run(None, &["status"], "").ended_with(0).output();
    assert!(status.contains(done["upgrader"].as_str().expect("an id")), "{status}");

    // Who deployed has no say any more.
    let upgrade = ["deploy", "--upgrade", "--wasm-dir", &group.wasm];
    let (code, said) = group.countersign.run_json(Some("operator"), &upgrade, "");
    assert_eq!(code, 1, "{said:#}");

    // Without a build of one's own nobody knows which code runs; with another build it is other code.
    let elsewhere = group.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let elsewhere = elsewhere.display().to_string();
    assert_eq!(group.check(&elsewhere).0, 2);
    for name in ["dao_canister", "custody_canister", "upgrader_canister"] {
        let path = Path::new(&elsewhere).join(format!("{name}.wasm.gz"));
        fs::write(path, marked(name, "another build")).expect("written");
    }
    assert_eq!(group.check(&elsewhere).0, 1);
    assert_eq!(
        group.unsafe_findings(&elsewhere),
        ["module of DAO", "module of custody", "module of upgrader"]
    );

    // Only a vote puts that code in place, and by the rule that a new group has, a day later.
    let module = Path::new(&elsewhere).join("custody_canister.wasm.gz").display().to_string();
    let propose = ["propose", "upgrade", "custody", "--wasm", &module];
    assert_eq!(group.countersign.json(Some("alice"), &propose)["proposal"], 1);
    group.countersign.json(Some("alice"), &["vote", "1", "yes"]);
    let shown = group.countersign.run(None, &["show", "1"], "").ended_with(0).output();
    assert!(shown.contains("upgrade custody to module") && shown.contains("approved"), "{shown}");
    assert_eq!(group.check(&group.wasm).0, 0, "not yet");
}

#[test]
fn should_replay_each_log_to_the_state_that_its_canister_reports() {
    let group = Group::deploy();
    group.countersign.json(Some("operator"), &["handover", "--wasm-dir", &group.wasm]);
    let url = "https://npm.registry.example/";
    let registry = ["registry", "propose", "--ecosystem", "npm", "--upload-url", url, "--read-url", url];
    let ended = group.carry_out(&registry);
    assert_eq!(ended["status"], "Executed", "{ended:#}");
    for canister in ["dao", "custody", "upgrader"] {
        let audited = group.audit(canister);
        assert_eq!((&audited["proven"], &audited["forks"]), (&true.into(), &0.into()), "{audited:#}");
    }
    let audited = group.countersign.json(None, &["audit", "dao", "--export", "log.jsonl"]);
    let text = fs::read_to_string(group.path().join("log.jsonl")).expect("exported");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!(lines.len() as u64, audited["blocks"].as_u64().expect("a number"));
    assert_eq!(lines.last().expect("a block")["hash"], audited["tip_hash"]);
}
