//! What was measured, the file that keeps it, and the bounds it is held to.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{content, scenario};

/// How much a figure may differ from the committed one, in percent.
const TOLERANCE_PERCENT: f64 = 2.0;

/// One of the two canisters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Canister {
    Dao,
    Custody,
}

/// A figure for each canister.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerCanister<T> {
    pub dao: T,
    pub custody: T,
}

impl PerCanister<u64> {
    pub fn sum(&self) -> u64 {
        self.dao + self.custody
    }
}

/// Where an operation's cycles went, both canisters together; rounded to 10 million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CyclesSplit {
    /// What both balances lost, fees and the storage of the time that passed included.
    pub total: u64,
    pub execution: u64,
    pub vetkd: u64,
    pub schnorr: u64,
    /// HTTPS outcalls, ingress and calls between canisters: the rest.
    pub outcalls_and_transmission: u64,
}

/// One message, or several equal ones in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFigure {
    pub canister: Canister,
    pub message: String,
    pub count: u32,
    pub instructions: u64,
}

/// What one operation cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    pub name: String,
    /// Sums over all messages that the operation caused.
    pub instructions: PerCanister<u64>,
    pub cycles: CyclesSplit,
    /// Memory afterwards. It never shrinks.
    pub heap_bytes: PerCanister<u64>,
    pub stable_bytes: PerCanister<u64>,
    /// Those that cost most, in their order.
    pub messages: Vec<MessageFigure>,
}

/// What one operation at the content canister cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFigure {
    pub name: String,
    /// Sum over all messages that the operation caused.
    pub instructions: u64,
    /// What the balance lost, the key derivation included.
    pub cycles: u64,
}

/// Everything that a run measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub members: u32,
    pub past_proposals: u32,
    /// Of the modules as they ship, compressed: what one message carries.
    pub wasm_bytes: PerCanister<u64>,
    pub decompressed_bytes: PerCanister<u64>,
    /// In the group of `members` with `past_proposals`.
    pub operations: Vec<Measurement>,
    /// A whole release in a group of five, step by step.
    pub release: Vec<Measurement>,
    /// Every way to publish, watching and freezing, in groups of five.
    pub modes: Vec<Measurement>,
    /// At the content canister.
    #[serde(default)]
    pub content: Vec<ContentFigure>,
}

/// A limit that a figure must keep.
pub struct Bound {
    pub what: &'static str,
    pub unit: &'static str,
    pub limit: u64,
    pub found: u64,
}

impl Bound {
    pub fn is_kept(&self) -> bool {
        self.found <= self.limit
    }
}

/// A figure that is not what was committed.
pub struct Difference {
    pub what: String,
    pub committed: u64,
    pub found: u64,
}

impl Figures {
    /// The committed figures; none if there are none yet.
    ///
    /// # Errors
    /// If the file cannot be read, or is something else.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn operation(&self, name: &str) -> Option<&Measurement> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The bounds with what was found.
    pub fn bounds(&self) -> Vec<Bound> {
        let instructions = |names: &[&str]| {
            names.iter().fold(0, |sum: u64, name| {
                sum.saturating_add(self.operation(name).map_or(u64::MAX, |found| found.instructions.sum()))
            })
        };
        let of_content = |name: &str| {
            self.content.iter().find(|found| found.name == name).map_or(u64::MAX, |found| found.instructions)
        };
        let heap = |of: fn(&PerCanister<u64>) -> u64| {
            self.operations.iter().map(|operation| of(&operation.heap_bytes)).max().unwrap_or(u64::MAX)
        };
        let bound = |what, unit, limit, found| Bound { what, unit, limit, found };
        vec![
            bound("a vote", "instructions", 1_000_000, instructions(&[scenario::VOTE])),
            bound("a vote that decides", "instructions", 1_000_000, instructions(&[scenario::DECIDING_VOTE])),
            bound(
                "publishing a 1.4 MB npm tarball, DAO and custody together, after the vote",
                "instructions",
                2_000_000_000,
                instructions(&scenario::PUBLISH_NPM),
            ),
            bound("heap of the DAO canister", "bytes", 96 << 20, heap(|heap| heap.dao)),
            bound("heap of the custody canister", "bytes", 96 << 20, heap(|heap| heap.custody)),
            bound(
                "64 KiB of a 100 MB age file, beside those of a 1 MB one",
                "instructions",
                (of_content(content::PART_OF_SMALL) / 100).saturating_mul(101),
                of_content(content::PART_OF_LARGE),
            ),
            // Opened and sealed with AES-GCM, 215 instructions a byte each; base64, copies, vetKey and ECDH besides.
            bound("1 MiB of a JWE as JWE", "instructions", 1_500_000_000, of_content(content::LARGE_JWE)),
            bound("module of the DAO canister, as it ships", "bytes", 2 << 20, self.wasm_bytes.dao),
            bound("module of the custody canister, as it ships", "bytes", 2 << 20, self.wasm_bytes.custody),
        ]
    }

