//! The table: for each method its kind, its callers, arguments with which it succeeds, and how it refuses.

use audit_log::icrc3::{GetArchivesArgs, GetBlocksArgs};
use candid::{CandidType, Decode, Encode};
use e2e_tests::{
    exports::MethodKind::{self, Query, Update},
    people::member,
    world::NPM_URL,
};
use ic_management_canister_types::{HttpRequestResult, TransformArgs};
use local_replica::{CallResult, RejectCode};
use release_types::{
    Choice, DeclareOutcomeArgs, Ecosystem, OrderId, PackageKey, ProposalId, ProposalStatus, Registry,
    Settings, Sha256Digest,
    artifact::{
        ArtifactChunk, ArtifactChunkArgs, ArtifactChunkError, BeginUploadArgs, UploadChunkArgs, UploadError,
        UploadStatus,
    },
    control::{
        CanisterSettings, ChangeCanisterSettingsArgs, Controlled, EndUpgradeArgs, RecoveryId, UpgradeEnd,
        UpgradeId, UpgradeOrder,
    },
    credential::ListCredentialsArgs,
    custody::{ChangeCredentialArgs, ListReceiptsArgs},
    dao::DepositError,
    freeze::{FreezeArgs, FreezeDemand, FreezeError, FreezeScope},
    member::{ChangeKeysArgs, KeyError, SuspendKeyArgs, Suspension},
    proposal::{
        ArtifactReview, CredentialChange, ExecuteError, ListProposalsArgs, SubmitProposalError, WithdrawError,
    },
    voting::{VetoArgs, VetoError, VoteArgs, VoteError},
    watch::WatchArgs,
};
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

use crate::setting::{
    Caller::{
        self, Anonymous, Authority, CommitteeMember, Controller, Member, OtherCanister, Proposer, Stranger,
    },
    Canister, RECOVERY_CHUNK, Setting, a_recovery, recovery_module,
};

/// One method.
pub struct Row {
    pub method: &'static str,
    pub kind: MethodKind,
    pub allowed: &'static [Caller],
    pub arg: fn(&Setting) -> Vec<u8>,
    pub verdict: fn(CallResult) -> Verdict,
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// For who the caller is.
    Refused,
    /// For another reason, which no row expects.
    Other(String),
}

const EVERYBODY: &[Caller] =
    &[Anonymous, Stranger, Proposer, Member, Authority, Controller, OtherCanister, CommitteeMember];
const PEOPLE: &[Caller] = &[Anonymous, Stranger, Proposer, Member, Controller, CommitteeMember];
const GROUP: &[Caller] = &[Proposer, Member];
const MEMBERS: &[Caller] = &[Member];
const NOBODY: &[Caller] = &[];

/// Every method of a canister.
pub fn rows(canister: Canister) -> Vec<Row> {
    match canister {
        Canister::Dao => dao(),
        Canister::Custody => custody(),
        Canister::Upgrader => upgrader(),
    }
}

fn dao() -> Vec<Row> {
    let readers: &[Caller] = &[Proposer, Member, Authority];
    let mut rows = vec![
        row("begin_upload", Update, GROUP, begin_upload, |a| {
            of_result::<UploadStatus, _>(a, is_upload_denied)
        }),
        row("upload_chunk", Update, GROUP, upload_chunk, |a| {
            of_result::<UploadStatus, _>(a, is_upload_denied)
        }),
        row(
            "submit_proposal",
            Update,
            GROUP,
            |setting| Encode!(&setting.submission()).expect("encodes"),
            |a| of_result::<ProposalId, _>(a, |e| matches!(e, SubmitProposalError::NotAllowed { .. })),
        ),
        row(
            "vote",
            Update,
            MEMBERS,
            |setting| {
                Encode!(&VoteArgs { proposal: setting.open, choice: Choice::Yes, digests: vec![] })
                    .expect("encodes")
            },
            |a| of_result::<ProposalStatus, _>(a, |e| matches!(e, VoteError::NotAllowed { .. })),
        ),
        row(
            "execute",
            Update,
            GROUP,
            |setting| Encode!(&setting.executed).expect("encodes"),
            |a| of_result::<ProposalStatus, _>(a, |e| matches!(e, ExecuteError::NotAllowed { .. })),
        ),
        row("deposit_credential", Update, MEMBERS, deposit, |a| {
            of_result::<Sha256Digest, _>(a, |e| matches!(e, DepositError::NotAllowed { .. }))
        }),
        row("upload_status", Query, GROUP, tarball, of_option::<UploadStatus>),
        row("get_review", Query, GROUP, proposal, of_option::<Vec<ArtifactReview>>),
        row("artifact_chunk", Query, readers, artifact_chunk, |a| {
            of_result::<ArtifactChunk, _>(a, |e| matches!(e, ArtifactChunkError::NotAllowed { .. }))
        }),
        // Only who proposed it, so no member either; the last call, because nothing can follow it.
        row("withdraw", Update, &[Proposer], proposal, |a| {
            of_result::<(), _>(a, |e| matches!(e, WithdrawError::NotAllowed { .. }))
        }),
        row("freeze", Update, MEMBERS, freeze, |a| {
            of_result::<FreezeDemand, _>(a, |e| matches!(e, FreezeError::NotAllowed { .. }))
        }),
        row("end_upgrade", Update, NOBODY, ended_upgrade, of_order),
        // Nobody is a guardian under these rules; `voting` has those who are.
        row("veto", Update, NOBODY, veto, |a| {
            of_result::<(), _>(a, |e| matches!(e, VetoError::NotAllowed { .. }))
        }),
        row("change_keys", Update, MEMBERS, change_keys, |a| {
            of_result::<release_types::Member, _>(a, |e| matches!(e, KeyError::NotAllowed { .. }))
        }),
        row("suspend_key", Update, MEMBERS, suspend_key, |a| {
            of_result::<Suspension, _>(a, |e| matches!(e, KeyError::NotAllowed { .. }))
        }),
        open("get_rule", proposal),
        open("freeze_demands", nothing),
        open("dao_info", nothing),
        open("list_registries", nothing),
        open("get_proposal", proposal),
        open("get_ballots", proposal),
        open("list_proposals", |_| Encode!(&ListProposalsArgs::default()).expect("encodes")),
    ];
    rows.extend(common());
    rows
}

