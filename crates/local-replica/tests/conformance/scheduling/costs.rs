//! Canister interface › Cost API

use ic_management_canister_types::{
    CanisterIdRecord, EcdsaCurve, EcdsaKeyId, HttpRequestArgs, SchnorrAlgorithm, SchnorrKeyId,
    SignWithEcdsaArgs, SignWithSchnorrArgs, VetKDCurve, VetKDDeriveKeyArgs, VetKDKeyId,
};
use local_replica::CallResult;
use local_replica::RejectCode::{CanisterReject, SysTransient};

use crate::canisters::{Caller, Subnet, callee, canister_importing, number, rejected};

const COSTS: &str = r#"
  (import "ic0" "canister_liquid_cycle_balance128" (func $liquid (param i32)))
  (import "ic0" "cost_call" (func $cost_call (param i64 i64 i32)))
  (import "ic0" "cost_create_canister" (func $cost_create (param i32)))
  (import "ic0" "cost_http_request" (func $cost_http (param i64 i64 i32)))
  (import "ic0" "cost_sign_with_ecdsa" (func $cost_ecdsa (param i32 i32 i32 i32) (result i32)))
  (import "ic0" "cost_sign_with_schnorr" (func $cost_schnorr (param i32 i32 i32 i32) (result i32)))
  (import "ic0" "cost_vetkd_derive_key" (func $cost_vetkd (param i32 i32 i32 i32) (result i32)))
"#;

