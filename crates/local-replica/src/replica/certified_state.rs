//! The state tree of the subnet and certificates of parts of it.

use candid::Principal;
use serde::Serialize;
use serde_bytes::ByteBuf;

use super::Replica;
use crate::canister::Canister;
use crate::certification::{StateTree, certificate};
use crate::execution::MetadataVisibility;
use crate::message::{IngressStatus, RequestId};

impl Replica {
    /// The tree that certificates reveal parts of, as the interface specification lays it out.
    pub fn state_tree(&self) -> StateTree {
        let mut tree = StateTree::new();
        tree.insert(&[b"time"], leb128_bytes(self.time_ns()));
        self.insert_subnet(&mut tree);
        for (id, canister) in &self.canisters {
            insert_canister(&mut tree, *id, canister);
        }
        for (id, record) in &self.ingress {
            insert_request_status(&mut tree, id, &record.status);
        }
        tree
    }

    /// A certificate, in CBOR with the self-describing tag, that reveals these paths and the time.
    pub fn certificate(&self, paths: &[Vec<Vec<u8>>]) -> Vec<u8> {
        certificate(&self.root_key, &self.state_tree(), paths)
    }

    /// The certificate that a query of this canister can read.
    pub(crate) fn data_certificate(&self, id: Principal) -> Vec<u8> {
        self.certificate(&[vec![b"canister".to_vec(), id.as_slice().to_vec(), b"certified_data".to_vec()]])
    }

    fn insert_subnet(&self, tree: &mut StateTree) {
        let id = self.subnet.id;
        let subnet = id.as_slice();
        let first = canister_id(0);
        let last = canister_id(u64::MAX);
        let ranges =
            self_described_cbor(&[[ByteBuf::from(first.as_slice()), ByteBuf::from(last.as_slice())]]);
        tree.insert(&[b"subnet", subnet, b"public_key"], self.root_key_der());
        tree.insert(&[b"subnet", subnet, b"canister_ranges"], ranges.clone());
        tree.insert(&[b"subnet", subnet, b"type"], b"application".to_vec());
        for node in self.node_keys() {
            let node_id = node.id();
            let path: [&[u8]; 5] = [b"subnet", subnet, b"node", node_id.as_slice(), b"public_key"];
            tree.insert(&path, node.public_key_der());
        }
        tree.insert(&[b"canister_ranges", subnet, first.as_slice()], ranges);
    }
}

/// The id of the canister with this number on this subnet.
pub(crate) fn canister_id(number: u64) -> Principal {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend([1, 1]);
    Principal::from_slice(&bytes)
}

fn insert_canister(tree: &mut StateTree, id: Principal, canister: &Canister) {
    let id = id.as_slice();
    let controllers: Vec<ByteBuf> =
        canister.settings.controllers.iter().map(|controller| ByteBuf::from(controller.as_slice())).collect();
    tree.insert(&[b"canister", id, b"controllers"], self_described_cbor(&controllers));
    let Some(module) = canister.module() else {
        return;
    };
    tree.insert(&[b"canister", id, b"module_hash"], module.hash.to_vec());
    tree.insert(&[b"canister", id, b"certified_data"], canister.certified_data.clone());
    for (name, (_, content)) in &module.metadata {
        tree.insert(&[b"canister", id, b"metadata", name.as_bytes()], content.clone());
    }
}

fn insert_request_status(tree: &mut StateTree, id: &RequestId, status: &IngressStatus) {
    let mut insert = |label: &[u8], value: Vec<u8>| tree.insert(&[b"request_status", &id.0, label], value);
    match status {
        IngressStatus::Received => insert(b"status", b"received".to_vec()),
        IngressStatus::Processing => insert(b"status", b"processing".to_vec()),
        IngressStatus::Done => insert(b"status", b"done".to_vec()),
        IngressStatus::Replied(reply) => {
            insert(b"status", b"replied".to_vec());
            insert(b"reply", reply.clone());
        }
        IngressStatus::Rejected(reject) => {
            insert(b"status", b"rejected".to_vec());
            insert(b"reject_code", leb128_bytes(reject.code.as_u32().into()));
            insert(b"reject_message", reject.message.clone().into_bytes());
            if let Some(code) = &reject.error_code {
                insert(b"error_code", code.clone().into_bytes());
            }
        }
    }
}

impl Replica {
    /// Whether a metadata section exists, and who may read it.
    pub fn metadata_visibility(&self, id: Principal, name: &str) -> Option<MetadataVisibility> {
        let module = self.canisters.get(&id)?.module()?;
        module.metadata.get(name).map(|(visibility, _)| *visibility)
    }

    /// The controllers of a canister; none when it does not exist.
    pub fn controllers(&self, id: Principal) -> &[Principal] {
        self.canisters.get(&id).map_or(&[], |canister| &canister.settings.controllers)
    }
}

fn leb128_bytes(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    leb128::write::unsigned(&mut bytes, number).expect("writing to a vector cannot fail");
    bytes
}

fn self_described_cbor(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_cbor::Serializer::new(&mut bytes);
    serializer
        .self_describe()
        .and_then(|()| value.serialize(&mut serializer))
        .expect("byte strings in arrays can be encoded, and writing to a vector cannot fail");
    bytes
}
