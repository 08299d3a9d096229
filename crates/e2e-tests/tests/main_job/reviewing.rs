//! What proposers and voters do before anything is published: upload, read, fetch, withdraw, look at the log.

use std::{fs, sync::LazyLock};

use candid::{Decode, Encode, Principal};
use e2e_tests::archives::{self, noise};
use ic_agent::{Agent, identity::BasicIdentity};
use release_types::{
    CHUNK_BYTES, Sha256Digest,
    artifact::{BeginUploadArgs, UploadChunkArgs, UploadError, UploadStatus},
};
use serde_json::json;

use crate::{
    group::number,
    releases::NPM,
    setting::{REVIEWED_PACKAGE, SETTING, sha256},
};

#[test]
fn should_show_what_installing_would_do_when_a_release_is_under_review() {
    let group = &SETTING.group;
    let manifest = json!({
        "name": REVIEWED_PACKAGE, "version": "1.0.0", "license": "MIT",
        "scripts": {"postinstall": "node collect.js"}, "dependencies": {"left-pad": "^1.3.0"},
    });
    let tarball = archives::tar_gz(&[
        ("package/package.json", manifest.to_string().as_bytes()),
        ("package/collect.js", b"console.log('collected');\n"),
    ]);
    let path = SETTING.write("five-maintainers-reviewed-1.0.0.tgz", &tarball);
    let proposal = group.propose("npm", &[&path]);

    group.json("carol", &["vote", &proposal, "no"]);

    let shown = group.countersign.run(Some("bob"), &["show", &proposal, "--files"], "").ended_with(0).stdout;
    let digest = sha256(&path);
    for part in [
        "postinstall: node collect.js",
        "left-pad ^1.3.0",
        "collect.js",
        &digest,
        "https://git.example/five",
        "No, power 1: carol (",
    ] {
        assert!(shown.contains(part), "{part:?} is not shown:\n{shown}");
    }
    let seen = group.json("bob", &["show", &proposal]);
    assert!(seen["review"].to_string().contains(&digest), "{seen:#}");

    let out = SETTING.home.join("review");
    group.json("bob", &["fetch", &proposal, "--out", out.to_str().expect("a path")]);
    let fetched = fs::read(out.join("five-maintainers-reviewed-1.0.0.tgz")).expect("fetched");
    assert!(fetched == tarball, "the fetched bytes are those proposed");

    let (code, refused) = group.countersign.run_json(Some("alice"), &["withdraw", &proposal], "");
    assert_eq!(code, 1, "only its proposer may: {refused:#}");
    group.json("ci", &["withdraw", &proposal]);
    assert_eq!(group.json("bob", &["status", &proposal])["status"], "Withdrawn");
    let (code, refused) = group.countersign.run_json(Some("alice"), &["vote", &proposal, "yes"], "");
    assert_eq!(code, 1, "nobody votes on it any more: {refused:#}");
    let listed = group.json("bob", &["list"]);
    let listed = listed["proposals"].as_array().expect("proposals");
    assert!(listed.iter().any(|view| number(&view["id"]) == proposal), "{listed:#?}");
}

#[test]
fn should_let_the_ci_propose_and_nothing_else() {
    let group = &SETTING.group;
    let proposal = &NPM.proposal;
    let (code, refused) = group.countersign.run_json(Some("ci"), &["vote", proposal, "yes"], "");
    assert_eq!(code, 1, "{refused:#}");
    let arguments = ["credential", "seal", "--registry", "npm", "--package", REVIEWED_PACKAGE];
    let (code, refused) =
        group.countersign.run_json(Some("ci"), &arguments, "npm_0123456789abcdef0123456789abcdef0123\n");
    assert_eq!(code, 1, "{refused:#}");
}

