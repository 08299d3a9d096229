//! `countersign key` and `countersign content`, as people run them.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
};

use candid::Principal;
use e2e_tests::{content_world::ContentWorld, countersign_command::Countersign};
use local_replica::{Clock, http_interface::ReplicaServer};
use serde_json::json;

const LETTER: &[u8] = b"a secret that only its owner reads";

#[test]
fn should_register_store_read_share_and_delete_through_the_command() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let command = Countersign::new(directory.path(), Some(path("network.json")));
    let [administrator, ..] = ["administrator", "alice", "bob"].map(|name| command.new_identity(name));
    let administrator = Principal::from_text(administrator).expect("a principal");
    let world = ContentWorld::administered(administrator, Clock::Wall);
    let content = world.content.to_text();
    let root_key = hex::encode(world.replica.root_key_der());
    let server =
        ReplicaServer::start(world.replica, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a server");
    let network = json!({ "url": server.url(), "root_key": root_key });
    fs::write(path("network.json"), network.to_string()).expect("written");
    let run = |who: &str, arguments: &[&str]| {
        command.run(Some(who), &[arguments, &["--content", &content]].concat(), "")
    };

    let pem = command.run(Some("bob"), &["key", "public"], "").ended_with(0).stdout;
    fs::write(path("bob-public.pem"), pem).expect("written");
    run("administrator", &["key", "register", "alice", "--key", "alice.pem"]).ended_with(0);
    run("administrator", &["key", "register", "bob", "--key", "bob-public.pem"]).ended_with(0);
    let refused = run("alice", &["key", "register", "carol", "--key", "alice.pem"]).ended_with(1);
    assert!(refused.stderr.contains("administrators"), "{}", refused.stderr);
    let shown = command
        .run(None, &["key", "show", "alice", "--form", "age", "--content", &content], "")
        .ended_with(0);
    assert!(shown.stdout.contains("age1tag1") && shown.stdout.lines().count() == 2, "{}", shown.stdout);

    fs::write(path("letter.txt"), LETTER).expect("written");
    let stored = command.json(Some("alice"), &["content", "upload", "letter.txt", "--content", &content]);
    assert_eq!((&stored["item"], &stored["title"]), (&json!(1), &json!("letter.txt")));
    run("alice", &["content", "get", "1", "--output", "whole"]).ended_with(0);
    assert_eq!(fs::read(path("whole")).expect("written"), LETTER);
    let part = ["content", "get", "1", "--output", "part", "--offset", "2", "--length", "6"];
    run("alice", &part).ended_with(0);
    assert_eq!(fs::read(path("part")).expect("written"), b"secret");
    let again = run("alice", &["content", "get", "1", "--output", "whole"]).ended_with(2);
    assert!(again.stderr.contains("never replaced"), "{}", again.stderr);

    let get = ["content", "get", "1", "--output", "for-bob"];
    let refused = run("bob", &get).ended_with(1);
    assert!(refused.stderr.contains("countersign content list"), "{}", refused.stderr);
    run("alice", &["content", "share", "1", "bob", "--for", "1h"]).ended_with(0);
    let listed = run("bob", &["content", "list"]).ended_with(0);
    assert!(listed.stdout.contains("1 letter.txt: alice of 34 bytes"), "{}", listed.stdout);
    run("bob", &get).ended_with(0);
    assert_eq!(fs::read(path("for-bob")).expect("written"), LETTER);
    run("alice", &["content", "unshare", "1", "bob"]).ended_with(0);
    assert!(run("bob", &["content", "list"]).ended_with(0).stdout.contains("nothing is stored"));
    run("alice", &["content", "delete", "1"]).ended_with(0);
    run("alice", &["content", "delete", "1"]).ended_with(1);
    let stranger = run("administrator", &["content", "list"]).ended_with(1);
    assert!(stranger.stderr.contains("key register"), "{}", stranger.stderr);
    server.stop();
}
