//! What the content canister and its clients say to each other, in Candid and in JSON.

mod error;
mod item;
mod key;
mod owner;

pub use error::ContentError;
pub use item::{
    BeginUploadArgs, Format, Grant, HpkeAead, HpkeKdf, HpkeSuite, ItemId, ItemView, MAX_ITEM_BYTES,
    MAX_PART_BYTES, MAX_WHOLE_ENVELOPE_BYTES, Part,
};
pub use key::{AnswerFormat, CurveName, RecipientKeyView, Retrieval, Retrieved};
pub use owner::{ContentInfo, ContentInit, InvalidOwnerName, OwnerName, OwnerView, RegisterOwnerArgs};
pub use release_types::{CHUNK_BYTES, Defect};
