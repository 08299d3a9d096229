//! HTTPS interface › Request: Read state

use crate::raw::{TreePath, call, expiring, in_minutes, path, post, read_state, signed, unsigned};
use crate::setup::{Setup, identity, sha256};
use candid::Principal;
use ic_agent::Identity;
use ic_agent::identity::{AnonymousIdentity, BasicIdentity};
use ic_certification::LookupResult;
use ic_transport_types::{ReadStateResponse, SubnetMetrics};
use serde::Serialize;
use serde_bytes::ByteBuf;

const ANYONE: Principal = Principal::anonymous();

/// A replica with a canister of its own user.
struct Owned {
    setup: Setup,
    owner: BasicIdentity,
    canister: Principal,
}

impl Owned {
    fn new() -> Self {
        let (setup, owner) = (Setup::start(), identity(1));
        let canister = setup.canister(owner.sender().expect("a principal"));
        Self { setup, owner, canister }
    }

    fn at_canister(&self) -> String {
        format!("v3/canister/{}", self.canister)
    }

    fn at_subnet(&self) -> String {
        format!("v3/subnet/{}", self.setup.subnet_id())
    }

    fn metadata(&self, name: &[u8]) -> TreePath {
        path([b"canister", self.canister.as_slice(), b"metadata", name])
    }

    /// Path of something about the canister.
    fn about(&self, what: &[u8]) -> TreePath {
        path([b"canister", self.canister.as_slice(), what])
    }

    /// Path of something about the subnet.
    fn of_subnet(&self, what: &[u8]) -> TreePath {
        path([b"subnet", self.setup.subnet_id().as_slice(), what])
    }
}

/// The time is revealed even when nothing is asked for.
#[test]
fn should_always_reveal_the_time() {
    let world = Owned::new();
    let certified = world.setup.read(&world.at_canister(), &AnonymousIdentity, &[]);
    let mut time = &certified.value(&path([b"time"]))[..];
    let time_ns = leb128::read::unsigned(&mut time).expect("LEB128");
    assert!(time_ns.abs_diff(in_minutes(0)) < 60_000_000_000);
}

/// All versions of both endpoints answer.
#[test]
fn should_answer_at_every_version_of_the_endpoints() {
    let world = Owned::new();
    let subnet = world.setup.subnet_id();
    for version in ["v2", "v3"] {
        for at in [format!("{version}/canister/{}", world.canister), format!("{version}/subnet/{subnet}")] {
            let certified = world.setup.read(&at, &AnonymousIdentity, &[world.of_subnet(b"public_key")]);
            assert_eq!(certified.value(&world.of_subnet(b"public_key")), world.setup.root_key());
        }
    }
}

/// At most 1000 paths are read at once.
#[test]
fn should_refuse_more_than_1000_paths() {
    let world = Owned::new();
    let read =
        |count| world.setup.try_read(&world.at_canister(), &AnonymousIdentity, &vec![path([b"time"]); count]);
    assert_eq!(read(1000).status, 200);
    read(1001).assert_refused(400, "at most 1000");
}

/// A path has at most 127 labels.
#[test]
fn should_refuse_a_path_of_more_than_127_labels() {
    let world = Owned::new();
    let long = vec![b"subnet".to_vec(); 128];
    world
        .setup
        .try_read(&world.at_canister(), &AnonymousIdentity, &[long])
        .assert_refused(400, "at most 127");
}

/// The module hash and the controllers of a canister can be read by everyone.
#[test]
fn should_tell_everyone_module_hash_and_controllers() {
    let world = Owned::new();
    let paths = [world.about(b"module_hash"), world.about(b"controllers")];
    let certified = world.setup.read(&world.at_canister(), &AnonymousIdentity, &paths);
    assert_eq!(certified.value(&paths[0]), sha256(&wat::parse_str(crate::raw::CANISTER).expect("valid")));
    let controllers = certified.value(&paths[1]);
    assert_eq!(controllers[..3], [0xd9, 0xd9, 0xf7]);
    let controllers: Vec<ByteBuf> = serde_cbor::from_slice(&controllers).expect("a list");
    assert_eq!(controllers, [ByteBuf::from(world.owner.sender().expect("a principal").as_slice())]);
}

/// An empty canister has no module hash, which a certificate proves.
#[test]
fn should_prove_that_an_empty_canister_has_no_module() {
    let world = Owned::new();
    let empty = world.setup.empty_canister(ANYONE);
    let asked = path([b"canister", empty.as_slice(), b"module_hash"]);
    let at = format!("v3/canister/{empty}");
    let certified = world.setup.read(&at, &AnonymousIdentity, std::slice::from_ref(&asked));
    assert_eq!(certified.lookup(&asked), LookupResult::Absent);
}

