//! The custody canister's own arguments and answers.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use crate::{CredentialId, OrderId, proposal::CredentialChange};

/// Begins the reject text of a call that will never be carried out as it is.
pub const REFUSED_PREFIX: &str = "REFUSED: ";
/// Begins the reject text of a call that may be repeated as it is: what stood in its way passes by itself.
pub const BUSY_PREFIX: &str = "BUSY: ";

/// Arguments of the custody canister's installation.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CustodyInit {
    /// The one principal whose orders custody carries out; if absent, the environment variable
    /// `PUBLIC_CANISTER_ID:dao_canister` names it.
    pub authority: Option<Principal>,
    /// Name of the vetKD and threshold Ed25519 master keys, e.g. `key_1` or `test_key_1`.
    pub key_name: String,
}

/// What anyone may know of a custody canister.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct CustodyInfo {
    pub authority: Principal,
    pub key_name: String,
    /// The key that tokens are sealed to (96 bytes, BLS12-381 G2), as the canister sees it. Clients derive it
    /// themselves from the pinned master key and only compare. Absent during the first moments after installation.
    pub sealing_key: Option<serde_bytes::ByteBuf>,
    /// The Ed25519 key that signs receipts (32 bytes). Absent during the first moments after installation.
    pub receipt_key: Option<serde_bytes::ByteBuf>,
}

/// An approved change of a credential.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ChangeCredentialArgs {
    pub credential: CredentialId,
    pub change: CredentialChange,
}

/// A signed receipt: proof, to anyone who pins the custody canister, that the group approved these bytes and that
/// the registry showed them.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ReceiptView {
    pub order: OrderId,
    pub signed_at_ns: u64,
    /// A DSSE envelope holding an in-toto statement, as JSON.
    pub envelope_json: String,
}

/// Asks for receipts, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct ListReceiptsArgs {
    /// Skip this many.
    pub start: u64,
    /// At most 100; 20 if absent.
    pub limit: Option<u32>,
}
