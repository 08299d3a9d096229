//! Management canister › http_request
//!
//! What is refused before anything is sent, and what is too large.

use super::server::response;
use super::*;

fn refused(args: HttpRequestArgs) -> Reject {
    let server = Server::answering(200, "");
    let mut subnet = Subnet::facing(&server);
    let reject = subnet.start(args).expect_err("refused");
    assert_eq!(subnet.outcalls.in_flight(), 0);
    assert!(server.seen().is_empty(), "nothing is sent");
    reject
}

fn non_replicated_with_limit(limit: u64) -> HttpRequestArgs {
    HttpRequestArgs { max_response_bytes: Some(limit), ..non_replicated(HttpMethod::GET, "/") }
}

/// PUT, DELETE and PATCH need a single sender.
#[test]
fn should_send_nothing_when_the_method_needs_a_single_sender() {
    let reject = refused(replicated(HttpMethod::PUT, "/"));
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert_eq!(reject.message, "The requested HTTP method is only allowed for non-replicated requests.");
}

/// The URL has to be https.
#[test]
fn should_send_nothing_when_the_url_is_not_https() {
    let args = HttpRequestArgs {
        url: "http://registry.example/".to_string(),
        ..non_replicated(HttpMethod::GET, "/")
    };
    let reject = refused(args);
    assert_eq!(reject.code, RejectCode::SysFatal);
    assert_eq!(reject.message, "Url need to specify https scheme");
}

/// A request has at most 64 headers.
#[test]
fn should_send_nothing_when_there_are_65_headers() {
    let headers = vec![header("x-header", "value"); 65];
    let reject = refused(HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") });
    assert_eq!(reject.message, "number of all http headers 65 exceeds 64");
}

/// A request with 64 headers is sent.
#[test]
fn should_send_64_headers() {
    let server = Server::answering(200, "");
    let headers = (0..64).map(|i| header(&format!("x-header-{i}"), "value")).collect();
    let args = HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") };
    answer(&Subnet::facing(&server).call(args).response);
    let seen = server.seen();
    assert_eq!(seen[0].headers.iter().filter(|(name, _)| name.starts_with("x-header-")).count(), 64);
}

/// Headers and body of a request are at most 2,000,000 bytes together.
#[test]
fn should_send_nothing_when_the_request_is_too_large() {
    let body = Some(vec![0; 2_000_001]);
    let reject = refused(HttpRequestArgs { body, ..non_replicated(HttpMethod::PUT, "/") });
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert!(reject.message.ends_with("2000001 exceeds 2000000"), "{}", reject.message);
}

/// `max_response_bytes` limits headers and body of the answer together.
#[test]
fn should_count_headers_and_body_against_the_response_limit() {
    // "content-length" and "100": 17 bytes of headers.
    let server = Server::start(|_, _| response(200, &[], &[b'a'; 100]));
    let mut subnet = Subnet::facing(&server);
    let fits = subnet.call(non_replicated_with_limit(117));
    assert_eq!(answer(&fits.response).body.len(), 100);
    let too_large = subnet.call(non_replicated_with_limit(116));
    assert_eq!(
        rejected(&too_large.response, RejectCode::SysFatal),
        "Http body exceeds size limit of 116 bytes."
    );
    let headers_alone = subnet.call(non_replicated_with_limit(16));
    assert_eq!(
        rejected(&headers_alone.response, RejectCode::SysFatal),
        "Header size exceeds specified response size limit 16"
    );
    assert_eq!(server.seen().len(), 3, "the server was contacted each time");
}

/// Without `max_response_bytes` the limit is 2,000,000 bytes.
#[test]
fn should_stop_reading_when_the_answer_never_ends() {
    let server = Server::start(|_, _| {
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.extend(vec![b'a'; 50_000_000]);
        endless
    });
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysFatal);
    assert_eq!(message, "Http body exceeds size limit of 2000000 bytes.");
}

/// An answer has at most 64 headers.
#[test]
fn should_refuse_an_answer_when_it_has_more_than_64_headers() {
    let server = Server::start(|_, _| response(200, &[("x-header", "value"); 64], b""));
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysFatal);
    assert_eq!(message, "number of all http headers 65 exceeds 64");
}

