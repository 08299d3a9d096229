//! HTTPS interface › Request: Call

use crate::raw::{
    CANISTER, Certified, MANAGEMENT, call, envelope, expiring, in_minutes, path, post, signed, unsigned,
};
use crate::setup::{Setup, identity};
use candid::{CandidType, Encode, Principal};
use ic_agent::Identity;
use ic_agent::identity::AnonymousIdentity;
use ic_certification::LookupResult;
use ic_transport_types::{EnvelopeContent, RejectCode, RejectResponse, RequestId, TransportCallResponse};
use local_replica::{IngressMessage, IngressStatus, Replica, ReplicaConfig};
use std::time::Duration;

const ANYONE: Principal = Principal::anonymous();

#[derive(CandidType)]
struct OnCanister {
    canister_id: Principal,
}

#[derive(CandidType)]
struct Amount {
    amount: Option<candid::Nat>,
}

/// A synchronous call is answered with a certificate of its reply and of the time.
#[test]
fn should_answer_a_synchronous_call_with_a_certificate() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    for version in ["v3", "v4"] {
        let content = call(ANYONE, canister, "inc", vec![]);
        let id = content.to_request_id();
        let answer = post(&setup.at(&format!("{version}/canister/{canister}/call")), &unsigned(content));
        let certified = setup.replied(&answer);
        assert_eq!(certified.status(&id), "replied");
        assert!(matches!(certified.lookup(&path([b"time"])), LookupResult::Found(_)));
    }
}

/// An asynchronous call is answered with 202 and an empty body; its status is read later.
#[test]
fn should_answer_an_asynchronous_call_with_an_empty_202() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let content = call(ANYONE, canister, "inc", vec![]);
    let id = content.to_request_id();
    let answer = post(&setup.at(&format!("v2/canister/{canister}/call")), &unsigned(content.clone()));
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    // The identical call again waits for the same answer.
    let again = post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content));
    assert_eq!(setup.replied(&again).reply(&id), [1, 0, 0, 0]);
}

fn certified_reject(method: &str) -> (Certified, RequestId) {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let (id, certified) = setup.certified_call(canister, method, vec![]);
    (certified, id)
}

/// The certificate of a rejected call holds the reject code, the message and the error code, and no reply.
#[test]
fn should_certify_a_reject_with_code_message_and_error_code() {
    let (certified, id) = certified_reject("trap");
    assert_eq!(certified.status(&id), "rejected");
    let at = |label: &[u8]| path([b"request_status", id.as_slice(), label]);
    assert_eq!(certified.value(&at(b"reject_code")), [5]);
    assert!(certified.value(&at(b"error_code")).starts_with(b"IC05"));
    assert!(!certified.value(&at(b"reject_message")).is_empty());
    assert_eq!(certified.lookup(&at(b"reply")), LookupResult::Absent);
}

/// A method that does not exist is a certified reject, since only execution finds that out.
#[test]
fn should_certify_that_a_method_does_not_exist() {
    let (certified, id) = certified_reject("missing");
    assert_eq!(certified.value(&path([b"request_status", id.as_slice(), b"reject_code"])), [5]);
    assert_eq!(certified.value(&path([b"request_status", id.as_slice(), b"error_code"])), b"IC0536");
}

/// A query method can be called, for a certified answer; the state does not change.
#[test]
fn should_take_a_query_method_as_a_call_and_change_nothing() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    for _ in 0..2 {
        let (id, certified) = setup.certified_call(canister, "inc_and_get", vec![]);
        assert_eq!(certified.reply(&id), [1, 0, 0, 0]);
    }
}

/// A composite query method cannot be called.
#[test]
fn should_refuse_a_composite_query_as_a_call() {
    let (certified, id) = certified_reject("composed");
    assert_eq!(certified.status(&id), "rejected");
}

fn rejection(canister: Principal, method: &str, setup: &Setup) -> RejectResponse {
    let content = call(ANYONE, canister, method, vec![]);
    let answer = post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content));
    match answer.cbor() {
        TransportCallResponse::NonReplicatedRejection(reject) => reject,
        other => panic!("{other:?}"),
    }
}

