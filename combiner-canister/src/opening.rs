//! Opening an owner's envelope with a threshold key, for a reader of the owner's choice.

use candid::Principal;
use content_keys::{
    PublicKey,
    envelopes::{
        Parties, SealingSeed,
        jwe::{self, Jwe},
    },
    threshold::{Combined, Group, KeySet, P256, Recipient, Request, X25519},
};
use key_holders::{
    Silence,
    combiner::{CombinerError, FaultKind, Proofs, SharedKey, evaluate},
    decode, encode,
    interface::{HolderError, KeyCurve, KeyName},
    service::{MAX_ENVELOPE_BYTES, OpenEnvelopeArgs, ServiceError},
};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};
use wiping::scrub_stack;

use crate::{
    ceremonies,
    runtime::{self, IcTransport},
    state::{Event, audit::process_event, read_state},
};

/// The recipient of an owner's envelopes here.
pub fn recipient(owner: &Principal) -> Recipient {
    Recipient { canister: runtime::canister_self().as_slice().to_vec(), owner: owner.as_slice().to_vec() }
}

/// The envelope's content, encrypted to the reader.
///
/// # Errors
/// [`ServiceError`]: no owner, no such key, not an envelope, it does not open, too few holders answer.
pub async fn open_envelope(caller: Principal, args: OpenEnvelopeArgs) -> Result<String, ServiceError> {
    if !read_state(|state| state.init().owners.contains(&caller)) {
        return Err(ServiceError::NotAllowed);
    }
    match args.key.curve {
        KeyCurve::P256 => open::<P256>(caller, args).await,
        KeyCurve::X25519 => open::<X25519>(caller, args).await,
    }
}

async fn open<G: Group>(owner: Principal, args: OpenEnvelopeArgs) -> Result<String, ServiceError> {
    let key = shared_key::<G>(&args.key)?;
    let malformed = |field: &str, reason: String| ServiceError::Malformed { field: field.to_owned(), reason };
    let found = args.envelope.len();
    if found > MAX_ENVELOPE_BYTES {
        let reason = format!("found {found} bytes; allowed: at most {MAX_ENVELOPE_BYTES}");
        return Err(malformed("envelope", reason));
    }
    let reader = PublicKey::from_jwk(&args.reader).map_err(|error| malformed("reader", error.to_string()))?;
    let envelope = Jwe::parse(&args.envelope).map_err(|error| malformed("envelope", error.to_string()))?;
    if envelope.ephemeral_key().curve() != G::CURVE {
        return Err(malformed("envelope", format!("it is on another curve than {}", G::CURVE.name())));
    }
    if !runtime::draw_randomness().await {
        return Err(ServiceError::HoldersUnavailable);
    }
    let attempts = if args.proofs { &[Proofs::Asked][..] } else { &[Proofs::Spared, Proofs::Asked][..] };
    let mut failure = ServiceError::CannotOpen;
    for proofs in attempts {
        match ask(&key, &owner, envelope.ephemeral_key(), *proofs).await {
            Ok(secret) => match answer(&envelope, &secret, &reader) {
                Some(answer) => return Ok(answer),
                None => failure = ServiceError::CannotOpen,
            },
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// One ECDH; once more if holders only had to open their shares first.
async fn ask<G: Group>(
    key: &SharedKey<G>,
    owner: &Principal,
    ephemeral: PublicKey,
    proofs: Proofs,
) -> Result<Combined, ServiceError> {
    for is_last in [false, true] {
        let requests = requests(key, owner, ephemeral)?;
        match evaluate(&IcTransport, key, &requests, proofs).await {
            Ok(mut evaluated) => return evaluated.outcomes.pop().ok_or(ServiceError::CannotOpen),
            Err(error) if !is_last && is_sealed(&error) => ceremonies::open_all(&key.holders).await,
            Err(CombinerError::TooFew { .. }) => return Err(ServiceError::HoldersUnavailable),
            Err(_) => return Err(ServiceError::CannotOpen),
        }
    }
    Err(ServiceError::HoldersUnavailable)
}

/// The request, written down before anybody is asked.
fn requests<G: Group>(
    key: &SharedKey<G>,
    owner: &Principal,
    ephemeral: PublicKey,
) -> Result<Vec<Request>, ServiceError> {
    let id = runtime::fresh_bytes().ok_or(ServiceError::HoldersUnavailable)?;
    let requests = key.requests(&recipient(owner), &[ephemeral], *id);
    for request in &requests {
        let digest = ByteBuf::from(Sha256::digest(encode(request)).to_vec());
        process_event(&Event::EvaluationAsked { key: key.name.clone(), owner: *owner, request: digest });
    }
    Ok(requests)
}

fn is_sealed(error: &CombinerError) -> bool {
    let sealed = FaultKind::Silent(Silence::Refused(HolderError::Sealed));
    matches!(error, CombinerError::TooFew { faults, .. } if faults.iter().any(|fault| fault.kind == sealed))
}

/// Opens and encrypts anew; nothing is awaited between.
fn answer(envelope: &Jwe, secret: &Combined, reader: &PublicKey) -> Option<String> {
    let seed = SealingSeed::new(runtime::fresh_bytes()?);
    let answer = envelope.open(secret, &Parties::default()).ok().map(|plaintext| {
        let bytes = plaintext.into_bytes();
        jwe::seal(reader, &bytes, &Parties::default(), seed)
    });
    scrub_stack();
    answer
}

/// The key, if it is made.
///
/// # Errors
/// [`ServiceError::UnknownKey`].
pub fn shared_key<G: Group>(name: &KeyName) -> Result<SharedKey<G>, ServiceError> {
    let (key_set, holders) = read_state(|state| {
        let key_set = state.key(name).and_then(|facts| facts.key_set.clone());
        (key_set, state.init().holders.clone())
    });
    let keys = key_set.and_then(|bytes| decode::<KeySet<G>>(&bytes)).ok_or(ServiceError::UnknownKey)?;
    Ok(SharedKey { name: name.clone(), keys, holders })
}
