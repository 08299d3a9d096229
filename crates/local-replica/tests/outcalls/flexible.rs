//! Management canister › flexible_http_request
//!
//! Some nodes send, and the canister gets their answers one by one.

use ic_management_canister_types::{
    FlexibleHttpGlobalError, FlexibleHttpRequestArgs, FlexibleHttpRequestErr, FlexibleHttpRequestResult,
    ReplicationCounts,
};

use super::server::response;
use super::subnet::node_id;
use super::*;

fn ask(total: u32, min: u32, max: u32) -> FlexibleHttpRequestArgs {
    FlexibleHttpRequestArgs {
        url: "https://registry.example/".to_string(),
        replication: Some(ReplicationCounts {
            total_requests: total,
            min_responses: min,
            max_responses: max,
        }),
        ..Default::default()
    }
}

fn result(response: &CallResult) -> FlexibleHttpRequestResult {
    let bytes = response.as_ref().expect("a reply");
    Decode!(bytes, FlexibleHttpRequestResult).expect("a flexible_http_request_result")
}

pub fn answers(response: &CallResult) -> Vec<HttpRequestResult> {
    match result(response) {
        FlexibleHttpRequestResult::Ok(answers) => answers,
        FlexibleHttpRequestResult::Err(error) => panic!("no answers: {}", error.message),
    }
}

fn error(response: &CallResult) -> FlexibleHttpRequestErr {
    match result(response) {
        FlexibleHttpRequestResult::Ok(answers) => panic!("{} answers", answers.len()),
        FlexibleHttpRequestResult::Err(error) => error,
    }
}

fn call(subnet: &mut Subnet, args: FlexibleHttpRequestArgs) -> Settled {
    let id = subnet.start_flexible(args).expect("accepted");
    subnet.collect().only(id)
}

fn refused(args: FlexibleHttpRequestArgs) -> String {
    let server = Server::answering(200, "");
    let reject = Subnet::facing(&server).start_flexible(args).expect_err("refused");
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert!(server.seen().is_empty(), "nothing is sent");
    reject.message
}

/// Each node's answer is delivered, also when no two are the same.
#[test]
fn should_deliver_the_answers_of_the_nodes_one_by_one() {
    let server = Server::start(|count, _| response(200, &[], format!("answer {count}").as_bytes()));
    let settled = call(&mut Subnet::facing(&server), ask(4, 2, 4));
    let mut bodies: Vec<_> = answers(&settled.response).into_iter().map(|answer| answer.body).collect();
    bodies.sort();
    assert_eq!(bodies, [b"answer 0", b"answer 1", b"answer 2", b"answer 3"]);
    assert_eq!(server.seen().len(), 4);
}

/// Without counts all nodes send, and more than two thirds have to answer.
#[test]
fn should_ask_all_nodes_by_default() {
    let server = Server::answering(200, "hello");
    let args = FlexibleHttpRequestArgs { replication: None, ..ask(1, 1, 1) };
    let settled = call(&mut Subnet::facing(&server), args.clone());
    assert_eq!(answers(&settled.response).len(), 13);
    let plan = FaultPlan::default().on(0..5, Fault::TimeoutBeforeSending);
    let mut subnet = Subnet::facing(&server).with_fault(plan);
    subnet.start_flexible(args).expect("accepted");
    assert!(subnet.collect().settled.is_empty(), "eight are one too few");
}

/// No more than `max_responses` answers are delivered, the smallest first.
#[test]
fn should_deliver_the_smallest_answers_when_there_are_more_than_wanted() {
    let server = Server::start(|count, _| response(200, &[], &vec![b'a'; 10 * (4 - count)]));
    let settled = call(&mut Subnet::facing(&server), ask(4, 1, 2));
    let sizes: Vec<_> = answers(&settled.response).iter().map(|answer| answer.body.len()).collect();
    assert_eq!(sizes, [10, 20]);
    assert_eq!(server.seen().len(), 4);
}