/// A message that the canister's inspection refuses is a rejection without certificate.
#[test]
fn should_tell_that_a_canister_does_not_accept_a_message() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let reject = rejection(canister, "closed_to_users", &setup);
    assert_eq!(reject.reject_code, RejectCode::CanisterReject);
    assert_eq!(reject.error_code.as_deref(), Some("IC0406"));
    assert!(reject.reject_message.contains("rejected the message"), "{reject:?}");
}

/// An asynchronous call that is refused before it is taken gets 200 with the reject.
#[test]
fn should_tell_a_rejection_of_an_asynchronous_call() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let content = call(ANYONE, canister, "closed_to_users", vec![]);
    let answer = post(&setup.at(&format!("v2/canister/{canister}/call")), &unsigned(content));
    let reject: RejectResponse = answer.cbor();
    assert_eq!(reject.error_code.as_deref(), Some("IC0406"));
}

/// A canister that does not exist is an invalid destination.
#[test]
fn should_reject_a_call_of_a_canister_that_does_not_exist() {
    let setup = Setup::start();
    let reject = rejection(Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0xff, 0, 1, 1]), "inc", &setup);
    assert_eq!(reject.reject_code, RejectCode::DestinationInvalid);
    assert_eq!(reject.error_code.as_deref(), Some("IC0301"));
}

/// An empty canister takes no calls.
#[test]
fn should_reject_a_call_of_an_empty_canister() {
    let setup = Setup::start();
    let canister = setup.empty_canister(ANYONE);
    assert_eq!(rejection(canister, "inc", &setup).error_code.as_deref(), Some("IC0537"));
}

/// A management call by who is not a controller is refused before it is taken.
#[test]
fn should_reject_a_management_call_by_a_stranger() {
    let setup = Setup::start();
    let canister = setup.canister(identity(1).sender().expect("a principal"));
    let arg = Encode!(&OnCanister { canister_id: canister }).expect("encodes");
    let content = call(ANYONE, MANAGEMENT, "stop_canister", arg);
    let answer = post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content));
    assert!(matches!(answer.cbor(), TransportCallResponse::NonReplicatedRejection(_)));
}

/// The effective canister id of a call is the called canister.
#[test]
fn should_refuse_a_call_at_another_canister() {
    let setup = Setup::start();
    let (canister, other) = (setup.canister(ANYONE), setup.canister(ANYONE));
    let content = call(ANYONE, canister, "inc", vec![]);
    let answer = post(&setup.at(&format!("v4/canister/{other}/call")), &unsigned(content));
    answer.assert_refused(400, "effective canister id");
}

/// The effective canister id of a management call is the `canister_id` of its argument.
#[test]
fn should_take_a_management_call_at_the_canister_it_is_about() {
    let setup = Setup::start();
    let owner = identity(1);
    let sender = owner.sender().expect("a principal");
    let (canister, other) = (setup.canister(sender), setup.canister(sender));
    let send = |at: Principal| {
        let arg = Encode!(&OnCanister { canister_id: canister }).expect("encodes");
        let content = call(sender, MANAGEMENT, "stop_canister", arg);
        (
            content.to_request_id(),
            post(&setup.at(&format!("v4/canister/{at}/call")), &signed(&owner, content)),
        )
    };
    send(other).1.assert_refused(400, "effective canister id");
    let (id, answer) = send(canister);
    assert_eq!(setup.replied(&answer).status(&id), "replied");
}

/// A management call whose argument names no canister is refused, wherever it is sent.
#[test]
fn should_refuse_a_management_call_about_no_canister() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let content = call(ANYONE, MANAGEMENT, "raw_rand", Encode!().expect("encodes"));
    let answer = post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content));
    answer.assert_refused(400, "canister_id");
}

