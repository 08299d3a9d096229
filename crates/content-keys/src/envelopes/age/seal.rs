//! Writing a file for one reader.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hkdf::hmac::Mac;

use super::{
    FileKey, PAYLOAD_NONCE_BYTES,
    header::{FOOTER, VERSION, header_mac},
    payload::{CHUNK_BYTES, chunk_nonce, payload_key},
    stanza::Stanza,
};
use crate::{PublicKey, envelopes::SealingSeed};

/// Encrypts `plaintext` to `reader` under a fresh file key.
#[expect(clippy::needless_pass_by_value, reason = "a seed serves one answer")]
pub fn seal(reader: &PublicKey, plaintext: &[u8], seed: SealingSeed) -> Vec<u8> {
    let file_key = FileKey(seed.array("file key"));
    let mut file = format!("{VERSION}\n{}{FOOTER}", Stanza::write(reader, &file_key, &seed)).into_bytes();
    let mac = header_mac(&file_key, &file).finalize().into_bytes();
    file.extend_from_slice(format!(" {}\n", BASE64_STANDARD_NO_PAD.encode(mac)).as_bytes());

    let nonce = seed.array::<PAYLOAD_NONCE_BYTES>("payload nonce");
    file.extend_from_slice(&*nonce);
    let key = payload_key(&file_key, &nonce);
    let mut chunks = plaintext.chunks(CHUNK_BYTES as usize);
    // Nothing at all is one empty chunk.
    let mut next = Some(chunks.next().unwrap_or_default());
    let mut number = 0;
    while let Some(chunk) = next {
        next = chunks.next();
        file.extend(key.seal(&chunk_nonce(number, next.is_none()), &[], chunk));
        number += 1;
    }
    file
}
