//! What a group decides beside releases, as people do it: freezing and lifting a freeze, watching, tags, deprecations,
//! settings; what npm's own client then shows.

use std::{fs, path::PathBuf, time::Duration};

use e2e_tests::{archives, canister_wasm::repository_root};
use serde_json::{Value, json};

use crate::{
    clients::npm,
    group::{Group, number},
    setting::SETTING,
};

const FROZEN: &str = "@five-maintainers/frozen";
const TAGGED: &str = "@five-maintainers/tagged";
const WATCHED: &str = "@five-maintainers/watched";
/// How often custody is asked whether it has come so far, once a second.
const PATIENCE: usize = 60;

/// A group that may publish one package. Each test has its own: a freeze, for one, stops everything.
fn group_for(package: &str) -> Group {
    let name = package.rsplit('/').next().expect("a name");
    let countersign = SETTING.group.countersign.with_deployment(&format!("ruling-{name}.json"));
    let group = Group::deploy(countersign, &repository_root().join("target/wasm"));
    group.add_registry("npm", &SETTING.npm.0, &SETTING.npm.1);
    group.add_credential("npm", &[package], &SETTING.registries.npm_token);
    group
}

fn tarball(package: &str, version: &str) -> PathBuf {
    let name = package.replace('/', "-").replace('@', "");
    SETTING.write(&format!("ruling/{name}-{version}.tgz"), &archives::npm_tarball(package, version, 300))
}

/// Proposes and carries out a release under a tag.
#[track_caller]
fn release(group: &Group, package: &str, version: &str, tag: &str) {
    let file = tarball(package, version);
    let made = group.json("ci", &["propose", "--tag", tag, file.to_str().expect("a path")]);
    group.approve(&number(&made["proposal"]));
}

/// Proposes something as alice, and has the group carry it out.
#[track_caller]
fn decide(group: &Group, arguments: &[&str]) -> Value {
    let made = group.json("alice", arguments);
    group.approve(&number(&made["proposal"]))
}

/// What npm's own command shows.
fn shown(what: &str, field: &str) -> Value {
    let directory = SETTING.home.join("ruling/consumer");
    fs::create_dir_all(&directory).expect("a directory");
    let registry = format!("--registry={}", SETTING.registries.npm_url);
    let told = npm(&["view", "--json", "--prefer-online", &registry, what, field], &directory);
    serde_json::from_str(told.trim()).unwrap_or(Value::Null)
}

#[test]
fn should_stop_everything_on_one_members_word_until_the_group_votes() {
    let group = group_for(FROZEN);
    let (code, refused) = group.countersign.run_json(Some("ci"), &["freeze"], "");
    assert_eq!(code, 1, "{refused:#}");
    let frozen = group.json("carol", &["freeze", "--reason", "a laptop was stolen"]);
    assert!(frozen["confirmed_at_ns"].is_u64(), "custody confirmed: {frozen:#}");
    let proposal = group.propose("npm", &[&tarball(FROZEN, "1.0.0")]);
    for member in ["alice", "bob"] {
        group.json(member, &["vote", &proposal, "yes"]);
    }
    let obstacle = |view: &Value| view["order"]["waiting"]["obstacle"]["obstacle"].clone();
    let mut view = Value::Null;
    for _ in 0..PATIENCE {
        view = group.json("bob", &["status", &proposal]);
        if obstacle(&view) != Value::Null {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    assert_eq!(obstacle(&view), "Frozen", "{view:#}");
    assert_eq!(view["order"]["artifacts"][0]["state"], "Prepared", "{view:#}");
    let overview = group.json("bob", &["status"]).to_string();
    assert!(overview.contains("a laptop was stolen"), "{overview}");

    decide(&group, &["unfreeze", "--summary", "the laptop was found"]);
    let outcome = group.json("carol", &["status", &proposal, "--wait", "--timeout", "60s"]);
    assert_eq!(outcome["status"], "Executed", "{outcome:#}");
    assert_eq!(shown(FROZEN, "version"), json!("1.0.0"));
}

#[test]
fn should_move_tags_as_the_group_voted_and_say_where_nothing_can_be_deprecated() {
    let group = group_for(TAGGED);
    release(&group, TAGGED, "1.0.0", "latest");
    release(&group, TAGGED, "1.1.0", "next");
    assert_eq!(shown(TAGGED, "dist-tags.latest"), json!("1.0.0"));
    decide(&group, &["propose", "dist-tag", TAGGED, "latest", "1.1.0", "--replaces", "1.0.0"]);
    assert_eq!(shown(TAGGED, "dist-tags.latest"), json!("1.1.0"));
    decide(&group, &["propose", "dist-tag", TAGGED, "latest", "1.0.0", "--replaces", "1.1.0"]);
    assert_eq!(shown(TAGGED, "dist-tags.latest"), json!("1.0.0"));

    // This registry's documents have no revision, so that nothing can be written back safely: people are told.
    let made = group.json("alice", &["propose", "deprecate", TAGGED, "1.1.0", "use 1.0.0"]);
    let proposal = number(&made["proposal"]);
    for member in ["alice", "bob"] {
        group.json(member, &["vote", &proposal, "yes"]);
    }
    let waiting = ["status", &proposal, "--wait", "--timeout", "60s"];
    let (code, outcome) = group.countersign.run_json(Some("carol"), &waiting, "");
    assert_eq!(code, 1, "{outcome:#}");
    assert_eq!(shown(&format!("{TAGGED}@1.1.0"), "deprecated"), Value::Null);

    decide(&group, &["propose", "promotion-delay", "1d"]);
    let arguments = ["propose", "dist-tag", TAGGED, "latest", "1.1.0", "--replaces", "1.0.0"];
    let (code, refused) = group.countersign.run_json(Some("alice"), &arguments, "");
    assert_eq!(code, 1, "verified a moment ago: {refused:#}");
}

#[test]
fn should_watch_a_package_and_keep_the_limit_that_the_group_voted() {
    let group = group_for(WATCHED);
    decide(&group, &["watch", "propose", WATCHED, "--every", "10m"]);
    let watched = || group.json("bob", &["watch", "list"])["watches"].clone();
    let has_baseline = |watches: &Value| watches[0]["baseline"].is_object();
    for _ in 0..PATIENCE {
        if has_baseline(&watched()) {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(has_baseline(&watched()), "{:#}", watched());
    decide(&group, &["watch", "propose", WATCHED, "--stop"]);
    assert_eq!(watched(), json!([]));

    decide(&group, &["settings", "propose", "--releases-per-day", "7"]);
    assert_eq!(group.json("bob", &["settings", "show"]), json!({"releases_per_package_and_day": 7}));
}
