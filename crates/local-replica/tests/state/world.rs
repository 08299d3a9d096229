//! World snapshots: taking them, coming back to them, and what is refused.

use std::time::Duration;

use local_replica::{
    IngressMessage, Principal, QueryMessage, Replica, ReplicaConfig, RequestId, RestoreError, WorldSnapshot,
};

use super::actor::{Call, Deed, actors};

fn replica() -> Replica {
    Replica::new(ReplicaConfig::default().with_seed(5)).expect("a replica")
}

/// A replica with two actors that have done a bit of everything, and a call half done.
fn busy() -> (Replica, Vec<Principal>) {
    let mut replica = replica();
    let actors = actors(&mut replica, 2);
    let deed = Deed { bump: 4, print_and_certify: true, timer_seconds: 30, ..Deed::default() };
    replica.call(Principal::anonymous(), actors[0], "go", deed.encode()).expect("an answer");
    submit(&mut replica, actors[0], relay(actors[1]), 1);
    replica.step();
    assert!(replica.queued_messages() > 0, "the call is half done");
    (replica, actors)
}

fn relay(callee: Principal) -> Deed {
    let inner = Deed { bump: 9, ..Deed::default() };
    Deed { bump: 2, call: Some(call(callee, inner)), ..Deed::default() }
}

fn call(callee: Principal, inner: Deed) -> Call {
    Call {
        callee,
        method: "go",
        arg: inner.encode(),
        cycles: 1_000,
        timeout_seconds: 0,
        trap_in_callback: false,
    }
}

fn submit(replica: &mut Replica, canister: Principal, deed: Deed, number: u8) -> RequestId {
    let request_id = RequestId([number; 32]);
    let ingress_expiry_ns = replica.time_ns() + 60_000_000_000;
    let message = IngressMessage {
        request_id,
        sender: Principal::anonymous(),
        canister_id: canister,
        method_name: "go".to_owned(),
        arg: deed.encode(),
        ingress_expiry_ns,
    };
    replica.submit(message).expect("it is accepted");
    request_id
}

fn count(replica: &mut Replica, canister: Principal) -> u32 {
    let query = QueryMessage {
        sender: Principal::anonymous(),
        canister_id: canister,
        method_name: "count".to_owned(),
        arg: Vec::new(),
    };
    let reply = replica.query(query).expect("an answer");
    u32::from_le_bytes(reply.try_into().expect("four bytes"))
}

#[test]
fn should_go_on_from_a_snapshot_as_without_the_break() {
    let (mut unbroken, actors) = busy();
    let snapshot = unbroken.take_snapshot();
    let mut resumed = replica();
    resumed.restore(&snapshot).expect("the same subnet");
    for replica in [&mut unbroken, &mut resumed] {
        replica.run_until_idle();
        replica.advance_time(Duration::from_secs(31));
        replica.run_until_idle();
        assert_eq!(count(replica, actors[0]), 4 + 2 + 1 + 7, "deeds, callback and timer");
    }
    assert_eq!(unbroken.state_hash(), resumed.state_hash());
    assert_eq!(unbroken.ingress_status(&RequestId([1; 32])), resumed.ingress_status(&RequestId([1; 32])));
    assert_eq!(unbroken.logs(actors[0]), resumed.logs(actors[0]));
    assert_eq!(unbroken.certificate(&[]), resumed.certificate(&[]));
}

#[test]
fn should_undo_everything_since_the_snapshot() {
    let (mut replica, actors) = busy();
    let before = replica.take_snapshot();
    replica.run_until_idle();
    replica.upgrade(actors[1], &super::actor::wasm(), Vec::new()).expect("it upgrades");
    replica.create_canister(vec![Principal::anonymous()]);
    assert_ne!(replica.state_hash(), before.state_hash());
    replica.restore(&before).expect("its own snapshot");
    assert_eq!(replica.state_hash(), before.state_hash());
    assert_eq!(replica.take_snapshot(), before);
    assert_eq!(replica.view().canisters().count(), 2);
}

#[test]
fn should_keep_a_snapshot_as_bytes() {
    let (replica, _) = busy();
    let snapshot = replica.take_snapshot();
    let bytes = snapshot.to_bytes();
    assert_eq!(WorldSnapshot::from_bytes(&bytes).expect("whole"), snapshot);
}

#[test]
fn should_refuse_bytes_that_are_no_whole_snapshot() {
    let bytes = busy().0.take_snapshot().to_bytes();
    let refused = |bytes: &[u8]| WorldSnapshot::from_bytes(bytes).expect_err("it is not whole");
    assert!(matches!(refused(b"something else"), RestoreError::Damaged(_)));
    assert!(matches!(refused(&bytes[..bytes.len() - 1]), RestoreError::Damaged(_)));
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    assert!(matches!(refused(&flipped), RestoreError::Damaged(_)));
    let mut newer = bytes;
    newer[19] = 77;
    assert!(matches!(refused(&newer), RestoreError::Format { found: 77 }));
}

#[test]
fn should_refuse_a_snapshot_of_another_subnet_and_stay_as_it_was() {
    let snapshot = busy().0.take_snapshot();
    for config in [
        ReplicaConfig::default().with_seed(6),
        ReplicaConfig { nodes: 4, ..ReplicaConfig::default().with_seed(5) },
    ] {
        let mut other = Replica::new(config).expect("a replica");
        let before = other.state_hash();
        let refused = other.restore(&snapshot).expect_err("another subnet");
        assert!(
            matches!(refused, RestoreError::OtherSubnet { found_seed: 5, found_nodes: 13, .. }),
            "{refused}"
        );
        assert_eq!(other.state_hash(), before);
    }
}

#[test]
fn should_see_every_kind_of_change_in_the_state_hash() {
    let (mut replica, actors) = busy();
    replica.run_until_idle();
    let mut seen = vec![replica.state_hash()];
    let mut changed = |replica: &Replica, what: &str| {
        let hash = replica.state_hash();
        assert!(!seen.contains(&hash), "{what} changes the state");
        seen.push(hash);
    };
    replica.advance_time(Duration::from_nanos(1));
    changed(&replica, "time");
    submit(&mut replica, actors[0], Deed { bump: 1, ..Deed::default() }, 2);
    changed(&replica, "a message");
    replica.step();
    changed(&replica, "its execution");
    replica.create_canister(vec![]);
    changed(&replica, "a canister");
    count(&mut replica, actors[0]);
    assert_eq!(replica.state_hash(), *seen.last().expect("it was pushed"), "a query changes nothing");
}
