//! The unmodified agent crate against a served replica.

use crate::raw::{post, query as query_of, unsigned};
use crate::setup::{COUNTER, Setup, as_u32, identity, install, sha256};
use candid::{Decode, Encode, Principal};
use ic_agent::identity::{
    BasicIdentity, DelegatedIdentity, Delegation, Prime256v1Identity, Secp256k1Identity, SignedDelegation,
};
use ic_agent::{Agent, AgentError, Identity};
use ic_transport_types::RejectCode;
use std::time::Duration;

#[tokio::test]
async fn should_serve_updates_and_node_signed_queries() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    for expected in 1..=3 {
        let reply = agent.update(&canister, "inc").call_and_wait().await.expect("an answer");
        assert_eq!(as_u32(&reply), expected);
    }
    let count = agent.query(&canister, "get").call_with_verification().await.expect("an answer");
    assert_eq!(as_u32(&count), 3);
}

#[tokio::test]
async fn should_execute_concurrent_calls_once_each() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move { agent.update(&canister, "inc").call_and_wait().await })
        })
        .collect();
    let mut counts = Vec::new();
    for call in calls {
        counts.push(as_u32(&call.await.expect("no panic").expect("an answer")));
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn should_execute_a_request_once_however_often_it_is_sent() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let signed = agent.update(&canister, "inc").sign().expect("signs");
    for _ in 0..3 {
        agent.update_signed(canister, signed.signed_update.clone()).await.expect("an answer");
    }
    let count = agent.query(&canister, "get").call().await.expect("an answer");
    assert_eq!(as_u32(&count), 1);
}

#[tokio::test]
async fn should_answer_by_polling_when_called_asynchronously() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let signed = agent.update(&canister, "inc").sign().expect("signs");
    let url = format!("{}/api/v2/canister/{canister}/call", setup.url());
    assert_eq!(post(&url, &signed.signed_update).status, 202);
    let (reply, _) = agent.wait(&signed.request_id, canister).await.expect("an answer");
    assert_eq!(as_u32(&reply), 1);
}

#[tokio::test]
async fn should_certify_a_trap_as_a_reject() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let error = agent.update(&canister, "trap").call_and_wait().await.expect_err("a trap");
    let AgentError::CertifiedReject { reject, .. } = error else { panic!("{error}") };
    assert_eq!(reject.reject_code, RejectCode::CanisterError);
    assert!(reject.error_code.is_some(), "{reject:?}");
}

#[tokio::test]
async fn should_sign_rejected_queries_as_well() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let error = agent.query(&canister, "missing").call_with_verification().await.expect_err("no such method");
    assert!(matches!(error, AgentError::UncertifiedReject { .. }), "{error}");
}

#[tokio::test]
async fn should_know_callers_by_each_kind_of_identity() {
    let setup = Setup::start();
    let canister = setup.counter(&setup.agent(identity(1)).await).await;
    let secp256k1 = ic_secp256k1::PrivateKey::generate_from_seed(&[1]).serialize_rfc5915_pem();
    let p256 = ic_secp256r1::PrivateKey::generate_insecure_key_for_testing(1).serialize_rfc5915_pem();
    let identities: Vec<Box<dyn Identity>> = vec![
        Box::new(identity(9)),
        Box::new(Secp256k1Identity::from_pem(secp256k1).expect("a key")),
        Box::new(Prime256v1Identity::from_pem(p256).expect("a key")),
        Box::new(delegated(identity(5), identity(6), vec![canister])),
        Box::new(ic_agent::identity::AnonymousIdentity),
    ];
    for signer in identities {
        let principal = signer.sender().expect("a principal");
        let agent = setup.agent(signer).await;
        let reply = agent.update(&canister, "whoami").call_and_wait().await.expect("an answer");
        assert_eq!(Principal::from_slice(&reply), principal);
    }
}

#[tokio::test]
async fn should_refuse_a_delegation_for_another_canister() {
    let setup = Setup::start();
    let canister = setup.counter(&setup.agent(identity(1)).await).await;
    let other = Principal::from_slice(&[9, 1, 1]);
    let agent = setup.agent(delegated(identity(5), identity(6), vec![other])).await;
    let error = agent.update(&canister, "whoami").call_and_wait().await.expect_err("refused");
    assert!(matches!(&error, AgentError::HttpError(payload) if payload.status == 400), "{error}");
}

fn delegated(owner: BasicIdentity, session: BasicIdentity, targets: Vec<Principal>) -> DelegatedIdentity {
    let delegation = Delegation {
        pubkey: session.public_key().expect("a key"),
        expiration: u64::MAX,
        targets: Some(targets),
        permissions: None,
    };
    let signature = owner.sign_delegation(&delegation).expect("signs").signature.expect("a signature");
    let owner_key = owner.public_key().expect("a key");
    DelegatedIdentity::new_unchecked(
        owner_key,
        Box::new(session),
        vec![SignedDelegation { delegation, signature }],
    )
}

#[tokio::test]
async fn should_refuse_answers_under_another_root_key() {
    let (setup, other) = (Setup::start(), Setup::start_with_seed(2));
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let other_key = other.agent(identity(1)).await.read_root_key();
    assert_ne!(agent.read_root_key(), other_key);
    agent.set_root_key(other_key);
    let error = agent.update(&canister, "inc").call_and_wait().await.expect_err("not certified");
    assert!(matches!(error, AgentError::CertificateVerificationFailed()), "{error}");
}

