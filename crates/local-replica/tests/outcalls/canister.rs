//! Management canister › http_request › in a canister
//!
//! Outcalls of a canister on a replica: its transform, its cycles, its callbacks.

use std::time::Duration;

use candid::{Encode, encode_one};
use ic_management_canister_types::{FlexibleHttpRequestArgs, FlexibleHttpRequestResult};
use local_replica::{Replica, ReplicaConfig, Step};

use super::*;

/// `http_request` and `flexible_http_request` forward their argument with cycles attached, and reply
/// with the answer, or with the reject's code as one byte and its message. `cost` replies with what
/// `cost_http_request_v2` says of its argument. The queries are transforms.
const CANISTER: &str = r#"(module
  (import "ic0" "msg_reply" (func $msg_reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $reject_code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $reject_msg_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $reject_msg_copy (param i32 i32 i32)))
  (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $call_data_append (param i32 i32)))
  (import "ic0" "call_cycles_add128" (func $call_cycles_add (param i64 i64)))
  (import "ic0" "call_perform" (func $call_perform (result i32)))
  (import "ic0" "cost_http_request_v2" (func $cost (param i32 i32 i32)))
  (memory (export "memory") 64)
  (table funcref (elem $on_reply $on_reject))
  (data (i32.const 0) "http_request")
  (data (i32.const 32) "flexible_http_request")
  (data (i32.const 1024) "TRANSFORMED")
  (func $read_arg (result i32)
    (call $arg_copy (i32.const 65536) (i32.const 0) (call $arg_size))
    (call $arg_size))
  (func $on_reply (param i32)
    (call $append (i32.const 65536) (call $read_arg))
    (call $msg_reply))
  (func $on_reject (param i32)
    (i32.store8 (i32.const 64) (call $reject_code))
    (call $append (i32.const 64) (i32.const 1))
    (call $reject_msg_copy (i32.const 65536) (i32.const 0) (call $reject_msg_size))
    (call $append (i32.const 65536) (call $reject_msg_size))
    (call $msg_reply))
  (func $forward (param $name i32) (param $size i32)
    (call $call_new (i32.const 0) (i32.const 0) (local.get $name) (local.get $size)
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $call_data_append (i32.const 65536) (call $read_arg))
    (call $call_cycles_add (i64.const 0) (i64.const CYCLES))
    (if (call $call_perform) (then (unreachable))))
  (func (export "canister_update http_request") (call $forward (i32.const 0) (i32.const 12)))
  (func (export "canister_update flexible_http_request") (call $forward (i32.const 32) (i32.const 21)))
  (func (export "canister_update cost")
    (call $cost (i32.const 65536) (call $read_arg) (i32.const 128))
    (call $append (i32.const 128) (i32.const 16))
    (call $msg_reply))
  (func (export "canister_query constant")
    (call $append (i32.const 1024) (i32.const TRANSFORMED_SIZE))
    (call $msg_reply))
  (func (export "canister_query of_management_only")
    (if (i32.eqz (call $caller_size)) (then
      (call $append (i32.const 1024) (i32.const TRANSFORMED_SIZE))
      (call $msg_reply))))
  (func (export "canister_query trap") unreachable)
  (func (export "canister_query silent"))
  (func (export "canister_query garbage")
    (call $append (i32.const 0) (i32.const 4))
    (call $msg_reply))
  (func (export "canister_query spin") (loop $again (br $again)))
  (func (export "canister_update no_query")
    (call $append (i32.const 1024) (i32.const TRANSFORMED_SIZE))
    (call $msg_reply)))"#;

struct World {
    replica: Replica,
    canister: Principal,
    cycles: u128,
}

impl World {
    fn facing(server: &Server) -> Self {
        Self::with_cycles(server, PLENTY_OF_CYCLES)
    }

    /// With so many cycles attached to each outcall.
    fn with_cycles(server: &Server, cycles: u128) -> Self {
        let routes = Routes::from_pairs([("registry.example", server.base_url())]).expect("loopback");
        let config = ReplicaConfig::default().with_seed(1).with_routes(routes);
        let mut replica = Replica::new(config).expect("a valid configuration");
        let canister = replica.create_canister(vec![Principal::anonymous()]);
        let transformed =
            HttpRequestResult { status: 299_u16.into(), headers: vec![], body: b"transformed".to_vec() };
        let bytes = Encode!(&transformed).expect("encodes");
        let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let wat = CANISTER
            .replace("TRANSFORMED_SIZE", &bytes.len().to_string())
            .replace("TRANSFORMED", &text)
            .replace("CYCLES", &cycles.to_string());
        let wasm = wat::parse_str(wat).expect("a valid module");
        replica.install(canister, &wasm, Vec::new()).expect("installs");
        Self { replica, canister, cycles }
    }