/// That a canister does not exist can be proved.
#[test]
fn should_prove_that_a_canister_does_not_exist() {
    let world = Owned::new();
    let nobody = Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0xff, 0, 1, 1]);
    let asked = path([b"canister", nobody.as_slice(), b"module_hash"]);
    let at = format!("v3/canister/{nobody}");
    let certified = world.setup.read(&at, &AnonymousIdentity, std::slice::from_ref(&asked));
    assert_eq!(certified.lookup(&asked), LookupResult::Absent);
}

/// Only what concerns the effective canister can be read.
#[test]
fn should_refuse_to_tell_about_another_canister() {
    let world = Owned::new();
    let other = world.setup.canister(ANYONE);
    let at = format!("v3/canister/{other}");
    for asked in [world.about(b"module_hash"), world.about(b"controllers"), world.metadata(b"candid:service")]
    {
        world.setup.try_read(&at, &AnonymousIdentity, &[asked]).assert_refused(400, "was sent to");
    }
}

/// Public metadata can be read by everyone.
#[test]
fn should_tell_everyone_public_metadata() {
    let world = Owned::new();
    let asked = world.metadata(b"candid:service");
    let certified = world.setup.read(&world.at_canister(), &AnonymousIdentity, std::slice::from_ref(&asked));
    assert_eq!(certified.value(&asked), b"service : {}");
}

/// Private metadata can be read by controllers only.
#[test]
fn should_tell_controllers_only_private_metadata() {
    let world = Owned::new();
    let asked = [world.metadata(b"notes")];
    assert_eq!(world.setup.read(&world.at_canister(), &world.owner, &asked).value(&asked[0]), b"for us");
    for stranger in [&identity(2) as &dyn Identity, &AnonymousIdentity] {
        world.setup.try_read(&world.at_canister(), stranger, &asked).assert_refused(403, "private");
    }
}

/// That there is no metadata of a name can be proved to everyone.
#[test]
fn should_prove_that_metadata_is_absent() {
    let world = Owned::new();
    let asked = world.metadata(b"absent");
    let certified = world.setup.read(&world.at_canister(), &AnonymousIdentity, std::slice::from_ref(&asked));
    assert_eq!(certified.lookup(&asked), LookupResult::Absent);
}

/// A name of metadata is text.
#[test]
fn should_refuse_a_metadata_name_that_is_not_utf_8() {
    let world = Owned::new();
    let answer = world.setup.try_read(&world.at_canister(), &AnonymousIdentity, &[world.metadata(b"\xff")]);
    answer.assert_refused(400, "not UTF-8");
}

/// Certified data is for the canister itself, not for this endpoint.
#[test]
fn should_refuse_to_tell_certified_data() {
    let world = Owned::new();
    for asked in
        [world.about(b"certified_data"), path([b"canister", world.canister.as_slice()]), path([b"canister"])]
    {
        let answer = world.setup.try_read(&world.at_canister(), &world.owner, &[asked]);
        answer.assert_refused(400, "not a path that can be read");
    }
}

/// The status of a request can be read by its sender, where it was sent.
#[test]
fn should_tell_a_requests_status_to_its_sender_only() {
    let world = Owned::new();
    let content = call(world.owner.sender().expect("a principal"), world.canister, "inc", vec![]);
    let id = content.to_request_id();
    let url = world.setup.at(&format!("v2/canister/{}/call", world.canister));
    assert_eq!(post(&url, &signed(&world.owner, content)).status, 202);
    let asked = [path([b"request_status", id.as_slice()])];
    world.setup.read(&world.at_canister(), &world.owner, &asked).status(&id);
    for stranger in [&identity(2) as &dyn Identity, &AnonymousIdentity] {
        world
            .setup
            .try_read(&world.at_canister(), stranger, &asked)
            .assert_refused(403, "only by its sender");
    }
    let other = world.setup.canister(ANYONE);
    for at in [format!("v3/canister/{other}"), world.at_subnet()] {
        world.setup.try_read(&at, &world.owner, &asked).assert_refused(403, "at the path it was sent to");
    }
}

/// That a request is unknown can be proved to everyone.
#[test]
fn should_prove_that_a_request_is_unknown() {
    let world = Owned::new();
    let asked = path([b"request_status", &[7; 32], b"status"]);
    let certified = world.setup.read(&world.at_canister(), &AnonymousIdentity, std::slice::from_ref(&asked));
    assert_eq!(certified.lookup(&asked), LookupResult::Absent);
}

