//! Taking part in ceremonies: steps that the coordinator asks for, shares that go from holder to holder.

use std::collections::BTreeSet;

use candid::Principal;
use content_keys::threshold::{DirectShare, HolderIndex, P256, X25519};
use futures_util::future::join_all;
use key_holders::{
    decode, encode,
    interface::{HolderError, KeyCurve, KeyName, MAX_STEP_BYTES, ReceiveShareArgs, StepArgs},
    steps::{Step, StepAnswer},
};
use serde_bytes::ByteBuf;

use crate::{
    enrolment::require_coordinator,
    runtime,
    state::{Event, audit::process_event, read_state},
    vault::{self, HeldCurve},
};

/// Takes a step, and sends what it brings for other holders to them. Repeating it changes nothing.
///
/// # Errors
/// [`HolderError`]: not the coordinator, frozen, sealed, no such key, no step. What the holder declines for a reason of
/// the ceremony is an answer, with its evidence.
pub async fn take_step(caller: Principal, args: &StepArgs) -> Result<ByteBuf, HolderError> {
    require_coordinator(&caller)?;
    check_size("step", args.step.len())?;
    match args.key.curve {
        KeyCurve::P256 => take::<P256>(&args.key, &args.step).await,
        KeyCurve::X25519 => take::<X25519>(&args.key, &args.step).await,
    }
}

async fn take<G: HeldCurve>(key: &KeyName, step: &[u8]) -> Result<ByteBuf, HolderError> {
    let step: Step<G> =
        decode(step).ok_or_else(|| HolderError::malformed("step", "other bytes", "a step in CBOR"))?;
    let name = step.name().to_owned();
    let taken = vault::take_step(runtime::time_ns(), key, step)?;
    process_event(&Event::StepTaken { key: key.clone(), step: name });
    let key_set = taken.key_set.map(ByteBuf::from);
    if read_state(|state| state.key(key).is_some_and(|facts| facts.key_set != key_set)) {
        process_event(&Event::ShareChanged { key: key.clone(), key_set });
    }
    let answer = match taken.answer {
        StepAnswer::Delivered { .. } => {
            let sent = taken.shares.into_iter().map(|share| send(key, share));
            let unreached: BTreeSet<_> = join_all(sent).await.into_iter().flatten().collect();
            StepAnswer::Delivered { unreached }
        }
        answer => answer,
    };
    Ok(ByteBuf::from(encode(&answer)))
}

/// Sends a share to its holder; whom, if it did not take it.
async fn send<G: HeldCurve>(key: &KeyName, share: DirectShare<G>) -> Option<HolderIndex> {
    let to = share.to();
    let peer = read_state(|state| state.init().holders.get(usize::from(to.get()) - 1).copied());
    let args = ReceiveShareArgs { key: key.clone(), share: ByteBuf::from(share.to_bytes().to_vec()) };
    drop(share);
    match peer {
        Some(peer) if runtime::send_share(peer, args).await => None,
        _ => Some(to),
    }
}

/// Takes a share from the holder that calls.
///
/// # Errors
/// [`HolderError`]: no holder, frozen, sealed, no such key, not a share of the session under way.
pub fn receive_share(caller: Principal, args: &ReceiveShareArgs) -> Result<(), HolderError> {
    let from = read_state(|state| {
        let from = state.index_of(&caller).ok_or(HolderError::NotAllowed)?;
        if state.is_frozen() { Err(HolderError::Frozen) } else { Ok(from) }
    })?;
    let index = HolderIndex::new(from).ok_or(HolderError::NotAllowed)?;
    check_size("share", args.share.len())?;
    let now_ns = runtime::time_ns();
    match args.key.curve {
        KeyCurve::P256 => vault::receive::<P256>(now_ns, &args.key, index, &args.share)?,
        KeyCurve::X25519 => vault::receive::<X25519>(now_ns, &args.key, index, &args.share)?,
    }
    process_event(&Event::ShareReceived { key: args.key.clone(), from });
    Ok(())
}

fn check_size(field: &str, found: usize) -> Result<(), HolderError> {
    if found <= MAX_STEP_BYTES {
        return Ok(());
    }
    Err(HolderError::malformed(field, format!("{found} bytes"), format!("at most {MAX_STEP_BYTES} bytes")))
}