#[tokio::test]
async fn should_read_controllers_and_module_hash() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let controllers = agent.read_state_canister_controllers(canister).await.expect("certified");
    assert_eq!(controllers, vec![agent.get_principal().expect("a principal")]);
    let hash = agent.read_state_canister_module_hash(canister).await.expect("certified");
    assert_eq!(hash, sha256(&wat::parse_str(COUNTER).expect("valid")));
}

#[tokio::test]
async fn should_show_public_metadata_to_all_and_private_metadata_to_controllers() {
    let setup = Setup::start();
    let owner = setup.agent(identity(1)).await;
    let stranger = setup.agent(identity(2)).await;
    let canister = setup.counter(&owner).await;
    for agent in [&owner, &stranger] {
        let interface = agent.read_state_canister_metadata(canister, "candid:service").await;
        assert_eq!(interface.expect("public"), b"service : {}");
        let absent = agent.read_state_canister_metadata(canister, "absent").await;
        assert!(matches!(absent, Err(AgentError::LookupPathAbsent(_))), "{absent:?}");
    }
    assert_eq!(owner.read_state_canister_metadata(canister, "notes").await.expect("private"), b"for us");
    let refused = stranger.read_state_canister_metadata(canister, "notes").await;
    assert!(matches!(&refused, Err(AgentError::HttpError(payload)) if payload.status == 403), "{refused:?}");
}

#[tokio::test]
async fn should_keep_the_status_of_a_request_from_others() {
    let setup = Setup::start();
    let owner = setup.agent(identity(1)).await;
    let stranger = setup.agent(identity(2)).await;
    let canister = setup.counter(&owner).await;
    let signed = owner.update(&canister, "inc").sign().expect("signs");
    owner.update_signed(canister, signed.signed_update).await.expect("an answer");
    assert!(owner.request_status_raw(&signed.request_id, canister).await.is_ok());
    let refused = stranger.request_status_raw(&signed.request_id, canister).await;
    assert!(matches!(&refused, Err(AgentError::HttpError(payload)) if payload.status == 403), "{refused:?}");
}

#[tokio::test]
async fn should_describe_the_subnet_with_all_its_nodes() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    let by_canister = agent.get_subnet_by_canister(&canister).await.expect("certified");
    let by_id = agent.get_subnet_by_id(&by_canister.id()).await.expect("certified");
    assert_eq!(by_id.iter_nodes().count(), 13);
    assert!(by_id.contains_canister(&canister));
}

#[tokio::test]
async fn should_offer_what_the_deployment_tool_calls() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let minting = Principal::from_text("rkp4c-7iaaa-aaaaa-aaaca-cai").expect("an id");
    let subnets = agent
        .query(&minting, "get_default_subnets")
        .with_arg(Encode!().expect("encodes"))
        .call()
        .await
        .expect("an answer");
    let subnets = Decode!(&subnets, Vec<Principal>).expect("a list");
    assert_eq!(agent.get_subnet_by_id(&subnets[0]).await.expect("certified").id(), subnets[0]);
}

#[tokio::test]
async fn should_refuse_a_call_by_a_stranger_to_the_management_canister() {
    let setup = Setup::start();
    let owner = setup.agent(identity(1)).await;
    let stranger = setup.agent(identity(2)).await;
    let canister = setup.counter(&owner).await;
    let result = install(&stranger, canister, COUNTER).await;
    assert!(
        matches!(result, Err(AgentError::UncertifiedReject { .. } | AgentError::CertifiedReject { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn should_keep_answers_for_polling_after_the_time_was_moved() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    setup.move_time(Duration::from_secs(24 * 60 * 60));
    let signed = agent.update(&canister, "inc").sign().expect("signs");
    let url = format!("{}/api/v2/canister/{canister}/call", setup.url());
    post(&url, &signed.signed_update);
    // The next call is when old answers are forgotten.
    agent.update(&canister, "inc").call_and_wait().await.expect("an answer");
    // An agent polls for minutes for what was forgotten.
    let polled =
        tokio::time::timeout(Duration::from_secs(10), agent.wait(&signed.request_id, canister)).await;
    let (reply, _) = polled.expect("not forgotten").expect("an answer");
    assert_eq!(as_u32(&reply), 1);
}

#[tokio::test]
async fn should_stop_when_told_to() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    setup.stop();
    let agent: Agent = agent;
    assert!(agent.status().await.is_err());
}

#[tokio::test]
async fn should_tell_why_it_serves_no_more_after_a_defect() {
    let setup = Setup::start();
    let agent = setup.agent(identity(1)).await;
    let canister = setup.counter(&agent).await;
    setup.break_replica("the queue lost its head");
    let query = format!("{}/api/v3/canister/{canister}/query", setup.url());
    post(&query, &unsigned(query_of(Principal::anonymous(), canister, "get")))
        .assert_refused(500, "lost its head");
    let refused = agent.status().await.expect_err("no root key");
    assert!(
        matches!(&refused, AgentError::HttpError(payload)
        if payload.status == 500 && String::from_utf8_lossy(&payload.content).contains("lost its head")),
        "{refused:?}"
    );
}
