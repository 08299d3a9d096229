//! Requests made by hand: every field as the test wants it, the answer as it came.

use crate::setup::Setup;
use candid::Principal;
use ic_agent::Identity;
use ic_agent::hash_tree::Label;
use ic_agent::identity::AnonymousIdentity;
use ic_certification::{Certificate, HashTree, LookupResult};
use ic_transport_types::{Envelope, EnvelopeContent, ReadStateResponse, RequestId};
use local_replica::Replica;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

pub const MANAGEMENT: Principal = Principal::management_canister();

/// Answers `inc`, `get`, `whoami`, `trap`; takes no ingress of `closed_to_users`.
pub const CANISTER: &str = r#"(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
  (import "ic0" "msg_caller_copy" (func $caller_copy (param i32 i32 i32)))
  (import "ic0" "msg_method_name_size" (func $method_size (result i32)))
  (import "ic0" "accept_message" (func $accept))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "canister_inspect_message")
    (if (i32.ne (call $method_size) (i32.const 15)) (then (call $accept))))
  (func $answer (call $append (i32.const 0) (i32.const 4)) (call $reply))
  (func $inc (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))))
  (func (export "canister_update inc") (call $inc) (call $answer))
  (func (export "canister_query get") (call $answer))
  (func (export "canister_query inc_and_get") (call $inc) (call $answer))
  (func (export "canister_composite_query composed") (call $answer))
  (func (export "canister_update closed_to_users") (call $answer))
  (func (export "canister_update whoami")
    (call $caller_copy (i32.const 64) (i32.const 0) (call $caller_size))
    (call $append (i32.const 64) (call $caller_size))
    (call $reply))
  (func (export "canister_update certify")
    (call $arg_copy (i32.const 64) (i32.const 0) (call $arg_size))
    (call $certify (i32.const 64) (call $arg_size))
    (call $reply))
  (func (export "canister_update trap") unreachable)
  (@custom "icp:public candid:service" "service : {}")
  (@custom "icp:private notes" "for us"))"#;

/// An answer to an HTTP request.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of a 200 answer.
    #[track_caller]
    pub fn cbor<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_cbor::from_slice(&self.body).expect("CBOR of that shape")
    }

    #[track_caller]
    pub fn assert_refused(&self, status: u16, reason: &str) {
        assert!(self.status == status && self.text().contains(reason), "{}: {}", self.status, self.text());
    }
}

/// Posts a body of CBOR.
pub fn post(url: &str, body: &[u8]) -> Answer {
    post_as(url, "application/cbor", body)
}

pub fn post_as(url: &str, content_type: &str, body: &[u8]) -> Answer {
    match ureq::post(url).set("content-type", content_type).send_bytes(body) {
        Ok(response) | Err(ureq::Error::Status(_, response)) => {
            let status = response.status();
            let mut body = Vec::new();
            response.into_reader().read_to_end(&mut body).expect("a body");
            Answer { status, body }
        }
        Err(error) => panic!("{error}"),
    }
}

/// Nanoseconds since 1970, some minutes from now.
pub fn in_minutes(minutes: u64) -> u64 {
    let time = SystemTime::now() + Duration::from_secs(60 * minutes);
    time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos() as u64
}

pub fn call(sender: Principal, canister_id: Principal, method: &str, arg: Vec<u8>) -> EnvelopeContent {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    EnvelopeContent::Call {
        nonce: Some(CALLS.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec()),
        ingress_expiry: in_minutes(4),
        sender,
        canister_id,
        method_name: method.to_owned(),
        arg,
        sender_info: None,
    }
}

pub fn query(sender: Principal, canister_id: Principal, method: &str) -> EnvelopeContent {
    EnvelopeContent::Query {
        ingress_expiry: in_minutes(4),
        sender,
        canister_id,
        method_name: method.to_owned(),
        arg: vec![],
        nonce: None,
        sender_info: None,
    }
}

pub type TreePath = Vec<Vec<u8>>;

pub fn path<const N: usize>(labels: [&[u8]; N]) -> TreePath {
    labels.iter().map(|label| label.to_vec()).collect()
}

pub fn read_state(sender: Principal, paths: &[TreePath]) -> EnvelopeContent {
    EnvelopeContent::ReadState {
        ingress_expiry: in_minutes(4),
        sender,
        paths: paths.iter().map(|path| path.iter().map(|label| Label::from_bytes(label)).collect()).collect(),
    }
}

/// Changes the expiry of a request.
pub fn expiring(mut content: EnvelopeContent, expiry_ns: u64) -> EnvelopeContent {
    let (EnvelopeContent::Call { ingress_expiry, .. }
    | EnvelopeContent::Query { ingress_expiry, .. }
    | EnvelopeContent::ReadState { ingress_expiry, .. }) = &mut content;
    *ingress_expiry = expiry_ns;
    content
}