/// With `max_responses = 0` the request is sent and no answer is delivered.
#[test]
fn should_deliver_nothing_when_no_answer_is_wanted() {
    let server = Server::answering(200, "hello");
    let settled = call(&mut Subnet::facing(&server), ask(3, 0, 0));
    assert!(answers(&settled.response).is_empty());
    assert_eq!(server.seen().len(), 3);
}

/// The call is answered once `min_responses` nodes have answered; who is dead is not waited for.
#[test]
fn should_answer_without_the_nodes_that_are_not_needed() {
    let server = Server::answering(200, "hello");
    let plan = FaultPlan::default().on(0..4, Fault::TimeoutBeforeSending);
    let settled = call(&mut Subnet::facing(&server).with_fault(plan), ask(13, 9, 13));
    assert_eq!(answers(&settled.response).len(), 9);
}

/// Lies and truths are delivered side by side.
#[test]
fn should_deliver_lies_beside_the_truth() {
    let server = Server::answering(200, "truth");
    let lie = Fault::NodeLies(Lie { status: 200, headers: vec![], body: b"lie".to_vec() });
    let settled =
        call(&mut Subnet::facing(&server).with_fault(FaultPlan::default().on([4], lie)), ask(13, 13, 13));
    let bodies: Vec<_> = answers(&settled.response).into_iter().map(|answer| answer.body).collect();
    assert_eq!(bodies.iter().filter(|body| *body == b"lie").count(), 1);
    assert_eq!(bodies.iter().filter(|body| *body == b"truth").count(), 12);
}

/// When too many nodes reject, the reply says which and why.
#[test]
fn should_reply_with_the_rejects_when_too_many_nodes_reject() {
    let plan = FaultPlan::default().on(0..13, Fault::Resent(Resent { unsent: 3, unanswered: 0 }));
    let server = Server::answering(200, "hello");
    let settled = call(&mut Subnet::facing(&server).with_fault(plan), ask(13, 9, 13));
    let error = error(&settled.response);
    assert!(matches!(error.global_error, Some(FlexibleHttpGlobalError::TooManyRejects(_))));
    assert_eq!(error.message, "Too many rejects: 13 responses are rejects");
    assert_eq!(error.node_details.len(), 13);
    let detail = &error.node_details[12];
    assert_eq!(detail.node_id, node_id(12));
    let reason = detail.error.as_ref().expect("a reason");
    assert_eq!(reason.code, "SysTransient");
    assert!(reason.message.starts_with("Connecting to registry.example failed: "), "{}", reason.message);
}

/// Rejects that are no more than the counts allow do not matter.
#[test]
fn should_leave_out_rejects_when_enough_nodes_answer() {
    let plan = FaultPlan::default().on(0..4, Fault::Resent(Resent { unsent: 3, unanswered: 0 }));
    let server = Server::answering(200, "hello");
    let settled = call(&mut Subnet::facing(&server).with_fault(plan), ask(13, 9, 13));
    assert_eq!(answers(&settled.response).len(), 9);
}

/// When too few nodes answer in time, the reply says so; it is no reject.
#[test]
fn should_reply_with_a_timeout_when_too_few_nodes_answer() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server).with_fault(Fault::AnswerDropped);
    let id = subnet.start_flexible(ask(4, 2, 4)).expect("accepted");
    assert!(subnet.collect().settled.is_empty());
    subnet.pass_time(std::time::Duration::from_secs(61));
    let error = error(&subnet.collect().only(id).response);
    assert!(matches!(error.global_error, Some(FlexibleHttpGlobalError::Timeout(_))));
    assert_eq!(error.message, "Flexible HTTP request timed out");
    assert_eq!(server.seen().len(), 4);
}

