//! What wraps `verify` for a CI: the GitHub action, and the check before an installation.

use std::{fs, path::Path, sync::LazyLock};

use e2e_tests::{canister_wasm::repository_root, countersign_command::program};

use crate::{
    clients::npm,
    github_runner::{Outcome, Runner},
    releases::VERSION,
    setting::{PACKAGE, SETTING},
    verifying_releases::{CONSUMER, UNAPPROVED},
};

/// A job of a consumer, with its clients, whose lockfile npm itself wrote for a version of the group's package.
fn with_lockfile(name: &str, version: &str) -> Runner {
    LazyLock::force(&CONSUMER);
    let clients = CONSUMER.clients.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let runner = Runner::new(name, clients.collect());
    SETTING.write(&format!("runners/{name}/package.json"), b"{\"private\": true}");
    let registry = format!("--registry={}", SETTING.registries.npm_url);
    let wanted = format!("{PACKAGE}@{version}");
    npm(&["install", "--package-lock-only", &registry, &wanted], &runner.workspace);
    runner
}

fn verdict(outcome: &Outcome) -> (i32, Option<&str>) {
    (outcome.code, outcome.outputs.get("verdict").map(String::as_str))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

#[test]
fn should_pass_or_fail_the_job_as_the_group_approved_or_not_when_run_as_a_github_action() {
    let program = program();
    let (network, custody) = (text(&SETTING.network.file), SETTING.group.custody.as_str());
    let fixed = [("program", text(&program)), ("network", network), ("custody", custody)];
    let run = |runner: &Runner, inputs: &[(&str, &str)]| runner.run("verify", &[&fixed[..], inputs].concat());

    let approved = with_lockfile("approved", VERSION);
    let subject = format!("  npm:{PACKAGE}@{VERSION}  \n\n");
    let outcome = run(&approved, &[("lockfiles", "package-lock.json\n"), ("subjects", &subject)]);
    assert_eq!(verdict(&outcome), (0, Some("approved")), "{outcome:?}");
    assert!(outcome.summary.contains(PACKAGE), "{outcome:?}");

    let past = with_lockfile("past-the-group", UNAPPROVED);
    let outcome = run(&past, &[("lockfiles", "package-lock.json")]);
    assert_eq!(verdict(&outcome), (1, Some("not_approved")), "{outcome:?}");
    assert!(outcome.printed.contains("::error::"), "{outcome:?}");

    for inputs in [&[("lockfiles", "missing.json")][..], &[("subjects", "npm:no/such@1")], &[]] {
        let outcome = run(&approved, inputs);
        assert_eq!(verdict(&outcome), (2, Some("cannot_tell")), "{outcome:?}");
    }
    let outcome = run(&approved, &[("lockfiles", "package-lock.json"), ("strict", "maybe")]);
    assert_eq!(verdict(&outcome), (2, None), "an input that means nothing");
}

#[test]
fn should_run_nothing_that_an_input_of_the_action_says() {
    let program = program();
    let runner = with_lockfile("injection", VERSION);
    let hostile = "$(touch injected) `touch injected` \"; touch injected; #";
    let fixed = [("program", text(&program)), ("network", text(&SETTING.network.file))];
    for name in ["subjects", "lockfiles", "requirements", "governed", "strict", "custody"] {
        let mut inputs = fixed.to_vec();
        if name != "custody" {
            inputs.push(("custody", &SETTING.group.custody));
        }
        inputs.push((name, hostile));
        assert_eq!(runner.run("verify", &inputs).code, 2, "{name}");
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

    let approved = with_lockfile("install-approved", VERSION);
    let done = check(&approved, &install);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(approved.workspace.join("node_modules").join(PACKAGE).exists());

    let past = with_lockfile("install-past-the-group", UNAPPROVED);
    assert_eq!(check(&past, &install).status.code(), Some(1));
    assert!(!past.workspace.join("node_modules").exists(), "nothing was installed");

    assert_eq!(check(&approved, &["--", "sh", "-c", "exit 7"]).status.code(), Some(7), "the command's own");
    assert_eq!(check(&approved, &[]).status.code(), Some(2), "no command");
    fs::remove_file(past.workspace.join("package-lock.json")).expect("removed");
    assert_eq!(check(&past, &install).status.code(), Some(2), "no lockfile");
}