    /// Each figure by its name, in a fixed order.
    pub fn named(&self) -> Vec<(String, u64)> {
        let mut named = vec![
            ("wasm bytes: dao".into(), self.wasm_bytes.dao),
            ("wasm bytes: custody".into(), self.wasm_bytes.custody),
            ("wasm bytes, decompressed: dao".into(), self.decompressed_bytes.dao),
            ("wasm bytes, decompressed: custody".into(), self.decompressed_bytes.custody),
        ];
        let sections =
            [("", &self.operations), ("release of five: ", &self.release), ("group of five: ", &self.modes)];
        for (section, measurement) in
            sections.into_iter().flat_map(|(section, list)| list.iter().map(move |m| (section, m)))
        {
            let Measurement { name, instructions, cycles, heap_bytes, stable_bytes, .. } = measurement;
            for (what, found) in [
                ("instructions of dao", instructions.dao),
                ("instructions of custody", instructions.custody),
                ("cycles", cycles.total),
                ("heap bytes of dao", heap_bytes.dao),
                ("heap bytes of custody", heap_bytes.custody),
                ("stable bytes of dao", stable_bytes.dao),
                ("stable bytes of custody", stable_bytes.custody),
            ] {
                named.push((format!("{section}{name}: {what}"), found));
            }
        }
        for ContentFigure { name, instructions, cycles } in &self.content {
            named.push((format!("content: {name}: instructions"), *instructions));
            named.push((format!("content: {name}: cycles"), *cycles));
        }
        named
    }

    /// What differs from the committed figures by more than the tolerance, or is missing on either side.
    pub fn differences(&self, committed: &Self) -> Vec<Difference> {
        let (found, before) = (self.named(), committed.named());
        let value = |list: &[(String, u64)], what: &str| {
            list.iter().find(|(name, _)| name == what).map_or(0, |(_, value)| *value)
        };
        let gone = before.iter().filter(|(name, _)| found.iter().all(|(other, _)| other != name));
        found
            .iter()
            .chain(gone)
            .map(|(what, _)| Difference {
                what: what.clone(),
                committed: value(&before, what),
                found: value(&found, what),
            })
            .filter(|difference| {
                change_percent(difference.committed, difference.found).abs() > TOLERANCE_PERCENT
            })
            .collect()
    }
}

/// By how much a figure grew; infinite if it was zero.
pub fn change_percent(committed: u64, found: u64) -> f64 {
    if committed == found {
        return 0.0;
    }
    (found as f64 - committed as f64) / committed as f64 * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(dao_instructions: u64) -> Figures {
        let measurement = |name: &str, dao| Measurement {
            name: name.into(),
            instructions: PerCanister { dao, custody: 0 },
            cycles: CyclesSplit::default(),
            heap_bytes: PerCanister { dao: 1, custody: 1 },
            stable_bytes: PerCanister::default(),
            messages: Vec::new(),
        };
        let mut operations =
            vec![measurement(scenario::VOTE, dao_instructions), measurement(scenario::DECIDING_VOTE, 1)];
        operations.extend(scenario::PUBLISH_NPM.iter().map(|name| measurement(name, 1)));
        Figures {
            members: 1,
            past_proposals: 1,
            wasm_bytes: PerCanister { dao: 1, custody: 1 },
            decompressed_bytes: PerCanister { dao: 1, custody: 1 },
            operations,
            release: Vec::new(),
            modes: Vec::new(),
            content: [content::PART_OF_SMALL, content::PART_OF_LARGE, content::LARGE_JWE]
                .map(|name| ContentFigure { name: name.into(), instructions: 100, cycles: 100 })
                .to_vec(),
        }
    }

    #[test]
    fn should_report_a_figure_that_leaves_the_tolerance() {
        assert!(figures(102).differences(&figures(100)).is_empty());
        assert_eq!(figures(103).differences(&figures(100)).len(), 1);
        assert_eq!(figures(97).differences(&figures(100)).len(), 1);
    }

    #[test]
    fn should_report_an_operation_that_was_not_measured_any_more() {
        let mut fewer = figures(100);
        fewer.operations.pop();
        let differences = fewer.differences(&figures(100));
        assert!(!differences.is_empty());
        assert!(differences.iter().all(|difference| difference.found == 0));
        assert!(fewer.bounds().iter().any(|bound| !bound.is_kept()), "a bound without a figure is not kept");
    }

    #[test]
    fn should_break_the_bound_of_a_vote_above_one_million_instructions() {
        let broken = |instructions| figures(instructions).bounds().iter().filter(|b| !b.is_kept()).count();
        assert_eq!(broken(1_000_000), 0);
        assert_eq!(broken(1_000_001), 1);
    }
}
