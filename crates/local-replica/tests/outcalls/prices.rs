//! What is charged and what comes back, against figures worked out by hand.

use super::*;

/// `https://registry.example/`, no headers, no body.
const REQUEST_BYTES: u128 = 25;
const SINGLE_SENDER_BASE: u128 = 29_848_000 + 650 * REQUEST_BYTES;

/// Calls and returns the settlement with the whole milliseconds that the round trip took.
fn timed_call(subnet: &mut Subnet, args: HttpRequestArgs) -> (Settled, u128) {
    subnet.start(args).expect("accepted");
    let (_, answers) = subnet.outcalls.finished(Some(Duration::from_secs(20))).remove(0);
    let elapsed_ms = answers.roundtrip().as_millis();
    let settled = subnet.outcalls.settle(answers, &mut |_, _, answer| Ok((answer, 13_000)));
    (settled, elapsed_ms)
}

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

#[test]
fn should_charge_version_2_by_what_was_used_and_refund_the_rest() {
    let server = Server::answering(200, "hello");
    let args = HttpRequestArgs { max_response_bytes: Some(2_000), ..non_replicated(HttpMethod::GET, "/") };
    let mut subnet = Subnet::facing(&server);
    let (settled, elapsed_ms) = timed_call(&mut subnet, with_transform(args));
    let delivered = settled.response.as_ref().expect("an answer").len() as u128;
    // "content-length", "5" and "hello" downloaded; the transform's name is 7 bytes of request.
    let expected = SINGLE_SENDER_BASE
        + 650 * 7
        + 50 * 20
        + 300 * elapsed_ms
        + 13_000 / 13
        + (50 * 13 + 9_490) * delivered;
    assert_eq!(settled.charged, expected);
    assert_eq!(settled.refund, PLENTY_OF_CYCLES - expected);
}

#[test]
fn should_charge_every_node_when_replicated() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    let (settled, slowest_ms) = timed_call(&mut subnet, replicated(HttpMethod::GET, "/"));
    let delivered = settled.response.as_ref().expect("an answer").len() as u128;
    let without_time = 38_417_600 + 650 * REQUEST_BYTES + 13 * 50 * 20 + 9_490 * delivered;
    let time = settled.charged - without_time;
    assert!(time % 300 == 0 && time <= 13 * 300 * slowest_ms, "{time} cycles for at most {slowest_ms} ms");
    assert_eq!(settled.charged + settled.refund, PLENTY_OF_CYCLES);
}

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

#[test]
fn should_fail_after_the_server_was_contacted_when_the_budget_is_too_small() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    // The first affords reading the answer but not gossiping it, the second not its delivery.
    for budget in [29_000, 200_000] {
        subnet.cycles = SINGLE_SENDER_BASE + budget;
        let settled = subnet.call(non_replicated(HttpMethod::GET, "/"));
        assert_eq!(rejected(&settled.response, RejectCode::CanisterReject), "Out of cycles");
        assert_eq!(settled.charged + settled.refund, subnet.cycles);
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn should_keep_the_allowance_of_a_node_that_never_reports() {
    use local_replica::outcalls::{Fault, Target};
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    subnet.cycles = SINGLE_SENDER_BASE + 1_000_000;
    subnet.faults.next(Target::AnyCall, Fault::TimeoutBeforeSending);
    let settled = subnet.call(non_replicated(HttpMethod::GET, "/"));
    assert_eq!((settled.charged, settled.refund), (subnet.cycles, 0));
}