/// Its update `measure` calls the argument with so many bytes as method name and payload, and
/// replies by how much the liquid balance fell, then what `cost_call` says.
fn measuring(method_bytes: usize, payload_bytes: usize) -> Vec<u8> {
    canister_importing(
        COSTS,
        &format!(
            r#"(table funcref (elem $none))
            (func $none (param i32))
            (func (export "canister_update measure")
              (drop (memory.grow (i32.const 170)))
              (memory.fill (i32.const 65536) (i32.const 97) (i32.const 1000))
              (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
              (call $liquid (i32.const 700))
              (call $call_new (i32.const 256) (call $arg_size) (i32.const 65536) (i32.const {method_bytes})
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
              (call $call_data_append (i32.const 65536) (i32.const {payload_bytes}))
              (if (call $call_perform) (then (call $fail)))
              (call $liquid (i32.const 716))
              (i64.store (i32.const 700) (i64.sub (i64.load (i32.const 700)) (i64.load (i32.const 716))))
              (call $cost_call (i64.const {method_bytes}) (i64.const {payload_bytes}) (i32.const 708))
              (call $append (i32.const 700) (i32.const 16))
              (call $msg_reply))"#
        ),
    )
}

/// `cost_call` tells exactly what a call takes from the liquid balance, whatever its sizes.
#[test]
fn should_take_for_a_call_what_cost_call_says() {
    for (method_bytes, payload_bytes) in
        [(1, 0), (1, 1), (5, 100), (100, 65_536), (1_000, 1 << 20), (5, 2 << 20), (7, (10 << 20) - 7)]
    {
        let mut subnet = Subnet::new();
        let other = subnet.install(&callee());
        let id = subnet.install(&measuring(method_bytes, payload_bytes));
        let reply = subnet.call(id, "measure", other.as_slice()).expect("a reply");
        assert_eq!(reply[..8], reply[8..], "{method_bytes} + {payload_bytes} bytes");
    }
}

/// Attaches all of the liquid balance but the cost of the call, plus `excess` cycles; replies what
/// `call_perform` returned.
fn performed_with(excess: i32) -> i32 {
    let mut subnet = Subnet::new();
    let other = subnet.install(&callee());
    let id = subnet.install(&canister_importing(
        COSTS,
        &format!(
            r#"(table funcref (elem $none))
            (data (i32.const 128) "reply")
            (func $none (param i32))
            (func (export "canister_update call")
              (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
              (call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const 5)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
              (call $liquid (i32.const 700))
              (call $cost_call (i64.const 5) (i64.const 0) (i32.const 716))
              (call $call_cycles_add (i64.const 0)
                (i64.add (i64.const {excess}) (i64.sub (i64.load (i32.const 700)) (i64.load (i32.const 716)))))
              (call $reply_i32 (call $call_perform)))"#
        ),
    ));
    number(subnet.call(id, "call", other.as_slice()))
}

/// A call can be made with exactly its cost left in the liquid balance.
#[test]
fn should_perform_a_call_when_exactly_its_cost_is_left() {
    assert_eq!(performed_with(0), 0);
}

/// With one cycle less it cannot, and `call_perform` says so.
#[test]
fn should_not_perform_a_call_when_one_cycle_of_its_cost_is_missing() {
    assert_eq!(performed_with(1), SysTransient as i32);
}

/// What one of the cost functions writes; it must have returned 0.
fn cost(call: &str) -> u128 {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister_importing(
        COSTS,
        &format!(
            r#"(data (i32.const 800) "test_key_1key_1")
            (func (export "canister_update cost")
              {call} (call $append (i32.const 700) (i32.const 16)) (call $msg_reply))"#
        ),
    ));
    let reply = subnet.call(id, "cost", b"").expect("a reply");
    u128::from_le_bytes(reply.try_into().expect("sixteen bytes"))
}

fn key_cost(function: &str, variant: u32, key: (usize, usize)) -> u128 {
    let (at, size) = key;
    cost(&format!(
        "(if (call ${function} (i32.const {at}) (i32.const {size}) (i32.const {variant}) (i32.const 700))
           (then (call $fail)))"
    ))
}

const TEST_KEY: (usize, usize) = (800, 10);
const KEY: (usize, usize) = (810, 5);

/// Calls a method of the management canister with so many cycles: the refund, or the reject.
fn managed(method: &'static str, payload: Vec<u8>, cycles: u128) -> (CallResult, Subnet) {
    let mut subnet = Subnet::new();
    let caller = Caller {
        calls_argument: false,
        method,
        payload,
        cycles,
        on_reply: "(call $refunded_cycles (i32.const 600))
          (call $append (i32.const 600) (i32.const 16))
          (call $arg_copy (i32.const 30000) (i32.const 0) (call $arg_size))
          (call $append (i32.const 30000) (call $arg_size)) (call $msg_reply)",
        on_reject: "(call $msg_reject (i32.const 64) (i32.const 2))",
        ..Caller::default()
    };
    let id = subnet.install(&caller.wasm());
    let result = subnet.call(id, "call", b"");
    (result, subnet)
}

/// Checks that a method takes exactly its cost: it works with that, gives back what is more, and
/// refuses less.
fn assert_costs(method: &'static str, payload: &[u8], cost: u128) {
    let refund = |attached: u128| {
        let reply = managed(method, payload.to_vec(), attached).0.expect("the method is paid for");
        u128::from_le_bytes(reply[..16].try_into().expect("sixteen bytes"))
    };
    assert_eq!(refund(cost), 0);
    assert_eq!(refund(cost + 12_345), 12_345);
    assert_eq!(rejected(managed(method, payload.to_vec(), cost - 1).0).code, CanisterReject);
}

/// `create_canister` takes what `cost_create_canister` says; the new canister gets the rest.
#[test]
fn should_take_for_a_canister_what_cost_create_canister_says() {
    let cost = cost("(call $cost_create (i32.const 700))");
    let payload =
        candid::encode_one(ic_management_canister_types::CreateCanisterArgs::default()).expect("encodes");
    let (result, subnet) = managed("create_canister", payload.clone(), cost + 5_000_000);
    let reply = result.expect("it is created");
    let created: CanisterIdRecord = candid::decode_one(&reply[16..]).expect("it decodes");
    assert_eq!(subnet.replica.cycles_balance(created.canister_id), 5_000_000);
    assert_eq!(rejected(managed("create_canister", payload, cost - 1).0).code, CanisterReject);
}

fn schnorr(key: &str) -> Vec<u8> {
    candid::encode_one(SignWithSchnorrArgs {
        message: b"message".to_vec(),
        derivation_path: vec![],
        key_id: SchnorrKeyId { algorithm: SchnorrAlgorithm::Ed25519, name: key.to_owned() },
        aux: None,
    })
    .expect("encodes")
}

/// A Schnorr signature takes what `cost_sign_with_schnorr` says.
#[test]
fn should_take_for_a_schnorr_signature_what_its_cost_function_says() {
    assert_costs("sign_with_schnorr", &schnorr("test_key_1"), key_cost("cost_schnorr", 1, TEST_KEY));
    assert_costs("sign_with_schnorr", &schnorr("key_1"), key_cost("cost_schnorr", 1, KEY));
}

fn ecdsa(key: &str) -> Vec<u8> {
    candid::encode_one(SignWithEcdsaArgs {
        message_hash: vec![7; 32],
        derivation_path: vec![],
        key_id: EcdsaKeyId { curve: EcdsaCurve::Secp256k1, name: key.to_owned() },
    })
    .expect("encodes")
}

/// An ECDSA signature takes what `cost_sign_with_ecdsa` says.
#[test]
fn should_take_for_an_ecdsa_signature_what_its_cost_function_says() {
    assert_costs("sign_with_ecdsa", &ecdsa("test_key_1"), key_cost("cost_ecdsa", 0, TEST_KEY));
    assert_costs("sign_with_ecdsa", &ecdsa("key_1"), key_cost("cost_ecdsa", 0, KEY));
}

fn vetkd(key: &str) -> Vec<u8> {
    candid::encode_one(VetKDDeriveKeyArgs {
        input: vec![],
        context: vec![],
        key_id: VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: key.to_owned() },
        transport_public_key: identity_of_g1(),
    })
    .expect("encodes")
}

