//! Abstract behavior › Calls between subnets
//!
//! Two subnets, each with its own key, nodes and canisters; who calls across them sees no difference but the time
//! it takes, and what is too large.

use std::time::Duration;

use candid::Encode;
use ic_agent::Agent;
use ic_management_canister_types::CanisterIdRecord;
use local_replica::{CallResult, Clock, Network, NetworkError, Principal, RejectCode, ReplicaConfig};

use crate::canisters::{Caller, USER, assert_rejected, callee, number, rejected, with_updates};

struct Two {
    network: Network,
}

impl Two {
    fn new() -> Self {
        Self { network: Network::new(&ReplicaConfig::default(), 2).expect("two subnets") }
    }

    fn install(&mut self, subnet: usize, wasm: &[u8]) -> Principal {
        let replica = self.network.subnet(subnet);
        let id = replica.create_canister(vec![USER]);
        replica.install(id, wasm, Vec::new()).expect("installs");
        id
    }

    fn call(&mut self, id: Principal, method: &str, arg: &[u8]) -> CallResult {
        self.network.call(USER, id, method, arg.to_vec())
    }

    fn cycles(&mut self) -> u128 {
        (0..2)
            .map(|subnet| {
                self.network.subnet(subnet).view().canisters().map(|one| one.balance_cycles).sum::<u128>()
            })
            .sum()
    }
}

/// A call to a canister on another subnet is answered as any other.
#[test]
fn should_answer_calls_across_subnets_in_every_way() {
    let answers = [
        ("reply", 7),
        ("reject", RejectCode::CanisterReject as i32),
        ("trap", RejectCode::CanisterError as i32),
        ("silent", RejectCode::CanisterError as i32),
        ("missing", RejectCode::CanisterError as i32),
    ];
    for (method, expected) in answers {
        let mut two = Two::new();
        let callee = two.install(1, &callee());
        let on_reply = "(call $arg_copy (i32.const 32) (i32.const 0) (i32.const 4)) (call $reply_i32 (i32.load (i32.const 32)))";
        let caller = two.install(0, &Caller { method, on_reply, ..Caller::default() }.wasm());
        assert_eq!(number(two.call(caller, "call", callee.as_slice())), expected, "{method}");
    }
}

/// A request that leaves in one round is executed two rounds later, and its answer as many rounds after that; within a
/// subnet all of it is one round.
#[test]
fn should_take_its_rounds_to_another_subnet_and_back() {
    let mut two = Two::new();
    let (here, there) = (two.install(0, &callee()), two.install(1, &callee()));
    let caller = two.install(0, &Caller::default().wasm());
    for (callee, expected) in [(here, 1), (there, 5)] {
        let before = two.network.rounds();
        two.call(caller, "call", callee.as_slice()).expect("a reply");
        assert_eq!(two.network.rounds() - before, expected);
    }
}

/// The canisters of a subnet are created within its ranges, and a canister id that no subnet has is not found.
#[test]
fn should_route_by_canister_ranges() {
    let mut two = Two::new();
    let caller = two.install(0, &Caller::default().wasm());
    let absent = Principal::from_slice(&[0, 0, 0, 0, 0, 0x17, 0xff, 0xff, 1, 1]);
    let code = number(two.call(caller, "call", absent.as_slice()));
    assert_eq!(code, RejectCode::DestinationInvalid as i32, "the other subnet says so");
    let nobodys = Principal::from_slice(&[0xff, 0, 0, 0, 0, 0x77, 0, 0, 1, 1]);
    assert_eq!(number(two.call(caller, "call", nobodys.as_slice())), RejectCode::DestinationInvalid as i32);
    let there = two.install(1, &callee());
    assert!(there.as_slice() >= [0, 0, 0, 0, 0, 0x10, 0, 0, 1, 1].as_slice(), "{there}");
}

