//! The binary: what it announces, and that a signal ends it.

use local_replica::serve::Network;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The served process; killed when a test fails before it has ended it.
struct Served {
    child: Child,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already when the test passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(arguments: &[&str]) -> (Served, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_local-replica"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    (Served { child }, line)
}

#[tokio::test]
async fn should_announce_the_network_and_keep_its_file_until_a_signal() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("network.json");
    let path = file.to_str().expect("UTF-8");
    let (mut served, line) = serve(&["--seed", "7", "--json", "--network-file", path]);

    let announced: Network = serde_json::from_str(&line).expect("JSON");
    let written: Network = serde_json::from_slice(&std::fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(announced, written);
    assert_eq!(announced.pid, served.child.id());
    assert_eq!(hex::decode(&announced.vetkd_master_public_key).expect("hex").len(), 96);

    let agent = ic_agent::Agent::builder().with_url(&announced.url).build().expect("an agent");
    agent.fetch_root_key().await.expect("the status endpoint");
    assert_eq!(hex::encode(agent.read_root_key()), announced.root_key);

    let pid = announced.pid.to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    assert!(served.child.wait().expect("it ends").success());
    assert!(!file.exists());
}

#[test]
fn should_have_the_same_keys_for_the_same_seed_and_others_for_another() {
    let keys_of = |seed| {
        let (_served, line) = serve(&["--seed", seed, "--json"]);
        let network: Network = serde_json::from_str(&line).expect("JSON");
        (network.root_key, network.vetkd_master_public_key, network.schnorr_ed25519_master_public_key)
    };
    let (first, again, other) = (keys_of("1"), keys_of("1"), keys_of("2"));
    assert_eq!(first, again);
    assert!(first.0 != other.0 && first.1 != other.1 && first.2 != other.2);
}

#[test]
fn should_refuse_a_route_to_another_machine() {
    let output = Command::new(env!("CARGO_BIN_EXE_local-replica"))
        .args(["--route", "npm.registry.example=http://203.0.113.5:80"])
        .output()
        .expect("the binary starts");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a loopback address"));
}
