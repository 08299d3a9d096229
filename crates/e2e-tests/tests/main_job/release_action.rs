//! The GitHub action that proposes a release and waits for it, with a key that can only propose.

use std::{fs, time::Duration};

use e2e_tests::{archives, canister_wasm::repository_root, countersign_command::program};

use crate::{
    github_runner::{Outcome, Runner},
    group::{MEMBERS, number},
    setting::{PACKAGE, SETTING},
};

/// Published under this tag, so that `latest` stays what other tests know.
const TAG: &str = "ci";

/// A job that has built a version of the group's package.
fn job(name: &str, version: &str) -> Runner {
    let variables = [
        ("GITHUB_SERVER_URL", "https://git.example"),
        ("GITHUB_REPOSITORY", "five/greeting"),
        ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
        ("GITHUB_REF_TYPE", "tag"),
        ("GITHUB_REF_NAME", version),
    ];
    let variables = variables.map(|(name, value)| (name.to_string(), value.to_string()));
    let runner = Runner::new(name, variables.to_vec());
    let tarball = archives::npm_tarball(PACKAGE, version, 2_000);
    SETTING.write(&format!("runners/{name}/dist/greeting.tgz"), &tarball);
    runner
}

fn release(runner: &Runner, more: &[(&str, &str)]) -> Outcome {
    let (program, network) = (program(), SETTING.network.file.clone());
    let identity = fs::read_to_string(SETTING.home.join("ci.pem")).expect("the CI's identity");
    let mut given = vec![
        ("program", program.to_str().expect("a path")),
        ("network", network.to_str().expect("a path")),
        ("dao", &SETTING.group.dao),
        ("custody", &SETTING.group.custody),
        ("identity", &identity),
        ("files", "  dist/greeting.tgz \n\n"),
        ("tag", TAG),
    ];
    given.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    given.extend(more);
    let outcome = runner.run("release", &given);
    assert!(!outcome.printed.contains(identity.lines().nth(1).expect("a key")), "{outcome:?}");
    assert!(!runner.temporary.path().join("countersign-identity.pem").exists(), "the key outlives its step");
    outcome
}

fn output<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a str> {
    outcome.outputs.get(name).map(String::as_str)
}

#[test]
fn should_publish_what_a_job_built_once_the_group_approved_when_run_as_a_github_action() {
    let runner = job("release-approved", "1.4.0");
    let made = release(&runner, &[("timeout", "")]);
    assert_eq!((made.code, output(&made, "published")), (0, None), "{made:?}");
    let proposal = output(&made, "proposal").expect("a number").to_string();
    let shown = SETTING.group.json("alice", &["show", &proposal]);
    let source = shown.to_string();
    for part in ["https://git.example/five/greeting", "0123456789", "\"1.4.0\""] {
        assert!(source.contains(part), "{part}: {shown:#}");
    }

    let early = release(&runner, &[("timeout", "1s")]);
    assert_eq!(output(&early, "proposal"), Some(&*proposal), "run again, it finds its proposal: {early:?}");
    assert_eq!((early.code, output(&early, "published")), (3, None), "nobody voted yet: {early:?}");
    SETTING.group.approve(&proposal);
}

/// The proposal of this title, once it is there.
fn proposed(title: &str) -> String {
    for _ in 0..600 {
        let listed = SETTING.group.json("alice", &["list"]);
        let proposals = listed["proposals"].as_array().expect("proposals");
        if let Some(proposal) = proposals.iter().find(|proposal| proposal["title"] == title) {
            return number(&proposal["id"]);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{title} was not proposed in a minute")
}

#[test]
fn should_end_a_waiting_job_with_what_the_group_decided() {
    for (version, choice, code, published) in [("1.4.1", "yes", 0, "true"), ("1.4.2", "no", 1, "false")] {
        let (runner, title) = (job(&format!("release-{choice}"), version), format!("Job for {version}"));
        let (ended, proposal) = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| release(&runner, &[("timeout", "120s"), ("title", &title)]));
            let proposal = proposed(&title);
            for member in &MEMBERS[..2] {
                SETTING.group.json(member, &["vote", &proposal, choice]);
            }
            (waiting.join().expect("ends"), proposal)
        });
        assert_eq!((ended.code, output(&ended, "published")), (code, Some(published)), "{ended:?}");
        assert!(ended.summary.contains(&format!("Proposal {proposal}")), "{ended:?}");
    }
}

#[test]
fn should_propose_nothing_and_run_nothing_that_an_input_says() {
    let runner = job("release-injection", "1.4.3");
    let hostile = "$(touch injected) `touch injected` \"; touch injected; #";
    for name in ["files", "registry", "mode", "tag", "dao", "custody", "network", "identity"] {
        let outcome = release(&runner, &[(name, hostile)]);
        assert_ne!(outcome.code, 0, "{name}: {outcome:?}");
        assert_eq!(output(&outcome, "proposal"), None, "{name}: {outcome:?}");
    }
    for hostile in ["--help", "--identity=/dev/null"] {
        assert_ne!(release(&runner, &[("files", hostile)]).code, 0, "a file is never an option");
    }
    assert!(!runner.workspace.join("injected").exists());
}

#[test]
fn should_build_the_program_of_its_own_commit_when_the_release_action_is_given_none() {
    let root = repository_root();
    let action = fs::read_to_string(root.join(".github/actions/release/action.yml")).expect("the action");
    for part in ["--locked", "--package countersign", "$GITHUB_ACTION_PATH/../../.."] {
        assert!(action.contains(part), "{part}");
    }
    assert!(root.join(".github/actions/release/../../../crates/cli/Cargo.toml").exists());
}
