//! Abstract behavior › Query call

use std::sync::{Arc, Mutex};

use candid::Principal;
use ic_management_canister_types::CanisterIdRecord;
use local_replica::RejectCode::{CanisterError, DestinationInvalid};
use local_replica::{CallResult, EntryPoint, QueryMessage};

use crate::canisters::{Caller, Subnet, USER, assert_rejected, callee, canister, number};

/// Parts of a composite query `ask`, which calls `method` of the canister named by its argument.
struct Asking {
    method: &'static str,
    calls: usize,
    before: &'static str,
    on_reply: &'static str,
    on_reject: &'static str,
    on_cleanup: &'static str,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            method: "get",
            calls: 1,
            before: "",
            on_reply: "(call $reply_i32 (i32.const 1))",
            on_reject: "(call $reply_i32 (i32.sub (i32.const 0) (call $reject_code)))",
            on_cleanup: "",
        }
    }
}

impl Asking {
    fn wasm(&self) -> Vec<u8> {
        let call = "(call $call_new (i32.const 256) (call $arg_size) (i32.const 128) (i32.const METHOD_SIZE)
            (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
          (call $call_on_cleanup (i32.const 2) (i32.const 0))
          (drop (call $call_perform))"
            .replace("METHOD_SIZE", &self.method.len().to_string())
            .repeat(self.calls);
        canister(&format!(
            r#"(table funcref (elem $on_reply $on_reject $on_cleanup))
            (data (i32.const 128) "{method}")
            (func $on_reply (param i32) {on_reply})
            (func $on_reject (param i32) {on_reject})
            (func $on_cleanup (param i32) {on_cleanup})
            (func (export "canister_composite_query ask")
              {before}
              (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
              {call})
            (func (export "canister_query number") (call $reply_i32 (i32.load (i32.const 0))))
            (func (export "canister_update keep") (call $bump (i32.const 3)) (call $msg_reply))"#,
            method = self.method,
            before = self.before,
            on_reply = self.on_reply,
            on_reject = self.on_reject,
            on_cleanup = self.on_cleanup,
        ))
    }
}

fn ask(subnet: &mut Subnet, id: Principal, arg: &[u8]) -> CallResult {
    subnet.replica.query(QueryMessage {
        sender: USER,
        canister_id: id,
        method_name: "ask".to_owned(),
        arg: arg.to_vec(),
    })
}

/// Asks a canister that has `callee`'s methods and the query `get`.
fn asked(asking: &Asking, other: &[u8]) -> CallResult {
    let mut subnet = Subnet::new();
    let id = subnet.install(&asking.wasm());
    let other = subnet.install(other);
    ask(&mut subnet, id, other.as_slice())
}

/// A composite query can call a query.
#[test]
fn should_call_a_query_from_a_composite_query() {
    assert_eq!(number(asked(&Asking::default(), &callee())), 1);
}

/// A composite query can call a query of its own canister, which sees the state before the composite query.
#[test]
fn should_show_the_state_before_to_a_query_of_the_own_canister() {
    let asking = Asking {
        method: "number",
        before: "(call $bump (i32.const 5))",
        on_reply: "(call $arg_copy (i32.const 512) (i32.const 0) (i32.const 4))
                   (call $reply_i32 (i32.add (i32.mul (i32.load (i32.const 512)) (i32.const 100)) (i32.load (i32.const 0))))",
        ..Asking::default()
    };
    let mut subnet = Subnet::new();
    let id = subnet.install(&asking.wasm());
    subnet.call(id, "keep", b"").expect("a reply");
    assert_eq!(
        number(ask(&mut subnet, id, id.as_slice())),
        308,
        "3 seen by the query, 3 + 5 by the callback"
    );
    assert_eq!(subnet.counters(id), [3; 3]);
}

/// A composite query cannot call an update.
#[test]
fn should_not_call_an_update_from_a_composite_query() {
    let result = asked(&Asking { method: "reply", ..Asking::default() }, &callee());
    assert_eq!(number(result), -(CanisterError as i32));
}

/// A call of a canister that does not exist is rejected.
#[test]
fn should_reject_a_query_of_a_missing_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&Asking::default().wasm());
    let nobody = [0, 0, 0, 0, 0, 0x77, 0, 0, 1, 1];
    assert_eq!(number(ask(&mut subnet, id, &nobody)), -(DestinationInvalid as i32));
}

