//! HTTPS interface › Requests from pages of other origins

use crate::raw::{query, unsigned};
use crate::setup::Setup;
use candid::Principal;

/// A browser asks before a page of another origin may post CBOR, and is told that it may.
#[test]
fn should_allow_pages_of_other_origins_to_post_cbor() {
    let setup = Setup::start();
    let canister = setup.canister(Principal::anonymous());
    for endpoint in ["v4/canister/{}/call", "v3/canister/{}/query", "v3/canister/{}/read_state"] {
        let response = ureq::request("OPTIONS", &setup.at(&endpoint.replace("{}", &canister.to_text())))
            .set("origin", "http://page.example")
            .set("access-control-request-method", "POST")
            .set("access-control-request-headers", "content-type")
            .call()
            .expect("allowed");
        let header = |name| response.header(name).unwrap_or_default().to_ascii_lowercase();
        assert_eq!(header("access-control-allow-origin"), "*");
        assert!(header("access-control-allow-methods").contains("post"));
        assert!(header("access-control-allow-headers").contains("content-type"));
    }
}

/// The answer itself may be read by pages of other origins, a refusal too.
#[test]
fn should_let_pages_of_other_origins_read_answers_and_refusals() {
    let setup = Setup::start();
    let canister = setup.canister(Principal::anonymous());
    let url = setup.at(&format!("v3/canister/{canister}/query"));
    for body in [unsigned(query(Principal::anonymous(), canister, "get")), b"no cbor".to_vec()] {
        let request =
            ureq::post(&url).set("origin", "http://page.example").set("content-type", "application/cbor");
        let (Ok(response) | Err(ureq::Error::Status(_, response))) = request.send_bytes(&body) else {
            panic!("no answer")
        };
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    }
}

/// The status endpoint may be read by pages of other origins, who fetch the root key there.
#[test]
fn should_let_pages_of_other_origins_read_the_status() {
    let setup = Setup::start();
    let response = ureq::get(&setup.at("v2/status")).set("origin", "http://page.example").call();
    let response = response.expect("an answer");
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
}
