//! The campaign: every disturbance of every call of every mode.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    calls::{Call, Undisturbed},
    desk::Desk,
    disturbances::{Disturbance, disturbances},
    evidence::Evidence,
    mode::Mode,
    oracle,
    processes::Part,
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
    /// What the next release was tried after: disturbances, and how it ended.
    tried: BTreeSet<(String, String)>,
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
            for (number, disturbance) in disturbances(call, mode).iter().enumerate() {
                let name = format!("{} / {} / {}", mode.name(), call.name, disturbance.name);
                if !name.contains(self.words) || !self.part.has(number) {
                    continue;
                }
                let place = Place { mode, call: index, disturbance: number };
                let mut evidence = gather(&mut desk, &undisturbed, call, disturbance);
                let text = describe(&evidence);
                let is_new_end = self.tried.insert((disturbance.name.clone(), text.clone()));
                if number == 0 || is_new_end {
                    evidence.try_next(&mut desk);
                }
                let ending = Ending { text, wrong: oracle::judge(&evidence) };
                let case = Case { call: call.name.clone(), disturbance: disturbance.name.clone(), ending };
                self.cases.insert(place, case);
            }
        }
    }
}

/// Lets a call be disturbed and everything come to its end.
fn gather(desk: &mut Desk, undisturbed: &Undisturbed, call: &Call, disturbance: &Disturbance) -> Evidence {
    desk.go_back(&call.moment);
    disturbance.happen(desk, call);
    desk.clear_faults();
    let proposal = desk.settle(undisturbed.release.proposal);
    Evidence::gather(desk, undisturbed, (disturbance, call), proposal)
}

/// The end in a few words: the state of each file, how often it was sent if not once, and what the receipt does not prove.
fn describe(evidence: &Evidence) -> String {
    let Some(record) = &evidence.record else { return "no order".into() };
    let mut words: Vec<String> = Vec::new();
    for (file, end) in (0..).zip(&record.ends) {
        let state = end.name();
        words.push(match evidence.sends(file) {
            1 => state.into(),
            sends => format!("{state} ({sends})"),
        });
    }
    words.dedup();
    let gaps = evidence.receipt.iter().flat_map(|receipt| &receipt.gaps);
    words.extend(gaps.map(|gap| gap.name().to_owned()));
    words.join(", ")
}
