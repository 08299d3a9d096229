//! The command as its users and scripts meet it: help, refusals, exit codes. No network is needed.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs `countersign` in an empty directory, without what the caller's environment might add.
fn countersign(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).current_dir(directory).stdin(Stdio::null());
    for variable in ["NETWORK", "IDENTITY", "DEPLOYMENT", "DAO", "CUSTODY"] {
        command.env_remove(format!("COUNTERSIGN_{variable}"));
    }
    command.output().expect("the command runs")
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = countersign(self.0.path(), arguments);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("inside")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// A network that nobody serves, and a deployment on it.
    fn with_silent_network(self) -> Self {
        let key = "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let master = "476374d9df3a8af28d3164dc2422cff894482eadd1295290b6d9ad92b2eeaa5c";
        self.write(
            "network.json",
            &format!(
                r#"{{"url":"http://127.0.0.1:1","root_key":"{key}","schnorr_ed25519_master_public_key":"{master}"}}"#
            ),
        );
        self.write(
            ".countersign/deployment.json",
            r#"{"dao":"rrkah-fqaaa-aaaaa-aaaaq-cai","custody":"ryjl3-tyaaa-aaaaa-aaaba-cai","key_name":"key_1","network":"http://127.0.0.1:1"}"#,
        );
        self
    }
}

#[test]
fn should_name_every_command_and_the_exit_codes_in_its_help() {
    let (code, help, _) = Place::new().run(&["--help"]);
    assert_eq!(code, 0);
    let commands = [
        "network",
        "identity",
        "deploy",
        "handover",
        "registry",
        "credential",
        "onboard",
        "propose",
        "list",
        "show",
        "fetch",
        "vote",
        "withdraw",
        "execute",
        "status",
        "log",
        "audit",
        "receipt",
        "verify",
    ];
    for command in commands {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is missing in\n{help}");
    }
    assert!(help.contains("Exit codes: 0 done"), "{help}");
    assert!(!help.contains("serve-network"), "a hidden command is shown in\n{help}");
}

#[test]
fn should_have_help_for_every_command() {
    let place = Place::new();
    let commands = [
        "network start",
        "network stop",
        "network status",
        "identity new",
        "identity principal",
        "deploy",
        "registry list",
        "registry propose",
        "credential seal",
        "credential propose",
        "credential rotate",
        "credential slice",
        "credential list",
        "credential status",
        "onboard",
        "propose",
        "list",
        "show",
        "fetch",
        "vote",
        "withdraw",
        "execute",
        "status",
        "log",
        "receipt",
        "verify",
    ];
    for command in commands {
        let mut arguments: Vec<_> = command.split(' ').collect();
        arguments.push("--help");
        let (code, help, _) = place.run(&arguments);
        assert_eq!(code, 0, "{command}");
        assert!(help.contains("Usage: countersign"), "{command}:\n{help}");
    }
}

#[test]
fn should_offer_no_way_to_give_a_token_as_an_argument() {
    let (_, help, _) = Place::new().run(&["credential", "seal", "--help"]);
    assert!(!help.to_lowercase().contains("--token"), "{help}");
    let (code, _, _) = Place::new().run(&["credential", "seal", "--package", "demo", "--token", "npm_x"]);
    assert_eq!(code, 2);
}

#[test]
fn should_exit_with_2_when_used_wrongly() {
    let place = Place::new();
    for wrong in [&["dance"][..], &["vote", "1", "maybe"], &["vote", "one", "yes"], &["verify"], &["propose"]]
    {
        let (code, out, _) = place.run(wrong);
        assert_eq!((code, out.as_str()), (2, ""), "{wrong:?}");
    }
}

#[test]
fn should_say_what_to_do_next_when_no_network_is_known() {
    let (code, _, error) = Place::new().run(&["list"]);
    assert_eq!(code, 2);
    assert!(error.contains("error: ") && error.contains("hint: "), "{error}");
    assert!(error.contains("countersign network start"), "{error}");
}

#[test]
fn should_name_the_deployments_network_when_none_was_chosen() {
    let (code, _, error) = Place::new().with_silent_network().run(&["list"]);
    assert_eq!(code, 2);
    for part in ["this deployment is on http://127.0.0.1:1", "--network main|URL|FILE"] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
}

