//! The rules of deciding, once more and simply (`reference`), against the canister's own code (`canister`), through one
//! interface, over generated sequences of calls (`steps`): members and their keys, proposals, votes, time, upgrades.
//!
//! Each rule can be broken in the reference on purpose, and the sequences must notice: what they would not notice there
//! they would not notice in the canister either. A failure names its seed; `COUNTERSIGN_SEED` repeats it.

mod canister;
mod reference;
mod steps;

use std::{env, thread};

use canister::Canister;
use reference::{Reference, Rule};
use steps::{Step, Steps};

/// Steps in one life of a group.
const STEPS: usize = 250;
const PANICKED: &str = "panicked";

/// A group that decides: the canister, or the reference.
trait Group {
    /// Takes a step, and says how it ended: the name of the refusal, or nothing.
    fn take(&mut self, step: &Step) -> Option<String>;
    /// Everything there is to see, one line for each thing.
    fn view(&self) -> Vec<String>;
}

/// Lives one group's life twice. Says where the two first differ.
fn live(seed: u64, broken: Option<Rule>) -> Result<(), String> {
    // The canister's state is a thread's.
    let life = thread::spawn(move || {
        let mut steps = Steps::new(seed);
        let group = steps.group();
        let mut reference = Reference::new(&group, broken);
        let mut canister = Canister::new(group);
        let mut taken = Vec::new();
        for _ in 0..STEPS {
            let step = steps.next(&reference);
            taken.push(step.clone());
            let (expected, found) = (reference.take(&step), canister.take(&step));
            let (view, seen) = (reference.view(), canister.view());
            if expected != found || view != seen {
                let expected_lines: Vec<_> = view.iter().filter(|line| !seen.contains(line)).collect();
                let found_lines: Vec<_> = seen.iter().filter(|line| !view.contains(line)).collect();
                return Err(format!(
                    "seed {seed}, step {}: {step:?}\nexpected {expected:?} {expected_lines:#?}\nfound {found:?} \
                     {found_lines:#?}",
                    taken.len()
                ));
            }
        }
        Ok(())
    });
    life.join().unwrap_or_else(|_| Err(format!("seed {seed}: {PANICKED}")))
}

#[test]
fn should_decide_as_the_reference_does_whatever_is_called() {
    let steps = if env::var("COUNTERSIGN_DEEP").is_ok() { 1_000_000 } else { 20_000 };
    let seeds = match env::var("COUNTERSIGN_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("a number");
            seed..seed + 1
        }
        Err(_) => 0..(steps / STEPS) as u64,
    };
    for seed in seeds {
        live(seed, None).unwrap_or_else(|difference| panic!("{difference}"));
    }
}

/// Whether no sequence notices that the reference breaks this rule.
fn is_missed(rule: Rule) -> bool {
    let is_noticed = |seed| match live(seed, Some(rule)) {
        Ok(()) => false,
        Err(difference) if difference.ends_with(PANICKED) => panic!("{rule:?}: {difference}"),
        Err(_) => true,
    };
    !(0..400).any(is_noticed)
}

/// Rules that hardly any sequence touches. The canister's own tests have one for each: the module `governing`.
const RARE: [Rule; 2] = [Rule::LateSwingBound, Rule::CheckedAgain];

#[test]
fn should_notice_every_rule_when_it_is_broken() {
    let missed: Vec<_> = thread::scope(|scope| {
        let common = Rule::ALL.into_iter().filter(|rule| !RARE.contains(rule));
        let searches: Vec<_> =
            common.map(|rule| scope.spawn(move || is_missed(rule).then_some(rule))).collect();
        searches.into_iter().filter_map(|search| search.join().expect("searches")).collect()
    });
    assert_eq!(missed, [], "rules that no sequence noticed");
}
