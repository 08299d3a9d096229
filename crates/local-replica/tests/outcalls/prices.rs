//! Management canister › http_request
//!
//! What is charged, against figures worked out by hand.

use std::time::Duration;

use super::*;

/// `https://registry.example/`, no headers, no body.
const REQUEST_BYTES: u128 = 25;
const SINGLE_SENDER_BASE: u128 = 29_848_000 + 650 * REQUEST_BYTES;

/// Under version 1 the price depends on the largest answer asked for, and not on what comes.
#[test]
fn should_charge_version_1_by_the_response_limit_whatever_comes_back() {
    let server = Server::answering(200, "hello");
    let args = HttpRequestArgs {
        pricing_version: None,
        max_response_bytes: Some(1_000),
        ..replicated(HttpMethod::GET, "/")
    };
    let settled = Subnet::facing(&server).call(args);
    let price = 49_140_000 + 5_200 * REQUEST_BYTES + 10_400 * 1_000;
    assert_eq!((settled.charged, settled.refund), (price, PLENTY_OF_CYCLES - price));
}

/// Under version 2 each part of the use is charged, and the rest comes back with the answer.
#[test]
fn should_charge_version_2_by_what_was_used_and_refund_the_rest() {
    let server = Server::answering(200, "hello");
    let args = HttpRequestArgs { max_response_bytes: Some(2_000), ..non_replicated(HttpMethod::GET, "/") };
    let settled =
        Subnet::facing(&server).call_with_transform(with_transform(args), |_, answer| (answer, 13_000));
    let delivered = settled.response.as_ref().expect("an answer").len() as u128;
    // "content-length", "5" and "hello" downloaded; the transform's name is 7 bytes of request.
    let expected = SINGLE_SENDER_BASE + 650 * 7 + 50 * 20 + 13_000 / 13 + (50 * 13 + 9_490) * delivered;
    assert_eq!((settled.charged, settled.refund), (expected, PLENTY_OF_CYCLES - expected));
}

/// The time from the call to the report is charged by the millisecond of the subnet's clock.
#[test]
fn should_charge_the_round_trip_by_the_subnets_time() {
    let server = Server::answering(200, "hello");
    let charged = |fault: Option<Fault>| {
        let mut subnet = Subnet::facing(&server);
        fault.into_iter().for_each(|fault| subnet.faults.next(Target::AnyCall, fault));
        let id = subnet.start(non_replicated(HttpMethod::GET, "/")).expect("accepted");
        let at_once = subnet.collect();
        subnet.pass_time(Duration::from_millis(2_500));
        let later = subnet.collect();
        if at_once.settled.is_empty() { later.only(id).charged } else { at_once.only(id).charged }
    };
    let late = charged(Some(Fault::Late { by_ns: 2_500_000_000 }));
    assert_eq!(late - charged(None), 300 * 2_500);
}

/// Every node of a replicated call is charged for its own use.
#[test]
fn should_charge_every_node_when_replicated() {
    let server = Server::answering(200, "hello");
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    let delivered = settled.response.as_ref().expect("an answer").len() as u128;
    let expected = 38_417_600 + 650 * REQUEST_BYTES + 13 * 50 * 20 + 9_490 * delivered;
    assert_eq!((settled.charged, settled.refund), (expected, PLENTY_OF_CYCLES - expected));
}

/// Without the base fee nothing is sent.
#[test]
fn should_refuse_to_send_when_less_than_the_base_is_attached() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    subnet.cycles = SINGLE_SENDER_BASE - 1;
    let reject = subnet.start(non_replicated(HttpMethod::GET, "/")).expect_err("refused");
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert_eq!(
        reject.message,
        "http_request request sent with 29_864_249 cycles, but 29_864_250 cycles are required."
    );
    assert!(server.seen().is_empty());
}

/// A budget that does not pay for the delivery fails the call after the server was contacted.
#[test]
fn should_fail_after_the_server_was_contacted_when_the_budget_is_too_small() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    // The first affords reading the answer but not gossiping it, the second not its delivery.
    for budget in [29_000, 200_000] {
        subnet.cycles = SINGLE_SENDER_BASE + budget;
        let settled = subnet.call(non_replicated(HttpMethod::GET, "/"));
        let message = rejected(&settled.response, RejectCode::CanisterReject);
        assert!(message.starts_with("Out of cycles: 1 of the assigned replicas reported"), "{message}");
        assert_eq!(settled.charged + settled.refund, subnet.cycles);
    }
    assert_eq!(server.seen().len(), 2);
}

/// What a node might have used is kept when it never reports.
#[test]
fn should_keep_the_allowance_of_a_node_that_never_reports() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    subnet.cycles = SINGLE_SENDER_BASE + 1_000_000;
    subnet.faults.next(Target::AnyCall, Fault::TimeoutBeforeSending);
    let settled = subnet.call_until_timeout(non_replicated(HttpMethod::GET, "/"));
    assert_eq!((settled.charged, settled.refund), (subnet.cycles, 0));
}
