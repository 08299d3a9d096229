//! Each fault: what the server saw, and what the canister is told.

use std::collections::BTreeMap;

use local_replica::outcalls::{Fault, Lie, Target};

use super::server::response;
use super::*;

const TIMED_OUT: &str = "Canister http request timed out";

/// Answers with the number of the request, so that one answer can be told from another.
fn counting_server() -> Server {
    Server::start(|count, _| response(200, &[], format!("answer {count}").as_bytes()))
}

fn lie(body: &str) -> Lie {
    Lie { status: 200, body: body.as_bytes().to_vec() }
}

fn put() -> HttpRequestArgs {
    HttpRequestArgs { body: Some(b"{}".to_vec()), ..non_replicated(HttpMethod::PUT, "/demo") }
}

fn faulty_put(server: &Server, fault: Fault) -> CallResult {
    let mut subnet = Subnet::facing(server);
    subnet.faults.next(Target::Method(HttpMethod::PUT), fault);
    subnet.call(put()).response
}

#[test]
fn should_time_out_though_the_server_saw_the_request_when_the_answer_is_dropped() {
    let server = counting_server();
    let response = faulty_put(&server, Fault::AnswerDropped);
    assert_eq!(rejected(&response, RejectCode::SysTransient), TIMED_OUT);
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].body, b"{}");
}

#[test]
fn should_report_the_second_answer_when_sent_twice() {
    let server = counting_server();
    let response = faulty_put(&server, Fault::SentTwice);
    assert_eq!(answer(&response).body, b"answer 1");
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn should_report_success_though_the_server_saw_nothing_when_the_node_lies() {
    let server = counting_server();
    let response = faulty_put(&server, Fault::NodeLies(Lie { status: 201, body: b"published".to_vec() }));
    let answer = answer(&response);
    assert_eq!((answer.status, answer.body), (201_u16.into(), b"published".to_vec()));
    assert!(server.seen().is_empty());
}

#[test]
fn should_time_out_and_the_server_see_nothing_when_it_times_out_before_sending() {
    let server = counting_server();
    let response = faulty_put(&server, Fault::TimeoutBeforeSending);
    assert_eq!(rejected(&response, RejectCode::SysTransient), TIMED_OUT);
    assert!(server.seen().is_empty());
}

#[test]
fn should_outvote_the_liars_when_they_are_no_more_than_are_tolerated() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    let liars: BTreeMap<u32, Lie> = (0..4).map(|node| (node, lie("lie"))).collect();
    subnet.faults.next(Target::AnyCall, Fault::NodesLie(liars));
    // The lies carry no headers; neither do the truths after this transform.
    let settled = subnet
        .call_with_transform(with_transform(replicated(HttpMethod::GET, "/")), |_, answer| {
            (HttpRequestResult { headers: vec![], ..answer }, 0)
        });
    assert_eq!(answer(&settled.response).body, b"truth");
    assert_eq!(server.seen().len(), 9);
}

#[test]
fn should_reach_no_consensus_when_one_liar_too_many_tells_something_else() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    let liars: BTreeMap<u32, Lie> = (0..5).map(|node| (node, lie(&format!("lie {node}")))).collect();
    subnet.faults.next(Target::AnyCall, Fault::NodesLie(liars));
    let settled = subnet.call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("No consensus could be reached."), "{message}");
    assert_eq!(message.matches(": 1]").count(), 5, "each lie is its own group: {message}");
    assert_eq!(server.seen().len(), 8);
}

#[test]
fn should_hit_only_the_call_that_the_fault_is_meant_for() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    subnet.faults.next(Target::Method(HttpMethod::PUT), Fault::TimeoutBeforeSending);
    answer(&subnet.call(replicated(HttpMethod::GET, "/")).response);
    rejected(&subnet.call(put()).response, RejectCode::SysTransient);
    answer(&subnet.call(put()).response);
    assert_eq!(server.seen().len(), NODES as usize + 1);
}

#[test]
fn should_hit_every_call_until_the_fault_is_cleared() {
    let server = Server::answering(200, "truth");
    let mut subnet = Subnet::facing(&server);
    subnet.faults.until_cleared(Target::AnyCall, Fault::TimeoutBeforeSending);
    for _ in 0..2 {
        rejected(&subnet.call(put()).response, RejectCode::SysTransient);
    }
    subnet.faults.clear();
    answer(&subnet.call(put()).response);
    assert_eq!(server.seen().len(), 1);
}
