//! Expected figures are worked out by hand, so that a wrong constant shows.

use ic_management_canister_types::{HttpHeader, HttpRequestArgs};

use super::*;
use crate::message::RejectCode;

fn params(replication: Replication) -> CostParams {
    CostParams {
        request_bytes: 1_000,
        http_roundtrip_time_ms: 2_000,
        raw_response_bytes: 3_000,
        transformed_response_bytes: 2_000,
        transform_instructions: 13_000_000,
        replication,
    }
}

fn call(pricing_version: Option<u32>) -> HttpRequestArgs {
    HttpRequestArgs {
        url: "https://registry.example/".to_string(), // 25 bytes
        headers: vec![HttpHeader { name: "accept".to_string(), value: "text".to_string() }], // 10 bytes
        body: Some(vec![0; 65]),
        max_response_bytes: Some(1_000),
        is_replicated: Some(false),
        pricing_version,
        ..Default::default()
    }
}

#[test]
fn should_price_version_1_by_nodes_and_bytes() {
    assert_eq!(cost_v1(13, 0, 0), 49_140_000);
    assert_eq!(cost_v1(13, 1, 0) - cost_v1(13, 0, 0), 5_200);
    assert_eq!(cost_v1(13, 0, 1) - cost_v1(13, 0, 0), 10_400);
    assert_eq!(cost_v1(34, 0, 0), 171_360_000);
    assert_eq!(cost_v1(34, 1, 1) - cost_v1(34, 0, 0), 13_600 + 27_200);
}

#[test]
fn should_price_the_version_2_base_by_mode() {
    // 13 × (1,000,000 + 140,000 × 13 + 800 × 169)
    assert_eq!(base_fee(13, 0, Replication::Full), 38_417_600);
    // 13 × (1,000,000 + 90,000 × 13 + 2,000 × 13 + 100,000)
    assert_eq!(base_fee(13, 0, Replication::Single), 29_848_000);
    assert_eq!(base_fee(13, 1, Replication::Single) - base_fee(13, 0, Replication::Single), 650);
}

#[test]
fn should_price_a_version_2_call_of_one_sender() {
    // base 29,848,000 + 650 × 1,000; network 50 × 3,000 + 300 × 2,000; transform 13,000,000 / 13;
    // gossip 50 × 13 × 2,000; delivery 13 × (130 + 600) × 2,000
    let expected = 30_498_000 + 750_000 + 1_000_000 + 1_300_000 + 18_980_000;
    assert_eq!(cost_v2(13, &params(Replication::Single)), expected);
}

#[test]
fn should_price_a_version_2_call_of_all_nodes() {
    // base 38,417,600 + 650 × 1,000; per node: network 750,000, transform 1,000,000 and a ninth of the
    // delivery, rounded up: ⌈18,980,000 / 9⌉ = 2,108,889
    let expected = 39_067_600 + 13 * (750_000 + 1_000_000 + 2_108_889);
    assert_eq!(cost_v2(13, &params(Replication::Full)), expected);
}

#[test]
fn should_reserve_for_the_largest_reject_when_the_answer_is_smaller() {
    let small = CostParams { transformed_response_bytes: 0, ..params(Replication::Single) };
    let reject = CostParams { transformed_response_bytes: 1_025, ..small };
    assert_eq!(cost_v2(13, &small), cost_v2(13, &reject));
}

#[test]
fn should_charge_for_a_publish_about_what_the_network_does() {
    let publish = CostParams {
        request_bytes: 1_500_000,
        http_roundtrip_time_ms: 2_000,
        raw_response_bytes: 2_000,
        transformed_response_bytes: 2_000,
        transform_instructions: 0,
        replication: Replication::Single,
    };
    let cycles = cost_v2(13, &publish);
    assert!((1_000_000_000..1_060_000_000).contains(&cycles), "{cycles}");
}

/// The funding of a non-replicated call.
fn funded(version: Option<u32>, attached: u128) -> Result<Funding, Reject> {
    Funding::new(13, Replication::Single, &call(version), attached)
}

#[test]
fn should_require_the_version_1_price_when_no_version_is_named() {
    // 100 bytes of request, 1,000 of answer
    let price = 49_140_000 + 100 * 5_200 + 1_000 * 10_400;
    for version in [None, Some(1), Some(9)] {
        let refused = funded(version, price - 1).expect_err("one cycle short");
        assert_eq!(refused.code, RejectCode::CanisterReject);
        assert_eq!(
            refused.message,
            "http_request request sent with 60_059_999 cycles, but 60_060_000 cycles are required."
        );
        let funding = funded(version, price + 5).expect("enough");
        assert_eq!(funding.close(1_000_000, 3, 7), (price, 5), "nothing is metered");
    }
}

#[test]
fn should_require_only_the_base_under_version_2_and_give_back_what_is_unused() {
    let base = 29_848_000 + 100 * 650;
    assert!(funded(Some(2), base - 1).is_err());
    let funding = funded(Some(2), base + 1_000_000).expect("enough");
    assert_eq!(funding.close(300_000, 0, 100_000), (base + 400_000, 600_000));
    assert_eq!(funding.close(0, 1, 0), (base + 1_000_000, 0), "who is silent keeps the allowance");
}

