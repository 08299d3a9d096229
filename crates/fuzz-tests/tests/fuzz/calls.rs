//! Arguments of every method of both canisters, decoded as the canisters decode them: no panic, no unbounded memory,
//! and work in proportion to their length.

use audit_log::icrc3::{GetArchivesArgs, GetBlocksArgs};
use candid::{
    DecoderConfig, TypeEnv,
    types::Type,
    utils::{ArgumentDecoder, decode_args_with_config},
};
use candid_parser::{configs::Configs, random, utils::CandidSource};
use fuzz_tests::Campaign;
use ic_management_canister_types::TransformArgs;
use release_types::{
    AmendOrder, CredentialId, DeclareOutcomeArgs, OrderId, PackageKey, ProposalId, PublishOrder, Settings,
    Sha256Digest,
    artifact::{ArtifactChunkArgs, BeginUploadArgs, UploadChunkArgs},
    control::{EndUpgradeArgs, UpgradeId},
    credential::{DepositCredentialArgs, ListCredentialsArgs},
    custody::{ChangeCredentialArgs, CustodyInit, ListReceiptsArgs},
    dao::DaoInit,
    freeze::{FreezeArgs, FreezeScope},
    member::{ChangeKeysArgs, SuspendKeyArgs},
    proposal::{ListProposalsArgs, SubmitProposalArgs},
    voting::{VetoArgs, VoteArgs},
    watch::WatchArgs,
};

/// What `ic-cdk` allows to be skipped of arguments that nobody asked for.
const SKIPPING_QUOTA: usize = 10_000;
/// Work that any message may cause, in the decoder's units, about one a byte of a value.
const BASE_WORK: usize = 1_000_000;
/// Further work for each byte of a message: the decoder counts four for a byte of text, and more for a type's name.
const WORK_PER_BYTE: usize = 64;
/// Random arguments made for each method.
const SEEDS: u8 = 12;

/// Decodes the arguments of one method.
struct Decoder {
    method: &'static str,
    decode: fn(&[u8]),
}

fn decode<Arguments: for<'a> ArgumentDecoder<'a>>(bytes: &[u8]) {
    let work = BASE_WORK + bytes.len() * WORK_PER_BYTE;
    let mut config = DecoderConfig::new();
    config.set_skipping_quota(SKIPPING_QUOTA).set_decoding_quota(work);
    if let Err(error) = decode_args_with_config::<Arguments>(bytes, &config) {
        let error = format!("{error:#}");
        // A blob or text counts by the length that it announces, before the decoder sees that the bytes are not there.
        let is_announcement = ["wire_type: blob", "wire_type: text"].iter().any(|kind| error.contains(kind));
        let is_bounded = is_announcement || !error.contains("Decoding cost exceeds");
        assert!(is_bounded, "{} bytes cause more work than {work}: {error}", bytes.len());
    }
}

macro_rules! decoders {
    ($($method:literal: $arguments:ty,)*) => { vec![$(Decoder { method: $method, decode: decode::<$arguments> }),*] };
}

fn dao() -> Vec<Decoder> {
    decoders! {
        "init": (DaoInit,),
        "artifact_chunk": (ArtifactChunkArgs,),
        "begin_upload": (BeginUploadArgs,),
        "dao_info": (),
        "deposit_credential": (DepositCredentialArgs,),
        "change_keys": (ChangeKeysArgs,),
        "end_upgrade": (EndUpgradeArgs,),
        "execute": (ProposalId,),
        "freeze": (FreezeArgs,),
        "freeze_demands": (),
        "get_ballots": (ProposalId,),
        "get_proposal": (ProposalId,),
        "get_review": (ProposalId,),
        "get_rule": (ProposalId,),
        "icrc3_get_archives": (GetArchivesArgs,),
        "icrc3_get_blocks": (Vec<GetBlocksArgs>,),
        "icrc3_get_tip_certificate": (),
        "icrc3_supported_block_types": (),
        "list_proposals": (ListProposalsArgs,),
        "list_registries": (),
        "state_digest": (),
        "submit_proposal": (SubmitProposalArgs,),
        "suspend_key": (SuspendKeyArgs,),
        "log_tip": (),
        "upload_chunk": (UploadChunkArgs,),
        "upload_status": (Sha256Digest,),
        "veto": (VetoArgs,),
        "vote": (VoteArgs,),
        "withdraw": (ProposalId,),
    }
}

