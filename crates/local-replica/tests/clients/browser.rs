//! Chromium without a window, reading a certified page through the gateway.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use candid::{CandidType, Encode, Principal};
use ic_agent::Agent;
use ic_certification::{labeled, leaf};
use serde::Serialize;
use serde_bytes::ByteBuf;
use sha2::{Digest as _, Sha256};

use crate::network::{Network, client, run};

/// The script proves that the page is a page to the browser, and that it may speak to its network.
const BODY: &str = "<!doctype html><h1>a certified page</h1><p id=network>not asked</p><script>
const answer = new XMLHttpRequest();
answer.open('GET', '/api/v2/status', false);
answer.send();
document.getElementById('network').textContent = `the network answers ${answer.status}`;
</script>";

#[derive(CandidType)]
struct Page {
    status_code: u16,
    headers: Vec<(String, String)>,
    body: ByteBuf,
    upgrade: Option<bool>,
}

/// A network with a canister that serves what it is given.
struct Site {
    network: Network,
    canister: Principal,
}

impl Site {
    fn new() -> Self {
        let network = Network::start();
        let module = wat::parse_str(include_str!("page_server.wat")).expect("valid");
        let canister = network.install(module);
        Self { network, canister }
    }

    /// Lets the canister certify one body for `/` and serve another, which should be the same.
    fn publish(&self, certified: &str, served: &str) {
        let hash = <[u8; 32]>::from(Sha256::digest(certified));
        let tree = labeled("http_assets", labeled("/", leaf(hash)));
        self.network.with_agent(async |agent: Agent| {
            let update = |method, arg| agent.update(&self.canister, method).with_arg(arg).call_and_wait();
            update("certify", tree.digest().to_vec()).await.expect("certifies");
            let certificate = agent.query(&self.canister, "certificate").call().await.expect("a certificate");
            let mut witness = serde_cbor::Serializer::new(Vec::new());
            witness.self_describe().and_then(|()| tree.serialize(&mut witness)).expect("encodes");
            let (certificate, witness) =
                (STANDARD.encode(certificate), STANDARD.encode(witness.into_inner()));
            let proof = format!("certificate=:{certificate}:, tree=:{witness}:");
            let page = Page {
                status_code: 200,
                headers: vec![
                    ("content-type".to_owned(), "text/html".to_owned()),
                    ("IC-Certificate".to_owned(), proof),
                ],
                body: ByteBuf::from(served),
                upgrade: None,
            };
            update("keep", Encode!(&page).expect("encodes")).await.expect("keeps");
        });
    }

    /// What a browser makes of the page, scripts included.
    fn browse(&self) -> String {
        let profile = tempfile::tempdir().expect("a directory");
        let port = self.network.url.rsplit_once(':').expect("a port").1;
        let mut chromium = Command::new(client("chromium"));
        // The sandbox needs rights that containers do not give; what is read here is our own.
        chromium.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--dump-dom",
        ]);
        chromium.arg(format!("--user-data-dir={}", profile.path().display()));
        run(chromium.arg(format!("http://{}.localhost:{port}/", self.canister)))
    }
}

#[test]
fn should_show_a_certified_page_and_run_its_script() {
    let site = Site::new();
    site.publish(BODY, BODY);
    let shown = site.browse();
    assert!(shown.contains("<h1>a certified page</h1>"), "{shown}");
    assert!(shown.contains("the network answers 200"), "{shown}");
}

/// A canister, or the node that answers for it, serves something else than what is certified.
#[test]
fn should_not_show_a_page_that_is_not_what_was_certified() {
    let site = Site::new();
    site.publish(BODY, &BODY.replace("a certified page", "send your token here"));
    let shown = site.browse();
    assert!(!shown.contains("send your token here"), "{shown}");
    assert!(shown.contains("verification failed"), "{shown}");
}