#[test]
fn should_stop_a_node_when_its_budget_is_used_up() {
    let base = 29_848_000 + 100 * 650;
    let funding = funded(Some(2), base + 10_000).expect("enough");
    assert_eq!(funding.affordable_response_bytes(1_000), 200);
    let mut meter = funding.meter();
    assert_eq!(meter.network(100, 10), Ok(()));
    assert_eq!(meter.spent(), 5_000 + 3_000);
    assert_eq!(meter.affordable_instructions(), 13 * 2_000 + 12);
    assert_eq!(meter.transform(13 * 2_001), Err(OutOfBudget));
    assert_eq!(meter.spent(), 10_000, "never more than the budget");
    assert_eq!(meter.affordable_instructions(), 12);
}

#[test]
fn should_not_hold_more_than_a_call_can_use() {
    let attached = 1_000_000_000_000;
    let funding = funded(Some(2), attached).expect("enough");
    // 50 × 1,000 + 300 × 60,000 + 5 × 10⁹ / 13 + (650 + 9,490) × 2,024
    let most = 50_000 + 18_000_000 + 384_615_384 + 20_523_360;
    assert_eq!(funding.allowance_per_sender(), Some(most));
}

#[test]
fn should_afford_a_delivery_from_what_the_contributors_left() {
    let base = 29_848_000 + 100 * 650;
    let funding = funded(Some(2), base + 10_000).expect("enough");
    assert!(funding.affords(1, 4_000, 6_000));
    assert!(!funding.affords(1, 4_000, 6_001));
    assert!(funding.affords(2, 4_000, 16_000));
    assert_eq!(funding.unspent(4_000), Some(6_000));
}

fn flexible(total_requests: u32, min_responses: u32, max_responses: u32) -> Replication {
    Replication::Flexible(FlexibleCounts { total_requests, min_responses, max_responses })
}

#[test]
fn should_price_a_flexible_call() {
    // 13 × (1,000,000 + 50 × 1,000 + 90,000 × 13 + 2,000 × 13 × 2 + 100,000 × 2)
    assert_eq!(base_fee(13, 1_000, flexible(4, 2, 3)), 32_136_000);
    // per node: network 750,000, transform 1,000,000, gossip 1,300,000; delivery of four bodies of
    // 2,181 bytes, 9,490 each byte, and two further answers of 13 × (26,000 + 100,000) cycles
    let delivery = 4 * 2_181 * 9_490 + 2 * 1_638_000;
    let expected = 32_136_000 + 4 * (3_050_000 + delivery / 4);
    assert_eq!(cost_v2(13, &params(flexible(4, 2, 3))), expected);
}

#[test]
fn should_reserve_for_no_delivery_when_no_answer_is_wanted() {
    let nothing = cost_v2(13, &params(flexible(4, 0, 0)));
    // 13 × (1,050,000 + 90,000 × 13), and four nodes' own use
    assert_eq!(nothing, 28_860_000 + 4 * 3_050_000);
}

#[test]
fn should_price_one_of_one_as_a_non_replicated_call_but_for_the_overhead() {
    let difference = cost_v2(13, &params(flexible(1, 1, 1))) - cost_v2(13, &params(Replication::Single));
    assert_eq!(difference, 181 * 9_490);
}

#[test]
fn should_read_what_the_canister_development_kit_encodes() {
    use ic_cdk_management_canister::{CostHttpRequestV2Args, HttpOutcallType};
    let encode = |outcall_type| {
        candid::encode_one(CostHttpRequestV2Args {
            request_bytes: 1_000,
            http_roundtrip_time_ms: 2_000,
            raw_response_bytes: 3_000,
            transformed_response_bytes: 2_000,
            transform_instructions: 13_000_000,
            outcall_type,
        })
        .expect("encodes")
    };
    let decode = |outcall_type| CostParams::decode(&encode(outcall_type), 13);
    assert_eq!(decode(None).expect("absent"), params(Replication::Full));
    let full = HttpOutcallType::FullyReplicated(Reserved);
    assert_eq!(decode(Some(full)).expect("full"), params(Replication::Full));
    let single = HttpOutcallType::NonReplicated(Reserved);
    assert_eq!(decode(Some(single)).expect("single"), params(Replication::Single));
    let default = decode(Some(HttpOutcallType::Flexible(None)));
    assert_eq!(default.expect("flexible"), params(flexible(13, 9, 13)));
    let counts = ReplicationCounts { min_responses: 2, max_responses: 3, total_requests: 14 };
    let too_many = decode(Some(HttpOutcallType::Flexible(Some(counts)))).expect_err("more than there are");
    assert_eq!(
        too_many.to_string(),
        "cost_http_request_v2: outcall_type: total_requests (14) must not exceed the number of available nodes (13)"
    );
    assert!(matches!(CostParams::decode(b"DIDL", 13), Err(CostParamsError::Candid(_))));
}