/// What the transform returns is limited by `max_response_bytes`, in its encoding.
#[test]
fn should_limit_what_the_transform_returns() {
    let server = Server::answering(200, "short");
    let mut subnet = Subnet::facing(&server);
    let args = with_transform(non_replicated_with_limit(200));
    let inflated = |bytes| {
        move |_, answer| (HttpRequestResult { headers: vec![], body: vec![b'a'; bytes], ..answer }, 0)
    };
    let too_large = subnet.call_with_transform(args.clone(), inflated(200));
    assert_eq!(
        rejected(&too_large.response, RejectCode::SysFatal),
        "Transformed http response exceeds limit: 200"
    );
    let fits = subnet.call_with_transform(args, inflated(50));
    assert_eq!(answer(&fits.response).body.len(), 50);
}

/// A header name or value has at most 8 KiB.
#[test]
fn should_send_nothing_when_a_header_is_too_long() {
    let name = refused(HttpRequestArgs {
        headers: vec![header(&"n".repeat(8_193), "v")],
        ..non_replicated(HttpMethod::GET, "/")
    });
    assert_eq!(name.message, "number of bytes to represent some http header name 8193 exceeds 8192");
    let value = refused(HttpRequestArgs {
        headers: vec![header("n", &"v".repeat(8_193))],
        ..non_replicated(HttpMethod::GET, "/")
    });
    assert_eq!(value.message, "number of bytes to represent some http header value 8193 exceeds 8192");
}

/// All header names and values together have at most 48 KiB.
#[test]
fn should_send_nothing_when_all_headers_together_are_too_long() {
    let headers = (0..7).map(|_| header("n", &"v".repeat(8_000))).collect();
    let reject = refused(HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") });
    assert!(reject.message.ends_with("56007 exceeds 49152"), "{}", reject.message);
}

/// A URL has at most 8192 bytes.
#[test]
fn should_send_nothing_when_the_url_is_too_long() {
    let reject = refused(non_replicated(HttpMethod::GET, &format!("/{}", "a".repeat(8_192))));
    assert_eq!(reject.message, "url size 8217 exceeds 8192");
}

/// `max_response_bytes` is at most 2,000,000.
#[test]
fn should_send_nothing_when_a_larger_answer_is_asked_for_than_is_allowed() {
    let reject = refused(non_replicated_with_limit(2_000_001));
    assert_eq!(reject.message, "max_response_bytes expected to be in the range [0..2000000], got 2000001");
}

/// Only a transform of the canister that calls may be named.
#[test]
fn should_send_nothing_when_the_transform_is_another_canisters() {
    let mut args = with_transform(non_replicated(HttpMethod::GET, "/"));
    let other = Principal::from_slice(&[9, 9]);
    args.transform.as_mut().expect("set").function.0.principal = other;
    let reject = refused(args);
    let expected = format!("transform principal id expected to be {}, got {other}", caller());
    assert_eq!(reject.message, expected);
}

/// A header that no HTTP message can carry makes the node report a fatal reject, and nothing is sent.
#[test]
fn should_reject_a_header_that_http_does_not_know() {
    let server = Server::answering(200, "");
    let headers = vec![header("not a name", "value")];
    let args = HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") };
    let settled = Subnet::facing(&server).call(args);
    let message = rejected(&settled.response, RejectCode::SysFatal);
    assert!(message.starts_with("Failed to parse header name"), "{message}");
    assert!(server.seen().is_empty());
}

/// A header of the answer that is no visible ASCII makes it unusable.
#[test]
fn should_reject_an_answer_whose_headers_are_no_text() {
    let server =
        Server::start(|_, _| b"HTTP/1.1 200 OK\r\nx-odd: \xff\r\ncontent-length: 0\r\n\r\n".to_vec());
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Failed to parse headers: "), "{message}");
}

/// At most 3000 outcalls of a subnet are without an answer at a time.
#[test]
fn should_refuse_more_calls_than_may_be_under_way() {
    let mut subnet = Subnet::with_routes(&[]);
    subnet.faults.until_cleared(Target::AnyCall, Fault::TimeoutBeforeSending);
    for _ in 0..3_000 {
        subnet.start(non_replicated(HttpMethod::GET, "/")).expect("there is room");
    }
    let reject = subnet.start(non_replicated(HttpMethod::GET, "/")).expect_err("one too many");
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert_eq!(reject.message, "max number (3000) of http requests in-flight reached.");
}
