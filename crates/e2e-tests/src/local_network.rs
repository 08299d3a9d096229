//! A network in a process of its own, to be spoken to through its public HTTP interface alone: the local replica as
//! `countersign network start` serves it, or any other that the environment names.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{countersign_command::program, supervised::Supervised};

/// A network that serves.
pub struct LocalNetwork {
    /// Its network file: address and pinned keys.
    pub file: PathBuf,
    /// Its base URL.
    pub url: String,
    /// Its trace of executed messages, if it is ours.
    pub trace: Option<PathBuf>,
    _process: Option<Supervised>,
}

impl LocalNetwork {
    /// The network that `COUNTERSIGN_E2E_NETWORK` names, else one of its own that serves until it is dropped or the
    /// test program ends. A URL needs the network's keys beside it: `COUNTERSIGN_E2E_ROOT_KEY`, `…_MASTER_KEY` (vetKD)
    /// and `…_RECEIPT_MASTER_KEY` (threshold Ed25519), in hexadecimal; a network file has them.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(directory: &Path, routes: &[String]) -> Self {
        match std::env::var("COUNTERSIGN_E2E_NETWORK") {
            Ok(url) if url.starts_with("http") => {
                fs::create_dir_all(directory).expect("a directory");
                let file = directory.join("network.json");
                let key = |name: &str| std::env::var(format!("COUNTERSIGN_E2E_{name}")).ok();
                let content = json!({
                    "url": url,
                    "root_key": key("ROOT_KEY").expect("COUNTERSIGN_E2E_ROOT_KEY beside a URL"),
                    "vetkd_master_public_key": key("MASTER_KEY"),
                    "schnorr_ed25519_master_public_key": key("RECEIPT_MASTER_KEY"),
                });
                fs::write(&file, content.to_string()).expect("written");
                Self { file, url, trace: None, _process: None }
            }
            Ok(file) => {
                let file = PathBuf::from(file);
                Self { url: url_in(&read(&file)), file, trace: None, _process: None }
            }
            Err(_) => Self::serve(directory, routes),
        }
    }

    /// Whether it is ours, so that its routes lead to our registries.
    pub fn is_own(&self) -> bool {
        self.trace.is_some()
    }

    /// What its network file says.
    pub fn read_file(&self) -> Value {
        read(&self.file)
    }

    /// How many messages a canister executed at an entry point such as `PostUpgrade`; `None` if the network is not
    /// ours, whose trace is here.
    pub fn executed(&self, canister: &str, entry: &str) -> Option<usize> {
        let trace = fs::read_to_string(self.trace.as_ref()?).expect("a trace");
        let messages = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Some(messages.filter(|message| message["canister"] == canister && message["entry"] == entry).count())
    }

    fn serve(directory: &Path, routes: &[String]) -> Self {
        fs::create_dir_all(directory).expect("a directory");
        let log = directory.join("network.log");
        let file = directory.join("network.json");
        let mut arguments = vec!["network", "start", "--foreground", "--port", "0", "--trace"];
        for route in routes {
            arguments.extend(["--route", route]);
        }
        let mut arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        arguments.extend([OsStr::new("--dir"), directory.as_os_str()]);
        let output = File::create(&log).expect("a log");
        let process = Supervised::start(program().as_os_str(), &arguments, output);
        let started = Instant::now();
        while !file.exists() {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "the network did not start: {}",
                fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let trace = directory.join("trace.jsonl");
        Self { url: url_in(&read(&file)), file, trace: Some(trace), _process: Some(process) }
    }
}

fn read(file: &Path) -> Value {
    let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_slice(&text).expect("a network file is JSON")
}

fn url_in(network: &Value) -> String {
    network["url"].as_str().expect("a network file names its URL").to_string()
}
