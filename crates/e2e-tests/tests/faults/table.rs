//! The table of all cases, by mode: a row for each disturbance, a column for each call that it was tried with.

use std::{fmt::Write as _, path::PathBuf};

use crate::{
    allowances::{self, Allowance},
    campaign::{Case, Cases, Place},
    evidence::Gap,
    mode::Mode,
    oracle::INVARIANTS,
    record::End,
};

const INTRODUCTION: &str = "\
# The fault campaign

Written by `scripts/test faults`; `UPDATE_FAULTS=1 scripts/test faults` rewrites it. Each cell is one case: in a release of
this mode, while this call of custody was under way, this went wrong; when it was over, the release ended so. A call is
named by what custody says of the file at that moment and by what it asks for; a number after it says the how-manieth of
this name it is. One word for each file if they differ: *verified* (published, proven, with a receipt), *refused* (nothing
was published, and custody says so), *BLOCKED* after more than a day, *MISMATCH*, *CONFLICT* and *UNCONFIRMED* (people
must look). A number in brackets says how often custody sent, if not once.

In every case holds:
";

/// The whole page.
pub fn page(cases: &Cases) -> String {
    let mut page = INTRODUCTION.to_owned();
    for (invariant, _) in INVARIANTS {
        let _ = writeln!(page, "- {invariant}.");
    }
    let _ = writeln!(page, "\n{} cases.", cases.len());
    page.push_str(
        "\nWhat may end otherwise than verified, or be proven by less, and why custody cannot do better:\n\n",
    );
    page.push_str("| what goes wrong | with | may be | why |\n|---|---|---|---|\n");
    allowances::ENDS.iter().for_each(|allowance| page.push_str(&row(allowance, End::name)));
    allowances::GAPS.iter().for_each(|allowance| page.push_str(&row(allowance, Gap::name)));
    for mode in Mode::ALL {
        let of_mode: Vec<_> = cases.iter().filter(|(place, _)| place.mode == mode).collect();
        if !of_mode.is_empty() {
            let _ = writeln!(page, "\n## {} ({} cases)", mode.name(), of_mode.len());
            let _ = writeln!(page, "\n{}", mode.description());
            page.push_str(&tables(&of_mode));
        }
    }
    page
}

fn row<T: Copy>(allowance: &Allowance<T>, name: fn(T) -> &'static str) -> String {
    let kinds: Vec<_> = allowance.kinds.iter().map(|kind| kind.name()).collect();
    let kinds = if kinds.is_empty() { "any call".to_owned() } else { kinds.join(", ") };
    let allowed: Vec<_> = allowance.allowed.iter().copied().map(name).collect();
    let (disturbances, allowed) = (allowance.disturbances.join("; "), allowed.join(", "));
    format!("| {disturbances} | {kinds} | {allowed} | {} |\n", allowance.reason)
}

/// One table for each set of calls that disturbances have in common.
fn tables(cases: &[(&Place, &Case)]) -> String {
    let mut rows: Vec<(&str, Vec<(&Place, &Case)>)> = Vec::new();
    for (place, case) in cases {
        match rows.iter_mut().find(|(name, _)| *name == case.disturbance) {
            Some((_, row)) => row.push((place, case)),
            None => rows.push((&case.disturbance, vec![(place, case)])),
        }
    }
    let calls =
        |row: &[(&Place, &Case)]| -> Vec<String> { row.iter().map(|(_, case)| case.call.clone()).collect() };
    let mut groups: Vec<(Vec<String>, Vec<_>)> = Vec::new();
    for (name, row) in rows {
        let columns = calls(&row);
        match groups.iter_mut().find(|(known, _)| *known == columns) {
            Some((_, group)) => group.push((name, row)),
            None => groups.push((columns, vec![(name, row)])),
        }
    }
    let mut text = String::new();
    for (columns, group) in groups {
        let _ = writeln!(text, "\n| what goes wrong | {} |", columns.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len()));
        for (name, row) in group {
            let cells: Vec<_> = row.iter().map(|(_, case)| case.ending.text.as_str()).collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
    }
    text
}

/// Compares the page with the committed one, or rewrites that.
pub fn assert_up_to_date(page: &str) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/README.md"));
    if std::env::var_os("UPDATE_FAULTS").is_some() {
        std::fs::write(&path, page).expect("the page is writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<_> =
        page.lines().filter(|line| !committed.lines().any(|known| known == *line)).collect();
    assert!(
        committed == page,
        "the table is not up to date: run UPDATE_FAULTS=1 scripts/test faults; now it says\n{}",
        changed.join("\n")
    );
}