/// Calls a method of the DAO canister as the CI, without the command.
fn call(method: &str, argument: Vec<u8>) -> Result<UploadStatus, UploadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let reply = runtime.block_on(async {
        let identity = BasicIdentity::from_pem_file(SETTING.home.join("ci.pem")).expect("an identity");
        let agent = Agent::builder()
            .with_url(&SETTING.network.url)
            .with_identity(identity)
            .build()
            .expect("an agent");
        let network = SETTING.network.read_file();
        let root_key = network["root_key"].as_str().expect("a pinned key");
        agent.set_root_key(hex::decode(root_key).expect("hexadecimal"));
        let dao = Principal::from_text(&SETTING.group.dao).expect("a principal");
        agent.update(&dao, method).with_arg(argument).call_and_wait().await.expect("an answer")
    });
    Decode!(&reply, Result<UploadStatus, UploadError>).expect("decodes")
}

/// Chunks that the DAO canister was sent so far.
fn chunks_sent() -> Option<usize> {
    SETTING.network.executed(&SETTING.group.dao, r#"Update { method: "upload_chunk" }"#)
}

#[test]
fn should_send_only_what_is_missing_when_an_upload_was_interrupted() {
    let group = &SETTING.group;
    let tarball = archives::npm_tarball(REVIEWED_PACKAGE, "2.0.0", 1_400_000);
    let path = SETTING.write("five-maintainers-reviewed-2.0.0.tgz", &tarball);
    let _alone = group.uploading.lock();
    let sha256 = Sha256Digest::of(&tarball);
    let begin = BeginUploadArgs { sha256, size_bytes: tarball.len() as u64 };
    let status = call("begin_upload", Encode!(&begin).expect("encodes")).expect("begun");
    assert_eq!(status.missing_chunks, [0, 1]);
    let second = tarball[CHUNK_BYTES as usize..].to_vec();
    let chunk = UploadChunkArgs { sha256, index: 1, bytes: second };
    let status = call("upload_chunk", Encode!(&chunk).expect("encodes")).expect("taken");
    assert_eq!(status.missing_chunks, [0]);

    let before = chunks_sent();
    let path = path.to_str().expect("a path");
    let proposal = number(&group.json("ci", &["propose", path, "--registry", "npm"])["proposal"]);
    match (before, chunks_sent()) {
        (Some(before), Some(after)) => assert_eq!(after - before, 1, "the chunk that was missing"),
        _ => eprintln!("left out: the messages of another network cannot be counted from here"),
    }
    let out = SETTING.home.join("resumed");
    group.json("bob", &["fetch", &proposal, "--out", out.to_str().expect("a path")]);
    let fetched = fs::read(out.join("five-maintainers-reviewed-2.0.0.tgz")).expect("fetched");
    assert!(fetched == tarball, "the fetched bytes are those proposed");
    group.json("ci", &["withdraw", &proposal]);
}

#[test]
fn should_refuse_at_submission_when_the_bytes_disagree_with_the_group() {
    let group = &SETTING.group;
    let path = SETTING.write("broken-1.0.0.tgz", &noise(5_000));
    let path = path.to_str().expect("a path");
    let (code, refused) = group.countersign.run_json(Some("ci"), &["propose", path, "--registry", "npm"], "");
    assert_ne!(code, 0, "{refused:#}");
    assert!(refused["error"]["message"].is_string(), "{refused:#}");
}

#[test]
fn should_prove_the_logs_of_both_canisters_to_anyone() {
    LazyLock::force(&NPM);
    for (canister, expected) in [("dao", "vote"), ("custody", "derivation")] {
        let log = SETTING.group.countersign.json(None, &["log", "--canister", canister]);
        assert_eq!(log["proven"], true, "{log:#}");
        let blocks = log["blocks"].as_array().expect("blocks");
        let indices: Vec<_> = blocks.iter().map(|block| block["index"].as_u64()).collect();
        let length = log["length"].as_u64().expect("a number");
        assert_eq!(indices, (0..length).map(Some).collect::<Vec<_>>());
        let operations: Vec<_> = blocks.iter().filter_map(|block| block["operation"].as_str()).collect();
        assert!(operations.iter().any(|operation| operation.contains(expected)), "{operations:?}");
    }
}
