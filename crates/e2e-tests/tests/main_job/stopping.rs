//! What stops custody: a member's freeze, and the watch of a package; as members see and lift it.

use std::sync::LazyLock;

use e2e_tests::canister_wasm::repository_root;
use serde_json::{Value, json};

use crate::{
    group::{Group, number},
    setting::SETTING,
};

/// A group of its own: a freeze would stop the shared one.
static GROUP: LazyLock<Group> = LazyLock::new(|| {
    let countersign = SETTING.group.countersign.with_deployment("stopping.json");
    let group = Group::deploy(countersign, &repository_root().join("target/wasm"));
    group.add_registry("npm", &SETTING.npm.0, &SETTING.npm.1);
    group
});

/// Has a watch voted in and returns how often the package is looked at, in seconds.
fn watch(package: &str, options: &[&str]) -> Value {
    let proposed = GROUP.json("alice", &[&["watch", "propose", package], options].concat());
    GROUP.approve(&number(&proposed["proposal"]));
    let listed = GROUP.json("bob", &["watch", "list"]);
    let watches = listed["watches"].as_array().expect("watches");
    let watch = watches.iter().find(|watch| watch["package"]["package"] == package).expect("is watched");
    watch["interval_s"].clone()
}

#[test]
fn should_look_as_often_as_before_when_a_package_is_watched_anew() {
    assert_eq!(watch("@five-maintainers/watched", &[]), json!(3_600));
    assert_eq!(watch("@five-maintainers/watched", &["--every", "10m"]), json!(600));
    assert_eq!(watch("@five-maintainers/watched", &[]), json!(600), "a new baseline, and nothing else");
}

#[test]
fn should_stop_on_one_members_word_and_name_the_vote_that_goes_on() {
    let text = |arguments: &[&str]| GROUP.countersign.run(Some("bob"), arguments, "").ended_with(0).output();
    let frozen = text(&["freeze", "--reason", "a laptop is lost"]);
    assert!(frozen.contains("frozen everything") && frozen.contains("`countersign unfreeze`"), "{frozen}");
    let seen = text(&["status"]);
    for part in ["FROZEN everything", "a laptop is lost", "`countersign unfreeze`"] {
        assert!(seen.contains(part), "{part:?} is not in {seen}");
    }
    let proposed = GROUP.json("bob", &["unfreeze"]);
    GROUP.approve(&number(&proposed["proposal"]));
    let seen = text(&["status"]);
    assert!(!seen.contains("FROZEN"), "{seen}");
}
