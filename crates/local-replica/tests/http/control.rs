//! The control interface, as a script uses it beside an agent.

use crate::raw::post;
use crate::setup::{Setup, as_u32, identity};
use candid::Principal;
use local_replica::control::ControlServer;
use local_replica::trace::Trace;
use serde_json::{Value, json};

/// A served network with its control interface and one canister of a known user.
struct Controlled {
    network: Setup,
    control: ControlServer,
    canister: Principal,
}

impl Controlled {
    async fn start() -> Self {
        let network = Setup::start();
        let trace = Trace::default();
        let observer = trace.observer(None).expect("no file is made");
        network.with_replica(|replica| replica.observe(observer));
        let control =
            ControlServer::start(network.server(), trace, ([127, 0, 0, 1], 0).into()).expect("a port");
        let agent = network.agent(identity(1)).await;
        let canister = network.counter(&agent).await;
        Self { network, control, canister }
    }

    /// Sends a request; returns the status and the body.
    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Vec<u8>) {
        let request = ureq::request(method, &format!("{}{path}", self.control.url()));
        send(request, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn put(&self, path: &str, body: Value) {
        let (status, answer) = self.send("PUT", path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
    }
}

async fn send(request: ureq::Request, body: Option<Value>) -> (u16, Vec<u8>) {
    let sent = tokio::task::spawn_blocking(move || {
        let answered = match body {
            Some(body) => request.set("content-type", "application/json").send_string(&body.to_string()),
            None => request.call(),
        };
        let response = match answered {
            Ok(response) | Err(ureq::Error::Status(_, response)) => response,
            Err(error) => panic!("{error}"),
        };
        let status = response.status();
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut response.into_reader(), &mut body).expect("a body");
        (status, body)
    });
    sent.await.expect("no panic")
}

#[tokio::test]
async fn should_list_what_it_offers() {
    let controlled = Controlled::start().await;
    let (status, body) = controlled.send("GET", "/", None).await;
    let text = String::from_utf8(body).expect("text");
    assert_eq!(status, 200);
    for path in ["/state", "/time", "/trace", "/execution", "/canisters/ID/memory"] {
        assert!(text.contains(path), "{path} in {text}");
    }
}

#[tokio::test]
async fn should_move_the_time() {
    let controlled = Controlled::start().await;
    let before = controlled.get("/state").await["time_ns"].as_u64().expect("a number");
    let (status, _) = controlled.send("POST", "/time", Some(json!({ "milliseconds": 86_400_000 }))).await;
    assert_eq!(status, 200);
    let after = controlled.get("/state").await["time_ns"].as_u64().expect("a number");
    assert!(after - before >= 86_400_000_000_000, "a day: {before} to {after}");
}

#[tokio::test]
async fn should_show_a_canister_its_memory_and_its_balance() {
    let controlled = Controlled::start().await;
    let agent = controlled.network.agent(identity(1)).await;
    agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer");
    let id = controlled.canister;
    let state = controlled.get("/state").await;
    assert_eq!(state["canisters"][0]["id"], id.to_text());
    assert_eq!(state["canisters"][0]["status"], "running");
    assert_eq!(state["canisters"][0]["heap_bytes"], 65_536);

    let (_, counted) = controlled.send("GET", &format!("/canisters/{id}/memory?length=4"), None).await;
    assert_eq!(counted, [1, 0, 0, 0]);
    let (status, _) =
        controlled.send("GET", &format!("/canisters/{id}/memory?offset=65533&length=4"), None).await;
    assert_eq!(status, 400);

    controlled.put(&format!("/canisters/{id}/cycles"), json!({ "balance_cycles": 7 })).await;
    assert_eq!(controlled.get("/state").await["canisters"][0]["balance_cycles"], 7);
}

#[tokio::test]
async fn should_trace_messages_as_text_and_as_json() {
    let controlled = Controlled::start().await;
    let agent = controlled.network.agent(identity(1)).await;
    agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer");
    agent.update(&controlled.canister, "trap").call_and_wait().await.expect_err("a trap");
    let messages = controlled.get("/trace?json=true").await;
    let messages = messages.as_array().expect("a list");
    let counted =
        messages.iter().find(|message| message["entry"].to_string().contains("inc")).expect("traced");
    assert!(counted["instructions"].as_u64() > Some(0) && counted["cycles"].as_u64() > Some(5_000_000));
    assert_eq!(counted["replied"], true);
    let last = messages.last().expect("not empty");
    assert!(last["outcome"].to_string().contains("unreachable"), "{last}");

    let path = format!("/trace?from={}", last["number"]);
    let (_, text) = controlled.send("GET", &path, None).await;
    let text = String::from_utf8(text).expect("text");
    assert_eq!(text.lines().count(), 1, "from the last on: {text}");
    assert!(text.contains("instr") && text.contains("unreachable"), "{text}");
}

#[tokio::test]
async fn should_stand_still_and_go_on() {
    let controlled = Controlled::start().await;
    let agent = controlled.network.agent(identity(1)).await;
    controlled.put("/execution", json!({ "running": false })).await;
    let signed = agent.update(&controlled.canister, "inc").sign().expect("signs");
    let url = format!("{}/api/v2/canister/{}/call", controlled.network.url(), controlled.canister);
    assert_eq!(post(&url, &signed.signed_update).status, 202);
    let state = controlled.get("/state").await;
    assert_eq!(state["queued_messages"], 1, "taken and not executed: {state}");

    controlled.put("/execution", json!({ "running": true })).await;
    let (reply, _) = agent.wait(&signed.request_id, controlled.canister).await.expect("an answer");
    assert_eq!(as_u32(&reply), 1);
}

#[tokio::test]
async fn should_say_what_is_wrong_with_a_request() {
    let controlled = Controlled::start().await;
    for (method, path, body, status) in [
        ("GET", "/canisters/nonsense/memory".to_owned(), None, 400),
        ("GET", "/canisters/aaaaa-aa/log".to_owned(), None, 404),
        ("POST", "/time".to_owned(), Some(json!({ "hours": 1 })), 422),
        ("PUT", format!("/canisters/{}/cycles", controlled.canister), Some(json!({})), 422),
    ] {
        let (found, answer) = controlled.send(method, &path, body).await;
        assert_eq!(found, status, "{path}: {}", String::from_utf8_lossy(&answer));
        assert!(!answer.is_empty(), "{path} says why");
    }
}

/// A web page can make a browser send requests to loopback ports; they must have no effect.
#[tokio::test]
async fn should_refuse_what_a_browser_sends_for_a_web_page() {
    let controlled = Controlled::start().await;
    let time = format!("{}/time", controlled.control.url());
    for (header, value) in [("Origin", "https://page.example"), ("Host", "page.example:80")] {
        let request = ureq::post(&time).set(header, value);
        assert_eq!(send(request, Some(json!({ "milliseconds": 1 }))).await.0, 403, "{header}: {value}");
    }
}

#[tokio::test]
async fn should_go_back_to_a_snapshot() {
    let controlled = Controlled::start().await;
    let agent = controlled.network.agent(identity(1)).await;
    agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer");
    controlled.put("/snapshots/counted-once", json!(null)).await;
    let kept = controlled.get("/snapshots").await;
    assert_eq!(kept[0]["name"], "counted-once");

    agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer");
    let (status, _) = controlled.send("POST", "/snapshots/counted-once/restore", None).await;
    assert_eq!(status, 200);
    let count = agent.query(&controlled.canister, "get").call().await.expect("an answer");
    assert_eq!(as_u32(&count), 1);

    assert_eq!(controlled.send("DELETE", "/snapshots/counted-once", None).await.0, 200);
    assert_eq!(controlled.send("POST", "/snapshots/counted-once/restore", None).await.0, 404);
}

/// Thirteen nodes tolerate four that are down; with five there is no agreement any more.
#[tokio::test]
async fn should_stand_still_when_more_nodes_are_down_than_are_tolerated() {
    let controlled = Controlled::start().await;
    let agent = controlled.network.agent(identity(1)).await;
    for node in 0..4 {
        controlled.put(&format!("/nodes/{node}"), json!({ "down": true })).await;
    }
    agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer of nine nodes");
    for _ in 0..20 {
        agent
            .query(&controlled.canister, "get")
            .call_with_verification()
            .await
            .expect("a node that is up signs");
    }

    controlled.put("/nodes/12", json!({ "down": true })).await;
    let signed = agent.update(&controlled.canister, "inc").sign().expect("signs");
    let url = format!("{}/api/v2/canister/{}/call", controlled.network.url(), controlled.canister);
    assert_eq!(post(&url, &signed.signed_update).status, 202);
    let count = agent.query(&controlled.canister, "get").call().await.expect("queries need one node only");
    assert_eq!(as_u32(&count), 1, "nothing is executed");

    controlled.put("/nodes/0", json!({ "down": false })).await;
    let (reply, _) = agent.wait(&signed.request_id, controlled.canister).await.expect("an answer");
    assert_eq!(as_u32(&reply), 2);
    assert_eq!(controlled.get("/nodes").await[12], json!({ "down": true, "query_lie": null }));
    assert_eq!(controlled.send("PUT", "/nodes/13", Some(json!({ "down": true }))).await.0, 404);
}

#[tokio::test]
async fn should_plan_and_clear_faults_of_outcalls() {
    let controlled = Controlled::start().await;
    let fault =
        json!({ "target": { "method": "put" }, "plan": [["every", "answer_dropped"]], "times": "once" });
    let (status, planned) = controlled.send("POST", "/faults", Some(fault)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&planned));
    let planned = controlled.get("/faults").await;
    assert!(planned["once"].to_string().contains("answer_dropped"), "{planned}");
    assert_eq!(controlled.send("DELETE", "/faults", None).await.0, 200);
    assert_eq!(controlled.get("/faults").await["once"], json!([]));
    for example in examples_of_the_page() {
        let (status, answer) = controlled.send("POST", "/faults", Some(example.clone())).await;
        assert_eq!(status, 200, "{example}: {}", String::from_utf8_lossy(&answer));
    }
    let unknown = json!({ "target": "any_call", "plan": [["every", "gremlins"]], "times": "once" });
    assert_eq!(controlled.send("POST", "/faults", Some(unknown)).await.0, 422);
}