    fn args(&self, args: HttpRequestArgs, transform: Option<&str>) -> HttpRequestArgs {
        let transform = transform.map(|method| {
            let function = TransformFunc(Func { principal: self.canister, method: method.to_string() });
            TransformContext { function, context: vec![] }
        });
        HttpRequestArgs { transform, ..args }
    }

    /// The answer that the canister got, or the reject's code and message.
    fn outcall(
        &mut self,
        args: HttpRequestArgs,
        transform: Option<&str>,
    ) -> Result<HttpRequestResult, (u8, String)> {
        let arg = encode_one(self.args(args, transform)).expect("encodes");
        let reply = self.call("http_request", arg);
        Decode!(&reply, HttpRequestResult)
            .map_err(|_| (reply[0], String::from_utf8(reply[1..].to_vec()).expect("a message")))
    }

    fn call(&mut self, method: &str, arg: Vec<u8>) -> Vec<u8> {
        self.replica.call(Principal::anonymous(), self.canister, method, arg).expect("a reply")
    }
}

fn get() -> HttpRequestArgs {
    non_replicated(HttpMethod::GET, "/")
}

/// A canister's call reaches the server and its callback gets the answer.
#[test]
fn should_answer_a_canister() {
    let server = Server::answering(200, "hello");
    let answer = World::facing(&server).outcall(replicated(HttpMethod::GET, "/"), None).expect("an answer");
    assert_eq!((answer.status, answer.body), (200_u16.into(), b"hello".to_vec()));
    assert_eq!(server.seen().len(), 13);
}

/// The transform's result is what the canister gets.
#[test]
fn should_give_the_canister_what_its_transform_returns() {
    let server = Server::answering(200, "hello");
    let answer = World::facing(&server).outcall(get(), Some("constant")).expect("an answer");
    assert_eq!((answer.status, answer.body), (299_u16.into(), b"transformed".to_vec()));
}

/// The transform is called by the management canister, whose name has no bytes.
#[test]
fn should_call_the_transform_as_the_management_canister() {
    let server = Server::answering(200, "hello");
    let answer = World::facing(&server).outcall(get(), Some("of_management_only")).expect("an answer");
    assert_eq!(answer.status, 299_u16);
}

/// A transform that traps makes the call fail, though the server was contacted.
#[test]
fn should_reject_when_the_transform_traps() {
    let server = Server::answering(200, "hello");
    let (code, message) = World::facing(&server).outcall(get(), Some("trap")).expect_err("a reject");
    assert_eq!(code, RejectCode::CanisterError as u8, "{message}");
    assert_eq!(server.seen().len(), 1);
}

/// A transform that traps on every node of a replicated call makes one reject.
#[test]
fn should_agree_on_the_trap_of_a_transform() {
    let server = Server::answering(200, "hello");
    let args = replicated(HttpMethod::GET, "/");
    let (code, message) = World::facing(&server).outcall(args, Some("trap")).expect_err("a reject");
    assert_eq!(code, RejectCode::CanisterError as u8, "{message}");
    assert_eq!(server.seen().len(), 13);
}

/// A transform has to be a query that exists, and update methods are none.
#[test]
fn should_reject_when_the_transform_is_no_query() {
    let server = Server::answering(200, "hello");
    for method in ["missing", "no_query"] {
        let (code, message) = World::facing(&server).outcall(get(), Some(method)).expect_err(method);
        assert_eq!(code, RejectCode::CanisterError as u8, "{message}");
        assert!(message.contains(&format!("has no query method '{method}'")), "{message}");
    }
    assert_eq!(server.seen().len(), 2, "the server was contacted each time");
}

/// A transform has to reply, and with an `http_request_result`.
#[test]
fn should_reject_when_the_transform_returns_nothing_usable() {
    let server = Server::answering(200, "hello");
    for method in ["silent", "garbage"] {
        let (code, message) = World::facing(&server).outcall(get(), Some(method)).expect_err(method);
        assert_eq!(code, RejectCode::CanisterError as u8, "{message}");
    }
}

