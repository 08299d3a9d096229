//! Management canister › http_request
//!
//! Who sends, what the server sees, how the answers become one.

use local_replica::outcalls::{Pace, TransformCall, Transformed};

use super::server::response;
use super::*;

/// By default every node of the subnet sends the request.
#[test]
fn should_send_from_every_node_when_replicated() {
    let server = Server::answering(200, "hello");
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/demo"));
    let answer = answer(&settled.response);
    assert_eq!((answer.status, answer.body), (200_u16.into(), b"hello".to_vec()));
    assert_eq!(server.seen().len(), NODES as usize);
}

/// With `is_replicated = opt false` one node sends the request, as the canister wrote it.
#[test]
fn should_send_once_when_non_replicated() {
    let server = Server::answering(201, "created");
    let args = HttpRequestArgs {
        body: Some(b"{}".to_vec()),
        headers: vec![header("authorization", "Bearer token"), header("Accept", "application/json")],
        ..non_replicated(HttpMethod::PUT, "/@dao%2fdemo?write=true")
    };
    let settled = Subnet::facing(&server).call(args);
    assert_eq!(answer(&settled.response).status, 201_u16);
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].request_line, "PUT /@dao%2fdemo?write=true HTTP/1.1");
    assert_eq!(seen[0].header("host"), Some("registry.example"));
    assert_eq!(seen[0].header("user-agent"), Some("ic/1.0"));
    assert_eq!(seen[0].header("authorization"), Some("Bearer token"));
    assert_eq!(seen[0].header("accept"), Some("application/json"));
    assert_eq!(seen[0].body, b"{}");
}

/// A canister's own `Host` and `User-Agent` replace those that a node would add.
#[test]
fn should_keep_the_canisters_own_host_and_user_agent() {
    let server = Server::answering(200, "");
    let headers = vec![header("Host", "other.example"), header("User-Agent", "countersign")];
    Subnet::facing(&server).call(HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") });
    let seen = server.seen();
    assert_eq!(seen[0].header("host"), Some("other.example"));
    assert_eq!(seen[0].header("user-agent"), Some("countersign"));
    assert_eq!(seen[0].headers.iter().filter(|(name, _)| name == "host").count(), 1);
}

/// The node of a non-replicated call is drawn anew for each call.
#[test]
fn should_draw_different_nodes_for_non_replicated_calls() {
    let server = Server::answering(200, "");
    let mut subnet = Subnet::facing(&server);
    let mut drawn = Vec::new();
    for _ in 0..20 {
        subnet.call_with_transform(with_transform(non_replicated(HttpMethod::GET, "/")), |node, answer| {
            drawn.push(node);
            (answer, 0)
        });
    }
    assert_eq!(drawn.len(), 20, "one transform a call");
    drawn.sort_unstable();
    drawn.dedup();
    assert!(drawn.len() > 5 && drawn.iter().all(|node| *node < NODES), "{drawn:?}");
}

/// A redirect is an answer; it is not followed.
#[test]
fn should_return_a_redirect_when_the_server_answers_one() {
    let server = Server::start(|_, seen| match seen.request_line.starts_with("GET /old") {
        true => response(301, &[("location", "https://registry.example/new")], b"moved"),
        false => response(200, &[], b"followed"),
    });
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/old"));
    let answer = answer(&settled.response);
    assert_eq!((answer.status, answer.body), (301_u16.into(), b"moved".to_vec()));
    assert!(answer.headers.contains(&header("location", "https://registry.example/new")));
    assert_eq!(server.seen().len(), 1);
}

/// Error statuses are answers, and repeated headers stay apart, with names in lower case.
#[test]
fn should_return_error_statuses_and_repeated_headers_as_they_came() {
    let server = Server::start(|_, _| response(403, &[("X-Notice", "one"), ("x-notice", "two")], b"no"));
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::POST, "/"));
    let answer = answer(&settled.response);
    assert_eq!((answer.status, answer.body), (403_u16.into(), b"no".to_vec()));
    assert_eq!(answer.headers[..2], [header("x-notice", "one"), header("x-notice", "two")]);
}