#[tokio::test]
async fn should_change_where_outcalls_go() {
    let controlled = Controlled::start().await;
    let here = json!({ "url": "http://127.0.0.1:4873" });
    controlled.put("/routes/npm.registry.example", here).await;
    let routes = controlled.get("/routes").await;
    assert_eq!(routes, json!({ "npm.registry.example": "http://127.0.0.1:4873" }));
    let elsewhere = json!({ "url": "http://192.0.2.1" });
    assert_eq!(controlled.send("PUT", "/routes/npm.registry.example", Some(elsewhere)).await.0, 400);
    assert_eq!(controlled.send("DELETE", "/routes/npm.registry.example", None).await.0, 200);
    assert_eq!(controlled.send("DELETE", "/routes/npm.registry.example", None).await.0, 404);
}

/// A node can answer queries as it likes, with a signature that verifies; what is certified it cannot change.
#[tokio::test]
async fn should_deceive_queries_when_nodes_lie_and_nothing_that_is_certified() {
    let controlled = Controlled::start().await;
    let agent = controlled.network.agent(identity(1)).await;
    agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer");
    for node in 0..13 {
        controlled.put(&format!("/nodes/{node}"), json!({ "query_lie": "2a000000" })).await;
    }
    let count = agent.query(&controlled.canister, "get").call_with_verification().await.expect("signed");
    assert_eq!(as_u32(&count), 42);
    let counted = agent.update(&controlled.canister, "inc").call_and_wait().await.expect("an answer");
    assert_eq!(as_u32(&counted), 2, "updates are agreed upon");
    for node in 0..13 {
        controlled.put(&format!("/nodes/{node}"), json!({})).await;
    }
    let count = agent.query(&controlled.canister, "get").call_with_verification().await.expect("signed");
    assert_eq!(as_u32(&count), 2);
}

