//! What wraps `verify` for a CI: the GitHub action, whose steps are read from its file and run in a workspace as
//! GitHub sets one up, and the check before an installation.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use e2e_tests::{canister_wasm::repository_root, countersign_command::program};
use saphyr::{LoadableYamlNode as _, Yaml};
use tempfile::TempDir;

use crate::{
    clients::npm,
    releases::VERSION,
    setting::{PACKAGE, SETTING},
    verifying_releases::{CONSUMER, UNAPPROVED},
};

/// A CI's machine: a workspace, and the files by which steps speak to GitHub.
struct Runner {
    workspace: PathBuf,
    temporary: TempDir,
}

/// How a run of the action ended.
#[derive(Debug)]
struct Outcome {
    code: i32,
    verdict: Option<String>,
    printed: String,
    summary: String,
}

impl Runner {
    /// With a workspace whose lockfile npm itself wrote, for a version of the group's package.
    fn with_lockfile(name: &str, version: &str) -> Self {
        LazyLock::force(&CONSUMER);
        let workspace = SETTING.home.join("runners").join(name);
        SETTING.write(&format!("runners/{name}/package.json"), b"{\"private\": true}");
        let registry = format!("--registry={}", SETTING.registries.npm_url);
        let wanted = format!("{PACKAGE}@{version}");
        npm(&["install", "--package-lock-only", &registry, &wanted], &workspace);
        Self { workspace, temporary: tempfile::tempdir().expect("a directory") }
    }

    /// A command with a consumer's clients and nothing else of this machine's settings.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.workspace).env_clear();
        command.env("HOME", self.temporary.path()).env("PATH", std::env::var("PATH").expect("a path"));
        command.envs(CONSUMER.clients.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the action as `uses:` does, with these inputs.
    fn run_action(&self, given: &[(&str, &str)]) -> Outcome {
        let path = repository_root().join(".github/actions/verify/action.yml");
        let text = fs::read_to_string(&path).expect("the action");
        let documents = Yaml::load_from_str(&text).expect("YAML");
        let action = &documents[0];
        let inputs = inputs(action, given);
        let file = |name: &str| self.temporary.path().join(name);
        for name in ["env", "output", "summary"] {
            fs::write(file(name), "").expect("written");
        }
        let mut outcome = Outcome { code: 0, verdict: None, printed: String::new(), summary: String::new() };
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
        outcome.verdict = settings(&file("output")).remove("verdict");
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

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn should_pass_or_fail_the_job_as_the_group_approved_or_not_when_run_as_a_github_action() {
    let program = program();
    let (network, custody) = (text(&SETTING.network.file), SETTING.group.custody.as_str());
    let fixed = [("program", text(&program)), ("network", network), ("custody", custody)];
    let run = |runner: &Runner, inputs: &[(&str, &str)]| runner.run_action(&[&fixed[..], inputs].concat());

    let approved = Runner::with_lockfile("approved", VERSION);
    let subject = format!("  npm:{PACKAGE}@{VERSION}  \n\n");
    let outcome = run(&approved, &[("lockfiles", "package-lock.json\n"), ("subjects", &subject)]);
    assert_eq!((outcome.code, outcome.verdict.as_deref()), (0, Some("approved")), "{outcome:?}");
    assert!(outcome.summary.contains(PACKAGE), "{outcome:?}");

    let past = Runner::with_lockfile("past-the-group", UNAPPROVED);
    let outcome = run(&past, &[("lockfiles", "package-lock.json")]);
    assert_eq!((outcome.code, outcome.verdict.as_deref()), (1, Some("not_approved")), "{outcome:?}");
    assert!(outcome.printed.contains("::error::"), "{outcome:?}");

    for inputs in [&[("lockfiles", "missing.json")][..], &[("subjects", "npm:no/such@1")], &[]] {
        let outcome = run(&approved, inputs);
        assert_eq!((outcome.code, outcome.verdict.as_deref()), (2, Some("cannot_tell")), "{outcome:?}");
    }
    let outcome = run(&approved, &[("lockfiles", "package-lock.json"), ("strict", "maybe")]);
    assert_eq!((outcome.code, outcome.verdict), (2, None), "an input that means nothing");
}

#[test]
fn should_run_nothing_that_an_input_of_the_action_says() {
    let program = program();
    let runner = Runner::with_lockfile("injection", VERSION);
    let hostile = "$(touch injected) `touch injected` \"; touch injected; #";
    let fixed = [("program", text(&program)), ("network", text(&SETTING.network.file))];
    for name in ["subjects", "lockfiles", "requirements", "governed", "strict", "custody"] {
        let mut inputs = fixed.to_vec();
        if name != "custody" {
            inputs.push(("custody", &SETTING.group.custody));
        }
        inputs.push((name, hostile));
        assert_eq!(runner.run_action(&inputs).code, 2, "{name}");
    }
    assert!(!runner.workspace.join("injected").exists());
}

#[test]
fn should_build_the_program_of_its_own_commit_when_the_action_is_given_none() {
    let root = repository_root();
    assert!(root.join(".github/actions/verify/../../../crates/cli/Cargo.toml").exists());
    let action = fs::read_to_string(root.join(".github/actions/verify/action.yml")).expect("the action");
    for part in ["--locked", "--package countersign", "$GITHUB_ACTION_PATH/../../.."] {
        assert!(action.contains(part), "{part}");
    }
}

#[test]
fn should_install_only_what_the_group_approved_when_checked_before() {
    let check = |runner: &Runner, arguments: &[&str]| {
        let mut command = runner.command(&repository_root().join("scripts/pre-install-check"));
        command.env("COUNTERSIGN_PROGRAM", program()).env("COUNTERSIGN_NETWORK", &SETTING.network.file);
        command.env("COUNTERSIGN_CUSTODY", &SETTING.group.custody);
        command.args(arguments).output().expect("the script runs")
    };
    let install = ["--", "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"];

    let approved = Runner::with_lockfile("install-approved", VERSION);
    let done = check(&approved, &install);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(approved.workspace.join("node_modules").join(PACKAGE).exists());

    let past = Runner::with_lockfile("install-past-the-group", UNAPPROVED);
    assert_eq!(check(&past, &install).status.code(), Some(1));
    assert!(!past.workspace.join("node_modules").exists(), "nothing was installed");

    assert_eq!(check(&approved, &["--", "sh", "-c", "exit 7"]).status.code(), Some(7), "the command's own");
    assert_eq!(check(&approved, &[]).status.code(), Some(2), "no command");
    fs::remove_file(past.workspace.join("package-lock.json")).expect("removed");
    assert_eq!(check(&past, &install).status.code(), Some(2), "no lockfile");
}