pub fn envelope(identity: &dyn Identity, content: EnvelopeContent) -> Envelope<'static> {
    let signature = identity.sign(&content).expect("signs");
    Envelope {
        content: Cow::Owned(content),
        sender_pubkey: signature.public_key,
        sender_sig: signature.signature,
        sender_delegation: signature.delegations,
    }
}

pub fn signed(identity: &dyn Identity, content: EnvelopeContent) -> Vec<u8> {
    envelope(identity, content).encode_bytes()
}

pub fn unsigned(content: EnvelopeContent) -> Vec<u8> {
    signed(&AnonymousIdentity, content)
}

/// A certificate whose signature was found good.
pub struct Certified {
    pub tree: HashTree,
}

impl Certified {
    #[track_caller]
    pub fn new(certificate: &[u8], root_key_der: &[u8]) -> Self {
        assert_eq!(certificate[..3], [0xd9, 0xd9, 0xf7], "self-described CBOR");
        let certificate: Certificate = serde_cbor::from_slice(certificate).expect("a certificate");
        assert!(certificate.delegation.is_none());
        let message = [&b"\x0Dic-state-root"[..], &certificate.tree.digest()].concat();
        let public_key = &root_key_der[37..];
        ic_verify_bls_signature::verify_bls_signature(&certificate.signature, &message, public_key)
            .expect("signed by the root key");
        Self { tree: certificate.tree }
    }

    pub fn lookup(&self, path: &[Vec<u8>]) -> LookupResult<'_> {
        self.tree.lookup_path(path.iter().map(Vec::as_slice))
    }

    /// The value at a path.
    #[track_caller]
    pub fn value(&self, path: &[Vec<u8>]) -> Vec<u8> {
        match self.lookup(path) {
            LookupResult::Found(value) => value.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn status(&self, id: &RequestId) -> String {
        let status = self.value(&path([b"request_status", id.as_slice(), b"status"]));
        String::from_utf8(status).expect("text")
    }

    #[track_caller]
    pub fn reply(&self, id: &RequestId) -> Vec<u8> {
        self.value(&path([b"request_status", id.as_slice(), b"reply"]))
    }
}

/// What tests ask of the served replica by hand.
impl Setup {
    pub fn at(&self, endpoint: &str) -> String {
        format!("{}/api/{endpoint}", self.url())
    }

    pub fn canister(&self, controller: Principal) -> Principal {
        self.canister_of(CANISTER, controller)
    }

    pub fn canister_of(&self, wat: &str, controller: Principal) -> Principal {
        let wasm = wat::parse_str(wat).expect("valid");
        self.with_replica(move |replica| {
            let id = replica.create_canister(vec![controller]);
            replica.install(id, &wasm, vec![]).expect("installs");
            id
        })
    }

    pub fn empty_canister(&self, controller: Principal) -> Principal {
        self.with_replica(move |replica| replica.create_canister(vec![controller]))
    }

    pub fn subnet_id(&self) -> Principal {
        self.with_replica(|replica| replica.subnet_id())
    }

    pub fn root_key(&self) -> Vec<u8> {
        self.with_replica(|replica| replica.root_key_der())
    }

    /// Calls a method anonymously and returns the verified certificate of its answer.
    #[track_caller]
    pub fn certified_call(&self, canister: Principal, method: &str, arg: Vec<u8>) -> (RequestId, Certified) {
        let content = call(Principal::anonymous(), canister, method, arg);
        let id = content.to_request_id();
        (id, self.replied(&post(&self.at(&format!("v4/canister/{canister}/call")), &unsigned(content))))
    }

    /// The certificate in the answer to a synchronous call.
    #[track_caller]
    pub fn replied(&self, answer: &Answer) -> Certified {
        match answer.cbor() {
            ic_transport_types::TransportCallResponse::Replied { certificate } => {
                Certified::new(&certificate, &self.root_key())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Reads paths at an endpoint such as `v3/canister/<id>`.
    pub fn try_read(&self, at: &str, identity: &dyn Identity, paths: &[TreePath]) -> Answer {
        let sender = identity.sender().expect("a principal");
        post(&self.at(&format!("{at}/read_state")), &signed(identity, read_state(sender, paths)))
    }

    #[track_caller]
    pub fn read(&self, at: &str, identity: &dyn Identity, paths: &[TreePath]) -> Certified {
        let answer: ReadStateResponse = self.try_read(at, identity, paths).cbor();
        Certified::new(&answer.certificate, &self.root_key())
    }

    pub fn with_replica<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> T {
        self.server().with_replica(task).expect("it runs")
    }
}
