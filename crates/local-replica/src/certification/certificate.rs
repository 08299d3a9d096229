//! Certificates: a signed root hash with the part of the state tree that was asked for.

use super::{Path, RootKey, StateTree};
use ic_certification::Certificate;
use serde::Serialize;

const STATE_ROOT_DOMAIN: &[u8] = b"\x0Dic-state-root";

/// A certificate over `tree` that reveals `paths` (or their absence) and the time, which clients
/// always look for; self-described CBOR, as the HTTP interface and `data_certificate` return it.
pub fn certificate(root_key: &RootKey, tree: &StateTree, paths: &[Path]) -> Vec<u8> {
    let mut paths = paths.to_vec();
    paths.push(vec![b"time".to_vec()]);
    let tree = tree.witness(&paths);
    let signature = root_key.sign(&[STATE_ROOT_DOMAIN, &tree.digest()].concat());
    let certificate = Certificate { tree, signature, delegation: None };
    let mut cbor = serde_cbor::Serializer::new(Vec::new());
    cbor.self_describe()
        .and_then(|()| certificate.serialize(&mut cbor))
        .expect("a certificate holds only bytes and lists, and a vector takes every write");
    cbor.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_certification::LookupResult;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    #[test]
    fn should_sign_the_root_hash_and_reveal_the_time_unasked() {
        let key = RootKey::generate(&mut ChaCha20Rng::from_seed([1; 32]));
        let mut tree = StateTree::new();
        tree.insert(&[b"time"], vec![42]);
        tree.insert(&[b"canister", b"a", b"module_hash"], vec![1; 32]);

        let bytes = certificate(&key, &tree, &[]);
        let parsed: Certificate = serde_cbor::from_slice(&bytes).expect("a certificate");

        assert_eq!(bytes[..3], [0xd9, 0xd9, 0xf7]);
        assert_eq!(parsed.tree.lookup_path([&b"time"[..]]), LookupResult::Found(&[42]));
        assert_eq!(parsed.tree.digest(), tree.digest());
        let message = [STATE_ROOT_DOMAIN, &parsed.tree.digest()].concat();
        let public = &key.public_key_der()[37..];
        assert!(ic_verify_bls_signature::verify_bls_signature(&parsed.signature, &message, public).is_ok());
    }
}