/// A call of a stopped canister is rejected.
#[test]
fn should_reject_a_query_of_a_stopped_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&Asking::default().wasm());
    let other = subnet.install(&callee());
    subnet.manage("stop_canister", CanisterIdRecord { canister_id: other }).expect("it stops");
    assert_eq!(number(ask(&mut subnet, id, other.as_slice())), -(CanisterError as i32));
}

/// A call of a frozen canister is rejected as a transient failure.
#[test]
fn should_reject_a_query_of_a_frozen_canister() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&Asking::default().wasm());
    let other = subnet.install(&callee());
    subnet.freeze(other);
    assert_eq!(number(ask(&mut subnet, id, other.as_slice())), -2);
}

/// What a called query changes is discarded.
#[test]
fn should_discard_the_changes_of_a_called_query() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&Asking { method: "change", ..Asking::default() }.wasm());
    let other = subnet.install(&canister(
        r#"(func (export "canister_query change") (call $bump (i32.const 1)) (call $msg_reply))"#,
    ));
    ask(&mut subnet, id, other.as_slice()).expect("a reply");
    assert_eq!(subnet.counters(other), [0; 3]);
}

/// The entry points executed by a composite query.
fn entries(asking: &Asking, other: &[u8]) -> (Vec<EntryPoint>, CallResult) {
    let mut subnet = Subnet::new();
    let id = subnet.install(&asking.wasm());
    let other = subnet.install(other);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    subnet.replica.observe(Box::new(move |report, _| {
        sink.lock().expect("no test panics with it").push(report.entry.clone());
    }));
    let result = ask(&mut subnet, id, other.as_slice());
    let seen = seen.lock().expect("no test panics with it").clone();
    (seen, result)
}

/// Once it has answered, a composite query makes no further calls.
#[test]
fn should_end_a_composite_query_with_its_answer() {
    let (entries, result) = entries(&Asking { calls: 3, ..Asking::default() }, &callee());
    assert_eq!(number(result), 1);
    let queries = entries.iter().filter(|entry| matches!(entry, EntryPoint::Query { .. })).count();
    assert_eq!(queries, 1);
}

/// A composite query that has answered before the calls that it made does not make them.
#[test]
fn should_make_no_calls_after_an_answer() {
    let asking = Asking { before: "(call $reply_i32 (i32.const 4))", ..Asking::default() };
    let (entries, result) = entries(&asking, &callee());
    assert_eq!((number(result), entries.len()), (4, 1));
}

/// A callback that traps rejects the composite query, after its cleanup.
#[test]
fn should_run_the_cleanup_when_a_callback_of_a_composite_query_traps() {
    let (entries, result) = entries(&Asking { on_reply: "(call $fail)", ..Asking::default() }, &callee());
    assert_rejected(result, CanisterError, "IC0503");
    let messages = entries.iter().filter(|entry| matches!(entry, EntryPoint::CompositeQuery { .. })).count();
    assert_eq!(messages, 2, "the query and its callback");
    assert!(matches!(entries.last(), Some(EntryPoint::Cleanup { .. })));
}

/// What a callback that traps has changed is undone, what its cleanup changes stays; another open
/// call can still lead to an answer.
#[test]
fn should_answer_from_a_second_callback_after_the_first_one_trapped() {
    let asking = Asking {
        calls: 2,
        on_reply: "(call $bump (i32.const 1))
          (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 100)) (then (call $fail)))
          (call $reply_i32 (i32.load (i32.const 0)))",
        on_cleanup: "(call $bump (i32.const 100))",
        ..Asking::default()
    };
    assert_eq!(number(asked(&asking, &callee())), 101);
}

/// A composite query whose callbacks all return without an answer is rejected.
#[test]
fn should_reject_a_composite_query_that_never_answers() {
    assert_rejected(asked(&Asking { on_reply: "", ..Asking::default() }, &callee()), CanisterError, "IC0506");
}

/// Each of its calls is answered by a callback.
#[test]
fn should_run_a_callback_for_each_call_of_a_composite_query() {
    let asking = Asking {
        calls: 3,
        on_reply: "(call $bump (i32.const 1))
          (if (i32.eq (i32.load (i32.const 0)) (i32.const 3)) (then (call $reply_i32 (i32.const 3))))",
        ..Asking::default()
    };
    assert_eq!(number(asked(&asking, &callee())), 3);
}

