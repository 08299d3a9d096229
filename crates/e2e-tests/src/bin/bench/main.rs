//! Measures what the canisters cost, on the local replica with the wasm that ships.
//!
//! Run by `scripts/bench`, which builds the canisters first.

mod content;
mod figures;
mod meter;
mod modes;
mod scenario;
mod steps;
mod tables;

use std::{fs, process::ExitCode};

use clap::Parser;
use e2e_tests::canister_wasm::repository_root;
use figures::Figures;

/// Measures instructions, cycles, memory and wasm sizes of each operation.
///
/// Prints them with their difference to the committed ones, and rewrites bench/results.json and BENCH.md.
#[derive(Parser)]
#[command(name = "scripts/bench")]
struct Arguments {
    /// Rewrite nothing; exit 1 if a bound is broken or a figure differs by more than 2 % from the committed one.
    #[arg(long)]
    check: bool,
    /// Print the figures as one JSON object in place of the table.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let file = repository_root().join("bench/results.json");
    let committed = Figures::read(&file)?;
    let found = scenario::run();
    if arguments.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        print!("{}", tables::terminal(&found, committed.as_ref()));
    }
    if arguments.check {
        return Ok(check(&found, committed.as_ref()));
    }
    fs::create_dir_all(repository_root().join("bench"))?;
    fs::write(&file, serde_json::to_string_pretty(&found)? + "\n")?;
    fs::write(repository_root().join("BENCH.md"), tables::document(&found))?;
    Ok(ExitCode::SUCCESS)
}

/// Says what is wrong on standard error.
fn check(found: &Figures, committed: Option<&Figures>) -> ExitCode {
    let mut complaints: Vec<String> = found
        .bounds()
        .iter()
        .filter(|bound| !bound.is_kept())
        .map(|bound| {
            let (what, unit) = (bound.what, bound.unit);
            format!("{what}: found {} {unit}, allowed are at most {}", bound.found, bound.limit)
        })
        .collect();
    match committed {
        Some(committed) => complaints.extend(found.differences(committed).into_iter().map(|difference| {
            let (what, found) = (difference.what, difference.found);
            format!("{what}: found {found}, committed are {}", difference.committed)
        })),
        None => complaints.push("bench/results.json is missing".into()),
    }
    if complaints.is_empty() {
        eprintln!("all bounds kept, all figures as committed");
        return ExitCode::SUCCESS;
    }
    for complaint in complaints {
        eprintln!("{complaint}");
    }
    eprintln!("if this is intended, run scripts/bench and commit bench/results.json and BENCH.md");
    ExitCode::FAILURE
}