/// The transform stops where the node's budget ends.
#[test]
fn should_stop_the_transform_where_the_budget_ends() {
    let server = Server::answering(200, "hello");
    // Enough for the base fee and the answer, and for a million instructions or so.
    let mut world = World::with_cycles(&server, 29_848_000 + 650 * 100 + 100_000);
    let (code, message) = world.outcall(get(), Some("spin")).expect_err("a reject");
    assert_eq!(code, RejectCode::CanisterReject as u8, "{message}");
    assert!(message.starts_with("Out of cycles: "), "{message}");
}

/// The canister pays what is charged, and has the rest back with the answer.
#[test]
fn should_take_from_the_canisters_balance_what_is_charged() {
    let server = Server::answering(200, "hello");
    let mut world = World::facing(&server);
    let mut spent_on_execution = 0;
    let before = world.replica.cycles_balance(world.canister);
    world.outcall(get(), None).expect("an answer");
    spent_on_execution += before - world.replica.cycles_balance(world.canister);
    // base fee, and something for the use; far less than what was attached
    assert!(
        spent_on_execution > 29_848_000 && spent_on_execution < world.cycles / 100,
        "{spent_on_execution}"
    );
}

/// What comes back after the answer goes to the canister's balance.
#[test]
fn should_refund_a_late_node_to_the_canisters_balance() {
    let server = Server::answering(200, "hello");
    let mut world = World::facing(&server);
    let plan = FaultPlan::default().on(0..4, Fault::HeldBack);
    world.replica.faults().next(Target::AnyCall, plan);
    world.outcall(replicated(HttpMethod::GET, "/"), None).expect("an answer");
    let before = world.replica.cycles_balance(world.canister);
    world.replica.faults().release();
    world.replica.run_until_idle();
    assert!(world.replica.cycles_balance(world.canister) > before);
}

/// An outcall that nobody answers waits for the minute, by the subnet's clock and no other.
#[test]
fn should_wait_a_minute_of_the_subnets_time_for_an_answer() {
    let server = Server::answering(200, "hello");
    let mut world = World::facing(&server);
    world.replica.faults().next(Target::AnyCall, Fault::TimeoutBeforeSending);
    let arg = encode_one(world.args(get(), None)).expect("encodes");
    let waiting = world.replica.call(Principal::anonymous(), world.canister, "http_request", arg);
    assert!(waiting.is_err(), "no answer yet");
    world.replica.advance_time(Duration::from_secs(60));
    assert!(matches!(world.replica.step(), Step::Idle));
    assert_eq!(world.replica.pending_outcalls(), 1);
    world.replica.advance_time(Duration::from_secs(1));
    assert!(matches!(world.replica.step(), Step::Executed(_)), "the callback runs");
    assert_eq!(world.replica.pending_outcalls(), 0);
}

/// `flexible_http_request` replies with the answers of the nodes.
#[test]
fn should_answer_a_flexible_outcall() {
    let server = Server::answering(200, "hello");
    let args = FlexibleHttpRequestArgs { url: get().url, ..Default::default() };
    let reply = World::facing(&server).call("flexible_http_request", encode_one(args).expect("encodes"));
    let result = Decode!(&reply, FlexibleHttpRequestResult).expect("a flexible_http_request_result");
    let FlexibleHttpRequestResult::Ok(answers) = result else { panic!("{result:?}") };
    assert_eq!(answers.len(), 13);
}

/// `cost_http_request_v2` tells the price of a flexible call with its counts.
#[test]
fn should_tell_a_canister_the_price_of_a_flexible_call() {
    use ic_cdk_management_canister::{CostHttpRequestV2Args, HttpOutcallType};
    use ic_management_canister_types::ReplicationCounts;
    use local_replica::outcalls::{CostParams, FlexibleCounts, Replication, cost_v2};
    let counts = ReplicationCounts { total_requests: 4, min_responses: 2, max_responses: 3 };
    let args = CostHttpRequestV2Args {
        request_bytes: 25,
        http_roundtrip_time_ms: 1_000,
        raw_response_bytes: 2_000,
        transformed_response_bytes: 3_000,
        transform_instructions: 13_000,
        outcall_type: Some(HttpOutcallType::Flexible(Some(counts))),
    };
    let reply = World::facing(&Server::answering(200, "")).call("cost", encode_one(args).expect("encodes"));
    let counts = FlexibleCounts { total_requests: 4, min_responses: 2, max_responses: 3 };
    let params = CostParams {
        request_bytes: 25,
        http_roundtrip_time_ms: 1_000,
        raw_response_bytes: 2_000,
        transformed_response_bytes: 3_000,
        transform_instructions: 13_000,
        replication: Replication::Flexible(counts),
    };
    assert_eq!(reply, cost_v2(13, &params).to_le_bytes());
}