/// The compressed point at infinity.
fn identity_of_g1() -> Vec<u8> {
    let mut point = vec![0; 48];
    point[0] = 0xc0;
    point
}

/// Deriving a vetKey takes what `cost_vetkd_derive_key` says.
#[test]
fn should_take_for_a_vet_key_what_its_cost_function_says() {
    assert_costs("vetkd_derive_key", &vetkd("test_key_1"), key_cost("cost_vetkd", 0, TEST_KEY));
    assert_costs("vetkd_derive_key", &vetkd("key_1"), key_cost("cost_vetkd", 0, KEY));
}

/// All threshold keys of a name cost the same.
#[test]
fn should_cost_the_same_for_each_kind_of_threshold_key() {
    for key in [TEST_KEY, KEY] {
        let vetkd = key_cost("cost_vetkd", 0, key);
        assert_eq!(key_cost("cost_ecdsa", 0, key), vetkd);
        assert_eq!(key_cost("cost_schnorr", 0, key), vetkd);
    }
}

/// An outcall with less than `cost_http_request` says is rejected with that amount.
#[test]
fn should_ask_for_an_outcall_what_cost_http_request_says() {
    let url = "https://registry.example/package";
    for max_response_bytes in [0, 1, 1_000, 2_000_000_u64] {
        let payload = candid::encode_one(HttpRequestArgs {
            url: url.to_owned(),
            max_response_bytes: Some(max_response_bytes),
            ..HttpRequestArgs::default()
        })
        .expect("encodes");
        let size = url.len();
        let cost = cost(&format!(
            "(call $cost_http (i64.const {size}) (i64.const {max_response_bytes}) (i32.const 700))"
        ));
        let on_reject = "(call $append (i32.const 0) (i32.const 0)) (call $reply_i32 (call $reject_code))";
        let code = |cycles: u128| {
            let mut subnet = Subnet::new();
            let caller = Caller {
                calls_argument: false,
                method: "http_request",
                payload: payload.clone(),
                cycles,
                on_reject,
                ..Caller::default()
            };
            let id = subnet.install(&caller.wasm());
            number(subnet.call(id, "call", b""))
        };
        assert_eq!(code(cost - 1), CanisterReject as i32, "{max_response_bytes} bytes");
        assert_ne!(code(cost), CanisterReject as i32, "{max_response_bytes} bytes");
    }
}
