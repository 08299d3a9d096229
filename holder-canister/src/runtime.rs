//! The Internet Computer: clock, timers, certification and calls. No error carries a text, which could come from a
//! hostile peer.

use std::time::Duration;

use candid::Principal;
use ic_cdk::call::Call;
use ic_cdk_management_canister::{
    CanisterInfoArgs, ChangeDetails, CodeDeploymentMode, VetKDCurve, VetKDDeriveKeyArgs, VetKDKeyId,
    VetKDPublicKeyArgs, canister_info, raw_rand, vetkd_derive_key, vetkd_public_key,
};
use key_holders::interface::{HeldKeyView, HolderError, KeyName, ReceiveShareArgs};
use sealing::DerivationContext;

/// How long another holder is waited for, in seconds.
const PEER_TIMEOUT_S: u32 = 60;
/// How many changes of the canister are kept by the network.
const MAX_CHANGES: u64 = 20;

/// Nanoseconds since 1970; constant within a message.
pub fn time_ns() -> u64 {
    ic_cdk::api::time()
}

/// This canister.
pub fn canister_self() -> Principal {
    ic_cdk::api::canister_self()
}

/// Whether the principal controls this canister.
pub fn is_controller(principal: &Principal) -> bool {
    ic_cdk::api::is_controller(principal)
}

/// Has the subnet certify this root.
pub fn certify(root: [u8; 32]) {
    ic_cdk::api::certified_data_set(root);
}

/// Runs a task in a message of its own. Timers do not survive upgrades.
pub fn set_timer(delay_ns: u64, task: fn()) {
    ic_cdk_timers::set_timer(Duration::from_nanos(delay_ns), async move { task() });
}

/// 32 unpredictable bytes.
///
/// # Errors
/// If the subnet does not answer.
pub async fn random_bytes() -> Result<Vec<u8>, HolderError> {
    raw_rand().await.map_err(|_| HolderError::NotAnswered)
}

/// What a key derivation brings: the vetKey, encrypted to the transport key, and the public key to check it with.
pub struct Derived {
    pub encrypted: Vec<u8>,
    pub public_key: Vec<u8>,
}

/// Derives the key under which shares are sealed.
///
/// # Errors
/// If the subnet does not deliver.
pub async fn derive_key(
    key_name: String,
    input: Vec<u8>,
    transport_public_key: Vec<u8>,
) -> Result<Derived, HolderError> {
    let key_id = VetKDKeyId { curve: VetKDCurve::Bls12_381_G2, name: key_name };
    let context = DerivationContext::HolderShares.to_bytes();
    let public = VetKDPublicKeyArgs { canister_id: None, context: context.clone(), key_id: key_id.clone() };
    let public_key = vetkd_public_key(&public).await.map_err(|_| HolderError::NotAnswered)?.public_key;
    let args = VetKDDeriveKeyArgs { input, context, transport_public_key, key_id };
    let encrypted = vetkd_derive_key(&args).await.map_err(|_| HolderError::NotAnswered)?.encrypted_key;
    Ok(Derived { encrypted, public_key })
}

/// Whether this canister was put back from a snapshot since it was installed, as far back as the network remembers.
///
/// # Errors
/// If the subnet does not answer.
pub async fn was_restored() -> Result<bool, HolderError> {
    let args = CanisterInfoArgs { canister_id: canister_self(), num_requested_changes: Some(MAX_CHANGES) };
    let info = canister_info(&args).await.map_err(|_| HolderError::NotAnswered)?;
    let since_installation = info.recent_changes.iter().rev().take_while(|change| {
        !matches!(&change.details, Some(ChangeDetails::CodeDeployment(deployment))
            if deployment.mode != CodeDeploymentMode::Upgrade)
    });
    let mut restorations =
        since_installation.filter(|change| matches!(change.details, Some(ChangeDetails::LoadSnapshot(_))));
    Ok(restorations.next().is_some())
}

/// The key by which another holder signs, from itself.
///
/// # Errors
/// If it does not answer, or has not begun with the key.
pub async fn identity_of(peer: Principal, key: &KeyName) -> Result<Vec<u8>, HolderError> {
    let response = Call::bounded_wait(peer, "held_key").with_arg(key).change_timeout(PEER_TIMEOUT_S).await;
    let response = response.map_err(|_| HolderError::NotAnswered)?;
    let view: Option<HeldKeyView> = response.candid().map_err(|_| HolderError::NotAnswered)?;
    view.map(|view| view.identity.into_vec()).ok_or(HolderError::NotAnswered)
}

/// Sends a share to its holder; whether it took it. The arguments are gone from this canister's memory once the system
/// has its copy.
pub async fn send_share(peer: Principal, args: ReceiveShareArgs) -> bool {
    let call = Call::bounded_wait(peer, "receive_share").change_timeout(PEER_TIMEOUT_S);
    let encoded = candid::encode_one(args).expect("the interface's types have an encoding");
    let Ok(response) = call.take_raw_args(encoded).await else {
        return false;
    };
    matches!(response.candid::<Result<(), HolderError>>(), Ok(Ok(())))
}