#[test]
fn should_say_what_is_allowed_and_where_it_is_found_when_an_argument_is_wrong() {
    let registry = ["registry", "propose", "--ecosystem", "npm", "--direct-publishing-ends-at", "soon"];
    for (wrong, expected) in [
        (&["status", "abc"][..], "a proposal is a number; `countersign list` shows them"),
        (&["credential", "status", "abc"], "64 hexadecimal digits; `countersign credential list` shows them"),
        (&registry, "a day such as 2027-01-15"),
        (
            &["propose", "dist-tag", "demo", "latest", "1.0.0"],
            "add --replaces VERSION; `npm view demo dist-tags`",
        ),
    ] {
        let (code, _, error) = Place::new().run(wrong);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn should_say_what_to_do_next_when_an_identity_is_needed() {
    let (code, _, error) =
        Place::new().with_silent_network().run(&["--network", "network.json", "vote", "1", "yes"]);
    assert_eq!(code, 2);
    assert!(error.contains("--identity"), "{error}");
}

#[test]
fn should_exit_with_3_when_the_network_does_not_answer() {
    let place = Place::new().with_silent_network();
    let (code, out, error) = place.run(&["--network", "network.json", "list"]);
    assert_eq!((code, out.as_str()), (3, ""), "{error}");
    assert!(error.contains("hint: "), "{error}");
}

#[test]
fn should_print_one_json_object_also_when_it_fails() {
    let place = Place::new();
    for (arguments, expected) in [(&["--json", "list"][..], 2), (&["--json", "dance"], 2)] {
        let (code, out, _) = place.run(arguments);
        assert_eq!(code, expected, "{arguments:?}");
        let value: serde_json::Value = serde_json::from_str(&out).expect("one JSON object");
        assert_eq!(value["error"]["exit_code"], expected, "{out}");
        assert!(value["error"]["message"].is_string(), "{out}");
    }
}

#[test]
fn should_make_an_identity_and_name_its_principal() {
    let place = Place::new();
    let (code, made, note) = place.run(&["--json", "identity", "new", "me.pem"]);
    assert_eq!(code, 0, "{note}");
    assert!(!made.contains("PRIVATE KEY") && !note.contains("PRIVATE KEY"));
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let (code, principal, _) = place.run(&["--identity", "me.pem", "identity", "principal"]);
    assert_eq!(code, 0);
    assert_eq!(made["principal"], principal.trim());
    let (code, _, error) = place.run(&["identity", "new", "me.pem"]);
    assert_eq!(code, 2, "never replaced: {error}");
}

#[test]
fn should_say_that_no_network_runs() {
    let place = Place::new();
    for command in ["status", "stop"] {
        let (code, out, error) = place.run(&["network", command, "--dir", "elsewhere"]);
        assert_eq!(code, 1, "{command}");
        let said = format!("{out}{error}");
        for part in
            ["no network was started in elsewhere", "--dir names another", "countersign network start"]
        {
            assert!(said.contains(part), "{command}: {part:?} is not in {said}");
        }
    }
    let (code, _, error) =
        place.run(&["network", "start", "--route", "npm.registry.example=http://192.0.2.1:1"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("--route"), "{error}");
}

#[test]
fn should_report_every_defect_of_a_broken_package_before_it_looks_for_a_network() {
    let place = Place::new();
    place.write("demo-1.0.0.tgz", "not a tarball");
    let (code, _, error) = place.run(&["propose", "demo-1.0.0.tgz"]);
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("demo-1.0.0.tgz") && error.contains("\n  - "), "{error}");
}

#[test]
fn should_not_tell_whether_files_are_approved_when_it_cannot_know() {
    let place = Place::new().with_silent_network();
    place.write("file.tgz", "bytes");
    place.write("receipt.json", "hello");
    let (code, out, _) =
        place.run(&["--network", "network.json", "verify", "file.tgz", "--receipt", "receipt.json"]);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("cannot tell"), "{out}");
    let (code, _, error) = place.run(&["--network", "network.json", "verify", "file.tgz"]);
    assert_eq!(code, 2, "an unreachable network is no verdict: {error}");
    let (code, _, error) = Place::new().run(&["verify", "file.tgz"]);
    assert_eq!(code, 2, "{error}");
}

#[test]
fn should_not_approve_by_a_receipt_that_somebody_else_signed() {
    let place = Place::new().with_silent_network();
    place.write("file.tgz", "bytes");
    let envelope =
        r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}"#;
    place.write("receipt.json", envelope);
    let arguments =
        ["--json", "--network", "network.json", "verify", "file.tgz", "--receipt", "receipt.json"];
    let (code, out, _) = place.run(&arguments);
    assert_eq!(code, 1, "{out}");
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value["verdict"], "not_approved");
}

#[test]
fn should_judge_a_receipt_when_only_the_custody_canister_is_known() {
    let place = Place::new();
    place.write("file.tgz", "bytes");
    let envelope =
        r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}"#;
    place.write("receipt.json", envelope);
    let custody = ["--network", "main", "--custody", "ryjl3-tyaaa-aaaaa-aaaba-cai"];
    let judge = |options: &[&str]| {
        let verify = ["verify", "file.tgz", "--receipt", "receipt.json"];
        place.run(&[&verify[..], &custody, options].concat())
    };
    for key in [&[][..], &["--key-name", "test_key_1"]] {
        let (code, out, error) = judge(key);
        assert_eq!(code, 1, "{out}{error}");
        assert!(out.contains("not signed by the custody canister ryjl3-tyaaa-aaaaa-aaaba-cai"), "{out}");
    }
    let (code, _, error) = place.run(&["--network", "main", "verify", "file.tgz"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("name it with --custody ID"), "{error}");
    let (code, _, error) = judge(&["--key-name", "key_2"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("key_1 and test_key_1"), "{error}");
}
