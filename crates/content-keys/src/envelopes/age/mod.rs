//! Files of `age`, version 1, as C2SP specifies them: X25519 recipients and P-256 ones (`p256tag`, of age 1.3).
//!
//! A file is a [`Header`], which holds the file key for each recipient, and a payload in chunks of 64 KiB. A chunk
//! opens alone, so a part of a large file costs what the part costs; the [`Layout`] says where each chunk lies.

use zeroize::Zeroizing;

pub use self::{
    header::{Header, MAX_HEADER_BYTES},
    payload::{CHUNK_BYTES, Layout, Payload},
    seal::seal,
};

mod header;
mod payload;
mod seal;
mod stanza;

const FILE_KEY_BYTES: usize = 16;
const PAYLOAD_NONCE_BYTES: usize = 16;

/// The secret that a header holds for each of its recipients. Opens its file's payload, so a [`Header`] gives it away
/// only to a [`Payload`].
pub struct FileKey(Zeroizing<[u8; FILE_KEY_BYTES]>);
