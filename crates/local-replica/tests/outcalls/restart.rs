//! Management canister › http_request › restarts
//!
//! A call under way outlives the process: its nodes send again, as on the network.

use std::time::Duration;

use local_replica::outcalls::{NodeIndex, OutcallUnderWay, Pace, Transformed};

use super::server::response;
use super::*;

/// The calls under way, as they would be stored, in a subnet that starts anew.
fn restarted(subnet: &Subnet, server: &Server) -> Subnet {
    let calls: Vec<&OutcallUnderWay> = subnet.outcalls.under_way().collect();
    let stored = postcard::to_allocvec(&calls).expect("calls can be stored");
    let calls: Vec<OutcallUnderWay> = postcard::from_bytes(&stored).expect("calls can be read back");
    let routes = Routes::from_pairs([("registry.example", server.base_url())]).expect("loopback");
    let mut restarted = Subnet::new(routes, Pace::Lockstep);
    restarted.now_ns = subnet.now_ns;
    for call in calls {
        restarted.outcalls.resume(call).expect("it was accepted before");
    }
    restarted
}

/// After a restart every node sends again, and the call is answered.
#[test]
fn should_send_again_after_a_restart() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server).with_fault(Fault::Late { by_ns: 1_000 });
    let id = subnet.start(non_replicated(HttpMethod::PUT, "/")).expect("accepted");
    assert!(subnet.collect().settled.is_empty());
    let mut subnet = restarted(&subnet, &server);
    subnet.pass_time(Duration::from_nanos(1_000));
    assert_eq!(answer(&subnet.collect().only(id).response).body, b"hello");
    assert_eq!(server.seen().len(), 2, "the server saw the request of each start");
}

/// What goes wrong with a call goes wrong after a restart too.
#[test]
fn should_keep_the_faults_of_a_call_over_a_restart() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server).with_fault(Fault::AnswerDropped);
    let id = subnet.start(replicated(HttpMethod::GET, "/")).expect("accepted");
    subnet.collect();
    let mut subnet = restarted(&subnet, &server);
    assert!(subnet.collect().settled.is_empty());
    subnet.pass_time(Duration::from_secs(61));
    let settled = subnet.collect().only(id);
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), "Canister http request timed out");
}

/// The minute of a call counts from when it was made, not from the restart.
#[test]
fn should_count_the_minute_over_a_restart() {
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server).with_fault(Fault::HeldBack);
    let id = subnet.start(replicated(HttpMethod::GET, "/")).expect("accepted");
    subnet.pass_time(Duration::from_secs(50));
    subnet.collect();
    let mut subnet = restarted(&subnet, &server);
    subnet.pass_time(Duration::from_secs(11));
    let settled = subnet.collect().only(id);
    assert_eq!(rejected(&settled.response, RejectCode::SysTransient), "Canister http request timed out");
}

/// What the nodes of a forgotten call report is not taken for what they report of the same call later.
#[test]
fn should_not_hear_the_reports_of_a_call_that_was_forgotten() {
    let server = Server::start(|count, _| response(200, &[], format!("answer {count}").as_bytes()));
    let mut subnet = Subnet::facing(&server);
    let id = subnet.start(non_replicated(HttpMethod::PUT, "/")).expect("accepted");
    let call = subnet.outcalls.under_way().next().expect("one call").clone();
    // Until the first request is there, so that the answers are in order.
    while server.seen().is_empty() {
        std::thread::yield_now();
    }
    subnet.outcalls.forget_all();
    assert_eq!(subnet.outcalls.in_flight(), 0);
    subnet.outcalls.resume(call).expect("it was accepted before");
    assert_eq!(answer(&subnet.collect().only(id).response).body, b"answer 1");
}

/// The same node sends after a restart as before.
#[test]
fn should_draw_the_same_node_after_a_restart() {
    fn senders(subnet: &mut Subnet) -> Vec<NodeIndex> {
        subnet.faults.release();
        let mut senders = Vec::new();
        subnet.collect_with(|call| {
            senders.push(call.node);
            Transformed { result: Ok(call.response), instructions: 0 }
        });
        senders
    }
    let server = Server::answering(200, "hello");
    let mut subnet = Subnet::facing(&server);
    subnet.faults.until_cleared(Target::AnyCall, Fault::HeldBack);
    for _ in 0..8 {
        subnet.start(with_transform(non_replicated(HttpMethod::GET, "/"))).expect("accepted");
    }
    let after = senders(&mut restarted(&subnet, &server));
    assert_eq!(after.len(), 8);
    assert_eq!(senders(&mut subnet), after);
}
