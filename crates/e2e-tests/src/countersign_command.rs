//! The `countersign` program as a person or a script runs it: arguments and standard input in, text or one JSON
//! object and an exit code out.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use secret_search::{SecretSearch, Trace};
use serde_json::Value;

/// The program that was built together with the running test program.
///
/// # Panics
/// When it was not built; the message says how.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    // target/debug/deps/test-0123 → target/debug/countersign
    let directory = test.parent().and_then(Path::parent).expect("test programs are in target/*/deps");
    let program = directory.join("countersign");
    assert!(program.exists(), "{} is missing; run cargo build --workspace --bins first", program.display());
    program
}

/// What a run of the program printed, and how it ended.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Everything it printed.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The one JSON object that `--json` promises on standard output.
    ///
    /// # Panics
    /// When there is none, anything beside it, or something else than an object.
    pub fn object(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(object @ Value::Object(_)) => object,
            other => panic!("not one JSON object ({other:?}): {self:?}"),
        }
    }

    /// Panics unless the program ended with `code`.
    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.output());
        self
    }
}

/// Runs the program in a directory. Identities are `NAME.pem` files there, and a network and a deployment are
/// chosen as a user chooses them, by environment variables. Output is always searched for the secrets it was told.
#[derive(Clone)]
pub struct Countersign {
    pub directory: PathBuf,
    pub network: Option<PathBuf>,
    pub deployment: PathBuf,
    /// Settings for the clients of registries that the program runs; the caller's own never reach them.
    pub clients: Vec<(String, String)>,
    secrets: Arc<Mutex<SecretSearch>>,
}

impl Countersign {
    /// In `directory`, with the network that `network` describes.
    pub fn new(directory: &Path, network: Option<PathBuf>) -> Self {
        let deployment = directory.join("deployment.json");
        let directory = directory.to_path_buf();
        Self { directory, network, deployment, clients: Vec::new(), secrets: Arc::default() }
    }

    /// The same, for the group that another deployment file names.
    pub fn with_deployment(&self, name: &str) -> Self {
        Self { deployment: self.directory.join(name), ..self.clone() }
    }

    /// The same, as run by somebody whose npm and pip are set up so.
    pub fn with_clients(&self, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Self { clients: settings.collect(), ..self.clone() }
    }

    /// Has the output of every later run searched for a secret.
    pub fn keep_secret(&self, name: &str, secret: &[u8]) {
        self.secrets.lock().expect("no panic while held").add(name, secret);
    }

    /// Panics if a secret is anywhere in `bytes`, in any form.
    #[track_caller]
    pub fn assert_no_secret(&self, what: &str, bytes: &[u8]) {
        assert_eq!(self.secret_in(bytes), None, "found in {what}");
    }

    /// The first trace of a secret in `bytes`.
    pub fn secret_in(&self, bytes: &[u8]) -> Option<Trace> {
        self.secrets.lock().expect("no panic while held").first_trace(bytes)
    }

    /// Makes an identity and returns its principal.
    pub fn new_identity(&self, name: &str) -> String {
        let made = self.json(None, &["identity", "new", &format!("{name}.pem")]);
        made["principal"].as_str().expect("a principal").to_string()
    }

    /// Runs it with the text output that people read.
    pub fn run(&self, who: Option<&str>, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = Command::new(program());
        command.current_dir(&self.directory).args(arguments);
        for variable in [
            "COUNTERSIGN_DAO",
            "COUNTERSIGN_CUSTODY",
            "COUNTERSIGN_CONTENT",
            "COUNTERSIGN_IDENTITY",
            "COUNTERSIGN_NETWORK",
        ] {
            command.env_remove(variable);
        }
        command.env("COUNTERSIGN_DEPLOYMENT", &self.deployment);
        if let Some(network) = &self.network {
            command.env("COUNTERSIGN_NETWORK", network);
        }
        if let Some(who) = who {
            command.env("COUNTERSIGN_IDENTITY", self.directory.join(format!("{who}.pem")));
        }
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_uppercase();
            if upper.starts_with("NPM_CONFIG_") || upper.starts_with("PIP_") {
                command.env_remove(name);
            }
        }
        command.envs(self.clients.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        // A program that fails before it reads closes the pipe; what it says then is what counts.
        let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
        let done = child.wait_with_output().expect("the program ends");
        let [stdout, stderr] = [done.stdout, done.stderr].map(|bytes| {
            self.assert_no_secret(&format!("the output of {arguments:?}"), &bytes);
            String::from_utf8(bytes).expect("text")
        });
        Ran { code: done.status.code().expect("not ended by a signal"), stdout, stderr }
    }

    /// Runs it with `--json`; fails unless exactly one JSON object was printed, whatever the exit code.
    pub fn run_json(&self, who: Option<&str>, arguments: &[&str], stdin: &str) -> (i32, Value) {
        let ran = self.run(who, &[&["--json"], arguments].concat(), stdin);
        (ran.code, ran.object())
    }

    /// The object that a command printed which must go well.
    #[track_caller]
    pub fn json(&self, who: Option<&str>, arguments: &[&str]) -> Value {
        let (code, object) = self.run_json(who, arguments, "");
        assert_eq!(code, 0, "{arguments:?}: {object:#}");
        object
    }
}