/// An answer without announced length is read to its end.
#[test]
fn should_read_a_chunked_answer() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let server = Server::start(|_, _| chunked.to_vec());
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    assert_eq!(answer(&settled.response).body, b"abcde");
}

/// When more nodes differ than the subnet tolerates, the call is rejected with the hashes of what was said.
#[test]
fn should_reach_no_consensus_when_more_nodes_get_another_answer_than_are_tolerated() {
    let server = Server::start(|count, _| response(200, &[], if count < 5 { b"one" } else { b"two" }));
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(
        message.starts_with("No consensus could be reached. Replicas had different responses."),
        "{message}"
    );
    assert!(message.contains("request_id: 1, hashes: ["), "{message}");
    assert!(message.contains(": 8], [") && message.ends_with(": 5]"), "{message}");
}

/// The answer of two thirds of the nodes wins over those of the others.
#[test]
fn should_agree_when_no_more_nodes_get_another_answer_than_are_tolerated() {
    let server = Server::start(|count, _| response(200, &[], if count < 4 { b"one" } else { b"two" }));
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    assert_eq!(answer(&settled.response).body, b"two");
}

/// Agreement is sought after each node's answer went through the canister's transform.
#[test]
fn should_agree_when_the_transform_strips_what_differs() {
    let server = Server::start(|count, _| response(200, &[("x-request", &count.to_string())], b"same"));
    let mut subnet = Subnet::facing(&server);
    let raw = subnet.call(replicated(HttpMethod::GET, "/"));
    rejected(&raw.response, RejectCode::SysTransient);
    let mut transformed = 0;
    let settled =
        subnet.call_with_transform(with_transform(replicated(HttpMethod::GET, "/")), |_, answer| {
            transformed += 1;
            (HttpRequestResult { headers: vec![], ..answer }, 1_000)
        });
    assert_eq!(answer(&settled.response).body, b"same");
    assert_eq!(transformed, NODES);
}

/// A transform that fails on enough nodes makes its reject the answer.
#[test]
fn should_deliver_the_transforms_reject_when_it_fails_on_every_node() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    let id = subnet.start(with_transform(replicated(HttpMethod::GET, "/"))).expect("accepted");
    let failing = |call: TransformCall<'_>| {
        assert_eq!((call.canister, call.context.function.0.method.as_str()), (caller(), "shorten"));
        Transformed { result: Err(Reject::new(RejectCode::CanisterError, "trapped")), instructions: 5 }
    };
    let settled = subnet.collect_with(failing).only(id);
    assert_eq!(rejected(&settled.response, RejectCode::CanisterError), "trapped");
}

/// A host that cannot be found is a transient reject.
#[test]
fn should_fail_to_connect_when_nothing_plays_the_host() {
    let settled = Subnet::with_routes(&[]).call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Connecting to registry.example failed: "), "{message}");
}

/// A host that refuses connections is a transient reject.
#[test]
fn should_fail_to_connect_when_the_server_is_down() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let mut subnet = Subnet::with_routes(&[("registry.example", &format!("http://127.0.0.1:{port}"))]);
    let settled = subnet.call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Connecting to registry.example failed: "), "{message}");
}

/// An answer that ends before its announced length is a reject.
#[test]
fn should_report_a_transient_failure_when_the_answer_is_cut_short() {
    let server = Server::start(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec());
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Failed to fetch body: "), "{message}");
}

/// Requests and answers may be as large as the limits say.
#[test]
fn should_carry_two_megabytes_from_every_node() {
    let server = Server::start(|_, seen| response(200, &[], &seen.body));
    let body: Vec<u8> = (0..1_990_000_u32).map(|i| (i % 251) as u8).collect();
    let args = HttpRequestArgs { body: Some(body.clone()), ..replicated(HttpMethod::POST, "/") };
    let settled = Subnet::facing(&server).call(args);
    assert!(answer(&settled.response).body == body, "the answer is the body sent");
    assert_eq!(server.seen().len(), NODES as usize);
}

