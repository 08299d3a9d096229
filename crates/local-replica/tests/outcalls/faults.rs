//! Management canister › http_request › faults
//!
//! Each fault: what the server saw, and what the canister is told.

use std::time::Duration;

use super::server::response;
use super::*;

const TIMED_OUT: &str = "Canister http request timed out";

/// Answers with the number of the request, so that one answer can be told from another.
fn counting_server() -> Server {
    Server::start(|count, _| response(200, &[], format!("answer {count}").as_bytes()))
}

fn lie(body: &str) -> Fault {
    // What an honest node reports of `Server::answering`.
    let headers = vec![header("content-length", &body.len().to_string())];
    Fault::NodeLies(Lie { status: 200, headers, body: body.as_bytes().to_vec() })
}

fn put() -> HttpRequestArgs {
    HttpRequestArgs { body: Some(b"{}".to_vec()), ..non_replicated(HttpMethod::PUT, "/demo") }
}

fn get() -> HttpRequestArgs {
    replicated(HttpMethod::GET, "/")
}

/// An answer that never reaches the subnet is a timeout, though the server processed the request.
#[test]
fn should_time_out_though_the_server_saw_the_request_when_the_answer_is_dropped() {
    let server = counting_server();
    let settled = Subnet::facing(&server).with_fault(Fault::AnswerDropped).call_until_timeout(put());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].body, b"{}");
}

/// A dead node makes a non-replicated call time out with nothing sent: the canister is told the same.
#[test]
fn should_time_out_and_the_server_see_nothing_when_the_node_is_dead() {
    let server = counting_server();
    let settled = Subnet::facing(&server).with_fault(Fault::TimeoutBeforeSending).call_until_timeout(put());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
    assert!(server.seen().is_empty());
}

/// The node of a non-replicated call can make its answer up.
#[test]
fn should_report_success_though_the_server_saw_nothing_when_the_node_lies() {
    let server = counting_server();
    let lie = Lie { status: 201, headers: vec![header("x-id", "7")], body: b"published".to_vec() };
    let settled = Subnet::facing(&server).with_fault(Fault::NodeLies(lie)).call(put());
    let answer = answer(&settled.response);
    assert_eq!((answer.status, answer.body), (201_u16.into(), b"published".to_vec()));
    assert_eq!(answer.headers, [header("x-id", "7")]);
    assert!(server.seen().is_empty());
}

/// A garbled answer of a non-replicated call is taken for the server's.
#[test]
fn should_deliver_what_the_node_made_of_the_answer_when_it_garbles() {
    let server = Server::answering(200, "ab");
    let settled = Subnet::facing(&server).with_fault(Fault::Garbled).call(put());
    assert_eq!(answer(&settled.response).body, [!b'a', !b'b']);
    assert_eq!(server.seen().len(), 1);
}

/// As many liars as a third of the nodes are outvoted, whatever they say.
#[test]
fn should_outvote_the_liars_when_they_are_no_more_than_are_tolerated() {
    let server = Server::answering(200, "truth");
    let plan = FaultPlan::default().on(0..4, lie("never"));
    let settled = Subnet::facing(&server).with_fault(plan).call(get());
    assert_eq!(answer(&settled.response).body, b"truth");
    assert_eq!(server.seen().len(), 9);
}

/// One liar more than is tolerated can stop an agreement.
#[test]
fn should_reach_no_consensus_when_one_liar_too_many_tells_something_else() {
    let server = Server::answering(200, "truth");
    let plan = (0..5).fold(FaultPlan::default(), |plan, node| plan.on([node], lie(&format!("lie {node}"))));
    let settled = Subnet::facing(&server).with_fault(plan).call(get());
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("No consensus could be reached."), "{message}");
    assert_eq!(message.matches(": 1]").count(), 5, "each lie is its own group: {message}");
    assert_eq!(server.seen().len(), 8);
}

/// Two thirds of the nodes that lie in the same way make the subnet's answer.
#[test]
fn should_believe_two_thirds_of_liars() {
    let server = Server::answering(200, "truth");
    let plan = FaultPlan::default().on(0..9, lie("never"));
    let settled = Subnet::facing(&server).with_fault(plan).call(get());
    assert_eq!(answer(&settled.response).body, b"never");
}

/// Garbled answers count as different ones.
#[test]
fn should_tolerate_as_many_garbled_answers_as_lies() {
    for (garblers, agrees) in [(4, true), (5, false)] {
        let server = Server::answering(200, "truth");
        let plan = FaultPlan::default().on(0..garblers, Fault::Garbled);
        let settled = Subnet::facing(&server).with_fault(plan).call(get());
        assert_eq!(settled.response.is_ok(), agrees, "{garblers} garblers");
        assert_eq!(server.seen().len(), NODES as usize);
    }
}

/// Dead nodes are not waited for when the others suffice.
#[test]
fn should_agree_without_the_dead_when_they_are_no_more_than_are_tolerated() {
    let server = Server::answering(200, "truth");
    let plan = FaultPlan::default().on(9..13, Fault::TimeoutBeforeSending);
    let settled = Subnet::facing(&server).with_fault(plan).call(get());
    assert_eq!(answer(&settled.response).body, b"truth");
    assert_eq!(server.seen().len(), 9);
}