/// Canisters are created at any effective canister id.
#[test]
fn should_create_a_canister_at_any_effective_id() {
    let setup = Setup::start();
    for at in [Principal::from_slice(&[7, 1, 1]), MANAGEMENT] {
        let arg = Encode!(&Amount { amount: None }).expect("encodes");
        let content = call(ANYONE, MANAGEMENT, "provisional_create_canister_with_cycles", arg);
        let id = content.to_request_id();
        let answer = post(&setup.at(&format!("v4/canister/{at}/call")), &unsigned(content));
        assert_eq!(setup.replied(&answer).status(&id), "replied", "{at}");
    }
}

/// At the subnet's endpoint canisters are created, and nothing else is called.
#[test]
fn should_only_create_canisters_at_the_subnet_endpoint() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v4/subnet/{}/call", setup.subnet_id()));
    let arg = Encode!(&Amount { amount: None }).expect("encodes");
    let create = call(ANYONE, MANAGEMENT, "provisional_create_canister_with_cycles", arg);
    let id = create.to_request_id();
    assert_eq!(setup.replied(&post(&url, &unsigned(create))).status(&id), "replied");
    post(&url, &unsigned(call(ANYONE, canister, "inc", vec![])))
        .assert_refused(400, "only canisters can be created");
}

/// Another subnet's endpoint is not served.
#[test]
fn should_refuse_a_call_at_another_subnet() {
    let setup = Setup::start();
    let create = call(ANYONE, MANAGEMENT, "create_canister", vec![]);
    let answer = post(&setup.at("v4/subnet/aaaaa-aa/call"), &unsigned(create));
    answer.assert_refused(400, "is not a subnet of this network");
}

/// A call that was executed is not executed again while it has not expired, however often it is sent.
#[test]
fn should_not_execute_a_replayed_call() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let content = call(ANYONE, canister, "inc", vec![]);
    let id = content.to_request_id();
    for version in ["v4", "v2", "v3", "v4"] {
        let answer =
            post(&setup.at(&format!("{version}/canister/{canister}/call")), &unsigned(content.clone()));
        if version != "v2" {
            assert_eq!(setup.replied(&answer).reply(&id), [1, 0, 0, 0]);
        }
    }
}

/// Moving the replica's time does not make a call good a second time.
#[test]
fn should_not_execute_a_replayed_call_after_the_time_was_moved() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v4/canister/{canister}/call"));
    let content = call(ANYONE, canister, "inc", vec![]);
    let id = content.to_request_id();
    assert_eq!(setup.replied(&post(&url, &unsigned(content.clone()))).reply(&id), [1, 0, 0, 0]);
    setup.move_time(Duration::from_secs(24 * 60 * 60));
    // Another call, since it is then that old ones are forgotten.
    let (other, certified) = setup.certified_call(canister, "inc", vec![]);
    assert_eq!(certified.reply(&other), [2, 0, 0, 0]);
    assert_eq!(setup.replied(&post(&url, &unsigned(content))).reply(&id), [1, 0, 0, 0]);
}

/// Calls that differ in their nonce alone are two calls.
#[test]
fn should_tell_calls_apart_by_their_nonce() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let expiry_ns = in_minutes(4);
    for count in [1, 2] {
        let content = expiring(call(ANYONE, canister, "inc", vec![]), expiry_ns);
        let id = content.to_request_id();
        let answer = post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content));
        assert_eq!(setup.replied(&answer).reply(&id), [count, 0, 0, 0]);
    }
}

/// A call that has expired, or that expires too far in the future, is refused; so an anonymous one.
#[test]
fn should_refuse_a_call_outside_of_the_expiry_window() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let user = identity(1);
    let sender = user.sender().expect("a principal");
    let url = setup.at(&format!("v4/canister/{canister}/call"));
    for expiry_ns in [in_minutes(0) - 60_000_000_000, in_minutes(7), 0, u64::MAX] {
        let reason = "Invalid request expiry: Specified ingress_expiry not within expected range";
        let body = signed(&user, expiring(call(sender, canister, "inc", vec![]), expiry_ns));
        post(&url, &body).assert_refused(400, reason);
        let body = unsigned(expiring(call(ANYONE, canister, "inc", vec![]), expiry_ns));
        post(&url, &body).assert_refused(400, reason);
    }
}

