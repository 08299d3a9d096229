//! What anybody may read.

use audit_log::{
    digest_of_state,
    icrc3::{self, DataCertificate},
};
use content_types::{ContentInfo, OwnerName, RecipientKeyView};
use serde_bytes::ByteBuf;

use crate::{owners, pages, state::read_state, storage};

pub fn content_info() -> ContentInfo {
    read_state(|state| ContentInfo {
        administrators: state.administrators().to_vec(),
        key_name: state.key_name().to_owned(),
        owners: state.owners().len() as u64,
        items: state.items().len() as u64,
    })
}

/// An owner's recipient keys; none if there is no such owner, or they are not derived yet.
pub fn recipient_keys(name: &OwnerName) -> Option<Vec<RecipientKeyView>> {
    read_state(|state| state.owner(name).map(owners::recipient_keys)).filter(|keys| !keys.is_empty())
}

/// The certificate that the system gives to queries, with the log's part of the certified tree.
pub fn tip_certificate(certificate: Option<Vec<u8>>) -> Option<DataCertificate> {
    storage::read_log(|log| log.tip())?;
    Some(DataCertificate {
        certificate: ByteBuf::from(certificate?),
        hash_tree: ByteBuf::from(pages::log_witness()),
    })
}

/// Blocks of the log.
pub fn blocks(ranges: &[icrc3::GetBlocksArgs]) -> icrc3::GetBlocksResult {
    storage::read_log(|log| icrc3::get_blocks(log, ranges))
}

/// Digest of the whole state; equal states have equal digests.
pub fn state_digest() -> Vec<u8> {
    read_state(digest_of_state).to_vec()
}