/// One dead node more than is tolerated makes the call time out.
#[test]
fn should_time_out_when_one_node_too_many_is_dead() {
    let server = Server::answering(200, "truth");
    let plan = FaultPlan::default().on(8..13, Fault::TimeoutBeforeSending);
    let settled = Subnet::facing(&server).with_fault(plan).call_until_timeout(get());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
    assert_eq!(server.seen().len(), 8);
}

/// Dropped answers count as dead nodes, though the server saw all requests.
#[test]
fn should_time_out_when_one_answer_too_many_is_dropped() {
    let server = Server::answering(200, "truth");
    let plan = FaultPlan::default().on(8..13, Fault::AnswerDropped);
    let settled = Subnet::facing(&server).with_fault(plan).call_until_timeout(get());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
    assert_eq!(server.seen().len(), NODES as usize);
}

/// A liar and a dead node together: what the silent ones could decide is waited for.
#[test]
fn should_time_out_when_liars_and_dead_leave_it_open() {
    let server = Server::answering(200, "truth");
    let plan = FaultPlan::default().on(0..4, lie("never")).on([4], Fault::TimeoutBeforeSending);
    let settled = Subnet::facing(&server).with_fault(plan).call_until_timeout(get());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
}

/// Late nodes delay the answer only when they are needed, and by the subnet's time.
#[test]
fn should_wait_for_late_nodes_when_they_are_needed() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    let late = |nodes| FaultPlan::default().on(nodes, Fault::Late { by_ns: 10_000_000_000 });
    subnet.faults.next(Target::AnyCall, late(0..4));
    assert_eq!(answer(&subnet.call(get()).response).body, b"truth");
    subnet.faults.next(Target::AnyCall, late(0..5));
    let id = subnet.start(get()).expect("accepted");
    assert!(subnet.collect().settled.is_empty());
    subnet.pass_time(Duration::from_secs(10) - Duration::from_nanos(1));
    assert!(subnet.collect().settled.is_empty());
    subnet.pass_time(Duration::from_nanos(1));
    assert_eq!(answer(&subnet.collect().only(id).response).body, b"truth");
}

/// A node that is later than a minute is too late.
#[test]
fn should_time_out_when_the_node_is_later_than_a_minute() {
    let server = Server::answering(200, "truth");
    let fault = Fault::Late { by_ns: 60_000_000_001 };
    let settled = Subnet::facing(&server).with_fault(fault).call_until_timeout(put());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
    assert_eq!(server.seen().len(), 1);
}

/// An answer that is held back is reported when it is released, and not before.
#[test]
fn should_report_an_answer_that_was_held_back_once_it_is_released() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server).with_fault(Fault::HeldBack);
    subnet.faults.release();
    let id = subnet.start(put()).expect("accepted");
    assert!(subnet.collect().settled.is_empty(), "a release before the call is none");
    assert_eq!(server.seen().len(), 1);
    subnet.faults.release();
    assert_eq!(answer(&subnet.collect().only(id).response).body, b"truth");
}

/// An answer that is never released is a timeout.
#[test]
fn should_time_out_when_an_answer_is_never_released() {
    let server = Server::answering(200, "truth");
    let settled = Subnet::facing(&server).with_fault(Fault::HeldBack).call_until_timeout(put());
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), TIMED_OUT);
}

/// A fault for a node touches a non-replicated call only when that node is drawn.
#[test]
fn should_spare_a_non_replicated_call_when_another_node_is_drawn() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    subnet.faults.until_cleared(Target::AnyCall, FaultPlan::default().on(0..12, lie("never")));
    let calls = 40;
    let honest = (0..calls).filter(|_| answer(&subnet.call(put()).response).body == b"truth").count();
    assert_eq!(honest, server.seen().len());
    assert!(honest > 0 && honest < calls, "{honest} of {calls} calls were given to the honest node");
}

/// A fault can be meant for one method, so that a publish is hit and its read-back left alone.
#[test]
fn should_hit_only_the_call_that_the_fault_is_meant_for() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    subnet.faults.next(Target::Method(HttpMethod::PUT), Fault::TimeoutBeforeSending);
    answer(&subnet.call(get()).response);
    rejected(&subnet.call_until_timeout(put()).response, RejectCode::SysTransient);
    answer(&subnet.call(put()).response);
    assert_eq!(server.seen().len(), NODES as usize + 1);
}

/// A standing fault hits every call until it is cleared.
#[test]
fn should_hit_every_call_until_the_fault_is_cleared() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    subnet.faults.until_cleared(Target::AnyCall, Fault::TimeoutBeforeSending);
    for _ in 0..2 {
        rejected(&subnet.call_until_timeout(put()).response, RejectCode::SysTransient);
    }
    subnet.faults.clear();
    answer(&subnet.call(put()).response);
    assert_eq!(server.seen().len(), 1);
}
