//! The campaign: every disturbance of every call of every mode, on all cores.

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// The campaign under way.
struct Campaign<'a> {
    /// What the name of a case must contain.
    words: &'a str,
    next_calls: [(Mode, AtomicUsize); Mode::ALL.len()],
    /// What the next release was tried after.
    tried: Mutex<BTreeSet<(Mode, String)>>,
    cases: Mutex<BTreeMap<Place, Case>>,
}

/// Runs every case whose name contains these words.
pub fn run(words: &str) -> BTreeMap<Place, Case> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let campaign = Campaign {
        words,
        next_calls: Mode::ALL.map(|mode| (mode, AtomicUsize::new(0))),
        tried: Mutex::default(),
        cases: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                campaign.next_calls.iter().for_each(|(mode, next_call)| campaign.run_calls(*mode, next_call));
            });
        }
    });
    campaign.cases.into_inner().expect("no panic while held")
}

impl Campaign<'_> {
    /// Takes one call after the other and runs its cases, in a world of its own.
    fn run_calls(&self, mode: Mode, next_call: &AtomicUsize) {
        let mut desk = Desk::new(mode);
        let undisturbed = Undisturbed::record(&mut desk);
        loop {
            let index = next_call.fetch_add(1, Ordering::Relaxed);
            let Some(call) = undisturbed.calls.get(index) else { return };
            if call.repetition > repetitions() {
                continue;
            }
            for (number, disturbance) in disturbances(call.kind, mode).iter().enumerate() {
                let name = format!("{} / {} / {}", mode.name(), call.name, disturbance.name);
                if !name.contains(self.words) {
                    continue;
                }
                let place = Place { mode, call: index, disturbance: number };
                let ending = self.run_case(&mut desk, &undisturbed, index, disturbance);
                let case = Case { call: call.name.clone(), disturbance: disturbance.name.clone(), ending };
                self.cases.lock().expect("no panic while held").insert(place, case);
            }
        }
    }

    fn run_case(
        &self,
        desk: &mut Desk,
        undisturbed: &Undisturbed,
        index: usize,
        disturbance: &Disturbance,
    ) -> Ending {
        let call = &undisturbed.calls[index];
        desk.go_back(if disturbance.is_early { undisturbed.before(index) } else { &call.moment });
        disturbance.happen(desk, call);
        desk.clear_faults();
        let proposal = desk.settle(undisturbed.release.proposal);
        let mut evidence = Evidence::gather(desk, undisturbed, proposal);
        let text = describe(&evidence);
        let is_new = {
            let mut tried = self.tried.lock().expect("no panic while held");
            let is_new_call = tried.insert((desk.mode, call.name.clone()));
            tried.insert((desk.mode, format!("{}: {text}", disturbance.name))) || is_new_call
        };
        if is_new {
            evidence.try_next(desk);
        }
        Ending { text, wrong: oracle::judge(&evidence) }
    }
}

/// How many calls of one kind for one file are disturbed: in the short form the first two, which differ; further ones
/// repeat the second.
fn repetitions() -> usize {
    if is_deep() { usize::MAX } else { 2 }
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