fn upgrader() -> Vec<Row> {
    let dao: &[Caller] = &[Authority];
    let committee: &[Caller] = &[CommitteeMember];
    let mut rows = vec![
        row("store_chunk", Update, &[Authority, CommitteeMember], chunk, of_order),
        row("upgrade", Update, dao, upgrade_order, of_order),
        row("change_canister_settings", Update, dao, canister_settings, of_order),
        row("support_recovery", Update, committee, recovery, of_order),
        row("propose_recovery", Update, committee, recovery_proposal, of_order),
        // The last one about it.
        row("cancel_recovery", Update, dao, recovery, of_order),
        open("upgrader_info", nothing),
        open("upgrade_status", order_id),
    ];
    rows.extend(common());
    rows
}

fn custody() -> Vec<Row> {
    let authority: &[Caller] = &[Authority];
    // For people only queries from outside, which cost the canister nothing.
    let askers: &[Caller] = &[Anonymous, Stranger, Proposer, Member, Authority, Controller, CommitteeMember];
    let mut rows = vec![
        row("deposit_credential", Update, authority, deposit, of_order),
        row("publish", Update, authority, Setting::order, of_order),
        row("amend", Update, authority, Setting::amendment, of_order),
        open("amendment_status", order_id),
        // What controls it is a canister, here as everywhere; people who control it are not let in.
        row("begin_upgrade", Update, NOBODY, order_id, of_order),
        row("end_upgrade", Update, NOBODY, ended_upgrade, of_order),
        row("declare_outcome", Update, authority, declaration, of_declaration),
        // After the order, which needs the credential that this one revokes.
        row("change_credential", Update, authority, change_credential, of_order),
        row("freeze", Update, authority, freeze, of_order),
        row("unfreeze", Update, authority, unfreeze, of_order),
        row("watch_package", Update, authority, watch, of_order),
        row("unwatch_package", Update, authority, unwatch, of_order),
        row("change_settings", Update, authority, settings, of_order),
        open("settings", nothing),
        row("watched_packages", Query, askers, nothing, of_order),
        row("alarms", Query, askers, nothing, of_order),
        open("funds", nothing),
        open("freezes", nothing),
        open("custody_info", nothing),
        row("validate_deposit_credential", Query, askers, deposit, of_order),
        row("validate_publish", Query, askers, Setting::order, of_order),
        row("validate_change_credential", Query, askers, change_credential, of_order),
        row("validate_freeze", Query, askers, freeze, of_order),
        row("validate_unfreeze", Query, askers, unfreeze, of_order),
        row("validate_amend", Query, askers, Setting::amendment, of_order),
        row("validate_declare_outcome", Query, askers, declaration, of_order),
        row("validate_watch_package", Query, askers, watch, of_order),
        row("validate_unwatch_package", Query, askers, unwatch, of_order),
        row("validate_change_settings", Query, askers, settings, of_order),
        open("credential", |setting| Encode!(&setting.credential).expect("encodes")),
        open("list_credentials", |_| Encode!(&ListCredentialsArgs::default()).expect("encodes")),
        open("order_status", order_id),
        open("receipt", order_id),
        open("list_receipts", |_| Encode!(&ListReceiptsArgs::default()).expect("encodes")),
        open("transform_answer", transform),
    ];
    rows.extend(common());
    rows
}

