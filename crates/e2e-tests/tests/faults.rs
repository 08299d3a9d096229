//! The fault campaign: at every step of a publish or an amendment, in each mode, everything that can go wrong goes wrong
//! once.
//!
//! The cases are generated: every call that custody makes in an undisturbed release, times every disturbance of a
//! call of that kind. Calls are told apart by the step in which they are made, so that none is taken for the repetition of
//! another: the look before sending, the first after it, the one that confirms, the one after an approval. Each case
//! begins at the very moment of the call, in a world that was put back to it, and goes on until the release is over. Then
//! the [`oracle`] compares what custody says with what the registry has, and condemns every end but a verified one that
//! the [`allowances`] do not name with a reason. The table of all cases and their ends is `faults/README.md`.
//!
//! In the short form a second call of the same kind in the same step meets only what can happen to custody itself, a
//! third nothing, and single answers to what is sent are all given in one mode of each ecosystem; `COUNTERSIGN_DEEP` leaves
//! nothing out.

#[path = "faults/allowances.rs"]
mod allowances;
#[path = "faults/calls.rs"]
mod calls;
#[path = "faults/campaign.rs"]
mod campaign;
#[path = "faults/desk.rs"]
mod desk;
#[path = "faults/disturbances.rs"]
mod disturbances;
#[path = "faults/evidence.rs"]
mod evidence;
#[path = "faults/liars.rs"]
mod liars;
#[path = "faults/mode.rs"]
mod mode;
#[path = "faults/oracle.rs"]
mod oracle;
#[path = "faults/outcalls.rs"]
mod outcalls;
#[path = "faults/processes.rs"]
mod processes;
#[path = "faults/progress.rs"]
mod progress;
#[path = "faults/reads.rs"]
mod reads;
#[path = "faults/record.rs"]
mod record;
#[path = "faults/registry.rs"]
mod registry;
#[path = "faults/sends.rs"]
mod sends;
#[path = "faults/table.rs"]
mod table;
#[path = "faults/watch.rs"]
mod watch;

use std::io::Write as _;

use processes::Part;

/// As many cases as there must be at least.
const LEAST_CASES: usize = 300;
/// The name of the test below.
const CAMPAIGN: &str = "should_keep_every_promise_whatever_goes_wrong_at_any_step";

/// `COUNTERSIGN_FAULTS` limits it to the cases whose mode, call and disturbance contain these words.
#[test]
fn should_keep_every_promise_whatever_goes_wrong_at_any_step() {
    let words = std::env::var("COUNTERSIGN_FAULTS").unwrap_or_default();
    if let Some(part) = Part::of_this_process() {
        return part.deliver(campaign::run(&part, &words));
    }
    let cases = processes::run_all_parts(CAMPAIGN);
    let page = table::page(&cases);
    // Not by println, which shows nothing when the test passes.
    std::io::stdout().write_all(page.as_bytes()).expect("the output takes it");
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(_, case)| !case.ending.wrong.is_empty())
        .map(|(place, case)| {
            format!("{} / {} / {}: {:#?}", place.mode.name(), case.call, case.disturbance, case.ending)
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    if words.is_empty() {
        assert!(cases.len() >= LEAST_CASES, "{} cases", cases.len());
        assert_eq!(allowances::unused(&cases), [""; 0], "nothing is allowed without need");
        if !disturbances::is_deep() {
            table::assert_up_to_date(&page);
        }
    }
}
