//! Random call trees over two canisters, on the replica and on a small model of the interface
//! specification's abstract behaviour: any difference fails, with the seed and the smallest history
//! that shows it.

mod canister;
mod comparison;
mod history;
mod model;
mod program;

use local_replica::config::Defect;

/// Actions of one history.
const LENGTH: usize = 120;

/// Runs histories until so many messages were executed; returns the seed that shows a difference.
fn find_difference(messages: usize, defect: Option<Defect>) -> Option<u64> {
    let modules = tempfile::tempdir().expect("a directory for compiled modules");
    let mut executed = 0;
    let mut seed = 0;
    while executed < messages {
        match comparison::run(&history::from_seed(seed, LENGTH), modules.path(), defect) {
            Ok(count) => executed += count,
            Err(_) => return Some(seed),
        }
        seed += 1;
    }
    None
}

/// Describes the smallest history found that shows the difference of this seed.
fn describe(seed: u64) -> String {
    let modules = tempfile::tempdir().expect("a directory for compiled modules");
    let run = |actions: &[history::Action]| comparison::run(actions, modules.path(), None);
    let smallest = history::shrink(history::from_seed(seed, LENGTH), |actions| run(actions).is_err());
    let difference = run(&smallest).expect_err("the smallest history still fails");
    let actions: Vec<String> = smallest.iter().map(|action| format!("  {action:?}")).collect();
    format!("seed {seed}, {difference}\nhistory:\n{}", actions.join("\n"))
}

fn agrees_for(messages: usize) {
    if let Some(seed) = find_difference(messages, None) {
        panic!("{}", describe(seed));
    }
}

/// Replica and model agree over 20,000 messages; with `COUNTERSIGN_DEEP` over a million.
#[test]
fn should_agree_with_the_abstract_behaviour() {
    let deep = std::env::var_os("COUNTERSIGN_DEEP").is_some();
    agrees_for(if deep { 1_000_000 } else { 20_000 });
}

/// The defect, and nothing else, makes a difference within 20,000 messages.
fn is_found(defect: Defect) {
    let seed = find_difference(20_000, Some(defect)).expect("the defect shows");
    let modules = tempfile::tempdir().expect("a directory for compiled modules");
    comparison::run(&history::from_seed(seed, LENGTH), modules.path(), None)
        .expect("without the defect they agree");
}

/// A replica that keeps what a trapped message changed is found out.
#[test]
fn should_find_a_rollback_that_is_skipped() {
    is_found(Defect::RollbackSkipped);
}

/// A replica that does not run cleanup callbacks is found out.
#[test]
fn should_find_cleanup_that_is_dropped() {
    is_found(Defect::CleanupDropped);
}

/// A replica that delivers an answer twice is found out.
#[test]
fn should_find_an_answer_that_is_delivered_twice() {
    is_found(Defect::AnswerDeliveredTwice);
}
