//! A runner of GitHub actions: the steps of an action are read from its file and run in a workspace as GitHub sets one
//! up.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use e2e_tests::canister_wasm::repository_root;
use saphyr::{LoadableYamlNode as _, Yaml};
use tempfile::TempDir;

use crate::setting::SETTING;

/// A CI's machine: a workspace, and the files by which steps speak to GitHub.
pub struct Runner {
    pub workspace: PathBuf,
    pub temporary: TempDir,
    variables: Vec<(String, String)>,
}

/// How a run of an action ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub outputs: BTreeMap<String, String>,
    pub printed: String,
    pub summary: String,
}

impl Runner {
    /// A runner whose jobs have these variables and nothing else of this machine's settings.
    pub fn new(name: &str, variables: Vec<(String, String)>) -> Self {
        let workspace = SETTING.home.join("runners").join(name);
        fs::create_dir_all(&workspace).expect("a directory");
        Self { workspace, temporary: tempfile::tempdir().expect("a directory"), variables }
    }

    /// A command of a job.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace).env_clear();
        command.env("HOME", self.temporary.path()).env("PATH", std::env::var("PATH").expect("a path"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs an action of ours as `uses:` does, with these inputs.
    pub fn run(&self, action: &str, given: &[(&str, &str)]) -> Outcome {
        let path = repository_root().join(".github/actions").join(action).join("action.yml");
        let text = fs::read_to_string(&path).expect("the action");
        let documents = Yaml::load_from_str(&text).expect("YAML");
        let action = &documents[0];
        let inputs = inputs(action, given);
        let file = |name: &str| self.temporary.path().join(name);
        for name in ["env", "output", "summary"] {
            fs::write(file(name), "").expect("written");
        }
        let mut outcome =
            Outcome { code: 0, outputs: BTreeMap::new(), printed: String::new(), summary: String::new() };
        assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
        for step in action["runs"]["steps"].as_vec().expect("steps") {
            if !applies(step, &inputs) {
                continue;
            }
            let done = self.run_step(step, &inputs, path.parent().expect("a directory"));
            outcome.printed += &String::from_utf8_lossy(&[done.stdout, done.stderr].concat());
            outcome.code = done.status.code().expect("an exit code");
            if outcome.code != 0 {
                break;
            }
        }
        outcome.outputs = settings(&file("output"));
        outcome.summary = fs::read_to_string(file("summary")).expect("a summary");
        outcome
    }

    fn run_step(&self, step: &Yaml, inputs: &BTreeMap<String, String>, action: &Path) -> Output {
        assert_eq!(step["shell"].as_str(), Some("bash"));
        let script = step["run"].as_str().expect("a script");
        assert!(
            !script.contains("${{"),
            "an expression in a script is code that an input can write:\n{script}"
        );
        let file = |name: &str| self.temporary.path().join(name);
        fs::write(file("script"), script).expect("written");
        let mut bash = self.command(Path::new("bash"));
        bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(file("script"));
        bash.envs(settings(&file("env")));
        for (name, value) in step.as_mapping_get("env").and_then(Yaml::as_mapping).into_iter().flatten() {
            bash.env(name.as_str().expect("a name"), expression(value.as_str().expect("a text"), inputs));
        }
        bash.env("GITHUB_ENV", file("env")).env("GITHUB_OUTPUT", file("output"));
        bash.env("GITHUB_STEP_SUMMARY", file("summary")).env("GITHUB_ACTION_PATH", action);
        bash.env("RUNNER_TEMP", self.temporary.path()).output().expect("bash runs")
    }
}

/// The inputs with their defaults; a required one has to be given, an unknown one may not.
fn inputs(action: &Yaml, given: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut inputs = BTreeMap::new();
    for (name, declared) in action["inputs"].as_mapping().expect("inputs") {
        let name = name.as_str().expect("a name");
        let value = given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
        let default = declared.as_mapping_get("default").and_then(|default| default.as_str());
        let value = value.or(default);
        inputs.insert(name.to_string(), value.unwrap_or_else(|| panic!("{name} is required")).to_string());
    }
    assert!(given.iter().all(|(name, _)| inputs.contains_key(*name)), "an unknown input: {given:?}");
    inputs
}

/// Whether a step's condition holds. Only comparisons of an input with nothing are understood.
fn applies(step: &Yaml, inputs: &BTreeMap<String, String>) -> bool {
    let Some(condition) = step.as_mapping_get("if") else { return true };
    let condition = condition.as_str().expect("a condition");
    let condition = condition.strip_prefix("inputs.").expect("a condition on an input");
    match condition.split_once(' ').expect("a comparison") {
        (name, "== ''") => inputs[name].is_empty(),
        (name, "!= ''") => !inputs[name].is_empty(),
        (_, other) => panic!("a comparison that this runner does not know: {other}"),
    }
}

fn expression(text: &str, inputs: &BTreeMap<String, String>) -> String {
    let name = text.strip_prefix("${{ inputs.").and_then(|rest| rest.strip_suffix(" }}"));
    name.map_or_else(|| text.to_string(), |name| inputs[name].clone())
}

/// `name=value` lines, as steps hand them to later ones.
fn settings(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).expect("written by the runner");
    let pairs = text.lines().map(|line| line.split_once('=').expect("name=value"));
    pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
