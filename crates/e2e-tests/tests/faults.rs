//! The fault campaign: at every step of a publish, in each mode, everything that can go wrong goes wrong once.
//!
//! The cases are generated: every call that custody makes in an undisturbed release, times every disturbance of a
//! call of that kind. Each begins at the very moment of the call, in a world that was put back to it, and goes on
//! until the release is over. Then the [`oracle`] compares what custody says with what the registry has. The table of
//! all cases and their ends is `faults/README.md`.

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
#[path = "faults/oracle.rs"]
mod oracle;
#[path = "faults/table.rs"]
mod table;
#[path = "faults/watch.rs"]
mod watch;

use std::io::Write as _;

use desk::Mode;

/// As many cases as there must be at least.
const LEAST_CASES: usize = 300;
/// How many modes the short form goes through: those in which custody publishes by itself.
const SHORT_MODES: usize = 2;

#[test]
fn should_keep_every_promise_whatever_goes_wrong_at_any_step() {
    let modes = if disturbances::is_deep() { &Mode::ALL[..] } else { &Mode::ALL[..SHORT_MODES] };
    let cases = campaign::run(modes);
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
    assert!(cases.len() >= LEAST_CASES, "{} cases", cases.len());
    if !disturbances::is_deep() {
        table::assert_up_to_date(&page);
    }
}
