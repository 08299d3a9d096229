//! Method × caller: who may call what of a holder and of a combiner, every exported method in the table.

use std::collections::BTreeSet;

use candid::{Decode, Encode, Principal, Reserved, encode_one};
use e2e_tests::{
    canister_wasm::{canister_wasm, module_cache},
    exports::{MethodKind, methods},
    holding::{administrator, freezer, key, owner},
    people::{controller, person, stranger},
};
use key_holders::{
    interface::{
        AdmittedOwners, EvaluateArgs, HolderError, HolderInit, HolderPolicy, KeyCurve, ReceiveShareArgs,
        StepArgs,
    },
    service::{
        BeginCeremonyArgs, CeremonyPurpose, CombinerInit, OpenEnvelopeArgs, RecipientKeyArgs, ServiceError,
    },
};
use local_replica::{CallResult, QueryMessage, RejectCode, Replica, ReplicaConfig};
use serde_bytes::ByteBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Stranger,
    Controller,
    Freezer,
    Coordinator,
    Combiner,
    Peer,
    Administrator,
    Owner,
}

use Caller::{Administrator, Anonymous, Combiner, Controller, Coordinator, Freezer, Owner, Peer, Stranger};

const EVERYBODY: &[Caller] =
    &[Anonymous, Stranger, Controller, Freezer, Coordinator, Combiner, Peer, Administrator, Owner];

impl Caller {
    fn principal(self) -> Principal {
        match self {
            Anonymous => Principal::anonymous(),
            Stranger => stranger(),
            Controller => controller(),
            Freezer => freezer(),
            Coordinator => person(70),
            Combiner => person(71),
            Peer => person(72),
            Administrator => administrator(),
            Owner => owner(0),
        }
    }
}

struct Row {
    method: &'static str,
    kind: MethodKind,
    allowed: &'static [Caller],
    arg: Vec<u8>,
}

fn row(
    method: &'static str,
    kind: MethodKind,
    allowed: &'static [Caller],
    arg: impl candid::CandidType,
) -> Row {
    Row { method, kind, allowed, arg: encode_one(arg).expect("encodes") }
}

fn replica() -> Replica {
    Replica::new(ReplicaConfig { nodes: 4, ..ReplicaConfig::default() }.with_module_cache(module_cache()))
        .expect("a replica")
}

fn rows_of_both() -> Vec<Row> {
    let none: Vec<audit_log::icrc3::GetBlocksArgs> = Vec::new();
    let nothing = || encode_args();
    let mut rows = vec![
        row("icrc3_get_blocks", MethodKind::Query, EVERYBODY, none),
        row(
            "icrc3_get_archives",
            MethodKind::Query,
            EVERYBODY,
            audit_log::icrc3::GetArchivesArgs { from: None },
        ),
    ];
    // The timers' own: the canister calls it itself.
    let timer = "<ic-cdk internal> timer_executor";
    rows.push(Row { method: timer, kind: MethodKind::Update, allowed: &[], arg: nothing() });
    for method in ["icrc3_get_tip_certificate", "icrc3_supported_block_types", "state_digest"] {
        rows.push(Row { method, kind: MethodKind::Query, allowed: EVERYBODY, arg: nothing() });
    }
    rows
}

fn encode_args() -> Vec<u8> {
    candid::encode_args(()).expect("encodes")
}

fn holder_rows(policy: &HolderPolicy) -> Vec<Row> {
    let name = key(KeyCurve::P256);
    let empty = |method, allowed| Row { method, kind: MethodKind::Update, allowed, arg: encode_args() };
    let update = MethodKind::Update;
    let mut rows = vec![
        empty("open", &[Controller, Coordinator, Combiner]),
        row("begin_key", update, &[Coordinator], name.clone()),
        row("pin_peers", update, &[Coordinator], name.clone()),
        row(
            "take_step",
            update,
            &[Coordinator],
            StepArgs { key: name.clone(), step: ByteBuf::from(*b"no step") },
        ),
        row(
            "receive_share",
            update,
            &[Peer],
            ReceiveShareArgs { key: name.clone(), share: ByteBuf::from(*b"no share") },
        ),
        row(
            "evaluate",
            update,
            &[Combiner],
            EvaluateArgs { key: name.clone(), requests: Vec::new(), proofs: true },
        ),
        row("change_policy", update, &[Controller], policy.clone()),
        // Frozen last, and lifted again.
        empty("freeze", &[Controller, Freezer]),
        empty("unfreeze", &[Controller]),
        Row { method: "holder_info", kind: MethodKind::Query, allowed: EVERYBODY, arg: encode_args() },
        row("held_key", MethodKind::Query, EVERYBODY, name),
    ];
    rows.extend(rows_of_both());
    rows
}

