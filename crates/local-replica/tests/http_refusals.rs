//! Requests that the HTTP interface refuses before the replica sees them, by status and message.

mod http;

use http::{Setup, post};
use std::time::Duration;

#[tokio::test]
async fn should_refuse_a_body_that_is_no_envelope() {
    let setup = Setup::start();
    let canister = setup.counter(&setup.agent(http::identity(1)).await).await;
    for family in
        ["v4/canister/{}/call", "v2/canister/{}/call", "v3/canister/{}/query", "v3/canister/{}/read_state"]
    {
        let url = format!("{}/api/{}", setup.url(), family.replace("{}", &canister.to_text()));
        let (status, message) = post(url, b"no cbor".to_vec()).await;
        assert_eq!(status, 400, "{family}");
        assert!(message.starts_with("body: not a CBOR request envelope"), "{message}");
    }
}

#[tokio::test]
async fn should_refuse_an_id_that_is_no_principal() {
    let setup = Setup::start();
    let (status, message) = post(format!("{}/api/v4/canister/nobody/call", setup.url()), vec![]).await;
    assert_eq!((status, message.starts_with("path: 'nobody' is not a principal")), (400, true), "{message}");
}

#[tokio::test]
async fn should_refuse_a_tampered_call() {
    let setup = Setup::start();
    let agent = setup.agent(http::identity(1)).await;
    let canister = setup.counter(&agent).await;
    let mut body = agent.update(&canister, "inc").sign().expect("signs").signed_update;
    let at = body.windows(3).position(|window| window == b"inc").expect("the method's name");
    body[at..at + 3].copy_from_slice(b"get");
    let (status, message) = post(format!("{}/api/v4/canister/{canister}/call", setup.url()), body).await;
    assert_eq!((status, message.as_str()), (403, "sender_sig: does not verify under sender_pubkey\n"));
}

#[tokio::test]
async fn should_refuse_an_expired_call_and_one_that_expires_too_late() {
    let setup = Setup::start();
    let agent = setup.agent(http::identity(1)).await;
    let canister = setup.counter(&agent).await;
    let url = format!("{}/api/v4/canister/{canister}/call", setup.url());
    let now = std::time::SystemTime::now();
    for expiry in [now - Duration::from_secs(60), now + Duration::from_secs(7 * 60)] {
        let signed = agent.update(&canister, "inc").expire_at(expiry).sign().expect("signs");
        let (status, message) = post(url.clone(), signed.signed_update).await;
        assert_eq!(status, 400);
        assert!(message.starts_with("content.ingress_expiry"), "{message}");
    }
}

#[tokio::test]
async fn should_refuse_a_call_sent_to_another_canister_or_endpoint() {
    let setup = Setup::start();
    let agent = setup.agent(http::identity(1)).await;
    let (canister, other) = (setup.counter(&agent).await, setup.counter(&agent).await);
    let body = || agent.update(&canister, "inc").sign().expect("signs").signed_update;
    let (status, message) = post(format!("{}/api/v4/canister/{other}/call", setup.url()), body()).await;
    assert_eq!((status, message.starts_with("path: the effective canister id")), (400, true), "{message}");
    let (status, message) = post(format!("{}/api/v3/canister/{canister}/query", setup.url()), body()).await;
    assert_eq!((status, message.starts_with("content.request_type")), (400, true), "{message}");
}

#[tokio::test]
async fn should_refuse_bodies_and_calls_that_are_too_large() {
    let setup = Setup::start();
    let agent = setup.agent(http::identity(1)).await;
    let canister = setup.counter(&agent).await;
    let url = format!("{}/api/v4/canister/{canister}/call", setup.url());
    let call = agent.update(&canister, "inc").with_arg(vec![0; 2 * 1024 * 1024]).sign().expect("signs");
    let (status, message) = post(url.clone(), call.signed_update).await;
    assert_eq!((status, message.contains("a call may have at most 2097152")), (413, true), "{message}");
    let (status, _) = post(url, vec![0; 5 * 1024 * 1024 + 1]).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn should_refuse_another_subnets_id() {
    let setup = Setup::start();
    let url = format!("{}/api/v3/subnet/aaaaa-aa/read_state", setup.url());
    let (status, message) = post(url, vec![]).await;
    assert_eq!((status, message.contains("is not the subnet of this replica")), (400, true), "{message}");
}
