//! Candid arguments and replies of the management canister.

use candid::utils::ArgumentDecoder;
use candid::{CandidType, Encode};

use crate::candid_arguments::decode_args;
use crate::message::{CallResult, Reject, RejectCode};

/// Decodes the arguments of a call.
///
/// # Errors
/// `IC0408` when they are not of the method's type, or take too much work to read.
pub(super) fn decode<'a, Args: ArgumentDecoder<'a>>(arg: &'a [u8]) -> Result<Args, Reject> {
    decode_args(arg).map_err(|error| invalid(format!("Error decoding candid: {error:#}")))
}

pub(super) fn reply(value: impl CandidType) -> CallResult {
    Encode!(&value)
        .map_err(|error| Reject::new(RejectCode::SysFatal, format!("cannot encode the reply: {error}")))
}

/// The reply without values.
pub(crate) fn empty_reply() -> CallResult {
    Ok(b"DIDL\0\0".to_vec())
}

/// An argument that is well-formed but not allowed.
pub(super) fn invalid(message: impl Into<String>) -> Reject {
    Reject::with_error_code(RejectCode::CanisterReject, "IC0408", message)
}