/// One request of this kind asks for the status of one request.
#[test]
fn should_refuse_to_tell_the_status_of_two_requests_at_once() {
    let world = Owned::new();
    let asked = [path([b"request_status", &[7; 32]]), path([b"request_status", &[8; 32]])];
    world.setup.try_read(&world.at_canister(), &AnonymousIdentity, &asked).assert_refused(400, "one request");
}

/// A request id has 32 bytes, and below it stand the five fields of a status only.
#[test]
fn should_refuse_a_malformed_path_to_a_status() {
    let world = Owned::new();
    let read = |asked| world.setup.try_read(&world.at_canister(), &AnonymousIdentity, &[asked]);
    read(path([b"request_status", &[7; 31]])).assert_refused(400, "expected 32");
    read(path([b"request_status", &[7; 32], b"secret"])).assert_refused(400, "not a path");
    read(path([b"request_status"])).assert_refused(400, "not a path");
}

/// The subnet's key, type and nodes can be read anywhere; each node has an Ed25519 key in DER.
#[test]
fn should_describe_the_subnet_at_both_endpoints() {
    let world = Owned::new();
    for at in [world.at_canister(), world.at_subnet()] {
        let certified = world.setup.read(&at, &AnonymousIdentity, &[path([b"subnet"])]);
        assert_eq!(certified.value(&world.of_subnet(b"type")), b"application");
        assert_eq!(certified.value(&world.of_subnet(b"public_key")), world.setup.root_key());
        let nodes = world.setup.with_replica(|replica| {
            replica.node_keys().iter().map(|key| (key.id(), key.public_key_der())).collect::<Vec<_>>()
        });
        assert_eq!(nodes.len(), 13);
        for (node, key) in nodes {
            let mut asked = world.of_subnet(b"node");
            asked.extend([node.as_slice().to_vec(), b"public_key".to_vec()]);
            assert_eq!((certified.value(&asked), key.len()), (key, 44));
        }
    }
}

/// The shards of a subnet's canister ranges are read at the subnet's endpoint only.
#[test]
fn should_tell_sharded_canister_ranges_at_the_subnet_endpoint() {
    let world = Owned::new();
    let subnet = world.setup.subnet_id();
    let asked = [path([b"canister_ranges", subnet.as_slice()])];
    world
        .setup
        .try_read(&world.at_canister(), &AnonymousIdentity, &asked)
        .assert_refused(403, "subnet's endpoint");
    let certified = world.setup.read(&world.at_subnet(), &AnonymousIdentity, &asked);
    let first = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    let shard = certified.value(&path([b"canister_ranges", subnet.as_slice(), &first]));
    let ranges: Vec<(ByteBuf, ByteBuf)> = serde_cbor::from_slice(&shard).expect("a list of ranges");
    assert_eq!(ranges[0].0, ByteBuf::from(first), "the first range starts with the shard's label");
    assert!(ranges.iter().any(|(from, to)| (from..=to).contains(&&ByteBuf::from(world.canister.as_slice()))));
}

/// The ranges of the root subnet are read as one value as well, anywhere.
#[test]
fn should_tell_all_canister_ranges_of_the_root_subnet() {
    let world = Owned::new();
    for at in [world.at_canister(), world.at_subnet()] {
        let certified = world.setup.read(&at, &AnonymousIdentity, &[world.of_subnet(b"canister_ranges")]);
        assert_eq!(certified.value(&world.of_subnet(b"canister_ranges"))[..3], [0xd9, 0xd9, 0xf7]);
    }
}

/// The ranges of one subnet are asked for at a time.
#[test]
fn should_refuse_the_ranges_of_two_subnets_at_once() {
    let world = Owned::new();
    let asked = [path([b"canister_ranges", &[1]]), path([b"canister_ranges", &[2]])];
    world.setup.try_read(&world.at_subnet(), &AnonymousIdentity, &asked).assert_refused(400, "one subnet");
}

/// The metrics of a subnet are read at that subnet's endpoint only.
#[test]
fn should_refuse_metrics_elsewhere_than_at_the_subnet_endpoint() {
    let world = Owned::new();
    let metrics = [world.of_subnet(b"metrics")];
    world.setup.try_read(&world.at_canister(), &AnonymousIdentity, &metrics).assert_refused(403, "endpoint");
    let other = [path([b"subnet", &[1], b"metrics"])];
    world.setup.try_read(&world.at_subnet(), &AnonymousIdentity, &other).assert_refused(403, "endpoint");
    assert_eq!(world.setup.try_read(&world.at_subnet(), &AnonymousIdentity, &metrics).status, 200);
}