#[tokio::test]
async fn should_plan_and_clear_faults_of_messages() {
    let controlled = Controlled::start().await;
    let fault = json!({ "out_of_instructions": {
        "canister": controlled.canister.to_text(), "entry": { "update": { "method": "inc" } }, "limit": 1,
    } });
    let (status, planned) = controlled.send("POST", "/faults/messages", Some(fault.clone())).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&planned));
    assert_eq!(controlled.get("/faults/messages").await, json!([fault]));
    let agent = controlled.network.agent(identity(1)).await;
    agent.update(&controlled.canister, "inc").call_and_wait().await.expect_err("out of instructions");
    assert_eq!(controlled.get("/faults/messages").await, json!([]), "it is used up");
    controlled.send("POST", "/faults/messages", Some(fault)).await;
    assert_eq!(controlled.send("DELETE", "/faults/messages", None).await.0, 200);
    assert_eq!(controlled.get("/faults/messages").await, json!([]));
}

/// The faults that `docs/faults.md` shows as JSON.
fn examples_of_the_page() -> Vec<Value> {
    let page = include_str!("../../docs/faults.md");
    let block = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let examples: Vec<Value> =
        block.lines().map(|line| serde_json::from_str(line).expect("an example is JSON")).collect();
    assert!(!examples.is_empty());
    examples
}
