//! The files that the command reads.

use countersign::outside::READERS;
use fuzz_tests::{Campaign, corpus};

#[test]
fn should_stand_any_file_given_to_the_command() {
    for (name, understands) in READERS {
        let seeds = corpus(name);
        let is_text = |seed: &Vec<u8>| std::str::from_utf8(seed).is_ok_and(understands);
        assert!(seeds.iter().any(is_text), "{name}: no seed is understood any more");
        Campaign::new(name, seeds).inputs(2_000).run(|bytes| {
            if let Ok(text) = std::str::from_utf8(bytes) {
                understands(text);
            }
        });
    }
}