/// A composite query `deep` that calls itself as often as its argument's second byte says.
fn deep(levels: u8) -> CallResult {
    let mut subnet = Subnet::new();
    let id = subnet.install(&canister(
        r#"(table funcref (elem $on_reply $on_reject))
        (data (i32.const 128) "deep")
        (func $on_reply (param i32) (call $reply_i32 (i32.const 1)))
        (func $on_reject (param i32) (call $reply_i32 (i32.sub (i32.const 0) (call $reject_code))))
        (func (export "canister_composite_query deep")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (if (i32.eqz (i32.load8_u (i32.const 256)))
            (then (call $reply_i32 (i32.const 1)) (return)))
          (i32.store8 (i32.const 256) (i32.sub (i32.load8_u (i32.const 256)) (i32.const 1)))
          (call $call_new (i32.const 257) (i32.sub (call $arg_size) (i32.const 1)) (i32.const 128) (i32.const 4)
            (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
          (call $call_data_append (i32.const 256) (call $arg_size))
          (drop (call $call_perform)))"#,
    ));
    let mut arg = vec![levels];
    arg.extend(id.as_slice());
    subnet.replica.query(QueryMessage { sender: USER, canister_id: id, method_name: "deep".to_owned(), arg })
}

/// Queries may call each other six levels deep.
#[test]
fn should_let_queries_call_each_other_six_levels_deep() {
    assert_eq!(number(deep(6)), 1);
}

/// The whole query fails when they go deeper.
#[test]
fn should_fail_the_query_when_calls_go_deeper() {
    assert_rejected(deep(7), CanisterError, "IC0525");
}

/// All messages of a composite query together have the instructions of one query.
#[test]
fn should_bound_the_instructions_of_all_messages_together() {
    let asking = Asking {
        calls: 200,
        on_reply: "(call $bump (i32.const 1))
          (if (i32.eq (i32.load (i32.const 0)) (i32.const 200)) (then (call $reply_i32 (i32.const 3))))",
        ..Asking::default()
    };
    assert_rejected(asked(&asking, &callee()), CanisterError, "IC0526");
}

/// A composite query can read the status of its own canister from the management canister.
#[test]
fn should_call_canister_status_from_a_composite_query() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&status_asking("canister_status"));
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    assert_eq!(number(ask(&mut subnet, id, &arg)), 1);
}

/// It cannot call methods of the management canister that are no queries.
#[test]
fn should_call_no_update_of_the_management_canister_from_a_composite_query() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&status_asking("start_canister"));
    let arg = candid::encode_one(CanisterIdRecord { canister_id: id }).expect("encodes");
    assert!(number(ask(&mut subnet, id, &arg)) < 0);
}

/// A composite query `ask` that passes its argument to a method of the management canister.
fn status_asking(method: &str) -> Vec<u8> {
    canister(&format!(
        r#"(table funcref (elem $on_reply $on_reject))
        (data (i32.const 128) "{method}")
        (func $on_reply (param i32) (call $reply_i32 (i32.const 1)))
        (func $on_reject (param i32) (call $reply_i32 (i32.sub (i32.const 0) (call $reject_code))))
        (func (export "canister_composite_query ask")
          (call $arg_copy (i32.const 256) (i32.const 0) (call $arg_size))
          (call $call_new (i32.const 256) (i32.const 0) (i32.const 128) (i32.const {size})
            (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
          (call $call_data_append (i32.const 256) (call $arg_size))
          (drop (call $call_perform)))"#,
        size = method.len(),
    ))
}

/// Composite queries cannot be called by an update of another canister.
#[test]
fn should_not_offer_composite_queries_to_calls_of_canisters() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&Asking::default().wasm());
    let caller = subnet.install(&Caller { method: "ask", ..Caller::default() }.wasm());
    assert_eq!(number(subnet.call(caller, "call", id.as_slice())), CanisterError as i32);
}

/// Queries and composite queries cost nothing.
#[test]
fn should_charge_nothing_for_composite_queries() {
    let mut subnet = Subnet::new();
    let id = subnet.install(&Asking::default().wasm());
    let other = subnet.install(&callee());
    let balances = |subnet: &Subnet| [id, other].map(|id| subnet.replica.cycles_balance(id));
    let before = balances(&subnet);
    ask(&mut subnet, id, other.as_slice()).expect("a reply");
    assert_eq!(balances(&subnet), before);
}

/// A certificate is given only to the canister that the user asked.
#[test]
fn should_give_a_certificate_to_the_asked_canister_only() {
    let certified = r#"(func (export "canister_query get2") (call $reply_i32 (call $certificate_size)))"#;
    let asking = Asking { method: "get2", before: "(drop (call $certificate_size))", ..Asking::default() };
    assert_eq!(number(asked(&asking, &canister(certified))), -(CanisterError as i32));
}
