//! `@icp-sdk/core`, the JavaScript agent of applications, in Node.

use std::fs::File;
use std::process::Command;

use serde_json::Value;

use crate::network::{Network, client, counter, run};

/// The script checks what it sees by itself; here, that it came to its end.
#[test]
fn should_serve_the_javascript_agent_with_every_kind_of_identity() {
    let network = Network::start();
    let canister = network.install(counter());
    // Read from standard input, a script finds packages where it is run.
    let script = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/node/core.js"));
    let mut node = Command::new("node");
    node.current_dir(client("node")).stdin(script.expect("it is in the checkout"));
    let said = run(node.args(["--input-type=module", "-", &network.url, &canister.to_text()]));
    let said: Value = serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(said["known"].as_array().map(Vec::len), Some(4), "{said}");
    assert_eq!(said["value"], 10, "{said}");
}
