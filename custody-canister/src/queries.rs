//! What anyone may ask.

use audit_log::digest_of_state;
use release_types::{
    CredentialId, OrderId, OrderStatus,
    credential::{CredentialView, ListCredentialsArgs, MAX_LISTED_CREDENTIALS},
    custody::{CustodyInfo, ListReceiptsArgs, ReceiptView},
};

use crate::{
    state::{event::Event, read_state},
    storage,
    tasks::{self, Task},
};

/// Receipts or credentials on a page that names no limit.
const DEFAULT_PAGE: u32 = 20;
/// Most receipts on a page.
const MAX_PAGE: u32 = 100;

/// Who commands this canister, and its public keys.
pub fn custody_info() -> CustodyInfo {
    read_state(|state| CustodyInfo {
        authority: state.authority(),
        key_name: state.key_name().to_owned(),
        sealing_key: state.sealing_key().cloned(),
        receipt_key: state.receipt_key().cloned(),
    })
}

/// A credential, without its token.
pub fn credential(id: &CredentialId) -> Option<CredentialView> {
    read_state(|state| state.credential(id).map(|credential| credential.view()))
}

/// A page of credentials, without their tokens, oldest first.
pub fn list_credentials(args: &ListCredentialsArgs) -> Vec<CredentialView> {
    let start = usize::try_from(args.start).unwrap_or(usize::MAX);
    let limit = args.limit.unwrap_or(DEFAULT_PAGE).min(MAX_LISTED_CREDENTIALS) as usize;
    read_state(|state| {
        let mut credentials: Vec<_> = state.credentials().collect();
        credentials.sort_by_key(|(id, credential)| (credential.deposited_at_ns(), **id));
        credentials.into_iter().skip(start).take(limit).map(|(_, credential)| credential.view()).collect()
    })
}

/// How far an order has come.
pub fn order_status(id: &OrderId) -> Option<OrderStatus> {
    let next_look_at_ns = tasks::due_at_ns(&Task::DriveOrder(id.clone()));
    read_state(|state| state.order(id).map(|order| order.status(id, next_look_at_ns)))
}

/// An order's receipt, once signed.
pub fn receipt(id: &OrderId) -> Option<ReceiptView> {
    let signed_at_ns = read_state(|state| {
        state.receipts().iter().find(|receipt| receipt.order == *id).map(|receipt| receipt.signed_at_ns)
    })?;
    Some(ReceiptView { order: id.clone(), signed_at_ns, envelope_json: storage::envelope(id)? })
}

/// A page of receipts, oldest first.
pub fn list_receipts(args: &ListReceiptsArgs) -> Vec<ReceiptView> {
    let start = usize::try_from(args.start).unwrap_or(usize::MAX);
    let limit = args.limit.unwrap_or(DEFAULT_PAGE).min(MAX_PAGE) as usize;
    let page =
        read_state(|state| state.receipts().iter().skip(start).take(limit).cloned().collect::<Vec<_>>());
    page.into_iter()
        .filter_map(|entry| {
            let envelope_json = storage::envelope(&entry.order)?;
            Some(ReceiptView { order: entry.order, signed_at_ns: entry.signed_at_ns, envelope_json })
        })
        .collect()
}

/// Digest of the whole state; equal states have equal digests.
pub fn state_digest() -> Vec<u8> {
    read_state(digest_of_state).to_vec()
}

/// The kinds of blocks on the log.
pub fn block_types() -> Vec<&'static str> {
    Event::operations().collect()
}
