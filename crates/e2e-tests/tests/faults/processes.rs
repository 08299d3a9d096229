//! The processes of the campaign, one on each processor. Threads of one process would not do: they share its memory, so
//! whenever a message is over and its pages are given back, all processors that run one of them are interrupted.

use std::{
    env, fs,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, Stdio, exit},
};

use serde::{Deserialize, Serialize};

use crate::campaign::{Case, Cases, Place};

/// Tells a process that it was started for a part, and for which.
const PART: &str = "COUNTERSIGN_FAULTS_PART";

/// One process's part of the campaign.
#[derive(Debug, Serialize, Deserialize)]
pub struct Part {
    number: usize,
    /// How many parts there are.
    of: usize,
    /// The file that its cases go to.
    results: PathBuf,
}

impl Part {
    /// The part that this process was started for; none if it is the one that the test runs in. A process that has one
    /// ends with the process that started it.
    pub fn of_this_process() -> Option<Self> {
        let part = env::var(PART).ok()?;
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            exit(1);
        });
        Some(serde_json::from_str(&part).expect("a part, as it was written"))
    }

    /// Whether the disturbance with this number is in it, for whatever call.
    pub fn has(&self, disturbance: usize) -> bool {
        disturbance % self.of == self.number
    }

    /// Hands its cases over.
    pub fn deliver(&self, cases: Cases) {
        let cases: Vec<(Place, Case)> = cases.into_iter().collect();
        let text = serde_json::to_vec(&cases).expect("cases encode");
        fs::write(&self.results, text).expect("the file is writable");
    }
}

/// Runs the test of this name once more in a process for each processor, and returns all of their cases.
///
/// # Panics
/// If one of them fails; it has said why.
pub fn run_all_parts(test: &str) -> Cases {
    let directory = tempfile::tempdir().expect("a directory");
    let processors = processors();
    let parts = processors.iter().enumerate().map(|(number, processor)| {
        let results = directory.path().join(number.to_string());
        let part = Part { number, of: processors.len(), results };
        let process = start(test, &part, *processor);
        (part, process)
    });
    let mut cases = Cases::new();
    for (part, mut process) in parts.collect::<Vec<_>>() {
        // Its input stays open until it is over.
        let input = process.stdin.take();
        let status = process.wait().expect("it was started");
        drop(input);
        assert!(status.success(), "part {} of {}: {status}", part.number, part.of);
        let text = fs::read(&part.results).expect("it has handed its cases over");
        let delivered: Vec<(Place, Case)> =
            serde_json::from_slice(&text).expect("cases, as they were written");
        cases.extend(delivered);
    }
    cases
}

fn start(test: &str, part: &Part, processor: Option<usize>) -> Child {
    let program = env::current_exe().expect("this program");
    let mut command = match processor {
        Some(processor) => {
            let mut command = Command::new("taskset");
            command.arg("--cpu-list").arg(processor.to_string()).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(["--exact", "--nocapture", test]);
    command.env(PART, serde_json::to_string(part).expect("a part encodes"));
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// The processors that this process may use; without their numbers where there is no `taskset` to name them to.
fn processors() -> Vec<Option<usize>> {
    let count = std::thread::available_parallelism().map_or(2, usize::from);
    let has_taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    match allowed.map(numbers) {
        Some(numbers) if has_taskset => numbers.into_iter().take(count).map(Some).collect(),
        _ => vec![None; count],
    }
}

/// The numbers in a list such as `0-3,8`.
fn numbers(list: &str) -> Vec<usize> {
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn should_read_lists_of_processors() {
        assert_eq!(numbers("\t0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(numbers("5"), [5]);
    }
}
