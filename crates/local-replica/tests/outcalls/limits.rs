//! Requests that are refused before anything is sent, and answers that are too large.

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

#[test]
fn should_send_nothing_when_the_method_needs_a_single_sender() {
    let reject = refused(replicated(HttpMethod::PUT, "/"));
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert_eq!(reject.message, "The requested HTTP method is only allowed for non-replicated requests.");
}

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

#[test]
fn should_send_nothing_when_there_are_65_headers() {
    let headers = vec![header("x-header", "value"); 65];
    let reject = refused(HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") });
    assert_eq!(reject.message, "number of all http headers 65 exceeds 64");
}

#[test]
fn should_send_64_headers() {
    let server = Server::answering(200, "");
    let headers = (0..64).map(|i| header(&format!("x-header-{i}"), "value")).collect();
    let args = HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") };
    answer(&Subnet::facing(&server).call(args).response);
    let seen = server.seen();
    assert_eq!(seen[0].headers.iter().filter(|(name, _)| name.starts_with("x-header-")).count(), 64);
}

#[test]
fn should_send_nothing_when_the_request_is_too_large() {
    let body = Some(vec![0; 2_000_001]);
    let reject = refused(HttpRequestArgs { body, ..non_replicated(HttpMethod::PUT, "/") });
    assert_eq!(reject.code, RejectCode::CanisterReject);
    assert!(reject.message.ends_with("2000001 exceeds 2000000"), "{}", reject.message);
}

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

#[test]
fn should_refuse_an_answer_when_it_has_more_than_64_headers() {
    let server = Server::start(|_, _| response(200, &[("x-header", "value"); 64], b""));
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysFatal);
    assert_eq!(message, "number of all http headers 65 exceeds 64");
}

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
