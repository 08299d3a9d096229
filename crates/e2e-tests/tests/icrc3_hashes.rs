//! The hashes of our blocks are those that somebody else's implementation computes: the JavaScript agent's
//! representation-independent hash, on which ICRC-3's rests. `scripts/clients install node` fetches it.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use audit_log::Value;
use e2e_tests::{World, canister_wasm::repository_root, publishing::Publisher};
use release_types::Ecosystem;
use serde_json::json;

const SCRIPT: &str = include_str!("icrc3_hashes/hash.mjs");

fn tagged(value: &Value) -> serde_json::Value {
    match value {
        Value::Blob(bytes) => json!(["blob", hex::encode(bytes)]),
        Value::Text(text) => json!(["text", text]),
        Value::Nat(number) => json!(["nat", number.0.to_string()]),
        Value::Int(number) => panic!("the agent tells no integer from a natural: {number}"),
        Value::Array(items) => json!(["array", items.iter().map(tagged).collect::<Vec<_>>()]),
        Value::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, value)| json!([key, tagged(value)])).collect();
            json!(["map", entries])
        }
    }
}

fn hashes_by_the_agent(blocks: &[Value]) -> Vec<String> {
    let clients = repository_root().join("scripts/clients");
    let told = Command::new(clients).args(["path", "node"]).output().expect("the script runs");
    let directory = String::from_utf8(told.stdout).expect("a path");
    let mut node = Command::new("node")
        .args(["--input-type=module", "--eval", SCRIPT])
        .current_dir(directory.trim())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs; scripts/clients install node fetches the agent");
    let lines: String = blocks.iter().map(|block| format!("{}\n", tagged(block))).collect();
    let mut stdin = node.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = node.wait_with_output().expect("node ends");
    writer.join().expect("no panic").expect("node reads everything");
    assert!(output.status.success(), "node failed");
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn should_be_the_hashes_that_the_javascript_agent_computes() {
    let mut publisher = Publisher::in_world(World::with_upgrader(None), Ecosystem::Npm);
    let release = publisher.adopt_next();
    publisher.world.settle(release.proposal);
    let world = &mut publisher.world;
    for canister in [world.dao, world.custody, world.upgrader()] {
        let blocks = world.download_log(canister);
        let ours: Vec<_> = blocks.iter().map(|block| hex::encode(block.hash())).collect();
        assert!(!ours.is_empty());
        assert_eq!(hashes_by_the_agent(&blocks), ours, "{canister}");
    }
}
