//! A document's device key answers a reader: COSE_Mac0 with HMAC 256/256 under a key that only those two can derive.
//! The reader could have made it itself, so it convinces nobody else.

use ciborium::Value;
use coset::{
    CborSerializable, CoseMac0, CoseMac0Builder, HeaderBuilder, MacContext, iana, mac_structure_data,
};
use hkdf::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::salt;
use crate::{
    Dh, PublicKey,
    envelopes::{Malformed, OpenError, cipher::hkdf_sha256},
};

/// What the MAC covers.
#[derive(Clone, Copy, Debug)]
pub struct DeviceAuthentication<'a> {
    /// `#6.24(bstr .cbor SessionTranscript)`.
    pub session_transcript_bytes: &'a [u8],
    /// Such as `org.iso.18013.5.1.mDL`.
    pub doc_type: &'a str,
    /// `#6.24(bstr .cbor DeviceNameSpaces)`.
    pub device_name_spaces_bytes: &'a [u8],
}

const ENCODED_CBOR_TAG: u64 = 24;

impl DeviceAuthentication<'_> {
    /// `DeviceAuthenticationBytes`, the detached payload. Made of the bytes that came, none encoded anew.
    fn payload(&self) -> Result<Vec<u8>, Malformed> {
        let transcript = encoded_item("SessionTranscriptBytes", self.session_transcript_bytes)?;
        encoded_item("DeviceNameSpacesBytes", self.device_name_spaces_bytes)?;
        const ARRAY_OF_4: u8 = 0x84;
        let authentication = [
            &[ARRAY_OF_4],
            to_cbor(&Value::from("DeviceAuthentication")).as_slice(),
            &transcript,
            &to_cbor(&Value::from(self.doc_type)),
            self.device_name_spaces_bytes,
        ]
        .concat();
        Ok(to_cbor(&Value::Tag(ENCODED_CBOR_TAG, Box::new(Value::Bytes(authentication)))))
    }
}

/// Makes `deviceMac` with the document's device key for a reader's ephemeral key: a COSE_Mac0 in CBOR.
///
/// # Errors
/// [`DeviceMacError`]: an `authentication` that is not encoded CBOR, or a key whose holders do not answer.
pub fn device_mac(
    device_key: &dyn Dh,
    reader_key: &PublicKey,
    authentication: &DeviceAuthentication,
) -> Result<Vec<u8>, DeviceMacError> {
    let payload = authentication.payload()?;
    let key = mac_key(device_key, reader_key, authentication)?;
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::HMAC_256_256).build();
    let mut mac = CoseMac0Builder::new().protected(protected).build();
    mac.tag = authenticate(&key, &mac, &payload).finalize().into_bytes().to_vec();
    Ok(mac.to_vec().expect("integers and byte strings serialize"))
}

/// Checks a device's MAC with the reader's ephemeral key, or with any other [`Dh`] of the two.
///
/// # Errors
/// [`DeviceMacError`]: another structure, or [`OpenError::CannotOpen`] for another MAC.
pub fn verify_device_mac(
    reader_key: &dyn Dh,
    device_key: &PublicKey,
    authentication: &DeviceAuthentication,
    device_mac: &[u8],
) -> Result<(), DeviceMacError> {
    let payload = authentication.payload()?;
    let malformed =
        || Malformed::new("deviceMac", "another structure", "COSE_Mac0 with HMAC 256/256, detached");
    let mac = CoseMac0::from_slice(device_mac).map_err(|_| malformed())?;
    let algorithm = coset::Algorithm::Assigned(iana::Algorithm::HMAC_256_256);
    let header = &mac.protected.header;
    if header.alg != Some(algorithm) || !header.crit.is_empty() || mac.payload.is_some() {
        return Err(malformed().into());
    }
    let key = mac_key(reader_key, device_key, authentication)?;
    let expected = authenticate(&key, &mac, &payload);
    expected.verify_slice(&mac.tag).map_err(|_| OpenError::CannotOpen.into())
}

/// Why there is no MAC, or a false one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceMacError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// `EMacKey`.
fn mac_key(
    own: &dyn Dh,
    peer: &PublicKey,
    authentication: &DeviceAuthentication,
) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    let shared = own.dh(peer)?;
    let mut key = Zeroizing::new([0; 32]);
    hkdf_sha256(&salt(authentication.session_transcript_bytes), shared.expose(), b"EMacKey", &mut *key);
    Ok(key)
}

fn authenticate(key: &[u8; 32], message: &CoseMac0, payload: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&mac_structure_data(MacContext::CoseMac0, message.protected.clone(), &[], payload));
    mac
}

/// The one item inside `#6.24(bstr .cbor item)`.
fn encoded_item(field: &'static str, cbor: &[u8]) -> Result<Vec<u8>, Malformed> {
    let malformed = || Malformed::new(field, "other bytes", "one CBOR item, in a byte string with tag 24");
    let one_item = |mut bytes: &[u8]| {
        let item: Option<Value> = ciborium::from_reader(&mut bytes).ok();
        item.filter(|_| bytes.is_empty())
    };
    let Some(Value::Tag(ENCODED_CBOR_TAG, inner)) = one_item(cbor) else { return Err(malformed()) };
    let inner = inner.into_bytes().map_err(|_| malformed())?;
    one_item(&inner).ok_or_else(malformed)?;
    Ok(inner)
}

fn to_cbor(value: &Value) -> Vec<u8> {
    let mut cbor = Vec::new();
    ciborium::into_writer(value, &mut cbor).expect("memory takes every byte");
    cbor
}
