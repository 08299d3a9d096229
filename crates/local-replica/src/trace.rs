//! A trace of every executed message, one JSON object a line: what it was, what it cost.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::message::{EntryPoint, MessageReport};
use crate::replica::Observer;

/// An observer that appends each message to the file at `path`, which is made anew.
///
/// # Errors
/// When the file cannot be made.
pub fn to_file(path: &Path) -> io::Result<Observer> {
    let mut file = File::create(path)?;
    Ok(Box::new(move |report, view| {
        // What is set aside for callbacks is still the canister's: without it, costs would seem to move in time.
        let balance_cycles = view
            .canister(report.canister)
            .map_or(0, |canister| canister.balance_cycles + canister.open_calls.prepaid_cycles());
        // One write a line, so that readers see whole lines. A full disk must not stop the network.
        let _ = file.write_all(line(report, balance_cycles).as_bytes());
    }))
}

fn line(report: &MessageReport, balance_cycles: u128) -> String {
    let is_query = matches!(
        report.entry,
        EntryPoint::Query { replicated: false, .. }
            | EntryPoint::CompositeQuery { .. }
            | EntryPoint::InspectMessage { .. }
    );
    let message = json!({
        "time_ns": report.time_ns,
        "canister": report.canister.to_text(),
        "entry": format!("{:?}", report.entry),
        "query": is_query,
        "instructions": report.instructions,
        "cycles": u64::try_from(report.cycles_charged).unwrap_or(u64::MAX),
        "balance_cycles": u64::try_from(balance_cycles).unwrap_or(u64::MAX),
        "outcome": format!("{:?}", report.outcome),
    });
    format!("{message}\n")
}
