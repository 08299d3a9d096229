//! Management canister › http_request › refunds
//!
//! What was not used comes back: with the answer, or when a node reports after it.

use std::time::Duration;

use ic_management_canister_types::{FlexibleHttpRequestArgs, ReplicationCounts};
use local_replica::outcalls::{CostParams, FlexibleCounts, Pace, Replication, cost_v2};

use super::*;

fn get() -> HttpRequestArgs {
    replicated(HttpMethod::GET, "/")
}

/// Charged in the end, when everyone who reports has reported.
fn charged_in_the_end(subnet: &mut Subnet, args: HttpRequestArgs) -> u128 {
    let id = subnet.start(args).expect("accepted");
    let first = subnet.collect();
    subnet.faults.release();
    let later = subnet.collect();
    subnet.pass_time(Duration::from_secs(61));
    let last = subnet.collect();
    let refunded = first.refunded + later.refunded + last.refunded;
    let settled = [first, later, last].into_iter().find(|outcome| !outcome.settled.is_empty());
    let settled = settled.expect("settled").only(id);
    assert_eq!(settled.charged + settled.refund, subnet.cycles, "nothing is lost");
    assert!(refunded <= settled.charged, "no more comes back than was kept");
    settled.charged - refunded
}

/// What a node that reports after the answer has left comes back later.
#[test]
fn should_refund_later_what_a_late_node_has_left() {
    let server = Server::answering(200, "hello");
    let prompt = charged_in_the_end(&mut Subnet::facing(&server), get());
    let plan = FaultPlan::default().on(0..4, Fault::HeldBack);
    let mut subnet = Subnet::facing(&server).with_fault(plan);
    let id = subnet.start(get()).expect("accepted");
    let settled = subnet.collect().only(id);
    assert!(settled.charged > prompt, "the allowances of those who are late are kept at first");
    subnet.faults.release();
    assert_eq!(settled.charged - subnet.collect().refunded, prompt);
}

/// A report that comes more than a minute after the call refunds nothing.
#[test]
fn should_refund_nothing_when_the_node_is_later_than_a_minute() {
    let server = Server::answering(200, "hello");
    let plan = FaultPlan::default().on([0], Fault::HeldBack);
    let mut subnet = Subnet::facing(&server).with_fault(plan);
    let id = subnet.start(get()).expect("accepted");
    subnet.collect().only(id);
    subnet.pass_time(Duration::from_secs(61));
    subnet.faults.release();
    assert_eq!(subnet.collect().refunded, 0);
}

/// Under version 1 nothing comes back later: the price was fixed.
#[test]
fn should_refund_nothing_later_under_version_1() {
    let server = Server::answering(200, "hello");
    let plan = FaultPlan::default().on(0..4, Fault::HeldBack);
    let mut subnet = Subnet::facing(&server).with_fault(plan);
    let id = subnet.start(HttpRequestArgs { pricing_version: None, ..get() }).expect("accepted");
    subnet.collect().only(id);
    subnet.faults.release();
    assert_eq!(subnet.collect().refunded, 0);
}

/// A call that times out costs what those who reported used, and the allowances of those who did not.
#[test]
fn should_charge_a_timeout_by_reports_and_silence() {
    let server = Server::answering(200, "hello");
    let charged = |dead: u32| {
        let plan = FaultPlan::default().on(0..dead, Fault::TimeoutBeforeSending);
        Subnet::facing(&server).with_fault(plan).call_until_timeout(get()).charged
    };
    let allowance = charged(7) - charged(6);
    assert_eq!(charged(13) - charged(5), 8 * allowance);
    assert!(allowance > 0);
}

/// What goes wrong in a subnet of so many nodes, in all ways that have their own way of being charged.
fn plans(nodes: u32) -> Vec<(&'static str, FaultPlan)> {
    let tolerated = (nodes - 1) / 3;
    vec![
        ("all well", FaultPlan::default()),
        ("as many dead as tolerated", FaultPlan::default().on(0..tolerated, Fault::TimeoutBeforeSending)),
        ("one dead too many", FaultPlan::default().on(0..=tolerated, Fault::TimeoutBeforeSending)),
        ("some late", FaultPlan::default().on(0..tolerated, Fault::HeldBack)),
        ("as many garbled as tolerated", FaultPlan::default().on(0..tolerated, Fault::Garbled)),
        ("one garbled too many", FaultPlan::default().on(0..=tolerated, Fault::Garbled)),
        ("all answers dropped", Fault::AnswerDropped.into()),
        ("no connection", Fault::Resent(Resent { unsent: 3, unanswered: 0 }).into()),
    ]
}

/// Exactly the quoted price is enough, and what is charged never exceeds it: whatever the subnet's
/// size, the answer's size and the outcome.
#[test]
fn should_suffice_to_attach_the_quoted_price() {
    for (nodes, size) in [(1, 0), (1, 50_000), (4, 1_000), (13, 0), (13, 50_000), (28, 1_000)] {
        let server = Server::answering(200, &"a".repeat(size));
        for replication in [Replication::Full, Replication::Single] {
            // The encoding of the answer takes some bytes besides its body and headers.
            let bytes = size as u64 + 200;
            let quoted = cost_v2(
                nodes,
                &CostParams {
                    request_bytes: 25,
                    http_roundtrip_time_ms: 0,
                    raw_response_bytes: bytes,
                    transformed_response_bytes: bytes,
                    transform_instructions: 0,
                    replication,
                },
            );
            for (name, plan) in plans(nodes) {
                let routes = Routes::from_pairs([("registry.example", server.base_url())]).expect("loopback");
                let mut subnet = Subnet::of_nodes(nodes, routes, Pace::Lockstep).with_fault(plan);
                subnet.cycles = quoted;
                let is_single = replication == Replication::Single;
                let args = HttpRequestArgs { is_replicated: is_single.then_some(false), ..get() };
                let charged = charged_in_the_end(&mut subnet, args);
                let case = format!("{name}, {nodes} nodes, {size} bytes, {replication:?}");
                assert!(charged <= quoted, "{case}: {charged} of {quoted}");
                if name == "all well" {
                    assert!(charged < quoted, "{case}: the reserve comes back");
                }
            }
        }
    }
}

/// The quoted price of a flexible call is enough for the most answers that it may have.
#[test]
fn should_suffice_to_attach_the_quoted_price_of_a_flexible_call() {
    let server = Server::answering(200, &"a".repeat(5_000));
    for (total, min, max) in [(1, 1, 1), (4, 2, 3), (13, 9, 13), (5, 0, 5), (3, 0, 0)] {
        let counts = FlexibleCounts { total_requests: total, min_responses: min, max_responses: max };
        let mut subnet = Subnet::facing(&server);
        subnet.cycles = cost_v2(
            NODES,
            &CostParams {
                request_bytes: 25,
                http_roundtrip_time_ms: 0,
                raw_response_bytes: 5_100,
                transformed_response_bytes: 5_200,
                transform_instructions: 0,
                replication: Replication::Flexible(counts),
            },
        );
        let id = subnet
            .start_flexible(FlexibleHttpRequestArgs {
                url: get().url,
                replication: Some(ReplicationCounts {
                    total_requests: total,
                    min_responses: min,
                    max_responses: max,
                }),
                ..Default::default()
            })
            .expect("accepted");
        let settled = subnet.collect().only(id);
        let answers = flexible::answers(&settled.response);
        assert_eq!(answers.len(), max as usize, "{total} {min} {max}");
        assert_eq!(settled.charged + settled.refund, subnet.cycles);
    }
}
