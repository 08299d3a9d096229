//! Certificates: a signed root hash with the part of the state tree that was asked for.

use super::{Path, StateTree, SubnetKey};
use ic_certification::{Certificate, Delegation};
use serde::Serialize;
use std::sync::OnceLock;

const STATE_ROOT_DOMAIN: &[u8] = b"\x0Dic-state-root";

/// A state tree as the subnet signs it. Certificates of any part of it share one signature, which is
/// made when the first of them is asked for.
pub struct CertifiedTree {
    key: SubnetKey,
    /// The root's word that the key is the subnet's; the root itself needs none.
    delegation: Option<Delegation>,
    tree: StateTree,
    signature: OnceLock<Vec<u8>>,
}

impl CertifiedTree {
    pub fn new(key: SubnetKey, delegation: Option<Delegation>, tree: StateTree) -> Self {
        Self { key, delegation, tree, signature: OnceLock::new() }
    }

    pub fn tree(&self) -> &StateTree {
        &self.tree
    }

    /// A certificate that reveals `paths` (or their absence) and the time, which clients always look
    /// for; self-described CBOR, as the HTTP interface and `data_certificate` return it.
    pub fn certificate(&self, paths: &[Path]) -> Vec<u8> {
        let mut paths = paths.to_vec();
        paths.push(vec![b"time".to_vec()]);
        let certificate = Certificate {
            tree: self.tree.witness(&paths),
            signature: self.signature().to_vec(),
            delegation: self.delegation.clone(),
        };
        let mut cbor = serde_cbor::Serializer::new(Vec::new());
        cbor.self_describe()
            .and_then(|()| certificate.serialize(&mut cbor))
            .expect("a certificate holds only bytes and lists, and a vector takes every write");
        cbor.into_inner()
    }

    fn signature(&self) -> &[u8] {
        self.signature.get_or_init(|| self.key.sign(&[STATE_ROOT_DOMAIN, &self.tree.digest()[..]].concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ic_certification::LookupResult;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    #[test]
    fn should_sign_the_root_hash_and_reveal_the_time_unasked() {
        let key = SubnetKey::generate(&mut ChaCha20Rng::from_seed([1; 32]));
        let mut tree = StateTree::new();
        tree.insert(&[b"time"], vec![42]);
        tree.insert(&[b"canister", b"a", b"module_hash"], vec![1; 32]);

        let bytes = CertifiedTree::new(key.clone(), None, tree.clone()).certificate(&[]);
        let parsed: Certificate = serde_cbor::from_slice(&bytes).expect("a certificate");

        assert_eq!(bytes[..3], [0xd9, 0xd9, 0xf7]);
        assert_eq!(parsed.tree.lookup_path([&b"time"[..]]), LookupResult::Found(&[42]));
        assert_eq!(parsed.tree.digest(), tree.digest());
        let message = [STATE_ROOT_DOMAIN, &parsed.tree.digest()[..]].concat();
        let public = &key.public_key_der()[37..];
        assert!(ic_verify_bls_signature::verify_bls_signature(&parsed.signature, &message, public).is_ok());
    }
}
