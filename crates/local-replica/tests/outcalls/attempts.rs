//! Management canister › http_request › sending again
//!
//! A node sends a request up to three times: whatever fails before the head of an answer is there
//! leads to the next attempt, also when the server has processed the request.

use super::server::response;
use super::*;

/// Ends so many connections unanswered, then answers with the number of the request.
fn failing_server(failures: usize) -> Server {
    Server::start(move |count, _| match count < failures {
        true => Vec::new(),
        false => response(200, &[], format!("answer {count}").as_bytes()),
    })
}

fn put() -> HttpRequestArgs {
    HttpRequestArgs { body: Some(b"{}".to_vec()), ..non_replicated(HttpMethod::PUT, "/demo") }
}

fn resent(unsent: u8, unanswered: u8) -> Fault {
    Fault::Resent(Resent { unsent, unanswered })
}

/// A connection that ends unanswered leads to the same request being sent again.
#[test]
fn should_send_again_when_the_connection_ends_unanswered() {
    let server = failing_server(1);
    let settled = Subnet::facing(&server).call(put());
    assert_eq!(answer(&settled.response).body, b"answer 1");
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!((&seen[0].request_line, &seen[0].body), (&seen[1].request_line, &seen[1].body));
    assert_eq!(seen[0].headers, seen[1].headers);
}

/// The third attempt is the last that can succeed.
#[test]
fn should_report_the_third_answer_when_two_connections_end_unanswered() {
    let server = failing_server(2);
    let settled = Subnet::facing(&server).call(put());
    assert_eq!(answer(&settled.response).body, b"answer 2");
    assert_eq!(server.seen().len(), 3);
}

/// After three attempts the node reports that it could not connect, though the server saw them all.
#[test]
fn should_give_up_after_three_attempts() {
    let server = failing_server(usize::MAX);
    let settled = Subnet::facing(&server).call(put());
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(
        message.starts_with("Connecting to registry.example failed: direct connect ")
            && message.contains(" and connect through socks "),
        "{message}"
    );
    assert_eq!(server.seen().len(), 3);
}

/// An answer that breaks off after its head is not asked for again.
#[test]
fn should_not_send_again_when_only_the_body_breaks_off() {
    let server = Server::start(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec());
    let settled = Subnet::facing(&server).call(put());
    rejected(&settled.response, RejectCode::SysTransient);
    assert_eq!(server.seen().len(), 1);
}

/// An error status is an answer, and nothing is sent again.
#[test]
fn should_not_send_again_when_the_server_answers_an_error() {
    let server = Server::start(|_, _| response(503, &[], b"later"));
    let settled = Subnet::facing(&server).call(put());
    assert_eq!(answer(&settled.response).status, 503_u16);
    assert_eq!(server.seen().len(), 1);
}

/// What is no HTTP is as good as no answer.
#[test]
fn should_send_again_when_the_answer_is_no_http() {
    let server = Server::start(|count, _| match count {
        0 => b"SSH-2.0-server\r\n\r\n".to_vec(),
        _ => response(200, &[], b"hello"),
    });
    let settled = Subnet::facing(&server).call(put());
    assert_eq!(answer(&settled.response).body, b"hello");
    assert_eq!(server.seen().len(), 2);
}

/// Every node of a replicated call has its own three attempts.
#[test]
fn should_let_every_node_send_again_on_its_own() {
    let server = Server::answering(200, "hello");
    let plan = FaultPlan::default().on([2], resent(0, 2)).on([5], resent(0, 1)).on([6], resent(2, 0));
    let settled = Subnet::facing(&server).with_fault(plan).call(replicated(HttpMethod::POST, "/"));
    assert_eq!(answer(&settled.response).body, b"hello");
    assert_eq!(server.seen().len(), NODES as usize + 3);
}

/// The fault `Resent` with lost answers: the server gets the request again, the last answer counts.
#[test]
fn should_lose_the_answers_that_the_fault_says() {
    for unanswered in 0..3 {
        let server = failing_server(0);
        let response = Subnet::facing(&server).with_fault(resent(0, unanswered)).call(put()).response;
        assert_eq!(answer(&response).body, format!("answer {unanswered}").as_bytes());
        assert_eq!(server.seen().len(), usize::from(unanswered) + 1);
    }
}

/// The fault `Resent` with three lost answers: the server processed three requests, the canister is
/// told that nobody could connect.
#[test]
fn should_report_a_failed_connection_though_the_server_saw_three_requests() {
    let server = failing_server(0);
    let settled = Subnet::facing(&server).with_fault(resent(0, 3)).call(put());
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Connecting to registry.example failed: "), "{message}");
    assert_eq!(server.seen().len(), 3);
}

/// The fault `Resent` with unsent requests: attempts that fail early use up the three.
#[test]
fn should_count_attempts_that_never_reach_the_server() {
    let cases = [(1, 0, 1, true), (2, 0, 1, true), (1, 1, 2, true), (3, 0, 0, false), (2, 1, 1, false)];
    for (unsent, unanswered, seen, succeeds) in cases {
        let server = failing_server(0);
        let settled = Subnet::facing(&server).with_fault(resent(unsent, unanswered)).call(put());
        assert_eq!(settled.response.is_ok(), succeeds, "{unsent} unsent, {unanswered} unanswered");
        assert_eq!(server.seen().len(), seen, "{unsent} unsent, {unanswered} unanswered");
    }
}
