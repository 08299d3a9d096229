//! What becomes of tokens: replaced by a new one step by step, and cut into dated slices.

use std::{fs, sync::LazyLock};

use e2e_tests::canister_wasm::repository_root;
use serde_json::{Value, json};

use crate::{
    group::{Group, number},
    setting::SETTING,
};

/// The package whose token is replaced.
const ROTATED: &str = "@five-maintainers/rotated";
const NS_PER_DAY: u64 = 24 * 3_600 * 1_000_000_000;

/// A group of its own: others count the credentials of the shared one.
static GROUP: LazyLock<Group> = LazyLock::new(|| {
    let countersign = SETTING.group.countersign.with_deployment("tokens-over-time.json");
    let group = Group::deploy(countersign, &repository_root().join("target/wasm"));
    group.add_registry("npm", &SETTING.npm.0, &SETTING.npm.1);
    group.add_registry("pypi", &SETTING.pypi.0, &SETTING.pypi.1);
    group
});

/// Runs `credential rotate` as alice, who would type the token.
#[track_caller]
fn rotate(old: &str, options: &[&str], token: &str) -> (i32, Value) {
    let arguments = [&["credential", "rotate", "--credential", old], options].concat();
    GROUP.countersign.run_json(Some("alice"), &arguments, token)
}

fn credentials() -> Vec<Value> {
    let listed = GROUP.json("bob", &["credential", "list"]);
    listed["credentials"].as_array().expect("credentials").clone()
}

fn status(credential: &Value) -> Value {
    let id = credential.as_str().expect("an id");
    GROUP.json("bob", &["credential", "status", id])["credential"]["status"].clone()
}

#[test]
fn should_replace_a_token_in_steps_that_can_be_taken_up_again() {
    let token = &SETTING.registries.npm_token;
    let old = GROUP.add_credential("npm", &[ROTATED], token);
    let count = credentials().len();
    let (code, refused) = rotate(&old, &["--expires-in", "91d"], token);
    assert_eq!(code, 2, "{refused:#}");
    assert!(refused["error"]["message"].as_str().expect("a message").contains("90 days"), "{refused:#}");
    assert_eq!(credentials().len(), count, "nothing was deposited");

    let (code, sealed) = rotate(&old, &[], token);
    assert_eq!(code, 0, "{sealed:#}");
    let successor = &sealed["successor"];
    assert_eq!(status(successor), "Deposited");
    let (code, again) = rotate(&old, &[], "");
    assert_eq!((code, &again["proposal"]), (0, &sealed["proposal"]), "no second token, no second proposal");
    assert_eq!(&again["successor"], successor);

    GROUP.approve(&number(&sealed["proposal"]));
    assert_eq!((status(successor), status(&json!(old))), (json!("Active"), json!("Active")));
    let (code, revoking) = rotate(&old, &[], "");
    assert_eq!(code, 0, "{revoking:#}");
    assert_ne!(revoking["proposal"], sealed["proposal"]);
    GROUP.approve(&number(&revoking["proposal"]));
    assert_eq!((status(successor), status(&json!(old))), (json!("Active"), json!("Revoked")));

    let (code, done) = rotate(&old, &[], "");
    assert_eq!((code, &done["proposal"]), (0, &Value::Null), "{done:#}");
    assert_eq!(done["stands"], "the rotation is complete");
}

#[test]
fn should_keep_dated_slices_of_a_token_in_place_of_the_token() {
    // Outside of the tests' directory, where no file may hold a token.
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    fs::write(&file, format!("{}\n", SETTING.registries.pypi_token)).expect("written");
    let mut arguments = vec!["credential", "slice", "--project", "Sliced_Project", "--slices", "3"];
    arguments.extend(["--days", "30", "--token-file", file.to_str().expect("a path")]);
    let cut = GROUP.json("alice", &arguments);
    let slices = cut["slices"].as_array().expect("slices");
    assert_eq!(slices.len(), 3, "{cut:#}");
    for slice in slices {
        assert_eq!(slice["policy"]["packages"], json!(["sliced-project"]), "{slice:#}");
        GROUP.approve(&number(&slice["proposal"]));
        assert_eq!(status(&slice["credential"]), "Active", "custody can open it");
    }
    let time = |slice: &Value, field: &str| slice["policy"][field].as_u64().expect("nanoseconds");
    for pair in slices.windows(2) {
        assert_eq!(time(&pair[0], "not_after_ns"), time(&pair[1], "not_before_ns"));
        let epochs = [&pair[0], &pair[1]].map(|slice| slice["policy"]["epoch"].as_u64().expect("a number"));
        assert_eq!(epochs[1], epochs[0] + 1);
    }
    let length_ns = time(&slices[2], "not_after_ns") - time(&slices[0], "not_before_ns");
    assert_eq!(length_ns, 90 * NS_PER_DAY);

    let (code, refused) = GROUP.countersign.run_json(
        Some("alice"),
        &["credential", "slice", "--project", "x", "--registry", "npm", "--token-file", "none"],
        "",
    );
    assert_ne!(code, 0, "tokens of npm cannot be cut: {refused:#}");
}