/// What both canisters have: the log and the digest for anybody, the timers for nobody.
fn common() -> Vec<Row> {
    vec![
        row("<ic-cdk internal> timer_executor", Update, NOBODY, nothing, of_internal),
        // Too much work for every node, so not for canisters, whose queries all nodes execute.
        open("log_tip", nothing),
        row("state_digest", Query, PEOPLE, nothing, of_reading),
        open("icrc3_get_archives", |_| Encode!(&GetArchivesArgs { from: None }).expect("encodes")),
        open("icrc3_get_blocks", |_| {
            Encode!(&vec![GetBlocksArgs { start: 0u64.into(), length: 10u64.into() }]).expect("encodes")
        }),
        open("icrc3_get_tip_certificate", nothing),
        open("icrc3_supported_block_types", nothing),
    ]
}

fn row(
    method: &'static str,
    kind: MethodKind,
    allowed: &'static [Caller],
    arg: fn(&Setting) -> Vec<u8>,
    verdict: fn(CallResult) -> Verdict,
) -> Row {
    Row { method, kind, allowed, arg, verdict }
}

/// A query that anybody may make.
fn open(method: &'static str, arg: fn(&Setting) -> Vec<u8>) -> Row {
    row(method, Query, EVERYBODY, arg, |answer| match answer {
        Ok(_) => Verdict::Allowed,
        Err(reject) => of_reject(&reject),
    })
}

fn of_reject(reject: &local_replica::Reject) -> Verdict {
    match reject.error_code.as_deref() {
        Some("IC0406") => Verdict::Refused,
        _ => Verdict::Other(reject.to_string()),
    }
}

/// The verdict on a method that refuses with a variant of its error.
fn of_result<T, E>(answer: CallResult, is_denied: fn(&E) -> bool) -> Verdict
where
    T: CandidType + DeserializeOwned,
    E: CandidType + DeserializeOwned + std::fmt::Debug,
{
    match answer.map(|reply| Decode!(&reply, Result<T, E>).expect("the method's own type")) {
        Ok(Ok(_)) => Verdict::Allowed,
        Ok(Err(error)) if is_denied(&error) => Verdict::Refused,
        Ok(Err(error)) => Verdict::Other(format!("{error:?}")),
        Err(reject) => of_reject(&reject),
    }
}

fn is_upload_denied(error: &UploadError) -> bool {
    matches!(error, UploadError::NotAllowed { .. })
}

/// The verdict on a query that has nothing to show to others; there is something in these settings.
fn of_option<T: CandidType + DeserializeOwned>(answer: CallResult) -> Verdict {
    match answer.map(|reply| Decode!(&reply, Option<T>).expect("the method's own type")) {
        Ok(Some(_)) => Verdict::Allowed,
        Ok(None) => Verdict::Refused,
        Err(reject) => of_reject(&reject),
    }
}

/// The verdict on an order to custody, which refuses by rejecting.
fn of_order(answer: CallResult) -> Verdict {
    match answer {
        Ok(_) => Verdict::Allowed,
        Err(reject)
            if reject.code == RejectCode::CanisterReject
                && reject.message.starts_with("REFUSED: caller:") =>
        {
            Verdict::Refused
        }
        Err(reject) => of_reject(&reject),
    }
}

/// The verdict on a declaration: nothing is blocked here, and only the authority gets to hear that.
fn of_declaration(answer: CallResult) -> Verdict {
    match answer {
        Err(reject) if reject.message.starts_with("REFUSED: artifact:") => Verdict::Allowed,
        answer => of_order(answer),
    }
}

/// The verdict on a query that is refused in replicated execution.
fn of_reading(answer: CallResult) -> Verdict {
    match answer {
        Ok(_) => Verdict::Allowed,
        Err(reject) if reject.message.contains("replicated execution") => Verdict::Refused,
        Err(reject) => of_reject(&reject),
    }
}

/// The verdict on a method that only the canister itself may call.
fn of_internal(answer: CallResult) -> Verdict {
    match answer {
        Ok(_) => Verdict::Allowed,
        Err(reject) if reject.message.contains("should not be called externally") => Verdict::Refused,
        Err(reject) => of_reject(&reject),
    }
}

fn veto(setting: &Setting) -> Vec<u8> {
    Encode!(&VetoArgs { proposal: setting.open, reason: "not these bytes".into() }).expect("encodes")
}

fn change_keys(_: &Setting) -> Vec<u8> {
    Encode!(&ChangeKeysArgs { add: Some(spare_key()), remove: None }).expect("encodes")
}

fn suspend_key(_: &Setting) -> Vec<u8> {
    Encode!(&SuspendKeyArgs { key: member(2), reason: "lost on a train".into() }).expect("encodes")
}