/// A nonce has at most 32 bytes.
#[test]
fn should_refuse_a_nonce_of_more_than_32_bytes() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let with_nonce = |bytes| {
        let mut content = call(ANYONE, canister, "inc", vec![]);
        if let EnvelopeContent::Call { nonce, .. } = &mut content {
            *nonce = Some(vec![7; bytes]);
        }
        post(&setup.at(&format!("v4/canister/{canister}/call")), &unsigned(content))
    };
    assert_eq!(with_nonce(32).status, 200);
    with_nonce(33).assert_refused(400, "content.nonce");
}

/// A call of more than 2 MiB, or any body of more than 5 MiB, is too large.
#[test]
fn should_refuse_what_is_too_large() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v4/canister/{canister}/call"));
    let content = call(ANYONE, canister, "inc", vec![0; 2 * 1024 * 1024]);
    post(&url, &unsigned(content)).assert_refused(413, "2097152");
    assert_eq!(post(&url, &vec![0; 5 * 1024 * 1024 + 1]).status, 413);
}

/// The answer to a call does not depend on who else waits: each gets the certificate of its own.
#[test]
fn should_answer_calls_at_the_same_time_each_with_its_own_reply() {
    let setup = Setup::start();
    let canister = setup.canister(ANYONE);
    let url = setup.at(&format!("v4/canister/{canister}/call"));
    let root_key = setup.root_key();
    let mut counts: Vec<u32> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let content = call(ANYONE, canister, "inc", vec![]);
                    let id = content.to_request_id();
                    let TransportCallResponse::Replied { certificate } =
                        post(&url, &unsigned(content)).cbor()
                    else {
                        panic!("not replied");
                    };
                    let reply = Certified::new(&certificate, &root_key).reply(&id);
                    u32::from_le_bytes(reply.try_into().expect("four bytes"))
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).collect()
    });
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<u32>>());
}

/// An endpoint takes its own type of request only.
#[test]
fn should_refuse_a_query_at_the_call_endpoint() {
    let setup = Setup::start();
    let canister = setup.canister_of(CANISTER, ANYONE);
    let body = envelope(&AnonymousIdentity, crate::raw::query(ANYONE, canister, "get")).encode_bytes();
    post(&setup.at(&format!("v4/canister/{canister}/call")), &body)
        .assert_refused(400, "content.request_type");
}

/// A call that has waited past its expiry is not begun any more.
#[test]
fn should_not_begin_a_call_after_its_expiry() {
    let mut replica = Replica::new(ReplicaConfig::default()).expect("a replica");
    let canister = replica.create_canister(vec![ANYONE]);
    replica.install(canister, &wat::parse_str(CANISTER).expect("valid"), vec![]).expect("installs");
    let minute_ns = 60_000_000_000;
    let mut submit = |number: u8, waits: Duration| {
        let request_id = local_replica::RequestId([number; 32]);
        let message = IngressMessage {
            request_id,
            sender: ANYONE,
            canister_id: canister,
            method_name: "inc".to_owned(),
            arg: vec![],
            ingress_expiry_ns: replica.time_ns() + minute_ns,
        };
        replica.submit(message).expect("taken");
        replica.advance_time(waits);
        replica.run_until_idle();
        replica.ingress_status(&request_id).expect("known").clone()
    };
    assert_eq!(submit(1, Duration::from_secs(60)), IngressStatus::Replied(vec![1, 0, 0, 0]));
    let IngressStatus::Rejected(reject) = submit(2, Duration::from_secs(61)) else { panic!("begun") };
    assert_eq!(reject.error_code.as_deref(), Some("IC0202"));
    assert_eq!(submit(3, Duration::ZERO), IngressStatus::Replied(vec![2, 0, 0, 0]));
}
