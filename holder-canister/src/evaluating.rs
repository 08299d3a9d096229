//! Using shares for combiners, within what this holder's own policy admits.

use candid::Principal;
use content_keys::threshold::{P256, Request, X25519};
use key_holders::{
    decode, encode,
    interface::{EvaluateArgs, HolderError, KeyCurve, MAX_REQUESTS_PER_CALL},
};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};

use crate::{
    runtime,
    state::{Event, audit::process_event, read_state},
    vault::{self, HeldCurve},
};

/// This holder's parts of the ECDHs asked for, in order.
///
/// # Errors
/// [`HolderError`]: what the policy does not admit; sealed; no such key, epoch or curve.
pub fn evaluate(caller: Principal, args: &EvaluateArgs) -> Result<Vec<ByteBuf>, HolderError> {
    // Strangers are not worth the reading of their requests.
    if !read_state(|state| state.init().policy.combiners.contains(&caller)) {
        return Err(HolderError::NotAllowed);
    }
    match args.key.curve {
        KeyCurve::P256 => evaluate_all::<P256>(caller, args),
        KeyCurve::X25519 => evaluate_all::<X25519>(caller, args),
    }
}

fn evaluate_all<G: HeldCurve>(caller: Principal, args: &EvaluateArgs) -> Result<Vec<ByteBuf>, HolderError> {
    let found = args.requests.len();
    if !(1..=MAX_REQUESTS_PER_CALL).contains(&found) {
        return Err(HolderError::malformed("requests", found, format!("1 to {MAX_REQUESTS_PER_CALL}")));
    }
    let requests: Option<Vec<Request>> = args.requests.iter().map(|request| decode(request)).collect();
    let requests =
        requests.ok_or_else(|| HolderError::malformed("requests", "other bytes", "requests in CBOR"))?;
    let now_ns = runtime::time_ns();
    let recipients = requests.iter().map(|request| &request.recipient);
    read_state(|state| state.admit(&caller, recipients, now_ns))?;
    let partials = vault::evaluate::<G>(now_ns, &args.key, &requests, args.proofs)?;
    let digest = |request: &ByteBuf| ByteBuf::from(Sha256::digest(request).to_vec());
    process_event(&Event::Evaluated {
        key: args.key.clone(),
        combiner: caller,
        requests: args.requests.iter().map(digest).collect(),
    });
    Ok(partials.iter().map(|partial| ByteBuf::from(encode(partial))).collect())
}
