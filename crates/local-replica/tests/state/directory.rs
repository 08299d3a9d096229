//! The state in a directory: what it gives back, and when it is refused.

use std::fs;
use std::time::Duration;

use candid::Encode;
use ic_management_canister_types::{
    CanisterIdRecord, HttpRequestArgs, TakeCanisterSnapshotArgs, UploadChunkArgs,
};
use local_replica::{
    IngressMessage, IngressStatus, Principal, Replica, ReplicaConfig, ReplicaError, RequestId, RestoreError,
    StateError, Step,
};

use super::actor::{Call, Deed, actors, wasm};
use super::server::{HOST, Server};

fn config(directory: &tempfile::TempDir) -> ReplicaConfig {
    ReplicaConfig::default().with_seed(5).with_state_dir(directory.path())
}

fn open(directory: &tempfile::TempDir) -> Replica {
    Replica::new(config(directory)).expect("the directory is its own")
}

fn refused(config: ReplicaConfig) -> StateError {
    match Replica::new(config) {
        Err(ReplicaError::State(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is not refused"),
    }
}

fn go(replica: &mut Replica, canister: Principal, bump: u8) {
    let deed = Deed { bump, print_and_certify: true, ..Deed::default() };
    replica.call(Principal::anonymous(), canister, "go", deed.encode()).expect("an answer");
}

fn manage(replica: &mut Replica, method: &str, arg: candid::Result<Vec<u8>>) {
    let management = Principal::management_canister();
    replica.call(Principal::anonymous(), management, method, arg.expect("encodes")).expect("an answer");
}

#[test]
fn should_find_in_the_directory_whatever_was_kept_last() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut replica = open(&directory);
    let [first, second, third] = actors(&mut replica, 3)[..] else { panic!("three were asked for") };
    let changes: [&dyn Fn(&mut Replica); 9] = [
        &|replica| go(replica, first, 1),
        &|replica| go(replica, second, 13),
        &|replica| go(replica, first, 2),
        &|replica| replica.upgrade(first, &wasm(), Vec::new()).expect("it upgrades"),
        &|replica| replica.advance_time(Duration::from_secs(1)),
        &|replica| {
            let chunk = UploadChunkArgs { canister_id: third, chunk: vec![7; 100] };
            manage(replica, "upload_chunk", Encode!(&chunk));
        },
        &|replica| manage(replica, "stop_canister", Encode!(&CanisterIdRecord { canister_id: third })),
        &|replica| manage(replica, "delete_canister", Encode!(&CanisterIdRecord { canister_id: third })),
        &|replica| {
            let again = replica.take_snapshot();
            go(replica, second, 9);
            replica.keep().expect("it can be written");
            replica.restore(&again).expect("its own snapshot");
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        change(&mut replica);
        replica.keep().expect("it can be written");
        let kept = replica.state_hash();
        drop(replica);
        replica = open(&directory);
        assert_eq!(replica.state_hash(), kept, "change {number}");
    }
}

#[test]
fn should_keep_the_canister_snapshot_of_the_present_state_and_not_one_of_a_state_left_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut replica = open(&directory);
    let canister_id = actors(&mut replica, 1)[0];
    let take = |replica: &mut Replica| {
        let args = TakeCanisterSnapshotArgs {
            canister_id,
            replace_snapshot: None,
            uninstall_code: None,
            sender_canister_version: None,
        };
        manage(replica, "take_canister_snapshot", Encode!(&args));
        replica.keep().expect("it can be written");
    };
    let before = replica.take_snapshot();
    take(&mut replica);
    replica.restore(&before).expect("its own snapshot");
    go(&mut replica, canister_id, 7);
    take(&mut replica);
    let kept = replica.state_hash();
    drop(replica);
    assert_eq!(open(&directory).state_hash(), kept);
}

#[test]
fn should_lose_only_what_was_not_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut replica = open(&directory);
    let canisters = actors(&mut replica, 1);
    replica.keep().expect("it can be written");
    let kept = replica.state_hash();
    go(&mut replica, canisters[0], 1);
    drop(replica);
    assert_eq!(open(&directory).state_hash(), kept);
}

#[test]
fn should_send_an_outcall_again_that_was_under_way() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Server::start();
    let config = ReplicaConfig { nodes: 4, ..config(&directory) }.with_routes(server.routes());
    let mut replica = Replica::new(config.clone()).expect("the directory is its own");
    let canister = actors(&mut replica, 1)[0];
    let request = RequestId([1; 32]);
    let call = Call {
        callee: Principal::management_canister(),
        method: "http_request",
        arg: Encode!(&HttpRequestArgs { url: format!("https://{HOST}/path"), ..Default::default() })
            .expect("encodes"),
        cycles: 100_000_000_000,
        timeout_seconds: 0,
        trap_in_callback: false,
    };
    let message = IngressMessage {
        request_id: request,
        sender: Principal::anonymous(),
        canister_id: canister,
        method_name: "go".to_owned(),
        arg: Deed { bump: 2, call: Some(call), ..Deed::default() }.encode(),
        ingress_expiry_ns: replica.time_ns() + 60_000_000_000,
    };
    replica.submit(message).expect("it is accepted");
    while replica.pending_outcalls() == 0 {
        assert!(matches!(replica.step(), Step::Executed(_)), "the outcall is not made yet");
    }
    replica.keep().expect("it can be written");
    replica.await_outcalls();
    drop(replica);
    assert_eq!(server.answers(), 4);
    let mut replica = Replica::new(config).expect("the directory is its own");
    replica.run_until_idle();
    assert_eq!(server.answers(), 8, "every node has sent twice");
    let counter = vec![2 + 1, 0, 0, 0];
    assert_eq!(replica.ingress_status(&request), Some(&IngressStatus::Replied(counter)));
}

#[test]
fn should_refuse_a_directory_that_is_in_use() {
    let directory = tempfile::tempdir().expect("a directory");
    let _first = open(&directory);
    assert!(matches!(refused(config(&directory)), StateError::InUse(_)));
}

#[test]
fn should_refuse_a_directory_of_another_subnet() {
    let directory = tempfile::tempdir().expect("a directory");
    open(&directory).keep().expect("it can be written");
    let refusal = refused(config(&directory).with_seed(6)).to_string();
    assert!(refusal.contains("seed 5 and 13 nodes; this one has seed 6 and 13 nodes"), "{refusal}");
    assert!(matches!(
        refused(ReplicaConfig { nodes: 4, ..config(&directory) }),
        StateError::State { source: RestoreError::OtherSubnet { found_nodes: 13, nodes: 4, .. }, .. }
    ));
}

#[test]
fn should_refuse_a_damaged_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut replica = open(&directory);
    actors(&mut replica, 1);
    replica.keep().expect("it can be written");
    drop(replica);
    let file = directory.path().join("state.redb");
    let whole = fs::read(&file).expect("a file");
    // Every page but the first ones, which hold nothing but the database's own headers.
    let mut damaged = whole.clone();
    for byte in damaged.iter_mut().skip(8192).step_by(100) {
        *byte ^= 0x55;
    }
    fs::write(&file, damaged).expect("written");
    assert!(matches!(refused(config(&directory)), StateError::Database { .. }));
    fs::write(&file, b"no database").expect("written");
    assert!(matches!(refused(config(&directory)), StateError::Database { .. }));
    fs::write(&file, whole).expect("written");
    open(&directory);
}
