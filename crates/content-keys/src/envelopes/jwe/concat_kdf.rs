//! The key derivation of ECDH-ES: RFC 7518, section 4.6.2, for keys of at most 256 bits.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::header::ECDH_ES_A256KW;
use crate::SharedSecret;

/// What a derived key is bound to.
pub(super) struct Derivation<'a> {
    /// `enc` of a derived content key, `alg` of a derived wrapping key.
    pub(super) algorithm: &'static str,
    pub(super) apu: &'a [u8],
    pub(super) apv: &'a [u8],
    pub(super) bits: usize,
}

impl<'a> Derivation<'a> {
    pub(super) fn wrapping(apu: &'a [u8], apv: &'a [u8]) -> Self {
        Self { algorithm: ECDH_ES_A256KW, apu, apv, bits: 256 }
    }
}

/// One round of the KDF: its first `bits` are the key.
pub(super) fn derive(shared: &SharedSecret, derivation: &Derivation) -> Zeroizing<[u8; 32]> {
    let mut hash = Sha256::new();
    hash.update(1_u32.to_be_bytes());
    hash.update(shared.expose());
    for part in [derivation.algorithm.as_bytes(), derivation.apu, derivation.apv] {
        hash.update(length(part.len()));
        hash.update(part);
    }
    hash.update(length(derivation.bits));
    Zeroizing::new(hash.finalize().into())
}

fn length(count: usize) -> [u8; 4] {
    u32::try_from(count).expect("a header is shorter than 4 GiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    /// RFC 7518, Appendix C.
    #[test]
    fn should_derive_the_key_of_appendix_c() {
        let shared = SharedSecret::new(Zeroizing::new([
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
            218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ]));
        let derivation = Derivation { algorithm: "A128GCM", apu: b"Alice", apv: b"Bob", bits: 128 };
        let key = derive(&shared, &derivation);
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(&key[..16]), "VqqN6vgjbSBcIijNcacQGg");
    }
}
