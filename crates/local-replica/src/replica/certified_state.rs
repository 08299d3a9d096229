//! The state tree of the subnet and certificates of parts of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use candid::Principal;
use serde::Serialize;
use serde_bytes::ByteBuf;

use super::Replica;
use crate::canister::Canister;
use crate::certification::{CertifiedTree, StateTree};
use crate::execution::{CompiledModule, MetadataVisibility};
use crate::message::IngressStatus;

/// How old a certified state may be that is shown again because nothing but the time has changed.
const MAX_AGE_NS: u64 = 100_000_000;

/// The state tree as it was last certified, and what to compare the state with to bring it up to date.
/// Nothing of it is kept on disk: it follows from the state.
#[derive(Default)]
pub(crate) struct CertifiedState {
    tree: StateTree,
    canisters: BTreeMap<Principal, CertifiedCanister>,
    /// The last state that was shown, with its time.
    shown: Option<(u64, Arc<CertifiedTree>)>,
}

/// What the tree holds about one canister.
#[derive(Clone)]
struct CertifiedCanister {
    controllers: Vec<Principal>,
    module: Option<Arc<CompiledModule>>,
    certified_data: Vec<u8>,
}

impl CertifiedCanister {
    fn is_of(&self, canister: &Canister) -> bool {
        let is_same_module = match (&self.module, canister.module()) {
            (None, None) => true,
            (Some(certified), Some(present)) => Arc::ptr_eq(certified, present),
            _ => false,
        };
        is_same_module
            && self.controllers == canister.settings.controllers
            && self.certified_data == canister.certified_data
    }

    fn of(canister: &Canister) -> Self {
        Self {
            controllers: canister.settings.controllers.clone(),
            module: canister.module().cloned(),
            certified_data: canister.certified_data.clone(),
        }
    }
}

impl Replica {
    /// The state tree of now, laid out as the interface specification says, and ready to be signed.
    /// States between which nothing but a little time lies are shown as one.
    pub fn certified_tree(&mut self) -> Arc<CertifiedTree> {
        if self.certified.shown.is_none() {
            self.insert_subnet();
        }
        let canisters_changed = self.certify_canisters();
        let requests_changed = self.certify_requests();
        let time_ns = self.time_ns();
        if !canisters_changed
            && !requests_changed
            && let Some((shown_ns, tree)) = &self.certified.shown
            && time_ns.saturating_sub(*shown_ns) < MAX_AGE_NS
        {
            return tree.clone();
        }
        let metrics = self_described_cbor(&self.subnet_metrics());
        let subnet = self.subnet.id;
        self.certified.tree.insert(&[b"subnet", subnet.as_slice(), b"metrics"], metrics);
        self.certified.tree.insert(&[b"time"], leb128_bytes(time_ns));
        let tree = Arc::new(CertifiedTree::new(
            self.key.clone(),
            self.delegation.clone(),
            self.certified.tree.clone(),
        ));
        self.certified.shown = Some((time_ns, tree.clone()));
        tree
    }

    /// A certificate, in CBOR with the self-describing tag, that reveals these paths and the time.
    pub fn certificate(&mut self, paths: &[Vec<Vec<u8>>]) -> Vec<u8> {
        self.certified_tree().certificate(paths)
    }

    /// The certificate that a query of this canister can read.
    pub(crate) fn data_certificate(&mut self, id: Principal) -> Vec<u8> {
        self.certificate(&[vec![b"canister".to_vec(), id.as_slice().to_vec(), b"certified_data".to_vec()]])
    }

    /// Brings the tree's canisters up to date; whether anything had changed.
    fn certify_canisters(&mut self) -> bool {
        let Self { certified: CertifiedState { tree, canisters: certified, .. }, canisters, .. } = self;
        let mut changed = false;
        certified.retain(|id, _| {
            let stays = canisters.contains_key(id);
            if !stays {
                tree.remove(&[b"canister", id.as_slice()]);
                changed = true;
            }
            stays
        });
        for (id, canister) in canisters {
            if certified.get(id).is_none_or(|certified| !certified.is_of(canister)) {
                tree.graft(&[b"canister", id.as_slice()], canister_subtree(canister));
                certified.insert(*id, CertifiedCanister::of(canister));
                changed = true;
            }
        }
        changed
    }

    /// Brings the tree's request statuses up to date; whether anything had changed.
    fn certify_requests(&mut self) -> bool {
        let Self { certified: CertifiedState { tree, .. }, ingress, .. } = self;
        let changed = ingress.take_changed().unwrap_or_else(|| {
            tree.graft(&[b"request_status"], StateTree::new());
            ingress.iter().map(|(id, _)| *id).collect()
        });
        for id in &changed {
            match ingress.get(id) {
                Some(record) => tree.graft(&[b"request_status", &id.0], status_subtree(&record.status)),
                None => tree.remove(&[b"request_status", &id.0]),
            }
        }
        !changed.is_empty()
    }

    fn insert_subnet(&mut self) {
        let mut tree = StateTree::new();
        for subnet in self.subnet.topology.subnets() {
            subnet.insert(&mut tree);
        }
        let id = self.subnet.id;
        let subnet = id.as_slice();
        for node in self.node_keys() {
            let node_id = node.id();
            let path: [&[u8]; 5] = [b"subnet", subnet, b"node", node_id.as_slice(), b"public_key"];
            tree.insert(&path, node.public_key_der());
        }
        self.certified.tree = tree;
    }
}

/// The id of the canister with this number on this subnet.
pub(crate) fn canister_id(number: u64) -> Principal {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend([1, 1]);
    Principal::from_slice(&bytes)
}

/// Whether a principal has the form of a canister id, of whatever subnet.
pub(crate) fn is_canister_id(id: Principal) -> bool {
    id.as_slice().len() == 10 && id.as_slice().ends_with(&[1, 1])
}

fn canister_subtree(canister: &Canister) -> StateTree {
    let mut tree = StateTree::new();
    let controllers: Vec<ByteBuf> =
        canister.settings.controllers.iter().map(|controller| ByteBuf::from(controller.as_slice())).collect();
    tree.insert(&[b"controllers"], self_described_cbor(&controllers));
    let Some(module) = canister.module() else {
        return tree;
    };
    tree.insert(&[b"module_hash"], module.hash.to_vec());
    tree.insert(&[b"certified_data"], canister.certified_data.clone());
    for (name, (_, content)) in &module.metadata {
        tree.insert(&[b"metadata", name.as_bytes()], content.clone());
    }
    tree
}

fn status_subtree(status: &IngressStatus) -> StateTree {
    let mut tree = StateTree::new();
    let mut insert = |label: &[u8], value: Vec<u8>| tree.insert(&[label], value);
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
    tree
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

pub(crate) fn self_described_cbor(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_cbor::Serializer::new(&mut bytes);
    serializer
        .self_describe()
        .and_then(|()| value.serialize(&mut serializer))
        .expect("what stands in the tree can be encoded, and writing to a vector cannot fail");
    bytes
}
