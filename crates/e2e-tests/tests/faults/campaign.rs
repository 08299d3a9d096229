//! The campaign: every disturbance of every call of every mode, on all cores.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    calls::Undisturbed,
    desk::Desk,
    disturbances::{Disturbance, disturbances, is_deep},
    evidence::Evidence,
    mode::Mode,
    oracle,
    record::End,
};

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub text: String,
    /// What does not hold.
    pub wrong: Vec<String>,
}

/// Where a case belongs in the table: mode, disturbance, call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub mode: Mode,
    /// Position of the call in the undisturbed release.
    pub call: usize,
    /// Position among the disturbances of the call.
    pub disturbance: usize,
}

/// A case that was run.
#[derive(Clone, Debug)]
pub struct Case {
    pub call: String,
    pub disturbance: String,
    pub ending: Ending,
}

/// Runs every case whose name contains these words.
pub fn run(words: &str) -> BTreeMap<Place, Case> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let cases = Mutex::new(BTreeMap::new());
    let next_calls = Mode::ALL.map(|mode| (mode, AtomicUsize::new(0)));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                next_calls.iter().for_each(|(mode, next_call)| run_calls(*mode, words, next_call, &cases));
            });
        }
    });
    cases.into_inner().expect("no panic while held")
}

/// Takes one call after the other and runs its cases, in a world of its own.
fn run_calls(mode: Mode, words: &str, next_call: &AtomicUsize, cases: &Mutex<BTreeMap<Place, Case>>) {
    let mut desk = Desk::new(mode);
    let undisturbed = Undisturbed::record(&mut desk);
    loop {
        let index = next_call.fetch_add(1, Ordering::Relaxed);
        let Some(call) = undisturbed.calls.get(index) else { return };
        if call.repetition > repetitions() {
            continue;
        }
        for (number, disturbance) in disturbances(call.kind, mode).iter().enumerate() {
            if !format!("{} / {} / {}", mode.name(), call.name, disturbance.name).contains(words) {
                continue;
            }
            let place = Place { mode, call: index, disturbance: number };
            let ending = run_case(&mut desk, &undisturbed, index, disturbance);
            let case = Case { call: call.name.clone(), disturbance: disturbance.name.clone(), ending };
            cases.lock().expect("no panic while held").insert(place, case);
        }
    }
}

/// How many calls of one kind for one file are disturbed: in the short form the first two, which differ; further ones
/// repeat the second.
fn repetitions() -> usize {
    if is_deep() { usize::MAX } else { 2 }
}

fn run_case(desk: &mut Desk, undisturbed: &Undisturbed, index: usize, disturbance: &Disturbance) -> Ending {
    let release = &undisturbed.release;
    let call = &undisturbed.calls[index];
    desk.go_back(if disturbance.is_early { undisturbed.before(index) } else { &call.moment });
    disturbance.happen(desk, call);
    desk.clear_faults();
    let proposal = desk.settle(release.proposal);
    let evidence = Evidence::gather(desk, undisturbed, proposal);
    Ending { text: describe(&evidence), wrong: oracle::judge(&evidence) }
}

/// The end in a few words: the state of each file that is not verified, and how often was sent if not once.
fn describe(evidence: &Evidence) -> String {
    let Some(record) = &evidence.record else { return "no order".into() };
    let mut words: Vec<String> = Vec::new();
    for (file, end) in (0..).zip(&record.ends) {
        let state = match end {
            End::Verified => "verified",
            End::Refused => "refused",
            End::Alarm(name) => name,
            End::Open => "unfinished",
        };
        words.push(match evidence.sends(file) {
            1 => state.into(),
            sends => format!("{state} ({sends})"),
        });
    }
    words.dedup();
    words.join(", ")
}