/// Answers that do not fit into two mebibytes together are not delivered.
#[test]
fn should_reply_that_the_answers_are_too_large_when_the_fewest_do_not_fit() {
    let server = Server::answering(200, &"a".repeat(1_100_000));
    let settled = call(&mut Subnet::facing(&server), ask(3, 2, 3));
    let error = error(&settled.response);
    assert!(matches!(error.global_error, Some(FlexibleHttpGlobalError::ResponsesTooLarge(_))));
    assert!(
        error.message.starts_with("Responses too large: need at least 2 OK responses"),
        "{}",
        error.message
    );
    assert_eq!(error.node_details.len(), 3);
}

/// Of answers that do not all fit, as many are delivered as do.
#[test]
fn should_deliver_as_many_answers_as_fit() {
    let server = Server::answering(200, &"a".repeat(900_000));
    let settled = call(&mut Subnet::facing(&server), ask(3, 1, 3));
    assert_eq!(answers(&settled.response).len(), 2);
}

/// A budget that pays for no delivery makes the reply say so, after the nodes have sent.
#[test]
fn should_reply_out_of_cycles_when_nothing_can_be_delivered() {
    let server = Server::answering(200, &"a".repeat(10_000));
    let mut subnet = Subnet::facing(&server);
    // Base fee 13 × (1,000,000 + 50 × 25 + 90,000 × 13 + 2,000 × 13 × 2 + 200,000), and a little.
    subnet.cycles = 31_502_250 + 1_000_000;
    let settled = call(&mut subnet, ask(3, 2, 3));
    let error = error(&settled.response);
    assert!(matches!(error.global_error, Some(FlexibleHttpGlobalError::OutOfCycles(_))), "{}", error.message);
    assert!(error.message.starts_with("Out of cycles: 3 of the assigned replicas"), "{}", error.message);
    assert_eq!(server.seen().len(), 3);
    assert_eq!(settled.charged + settled.refund, subnet.cycles);
}

/// Fewer cycles than the base fee are refused before anything is sent.
#[test]
fn should_refuse_a_call_that_does_not_pay_its_base_fee() {
    let server = Server::answering(200, "");
    let mut subnet = Subnet::facing(&server);
    subnet.cycles = 31_502_249;
    let reject = subnet.start_flexible(ask(3, 2, 3)).expect_err("refused");
    assert_eq!(
        reject.message,
        "flexible_http_request request sent with 31_502_249 cycles, but 31_502_250 cycles are required."
    );
}

/// The counts may not contradict each other.
#[test]
fn should_refuse_counts_that_contradict_each_other() {
    assert_eq!(refused(ask(0, 0, 0)), "total_requests (0) must be at least 1");
    let too_many = "total_requests (14) must not exceed the number of available nodes (13)";
    assert_eq!(refused(ask(14, 1, 1)), too_many);
    assert_eq!(refused(ask(4, 3, 2)), "min_responses (3) must not exceed max_responses (2)");
    assert_eq!(refused(ask(2, 1, 3)), "max_responses (3) must not exceed total_requests (2)");
}

/// PUT, DELETE and PATCH need `min_responses = max_responses = total_requests`.
#[test]
fn should_refuse_a_changing_method_unless_all_counts_are_equal() {
    for method in [HttpMethod::PUT, HttpMethod::DELETE, HttpMethod::PATCH] {
        for (total, min, max) in [(2, 1, 2), (2, 1, 1), (3, 2, 2)] {
            let message = refused(FlexibleHttpRequestArgs { method, ..ask(total, min, max) });
            assert!(message.ends_with("min_responses = max_responses = total_requests."), "{message}");
        }
        let server = Server::answering(200, "done");
        let args = FlexibleHttpRequestArgs { method, ..ask(2, 2, 2) };
        assert_eq!(answers(&call(&mut Subnet::facing(&server), args).response).len(), 2);
    }
}

/// The limits of requests are those of `http_request`.
#[test]
fn should_check_a_flexible_request_as_any_other() {
    let long = FlexibleHttpRequestArgs { url: format!("https://a/{}", "a".repeat(8_192)), ..ask(1, 1, 1) };
    assert_eq!(refused(long), "url size 8202 exceeds 8192");
}
