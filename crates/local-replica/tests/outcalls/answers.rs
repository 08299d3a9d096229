//! Who sends, what the server sees, and how the answers become one.

use std::time::{Duration, Instant};

use super::server::response;
use super::*;

#[test]
fn should_send_from_every_node_when_replicated() {
    let server = Server::answering(200, "hello");
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/demo"));
    let answer = answer(&settled.response);
    assert_eq!((answer.status, answer.body), (200_u16.into(), b"hello".to_vec()));
    assert_eq!(server.seen().len(), NODES as usize);
}

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

#[test]
fn should_return_error_statuses_and_repeated_headers_as_they_came() {
    let server = Server::start(|_, _| response(403, &[("X-Notice", "one"), ("x-notice", "two")], b"no"));
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::POST, "/"));
    let answer = answer(&settled.response);
    assert_eq!((answer.status, answer.body), (403_u16.into(), b"no".to_vec()));
    assert_eq!(answer.headers[..2], [header("x-notice", "one"), header("x-notice", "two")]);
    assert_eq!(server.seen()[0].header("content-length"), Some("0"));
}

#[test]
fn should_read_a_chunked_answer() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    let server = Server::start(|_, _| chunked.to_vec());
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    assert_eq!(answer(&settled.response).body, b"abcde");
}

#[test]
fn should_reach_no_consensus_when_more_nodes_get_another_answer_than_are_tolerated() {
    let server = Server::start(|count, _| response(200, &[], if count < 5 { b"one" } else { b"two" }));
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(
        message.starts_with("No consensus could be reached. Replicas had different responses."),
        "{message}"
    );
    assert!(message.contains("request_id: 1, timeout: 60000001000, hashes: ["), "{message}");
    assert!(message.contains(": 8], [") && message.ends_with(": 5]"), "{message}");
}

#[test]
fn should_agree_when_no_more_nodes_get_another_answer_than_are_tolerated() {
    let server = Server::start(|count, _| response(200, &[], if count < 4 { b"one" } else { b"two" }));
    let settled = Subnet::facing(&server).call(replicated(HttpMethod::GET, "/"));
    assert_eq!(answer(&settled.response).body, b"two");
}

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

#[test]
fn should_deliver_the_transforms_reject_when_it_fails_on_every_node() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    subnet.start(with_transform(replicated(HttpMethod::GET, "/"))).expect("accepted");
    let (_, answers) = subnet.outcalls.finished(Some(Duration::from_secs(20))).remove(0);
    let settled = subnet.outcalls.settle(answers, &mut |_, context, _| {
        assert_eq!(context.function.0.method, "shorten");
        Err(Reject::new(RejectCode::CanisterError, "trapped"))
    });
    assert_eq!(rejected(&settled.response, RejectCode::CanisterError), "trapped");
}

#[test]
fn should_fail_to_connect_when_nothing_plays_the_host() {
    let settled = Subnet::with_routes(&[]).call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Connecting to registry.example failed: "), "{message}");
}

#[test]
fn should_fail_to_connect_when_the_server_is_down() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let mut subnet = Subnet::with_routes(&[("registry.example", &format!("http://127.0.0.1:{port}"))]);
    let settled = subnet.call(replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Connecting to registry.example failed: "), "{message}");
}

#[test]
fn should_report_a_transient_failure_when_the_answer_is_cut_short() {
    let server = Server::start(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec());
    let settled = Subnet::facing(&server).call(non_replicated(HttpMethod::GET, "/"));
    let message = rejected(&settled.response, RejectCode::SysTransient);
    assert!(message.starts_with("Failed to fetch body: "), "{message}");
}

#[test]
fn should_carry_two_megabytes_from_every_node_quickly() {
    let server = Server::start(|_, seen| response(200, &[], &seen.body));
    let body: Vec<u8> = (0..1_990_000_u32).map(|i| (i % 251) as u8).collect();
    let mut subnet = Subnet::facing(&server);
    let started = Instant::now();
    let settled =
        subnet.call(HttpRequestArgs { body: Some(body.clone()), ..replicated(HttpMethod::POST, "/") });
    let took = started.elapsed();
    assert!(answer(&settled.response).body == body, "the answer is the body sent");
    assert_eq!(server.seen().len(), NODES as usize);
    println!("13 nodes, 1.99 MB up and down each: {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn should_run_several_calls_at_once() {
    let server = Server::start(|_, seen| response(200, &[], seen.request_line.as_bytes()));
    let mut subnet = Subnet::facing(&server);
    for id in 1..=5 {
        let request = OutcallRequest {
            id: OutcallId(id),
            caller: caller(),
            args: replicated(HttpMethod::GET, &format!("/{id}")),
            cycles: PLENTY_OF_CYCLES,
            time_ns: 0,
        };
        subnet.outcalls.start(request).expect("accepted");
    }
    let mut finished = Vec::new();
    while subnet.outcalls.in_flight() > 0 {
        finished.extend(subnet.outcalls.finished(Some(Duration::from_secs(20))));
    }
    for (id, answers) in finished {
        let settled = subnet.outcalls.settle(answers, &mut |_, _, answer| Ok((answer, 0)));
        assert_eq!(answer(&settled.response).body, format!("GET /{} HTTP/1.1", id.0).as_bytes());
    }
    assert_eq!(server.seen().len(), 5 * NODES as usize);
}

#[test]
fn should_return_nothing_at_once_when_nothing_is_in_flight() {
    let mut subnet = Subnet::with_routes(&[]);
    let started = Instant::now();
    assert!(subnet.outcalls.finished(Some(Duration::from_secs(20))).is_empty());
    assert!(started.elapsed() < Duration::from_secs(1));
}
