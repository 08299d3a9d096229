//! Labelled key derivation, RFC 9180, section 4: each output is bound to the suite and to its use.

use hkdf::{Hkdf, HkdfExtract, hmac::EagerHash};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{EncapsulatedKey, kem_id};
use crate::{PublicKey, SharedSecret};

const VERSION: &[u8] = b"HPKE-v1";
/// `Nsecret` of both KEMs.
const SHARED_SECRET_BYTES: usize = 32;

/// `ExtractAndExpand` of DHKEM, section 4.1: both public keys enter, as they were written.
pub(super) fn decapsulate(
    shared: &SharedSecret,
    encapsulated: &EncapsulatedKey,
    recipient: &PublicKey,
) -> Zeroizing<[u8; SHARED_SECRET_BYTES]> {
    let mut suite_id = *b"KEM\0\0";
    suite_id[3..].copy_from_slice(&kem_id(recipient.curve()).to_be_bytes());
    let kem_context = [encapsulated.as_bytes(), &recipient.to_bytes()].concat();
    let mut secret = Zeroizing::new([0; SHARED_SECRET_BYTES]);
    let (_, extracted) = extract::<Sha256>(&[], &suite_id, "eae_prk", shared.expose());
    expand(&extracted, &suite_id, "shared_secret", &kem_context, &mut *secret);
    secret
}

/// `LabeledExtract`: the key, as bytes and ready to be expanded.
pub(super) fn extract<H: EagerHash>(
    salt: &[u8],
    suite_id: &[u8],
    label: &str,
    input: &[u8],
) -> (Zeroizing<Vec<u8>>, Hkdf<H>) {
    let mut extraction = HkdfExtract::<H>::new(Some(salt));
    for part in [VERSION, suite_id, label.as_bytes(), input] {
        extraction.input_ikm(part);
    }
    let (key, extracted) = extraction.finalize();
    (Zeroizing::new(key.to_vec()), extracted)
}

/// `LabeledExpand`.
pub(super) fn expand<H: EagerHash>(
    key: &Hkdf<H>,
    suite_id: &[u8],
    label: &str,
    context: &[u8],
    out: &mut [u8],
) {
    let length = u16::try_from(out.len()).expect("nothing longer than a hash is derived").to_be_bytes();
    key.expand_multi_info(&[&length, VERSION, suite_id, label.as_bytes(), context], out)
        .expect("nothing longer than a hash is derived");
}