fn spare_key() -> candid::Principal {
    candid::Principal::from_slice(&[9, 9, 9])
}

fn nothing(_: &Setting) -> Vec<u8> {
    Encode!().expect("encodes")
}

fn proposal(setting: &Setting) -> Vec<u8> {
    Encode!(&setting.open).expect("encodes")
}

fn order_id(_: &Setting) -> Vec<u8> {
    Encode!(&OrderId("order-1".into())).expect("encodes")
}

fn tarball(setting: &Setting) -> Vec<u8> {
    Encode!(&Sha256Digest::of(&setting.tarball)).expect("encodes")
}

fn artifact_chunk(setting: &Setting) -> Vec<u8> {
    let args = ArtifactChunkArgs { sha256: Sha256Digest::of(&setting.tarball), index: 0 };
    Encode!(&args).expect("encodes")
}

const UPLOAD: &[u8] = b"an artifact that was not uploaded yet";

fn begin_upload(_: &Setting) -> Vec<u8> {
    let args = BeginUploadArgs { sha256: Sha256Digest::of(UPLOAD), size_bytes: UPLOAD.len() as u64 };
    Encode!(&args).expect("encodes")
}

fn upload_chunk(_: &Setting) -> Vec<u8> {
    let args = UploadChunkArgs { sha256: Sha256Digest::of(UPLOAD), index: 0, bytes: UPLOAD.to_vec() };
    Encode!(&args).expect("encodes")
}

fn deposit(setting: &Setting) -> Vec<u8> {
    Encode!(&setting.deposit).expect("encodes")
}

fn change_credential(setting: &Setting) -> Vec<u8> {
    let args = ChangeCredentialArgs { credential: setting.credential, change: CredentialChange::Revoke };
    Encode!(&args).expect("encodes")
}

fn chunk(_: &Setting) -> Vec<u8> {
    Encode!(&ByteBuf::from(RECOVERY_CHUNK)).expect("encodes")
}

fn upgrade_order(_: &Setting) -> Vec<u8> {
    let order = UpgradeOrder {
        id: UpgradeId("proposal-1".into()),
        target: Controlled::Custody,
        module: recovery_module(),
        arg: ByteBuf::new(),
        arg_sha256: Sha256Digest::of(&[]),
    };
    Encode!(&order).expect("encodes")
}

fn canister_settings(_: &Setting) -> Vec<u8> {
    let settings =
        CanisterSettings { freezing_threshold_s: Some(90 * 86_400), ..CanisterSettings::default() };
    Encode!(&ChangeCanisterSettingsArgs { target: Controlled::Custody, settings }).expect("encodes")
}

fn recovery(_: &Setting) -> Vec<u8> {
    Encode!(&RecoveryId(1)).expect("encodes")
}

fn recovery_proposal(_: &Setting) -> Vec<u8> {
    Encode!(&a_recovery()).expect("encodes")
}

fn ended_upgrade(_: &Setting) -> Vec<u8> {
    let upgrade = UpgradeId("order-1".into());
    Encode!(&EndUpgradeArgs { upgrade, end: UpgradeEnd::Stays }).expect("encodes")
}

fn watched_package() -> PackageKey {
    PackageKey { ecosystem: Ecosystem::Npm, endpoint: NPM_URL.into(), package: "@dao/demo".into() }
}

fn watch(_: &Setting) -> Vec<u8> {
    let PackageKey { ecosystem, endpoint, package } = watched_package();
    let registry = Registry::new(ecosystem, endpoint.clone(), endpoint);
    Encode!(&WatchArgs { registry, package, interval_s: 3_600, read_credential: None }).expect("encodes")
}

fn unwatch(_: &Setting) -> Vec<u8> {
    Encode!(&watched_package()).expect("encodes")
}

fn freeze(_: &Setting) -> Vec<u8> {
    let args = FreezeArgs { scope: FreezeScope::Everything, reason: "a test".into() };
    Encode!(&args).expect("encodes")
}

fn declaration(_: &Setting) -> Vec<u8> {
    let (order, reason) = (OrderId("order-1".into()), "it is there".into());
    Encode!(&DeclareOutcomeArgs { order, artifact: 0, published: true, reason }).expect("encodes")
}

fn settings(_: &Setting) -> Vec<u8> {
    Encode!(&Settings::default()).expect("encodes")
}

fn unfreeze(_: &Setting) -> Vec<u8> {
    Encode!(&FreezeScope::Everything).expect("encodes")
}

fn transform(_: &Setting) -> Vec<u8> {
    let response = HttpRequestResult { status: 200u16.into(), headers: Vec::new(), body: b"{}".to_vec() };
    Encode!(&TransformArgs { response, context: Vec::new() }).expect("encodes")
}