/// The metrics count canisters, the bytes of their state, executed messages and consumed cycles.
#[test]
fn should_tell_the_metrics_of_the_subnet() {
    let world = Owned::new();
    let metrics = || {
        let asked = [world.of_subnet(b"metrics")];
        let certified = world.setup.read(&world.at_subnet(), &AnonymousIdentity, &asked);
        let metrics: SubnetMetrics = serde_cbor::from_slice(&certified.value(&asked[0])).expect("metrics");
        metrics
    };
    let before = metrics();
    assert_eq!(before.num_canisters, 1);
    assert!(before.canister_state_bytes >= 64 * 1024, "{before:?}");
    world.setup.certified_call(world.canister, "inc", vec![]);
    let after = metrics();
    assert_eq!(after.update_transactions_total, before.update_transactions_total + 1);
    assert!(after.consumed_cycles_total > before.consumed_cycles_total);
}

/// There are no API boundary nodes, which can be proved.
#[test]
fn should_prove_that_there_are_no_boundary_nodes() {
    let world = Owned::new();
    let asked = path([b"api_boundary_nodes"]);
    let certified = world.setup.read(&world.at_canister(), &AnonymousIdentity, std::slice::from_ref(&asked));
    assert_eq!(certified.lookup(&asked), LookupResult::Absent);
}

/// A path that the specification does not name cannot be read.
#[test]
fn should_refuse_paths_that_are_not_specified() {
    let world = Owned::new();
    for asked in [path([]), path([b"secrets"]), path([b"time", b"below"]), world.of_subnet(b"secret")] {
        let answer = world.setup.try_read(&world.at_canister(), &AnonymousIdentity, &[asked]);
        answer.assert_refused(400, "not a path that can be read");
    }
}

/// A signed request must not have expired; an anonymous one may have any expiry.
#[test]
fn should_check_the_expiry_of_signed_requests_only() {
    let world = Owned::new();
    let sender = world.owner.sender().expect("a principal");
    let url = world.setup.at(&format!("{}/read_state", world.at_canister()));
    for expiry_ns in [0, in_minutes(60)] {
        assert_eq!(post(&url, &unsigned(expiring(read_state(ANYONE, &[]), expiry_ns))).status, 200);
        let content = expiring(read_state(sender, &[]), expiry_ns);
        post(&url, &signed(&world.owner, content)).assert_refused(400, "Invalid request expiry");
    }
}

/// The nonce, which agents never send, is a part of the request's id.
#[test]
fn should_take_a_signed_request_with_a_nonce() {
    #[derive(Serialize)]
    struct Content {
        request_type: &'static str,
        nonce: ByteBuf,
        ingress_expiry: u64,
        sender: Principal,
        paths: Vec<Vec<ByteBuf>>,
    }
    #[derive(Serialize)]
    struct Signed {
        content: Content,
        sender_pubkey: ByteBuf,
        sender_sig: ByteBuf,
    }
    let world = Owned::new();
    let content = Content {
        request_type: "read_state",
        nonce: ByteBuf::from([7; 16]),
        ingress_expiry: in_minutes(4),
        sender: world.owner.sender().expect("a principal"),
        paths: vec![vec![ByteBuf::from(*b"time")]],
    };
    let id = ic_transport_types::to_request_id(&content).expect("hashes");
    let signature = world.owner.sign_arbitrary(&id.signable()).expect("signs");
    let mut request = Signed {
        content,
        sender_pubkey: ByteBuf::from(signature.public_key.expect("a key")),
        sender_sig: ByteBuf::from(signature.signature.expect("a signature")),
    };
    let url = world.setup.at(&format!("{}/read_state", world.at_canister()));
    let send = |request: &Signed| post(&url, &serde_cbor::to_vec(request).expect("encodes"));
    let _: ReadStateResponse = send(&request).cbor();
    request.content.nonce = ByteBuf::from([8; 16]);
    send(&request).assert_refused(400, "Invalid signature");
}

/// Another subnet's endpoint is not served.
#[test]
fn should_refuse_another_subnets_endpoint() {
    let world = Owned::new();
    let answer = world.setup.try_read("v3/subnet/aaaaa-aa", &AnonymousIdentity, &[]);
    answer.assert_refused(400, "not a subnet of this network");
}
