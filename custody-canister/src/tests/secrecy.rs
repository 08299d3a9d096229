//! Nothing of a token in what the canister keeps, says or answers. (What memory holds is searched on the replica.)

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use candid::Encode;
use release_types::{Ecosystem, OrderId};

use super::{
    registries::Behaviour,
    world::{NPM_TOKEN, PYPI_TOKEN, World},
};
use crate::{queries, storage};

const WINDOW: usize = 16;

/// The token, the macaroon in it, and both as headers and texts would carry them.
fn forms(token: &str) -> Vec<Vec<u8>> {
    let mut raw = vec![token.as_bytes().to_vec()];
    if let Some(encoded) = token.strip_prefix("pypi-") {
        raw.push(URL_SAFE_NO_PAD.decode(encoded).expect("base64url"));
    }
    let mut forms = Vec::new();
    for bytes in raw {
        forms.push(hex::encode(&bytes).into_bytes());
        for alignment in 0..3 {
            let shifted = [&[0_u8; 3][..alignment], &bytes].concat();
            forms.push(STANDARD.encode(shifted).as_bytes()[4..].to_vec());
        }
        forms.push(bytes);
    }
    forms
}

/// Everything that leaves the canister or stays in its stable memory, as bytes.
fn everything_kept_and_said(world: &World) -> Vec<u8> {
    let id = OrderId("proposal-1".into());
    let blocks = storage::read_log(|log| log.blocks(0, log.len()));
    let mut bytes = format!("{blocks:?} {:?}", storage::events()).into_bytes();
    for (_, block) in blocks {
        bytes.extend(Encode!(&block).expect("encodes"));
    }
    bytes.extend(
        Encode!(&queries::custody_info(), &queries::list_credentials(&Default::default())).expect("encodes"),
    );
    bytes.extend(Encode!(&queries::order_status(&id), &queries::receipt(&id)).expect("encodes"));
    bytes.extend(format!("{:?} {:?}", queries::order_status(&id), queries::receipt(&id)).into_bytes());
    bytes.extend(storage::order(&id).map(|order| format!("{order:?}")).unwrap_or_default().into_bytes());
    for credential in queries::list_credentials(&Default::default()) {
        bytes.extend(storage::sealed_token(&credential.id).unwrap_or_default());
    }
    bytes.extend(world.runtime.0.borrow().log.join("\n").into_bytes());
    bytes
}

fn holds_a_trace(haystack: &[u8], token: &str) -> bool {
    let windows: std::collections::HashSet<&[u8]> = haystack.windows(WINDOW).collect();
    forms(token).iter().any(|form| form.windows(WINDOW).any(|window| windows.contains(window)))
}

fn behaviours() -> Vec<Behaviour> {
    vec![
        Behaviour::Publish,
        Behaviour::DropAnswer,
        Behaviour::InventSuccess,
        Behaviour::NotPerformed,
        Behaviour::PublishOtherBytes,
        Behaviour::Answer(401, "no such token:"),
        Behaviour::Answer(400, "bad request by"),
        Behaviour::Answer(500, "error for"),
        Behaviour::PublishAndAnswer(409, "cannot publish over"),
    ]
}

#[test]
fn should_leave_no_trace_of_the_token_however_the_registry_answers() {
    for (ecosystem, token) in [(Ecosystem::Npm, NPM_TOKEN), (Ecosystem::Pypi, PYPI_TOKEN)] {
        for behaviour in behaviours() {
            let run = std::thread::spawn(move || {
                let world = World::with_credentials();
                world.runtime.0.borrow_mut().registries.behaviours = [behaviour].into();
                world.carry_out(world.order_of(ecosystem));
                assert!(!holds_a_trace(&everything_kept_and_said(&world), token));
            });
            run.join().expect("no trace");
        }
    }
}

#[test]
fn should_find_a_planted_token_in_every_form() {
    for token in [NPM_TOKEN, PYPI_TOKEN] {
        for form in forms(token) {
            let haystack = [b"before".to_vec(), form, b"after".to_vec()].concat();
            assert!(holds_a_trace(&haystack, token));
        }
    }
}