fn combiner_rows() -> Vec<Row> {
    let name = key(KeyCurve::P256);
    let purpose = CeremonyPurpose::Refresh;
    let envelope =
        OpenEnvelopeArgs { key: name.clone(), envelope: ByteBuf::new(), reader: String::new(), proofs: true };
    let mut rows = vec![
        row(
            "begin_ceremony",
            MethodKind::Update,
            &[Administrator],
            BeginCeremonyArgs { key: name.clone(), purpose },
        ),
        row("open_envelope", MethodKind::Update, &[Owner], envelope),
        Row { method: "keys", kind: MethodKind::Query, allowed: EVERYBODY, arg: encode_args() },
        row("recipient_key", MethodKind::Query, EVERYBODY, RecipientKeyArgs { key: name, owner: owner(0) }),
    ];
    rows.extend(rows_of_both());
    rows
}

/// Whether the call was refused for who the caller is.
fn is_refused(result: CallResult, says_no: impl Fn(&[u8]) -> bool) -> bool {
    match result {
        Ok(reply) => says_no(&reply),
        Err(reject) => {
            let is_for_itself = reject.message.contains("should not be called externally");
            assert!(reject.code == RejectCode::CanisterReject || is_for_itself, "{reject}");
            true
        }
    }
}

fn check(
    replica: &mut Replica,
    canister: Principal,
    module: &str,
    rows: &[Row],
    says_no: impl Fn(&[u8]) -> bool,
) {
    let listed: BTreeSet<_> = rows.iter().map(|row| (row.kind, row.method.to_owned())).collect();
    assert_eq!(methods(module), listed, "every method has a row");
    for row in rows {
        for caller in EVERYBODY {
            let sender = caller.principal();
            let result = match row.kind {
                MethodKind::Query => replica.query(QueryMessage {
                    sender,
                    canister_id: canister,
                    method_name: row.method.to_owned(),
                    arg: row.arg.clone(),
                }),
                _ => replica.call(sender, canister, row.method, row.arg.clone()),
            };
            let refused = is_refused(result, &says_no);
            assert_eq!(refused, !row.allowed.contains(caller), "{} by {caller:?}", row.method);
        }
    }
}

#[test]
fn should_refuse_every_caller_of_a_holder_but_those_named() {
    let mut replica = replica();
    let holder = replica.create_canister(vec![controller()]);
    let policy = HolderPolicy {
        combiners: vec![Combiner.principal()],
        owners: AdmittedOwners::Any,
        quota: 1,
        epoch_s: 3_600,
        freezers: vec![freezer()],
    };
    let init = HolderInit {
        vetkd_key_name: "key_1".to_owned(),
        holders: vec![holder, Peer.principal()],
        threshold: 2,
        coordinator: Coordinator.principal(),
        policy: policy.clone(),
    };
    let wasm = canister_wasm("holder_canister");
    replica.install(holder, &wasm, encode_one(init).expect("encodes")).expect("installs");
    check(&mut replica, holder, "holder_canister", &holder_rows(&policy), |reply| {
        matches!(Decode!(reply, Result<Reserved, HolderError>), Ok(Err(HolderError::NotAllowed)))
    });
}

#[test]
fn should_refuse_every_caller_of_a_combiner_but_those_named() {
    let mut replica = replica();
    let combiner = replica.create_canister(vec![controller()]);
    let init = CombinerInit {
        holders: vec![person(80), person(81)],
        threshold: 2,
        administrators: vec![administrator()],
        owners: vec![owner(0)],
    };
    let wasm = canister_wasm("combiner_canister");
    replica.install(combiner, &wasm, encode_one(init).expect("encodes")).expect("installs");
    check(&mut replica, combiner, "combiner_canister", &combiner_rows(), |reply| {
        matches!(Decode!(reply, Result<Reserved, ServiceError>), Ok(Err(ServiceError::NotAllowed)))
    });
}

#[test]
fn should_refuse_arguments_with_all_their_defects() {
    let mut replica = replica();
    let holder = replica.create_canister(vec![controller()]);
    let policy = HolderPolicy {
        combiners: Vec::new(),
        owners: AdmittedOwners::Any,
        quota: 1,
        epoch_s: 1,
        freezers: Vec::new(),
    };
    let init = HolderInit {
        vetkd_key_name: String::new(),
        holders: vec![holder],
        threshold: 2,
        coordinator: Principal::anonymous(),
        policy,
    };
    let arg = Encode!(&init).expect("encodes");
    let refused = replica.install(holder, &canister_wasm("holder_canister"), arg).expect_err("refused");
    for field in ["policy.epoch_s", "vetkd_key_name", "holders", "threshold", "coordinator"] {
        assert!(refused.message.contains(field), "{field}: {refused}");
    }
}
