//! A campaign finds what it is there to find.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fuzz_tests::{Campaign, corpus};

/// Whether the campaign ended with a panic of its own.
fn finds(campaign: Campaign, parse: impl Fn(&[u8])) -> bool {
    catch_unwind(AssertUnwindSafe(|| campaign.run(parse))).is_err()
}

#[test]
fn should_find_a_planted_panic() {
    let indexes_past_the_end = |input: &[u8]| {
        let announced = input.first().copied().unwrap_or_default();
        assert!(announced < 0xf0 || input.len() > 3, "the planted defect");
    };
    assert!(finds(Campaign::new("planted-panic", corpus("reductions")), indexes_past_the_end));
}

#[test]
fn should_find_a_planted_allocation() {
    let believes_a_length = |input: &[u8]| {
        let announced = input.get(..4).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().expect("four")));
        drop(Vec::<u8>::with_capacity(announced as usize));
    };
    assert!(finds(Campaign::new("planted-allocation", corpus("reductions")), believes_a_length));
}

#[test]
fn should_pass_a_parser_that_holds() {
    let holds = |input: &[u8]| drop(String::from_utf8_lossy(input).into_owned());
    assert!(!finds(Campaign::new("harmless", corpus("reductions")), holds));
}