/// A call to another subnet carries at most 2 MiB; `call_perform` traps on more, which within a subnet is fine.
#[test]
fn should_refuse_large_payloads_to_other_subnets_only() {
    let mut two = Two::new();
    let large =
        "(drop (memory.grow (i32.const 64))) (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
        (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
        (call $call_data_append (i32.const 1024) (i32.const 2097152))
        (drop (call $call_perform))";
    let body = format!(
        r#"(table funcref (elem $on_reply)) (data (i32.const 128) "reply")
        (func $on_reply (param i32) (call $reply_i32 (i32.const 1)))
        (func (export "canister_update call") {large})"#
    );
    let caller = two.install(0, &crate::canisters::canister(&body));
    let (here, there) = (two.install(0, &callee()), two.install(1, &callee()));
    assert_eq!(number(two.call(caller, "call", here.as_slice())), 1);
    let refused = rejected(two.call(caller, "call", there.as_slice()));
    assert_eq!(refused.code, RejectCode::CanisterError);
    assert!(refused.message.contains("another subnet"), "{refused}");
}

/// Cycles travel with calls and come back with answers: none is lost between the subnets.
#[test]
fn should_carry_cycles_across_and_back() {
    let mut two = Two::new();
    let there = two.install(1, &callee());
    let caller = two.install(
        0,
        &Caller { method: "accept300", cycles: 1_000, on_reply: "(call $refunded_cycles (i32.const 32)) (call $append (i32.const 32) (i32.const 4)) (call $msg_reply)", ..Caller::default() }.wasm(),
    );
    assert_eq!(number(two.call(caller, "call", there.as_slice())), 700);
}

/// The deadline of a bounded-wait call holds across subnets; a request that comes too late is not begun, and its
/// cycles come back.
#[test]
fn should_give_back_cycles_of_bounded_wait_calls_that_come_too_late() {
    let mut two = Two::new();
    let there = two.install(1, &with_updates(&[("reply", "(call $bump (i32.const 1)) (call $msg_reply)")]));
    let attached = 1_000_000_000_000;
    let caller =
        two.install(0, &Caller { timeout_seconds: Some(1), cycles: attached, ..Caller::default() }.wasm());
    let before = two.cycles();
    (0..13).for_each(|node| two.network.subnet(1).faults().set_down(node, true));
    let answer = two.call(caller, "call", there.as_slice());
    assert_eq!(number(answer), RejectCode::SysUnknown as i32);
    two.network.advance_time(Duration::from_secs(5));
    (0..13).for_each(|node| two.network.subnet(1).faults().set_down(node, false));
    two.network.run_until_idle();
    two.network.run_until_idle();
    assert!(before - two.cycles() < attached / 2, "the cycles came back");
    assert_eq!(two.network.subnet(1).canister_memory(there)[0], 0, "not begun");
}

/// Calls of the management canister go to the subnet of the canister that they are about.
#[test]
fn should_send_management_calls_to_the_subnet_of_their_canister() {
    let mut two = Two::new();
    let there = two.install(1, &callee());
    let payload = Encode!(&CanisterIdRecord { canister_id: there }).expect("encodes");
    let stopper = two.install(
        0,
        &Caller { calls_argument: false, method: "stop_canister", payload, ..Caller::default() }.wasm(),
    );
    let refused = number(two.call(stopper, "call", &[]));
    assert_eq!(refused, RejectCode::CanisterError as i32, "it does not control the canister");
    let settings = ic_management_canister_types::UpdateSettingsArgs {
        canister_id: there,
        settings: ic_management_canister_types::CanisterSettings {
            controllers: Some(vec![stopper]),
            ..Default::default()
        },
        sender_canister_version: None,
    };
    let management = Principal::management_canister();
    let arg = Encode!(&settings).expect("encodes");
    two.network.subnet(1).call(USER, management, "update_settings", arg).expect("it is updated");
    two.call(stopper, "call", &[]).expect("it stops");
    assert_rejected(two.call(there, "reply", &[]), RejectCode::CanisterError, "IC0508");
}

/// Every subnet has its own key, nodes and randomness; the root's key is the network's.
#[test]
fn should_have_own_keys_on_each_subnet_and_one_root_key() {
    let mut two = Two::new();
    assert_eq!(two.network.subnet(0).root_key_der(), two.network.subnet(1).root_key_der());
    assert_ne!(two.network.subnet(0).subnet_id(), two.network.subnet(1).subnet_id());
    assert_ne!(two.network.subnet(0).node_keys()[0].id(), two.network.subnet(1).node_keys()[0].id());
    let management = Principal::management_canister();
    let raw_rand = Caller {
        calls_argument: false,
        method: "raw_rand",
        payload: b"DIDL\0\0".to_vec(),
        ..Caller::default()
    };
    let random: Vec<_> = (0..2)
        .map(|subnet| {
            let canister = two.install(subnet, &raw_rand.wasm());
            two.call(canister, "call", management.as_slice()).expect("randomness")
        })
        .collect();
    assert_ne!(random[0], random[1]);
}

/// A certificate of a subnet that is not the root carries the root's delegation, which covers that subnet's canisters
/// and no others: the agent's own verification says so.
#[test]
fn should_certify_by_a_delegation_that_agents_verify() {
    let config = ReplicaConfig::default().with_clock(Clock::Wall);
    let mut network = Network::new(&config, 2).expect("two subnets");
    let agent = Agent::builder().with_url("http://127.0.0.1:1").build().expect("an agent");
    agent.set_root_key(network.subnet(0).root_key_der());
    let mut of_root = None;
    for subnet in 0..2 {
        let id = network.subnet(subnet).create_canister(vec![USER]);
        let bytes = network.subnet(subnet).certificate(&[vec![b"canister".to_vec(), id.as_slice().to_vec()]]);
        let mut certificate = serde_cbor::from_slice(&bytes).expect("a certificate");
        agent.verify(&certificate, id).expect("it verifies");
        assert_eq!(certificate.delegation.is_some(), subnet == 1);
        let Some(of_root) = of_root.replace(id) else {
            continue;
        };
        agent.verify(&certificate, of_root).expect_err("not for a canister of another subnet");
        certificate.delegation = None;
        agent.verify(&certificate, id).expect_err("not by the root's key");
    }
}

/// A network has 1 to 16 subnets.
#[test]
fn should_refuse_too_few_and_too_many_subnets() {
    let start = |subnets| {
        Network::new(&ReplicaConfig::default(), subnets).err().map(|error: NetworkError| error.to_string())
    };
    assert!(start(0).is_some_and(|error| error.contains("allowed are 1 to 16")));
    assert!(start(17).is_some_and(|error| error.contains("allowed are 1 to 16")));
}
