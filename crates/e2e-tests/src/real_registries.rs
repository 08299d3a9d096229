//! Real package registries: those of `scripts/registries`, on loopback, or others that the environment names.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{canister_wasm::repository_root, supervised::Supervised};

/// Where the registries are, and their publish tokens.
pub struct RealRegistries {
    pub npm_url: String,
    pub npm_token: String,
    /// Where the Python index takes uploads.
    pub pypi_upload_url: String,
    /// Its simple API.
    pub pypi_read_url: String,
    /// An account-wide token, as the Python index issues it.
    pub pypi_token: String,
    /// The Python index's log of the tokens it was shown, if it is ours.
    pub authentications: Option<PathBuf>,
    _process: Option<Supervised>,
}

impl RealRegistries {
    /// Those that `COUNTERSIGN_E2E_NPM_URL`, `…_NPM_TOKEN`, `…_PYPI_UPLOAD_URL`, `…_PYPI_READ_URL` and `…_PYPI_TOKEN`
    /// name, if a network is named as well; else our own, with their data in `directory`.
    ///
    /// # Panics
    /// When they do not start or a variable is missing.
    pub fn start(directory: &Path) -> Self {
        if std::env::var("COUNTERSIGN_E2E_NETWORK").is_err() {
            return Self::serve(directory);
        }
        let named = |name: &str| {
            let name = format!("COUNTERSIGN_E2E_{name}");
            std::env::var(&name).unwrap_or_else(|_| panic!("{name} is needed with COUNTERSIGN_E2E_NETWORK"))
        };
        Self {
            npm_url: named("NPM_URL"),
            npm_token: named("NPM_TOKEN"),
            pypi_upload_url: named("PYPI_UPLOAD_URL"),
            pypi_read_url: named("PYPI_READ_URL"),
            pypi_token: named("PYPI_TOKEN"),
            authentications: None,
            _process: None,
        }
    }

    fn serve(directory: &Path) -> Self {
        fs::create_dir_all(directory).expect("a directory");
        let mut command = Command::new(repository_root().join("scripts/registries"));
        command.args(["serve", "--npm", "--pypi", "--dir"]).arg(directory);
        let log = File::create(directory.join("registries.log")).expect("a log");
        let (process, line) = Supervised::start_watching(command, log);
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON");
        let text = |registry: &str, field: &str| ready[registry][field].as_str().expect("a text").to_string();
        Self {
            npm_url: text("npm", "url"),
            npm_token: text("npm", "token"),
            pypi_upload_url: text("pypi", "url"),
            pypi_read_url: text("pypi", "read_url"),
            pypi_token: text("pypi", "token"),
            authentications: Some(PathBuf::from(text("pypi", "authentications"))),
            _process: Some(process),
        }
    }

    /// The index's judgements so far, oldest first; `None` if its log cannot be read from here.
    pub fn judgements(&self) -> Option<Vec<Value>> {
        let log = fs::read_to_string(self.authentications.as_ref()?).expect("the index's log");
        Some(log.lines().map(|line| serde_json::from_str(line).expect("lines of JSON")).collect())
    }
}
