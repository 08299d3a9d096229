//! The campaign: every disturbance of every call of every mode.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    calls::Undisturbed,
    desk::Desk,
    disturbances::{Disturbance, disturbances, is_deep},
    evidence::Evidence,
    mode::Mode,
    oracle,
    processes::Part,
    record::End,
};

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub text: String,
    /// What does not hold.
    pub wrong: Vec<String>,
}

/// Where a case belongs in the table: mode, disturbance, call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub mode: Mode,
    /// Position of the call in the undisturbed release.
    pub call: usize,
    /// Position among the disturbances of the call.
    pub disturbance: usize,
}

/// A case that was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Case {
    pub call: String,
    pub disturbance: String,
    pub ending: Ending,
}

/// Cases in the order of the table.
pub type Cases = BTreeMap<Place, Case>;

/// A part of the campaign under way.
struct Campaign<'a> {
    part: &'a Part,
    /// What the name of a case must contain.
    words: &'a str,
    /// What the next release was tried after.
    tried: BTreeSet<(Mode, String)>,
    cases: Cases,
}

/// Runs every case of this part whose name contains these words.
pub fn run(part: &Part, words: &str) -> Cases {
    let mut campaign = Campaign { part, words, tried: BTreeSet::new(), cases: Cases::new() };
    Mode::ALL.into_iter().for_each(|mode| campaign.run_mode(mode));
    campaign.cases
}

impl Campaign<'_> {
    fn run_mode(&mut self, mode: Mode) {
        let mut desk = Desk::new(mode);
        let undisturbed = Undisturbed::record(&mut desk);
        for (index, call) in undisturbed.calls.iter().enumerate() {
            if call.repetition > repetitions() {
                continue;
            }
            for (number, disturbance) in disturbances(call.kind, mode).iter().enumerate() {
                let name = format!("{} / {} / {}", mode.name(), call.name, disturbance.name);
                if !name.contains(self.words) || !self.part.has(number) {
                    continue;
                }
                let place = Place { mode, call: index, disturbance: number };
                let ending = self.run_case(&mut desk, &undisturbed, index, disturbance);
                let case = Case { call: call.name.clone(), disturbance: disturbance.name.clone(), ending };
                self.cases.insert(place, case);
            }
        }
    }

    fn run_case(
        &mut self,
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
        let is_new_call = self.tried.insert((desk.mode, call.name.clone()));
        let is_new_end = self.tried.insert((desk.mode, format!("{}: {text}", disturbance.name)));
        if is_new_call || is_new_end {
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
