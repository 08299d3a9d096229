//! Mobile documents, ISO/IEC 18013-5: the encrypted session between a reader and a holder (clause 9.1.1), and the MAC
//! by which a holder's device key shows that it takes part (9.1.3.5). Both need ECDH alone, never a signature.
//!
//! Everything is bound to `SessionTranscriptBytes`, `#6.24(bstr .cbor SessionTranscript)`, which the caller has from
//! the engagement and passes on as bytes.

use sha2::{Digest, Sha256};

pub use self::{
    device_mac::{DeviceAuthentication, DeviceMacError, device_mac, verify_device_mac},
    messages::{SessionData, SessionEstablishment},
    session::{Role, Session},
};

mod device_mac;
mod messages;
mod session;
#[cfg(test)]
mod tests;

/// HKDF's salt for every key of a session.
fn salt(session_transcript_bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(session_transcript_bytes).into()
}
