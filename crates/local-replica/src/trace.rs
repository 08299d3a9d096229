//! A trace of every executed message: what it was, what it cost, how it ended. Kept for a while in memory, where
//! developers read it as text, and written to a file as one JSON object a line.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use candid::Principal;
use parking_lot::Mutex;
use serde::Serialize;

use crate::message::{EntryPoint, MessageReport, Outcome};
use crate::replica::{Observer, ReplicaView};

/// How many messages are kept in memory.
const KEPT_MESSAGES: usize = 10_000;

/// One executed message.
#[derive(Clone, Debug, Serialize)]
pub struct TracedMessage {
    /// Counts from 0, without gaps.
    pub number: u64,
    pub time_ns: u64,
    pub canister: Principal,
    /// The entry point, with the method's name.
    pub entry: String,
    /// Whether a single node executed it, without effect on the state.
    pub query: bool,
    pub instructions: u64,
    /// Charged for its execution.
    pub cycles: u128,
    /// Of the canister afterwards, with what is set aside for callbacks: without that, costs would seem to move in time.
    pub balance_cycles: u128,
    /// Calls of other canisters that it made.
    pub calls: usize,
    /// Whether it answered its caller.
    pub replied: bool,
    pub outcome: String,
}

impl TracedMessage {
    fn new(number: u64, report: &MessageReport, view: &ReplicaView<'_>) -> Self {
        let balance_cycles = view.canister(report.canister).map_or(0, |canister| {
            canister.balance_cycles.saturating_add(canister.open_calls.prepaid_cycles())
        });
        let query = matches!(
            report.entry,
            EntryPoint::Query { replicated: false, .. }
                | EntryPoint::CompositeQuery { .. }
                | EntryPoint::InspectMessage { .. }
        );
        Self {
            number,
            time_ns: report.time_ns,
            canister: report.canister,
            entry: format!("{:?}", report.entry),
            query,
            instructions: report.instructions,
            cycles: report.cycles_charged,
            balance_cycles,
            calls: report.calls,
            replied: report.replied,
            outcome: match &report.outcome {
                Outcome::Ok => "Ok".to_owned(),
                Outcome::Trap(message) => format!("Trap({message:?})"),
            },
        }
    }
}

/// One line: number, time of day (UTC), canister, entry point, instructions, cycles, outcome.
impl fmt::Display for TracedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time_ns / 1_000_000_000 % 86_400;
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let milliseconds = self.time_ns / 1_000_000 % 1_000;
        write!(
            f,
            "{:>6} {hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03} {} {:<48} {:>15} instr {:>15} cycles {} calls {}{}",
            self.number,
            self.canister,
            self.entry,
            grouped(self.instructions.into()),
            grouped(self.cycles),
            self.calls,
            if self.replied { "answered " } else { "" },
            self.outcome,
        )
    }
}

/// Digits in groups of three.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The latest messages of a replica. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    next_number: u64,
    messages: VecDeque<TracedMessage>,
}

impl Trace {
    /// An observer that records here and, when a path is given, in a file that is made anew.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn observer(&self, path: Option<&Path>) -> io::Result<Observer> {
        let mut file = path.map(File::create).transpose()?;
        let kept = Arc::clone(&self.kept);
        Ok(Box::new(move |report, view| {
            let mut kept = kept.lock();
            let message = TracedMessage::new(kept.next_number, report, view);
            kept.next_number += 1;
            if let Some(file) = &mut file
                && let Ok(mut line) = serde_json::to_vec(&message)
            {
                line.push(b'\n');
                // One write a line, so that readers see whole lines. A full disk must not stop the network.
                let _ = file.write_all(&line);
            }
            if kept.messages.len() == KEPT_MESSAGES {
                kept.messages.pop_front();
            }
            kept.messages.push_back(message);
        }))
    }

    /// Up to `limit` messages from the one numbered `from`, or from the oldest that is kept.
    pub fn read(&self, from: u64, limit: usize) -> Vec<TracedMessage> {
        let kept = self.kept.lock();
        kept.messages.iter().skip_while(|message| message.number < from).take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn should_group_digits_by_thousands() {
        assert_eq!([0, 999, 1_000, 40_000_000_000].map(grouped), ["0", "999", "1,000", "40,000,000,000"]);
    }
}