/// Calls are independent of each other.
#[test]
fn should_run_several_calls_at_once() {
    let server = Server::start(|_, seen| response(200, &[], seen.request_line.as_bytes()));
    let mut subnet = Subnet::facing(&server);
    let ids: Vec<_> = (1..=5)
        .map(|number| subnet.start(replicated(HttpMethod::GET, &format!("/{number}"))).expect("accepted"))
        .collect();
    assert_eq!(subnet.outcalls.in_flight(), 5);
    let settled = subnet.collect().settled;
    for (id, settled) in &settled {
        assert_eq!(answer(&settled.response).body, format!("GET /{} HTTP/1.1", id.0).as_bytes());
    }
    assert_eq!(settled.len(), ids.len());
    assert_eq!(server.seen().len(), 5 * NODES as usize);
}

/// The answer is there as soon as two thirds of the nodes agree; the others are not waited for.
#[test]
fn should_answer_as_soon_as_enough_nodes_agree_when_a_server_keeps_the_others_waiting() {
    // Four of the thirteen requests are never answered.
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let server = Server::start(move |count, _| {
        if count < 4 {
            // Ends when the test is over.
            let _ = blocked.lock().map(|blocked| blocked.recv());
        }
        response(200, &[], b"hello")
    });
    let routes = Routes::from_pairs([("registry.example", server.base_url())]).expect("loopback");
    let mut subnet = Subnet::new(routes, Pace::Eager);
    let id = subnet.start(replicated(HttpMethod::GET, "/")).expect("accepted");
    let settled = subnet.collect().only(id);
    assert_eq!(answer(&settled.response).body, b"hello");
    drop(release);
}

/// Without a call under way there is nothing to wait for.
#[test]
fn should_not_wait_when_nothing_is_sent() {
    let mut subnet = Subnet::with_routes(&[]);
    assert!(!subnet.outcalls.is_sending());
    assert!(subnet.collect().settled.is_empty());
}

/// A node adds a user agent and the host to the request, and nothing else.
#[test]
fn should_send_no_accept_header_of_its_own() {
    let server = Server::answering(200, "");
    Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let names: Vec<_> = server.seen()[0].headers.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["user-agent", "host"]);
}

/// A header that the canister repeats is repeated on the wire.
#[test]
fn should_send_repeated_headers_one_by_one() {
    let server = Server::answering(200, "");
    let headers = vec![header("X-Tag", "a"), header("x-tag", "b"), header("X-TAG", "a")];
    Subnet::facing(&server).call(HttpRequestArgs { headers, ..non_replicated(HttpMethod::GET, "/") });
    let seen = server.seen();
    let tags: Vec<_> = seen[0].headers.iter().filter(|(name, _)| name == "x-tag").collect();
    assert_eq!(tags.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
}

/// Bodies are not decompressed.
#[test]
fn should_leave_a_compressed_body_as_it_is() {
    let server = Server::start(|_, _| response(200, &[("content-encoding", "gzip")], &[0x1f, 0x8b, 8, 0]));
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let answer = answer(&settled.response);
    assert_eq!(answer.body, [0x1f, 0x8b, 8, 0]);
    assert!(answer.headers.contains(&header("content-encoding", "gzip")));
}

/// All six methods can be sent by a single node.
#[test]
fn should_send_every_method_under_its_name() {
    for (method, name) in [
        (HttpMethod::GET, "GET"),
        (HttpMethod::POST, "POST"),
        (HttpMethod::HEAD, "HEAD"),
        (HttpMethod::PUT, "PUT"),
        (HttpMethod::DELETE, "DELETE"),
        (HttpMethod::PATCH, "PATCH"),
    ] {
        let server = Server::start(move |_, _| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
        let settled = Subnet::facing(&server).call(non_replicated(method, "/x"));
        assert_eq!(answer(&settled.response).status, 204_u16);
        assert_eq!(server.seen()[0].request_line, format!("{name} /x HTTP/1.1"));
    }
}

/// The host header names the port when it is not the usual one.
#[test]
fn should_name_an_unusual_port_in_the_host_header() {
    let server = Server::answering(200, "");
    let mut subnet = Subnet::with_routes(&[("registry.example:8443", &server.base_url())]);
    let url = "https://registry.example:8443/".to_string();
    subnet.call(HttpRequestArgs { url, ..non_replicated(HttpMethod::GET, "/") });
    assert_eq!(server.seen()[0].header("host"), Some("registry.example:8443"));
}