fn custody() -> Vec<Decoder> {
    decoders! {
        "init": (CustodyInit,),
        "alarms": (),
        "amend": (AmendOrder,),
        "amendment_status": (OrderId,),
        "change_credential": (ChangeCredentialArgs,),
        "change_settings": (Settings,),
        "credential": (CredentialId,),
        "custody_info": (),
        "declare_outcome": (DeclareOutcomeArgs,),
        "deposit_credential": (DepositCredentialArgs,),
        "freeze": (FreezeArgs,),
        "freezes": (),
        "funds": (),
        "icrc3_get_archives": (GetArchivesArgs,),
        "icrc3_get_blocks": (Vec<GetBlocksArgs>,),
        "icrc3_get_tip_certificate": (),
        "icrc3_supported_block_types": (),
        "list_credentials": (ListCredentialsArgs,),
        "list_receipts": (ListReceiptsArgs,),
        "begin_upgrade": (UpgradeId,),
        "end_upgrade": (EndUpgradeArgs,),
        "log_tip": (),
        "order_status": (OrderId,),
        "publish": (PublishOrder,),
        "receipt": (OrderId,),
        "settings": (),
        "state_digest": (),
        "transform_answer": (TransformArgs,),
        "unfreeze": (FreezeScope,),
        "unwatch_package": (PackageKey,),
        "validate_amend": (AmendOrder,),
        "validate_change_credential": (ChangeCredentialArgs,),
        "validate_change_settings": (Settings,),
        "validate_declare_outcome": (DeclareOutcomeArgs,),
        "validate_deposit_credential": (DepositCredentialArgs,),
        "validate_freeze": (FreezeArgs,),
        "validate_publish": (PublishOrder,),
        "validate_unfreeze": (FreezeScope,),
        "validate_unwatch_package": (PackageKey,),
        "validate_watch_package": (WatchArgs,),
        "watch_package": (WatchArgs,),
        "watched_packages": (),
    }
}

/// The methods of an interface with the types of their arguments, and the arguments of the installation.
fn interface(did: &str) -> (TypeEnv, Vec<(String, Vec<Type>)>) {
    let (env, service) = CandidSource::Text(did).load().expect("the interface is Candid");
    let service = service.expect("there is a service");
    let mut methods: Vec<(String, Vec<Type>)> = env
        .as_service(&service)
        .expect("is a service")
        .iter()
        .map(|(name, method)| {
            let function = env.as_func(method).expect("is a method");
            (name.clone(), function.args.clone())
        })
        .collect();
    if let candid::types::TypeInner::Class(arguments, _) = service.as_ref() {
        methods.push(("init".to_owned(), arguments.clone()));
    }
    (env, methods)
}

/// Arguments of these types, and some that announce far more than they hold.
fn seeds(env: &TypeEnv, types: &[Type]) -> Vec<Vec<u8>> {
    let configs = || "[random]\nwidth = 4\ndepth = 6\nsize = 60".parse::<Configs>().expect("a configuration");
    let made = |seed: u8| {
        let noise: Vec<u8> =
            (0..=255).map(|byte: u8| byte.wrapping_mul(97) ^ seed.wrapping_mul(59)).collect();
        let arguments = random::any(&noise.repeat(8), configs(), env, types, &None).expect("a value");
        arguments.to_bytes_with_types(env, types).expect("fits its types")
    };
    let mut seeds: Vec<_> = (0..SEEDS).map(made).collect();
    // vec null with 2^56 - 1 elements; the same behind the wanted arguments; a type that is itself.
    seeds.push(b"DIDL\x01\x6d\x7f\x01\x00\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec());
    seeds.push(b"DIDL\x02\x6d\x01\x6c\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec());
    seeds.push(b"DIDL\x01\x6e\x00\x01\x00\x01\x01\x01\x01\x01\x01\x00".to_vec());
    seeds.push(b"DIDL\x01\x6c\x01\x00\x00\x01\x00".to_vec());
    seeds
}

fn stand(canister: &'static str, did: &str, decoders: &[Decoder]) {
    let (env, methods) = interface(did);
    for (name, types) in &methods {
        let decoder = decoders.iter().find(|decoder| decoder.method == name);
        let decoder = decoder.unwrap_or_else(|| panic!("{canister}: {name} needs a row here"));
        Campaign::new(canister, seeds(&env, types)).inputs(400).run(decoder.decode);
    }
}

#[test]
fn should_stand_any_arguments_of_the_dao_canister() {
    stand("calls-dao", include_str!("../../../../dao-canister/dao.did"), &dao());
}

#[test]
fn should_stand_any_arguments_of_the_custody_canister() {
    stand("calls-custody", include_str!("../../../../custody-canister/custody.did"), &custody());
}
