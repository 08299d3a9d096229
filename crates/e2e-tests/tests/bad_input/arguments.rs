//! Arguments that are no arguments of the method, and texts of megabytes where names belong.

use candid::{Encode, Principal};
use e2e_tests::{
    archives::{noise, npm_tarball},
    exports::{MethodKind, methods},
    people::member,
};
use local_replica::RejectCode;
use release_types::{
    Choice, OrderId, ProposalAction, ProposalId, PublishOrder, PublishingMode, RegistryId, Sha256Digest,
    artifact::{BeginUploadArgs, UploadChunkArgs},
    order::{Decision, OrderedArtifact, Publication},
    proposal::{
        NpmAccess, NpmOptions, RegistryProposal, ReleaseProposal, SourceReference, SubmitProposalArgs,
    },
    voting::VoteArgs,
};

use crate::desk::{Desk, NPM_NAME};

/// As much as an ingress message holds, almost.
const LONG_BYTES: usize = 1_900_000;
/// The most that refusing arguments may cost; a message may compute 40 billion. Modules compiled for size take 850 million.
const MOST_INSTRUCTIONS: u64 = 1_000_000_000;
/// The most that a refusal may say.
const MOST_REFUSAL_BYTES: usize = 20_000;

fn long() -> String {
    "x".repeat(LONG_BYTES)
}

/// Bytes that no method here takes, named.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    // One type, `opt` of itself, and one value of it, a megabyte deep.
    let mut recursive = b"DIDL\x01\x6e\x00\x01\x00".to_vec();
    recursive.resize(LONG_BYTES, 1);
    // A number, which some methods take, and then a vector of four billion nulls in no space.
    let mut weightless = b"DIDL\x01\x6d\x7f\x02\x78\x00".to_vec();
    weightless.extend(u64::MAX.to_le_bytes());
    weightless.extend([0xff, 0xff, 0xff, 0xff, 0x0f]);
    let mut number_and_recursive = b"DIDL\x01\x6e\x00\x02\x78\x00".to_vec();
    number_and_recursive.extend(u64::MAX.to_le_bytes());
    number_and_recursive.resize(LONG_BYTES, 1);
    let mut types = b"DIDL\xff\xff\xff\xff\x0f".to_vec();
    types.resize(LONG_BYTES, 0x6e);
    let mut truncated = Encode!(&SubmitProposalArgs {
        title: "t".into(),
        summary: "s".into(),
        action: ProposalAction::Registry(RegistryProposal {
            id: RegistryId("r".into()),
            registry: registry("https://npm.registry.example/"),
        }),
    })
    .expect("encodes");
    truncated.truncate(truncated.len() - 3);
    vec![
        ("nothing", Vec::new()),
        ("the magic number alone", b"DIDL".to_vec()),
        ("noise", noise(1_000)),
        ("a megabyte of noise", noise(LONG_BYTES)),
        ("no arguments", Encode!().expect("encodes")),
        ("a long text", Encode!(&long()).expect("encodes")),
        ("a text and a number", Encode!(&"text", &7u64).expect("encodes")),
        ("a recursive value", recursive),
        ("a weightless vector", weightless),
        ("a recursive value behind a number", number_and_recursive),
        ("four billion types", types),
        ("a truncated proposal", truncated),
    ]
}

fn registry(url: &str) -> release_types::Registry {
    let ecosystem = release_types::Ecosystem::Npm;
    release_types::Registry::new(ecosystem, url, url)
}

/// The update methods of both canisters with a caller whom inspection lets in.
fn updates(desk: &Desk) -> Vec<(Principal, Principal, String)> {
    let (dao, custody) = (desk.world.dao, desk.world.custody);
    [(member(0), dao, "dao_canister"), (dao, custody, "custody_canister")]
        .into_iter()
        .flat_map(|(caller, canister, module)| {
            let updates = methods(module).into_iter();
            let updates = updates.filter(|(kind, _)| *kind == MethodKind::Update);
            updates.map(move |(_, method)| (caller, canister, method))
        })
        .collect()
}

#[test]
fn should_reject_malformed_arguments_of_every_update_cheaply_and_without_effect() {
    let mut desk = Desk::for_npm();
    let updates = updates(&desk);
    assert!(updates.len() >= 10, "{updates:?}");
    let before = desk.world.snapshot();
    for (what, arg) in malformed() {
        for (caller, canister, method) in &updates {
            let answer = desk.world.replica.call(*caller, *canister, method, arg.clone());
            let reject = answer.expect_err(&format!("{method} took {what}"));
            // It takes a text, so these are well-formed; only controllers may call it.
            let is_refused = method == "begin_upgrade" && what.contains("text");
            let code = if is_refused { RejectCode::CanisterReject } else { RejectCode::CanisterError };
            assert_eq!(reject.code, code, "{method}, {what}: {reject}");
            assert!(reject.message.len() <= MOST_REFUSAL_BYTES, "{method}, {what}");
        }
        assert_eq!(desk.world.changes_since(&before), [""; 0], "{what}");
    }
    let most = desk.meter().most_instructions;
    println!("most instructions for malformed arguments: {most}");
    assert!(most <= MOST_INSTRUCTIONS, "{most}");
    // Rejecting such arguments is a trap in the decoder; nothing else trapped.
    desk.meter().traps.clear();
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}

/// Well-formed arguments for every update of the DAO with a megabyte in one place, or numbers at their end.
fn long_for_dao(desk: &Desk) -> Vec<(&'static str, Vec<u8>)> {
    let release = ReleaseProposal {
        registry: RegistryId("npm".into()),
        mode: PublishingMode::Direct,
        credential: Some(desk.credential),
        read_credential: None,
        name: NPM_NAME.into(),
        version: "1.0.0".into(),
        artifacts: Vec::new(),
        npm: Some(NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public }),
        source: None,
    };
    let artifact = release_types::ArtifactRef {
        filename: long(),
        sha256: Sha256Digest::of(b"nothing"),
        size_bytes: u64::MAX,
    };
    let source = SourceReference { repository: long(), commit: "c".into(), tag: None, rebuild: None };
    let dist_tag = NpmOptions { dist_tag: long(), access: NpmAccess::Public };
    let actions = [
        ProposalAction::Release(ReleaseProposal { registry: RegistryId(long()), ..release.clone() }),
        ProposalAction::Release(ReleaseProposal { name: long(), ..release.clone() }),
        ProposalAction::Release(ReleaseProposal { version: long(), ..release.clone() }),
        ProposalAction::Release(ReleaseProposal { artifacts: vec![artifact.clone()], ..release.clone() }),
        ProposalAction::Release(ReleaseProposal {
            artifacts: vec![release_types::ArtifactRef { filename: "f".into(), ..artifact }; 30_000],
            ..release.clone()
        }),
        ProposalAction::Release(ReleaseProposal { npm: Some(dist_tag), ..release.clone() }),
        ProposalAction::Release(ReleaseProposal { source: Some(source), ..release.clone() }),
        ProposalAction::Registry(RegistryProposal {
            id: RegistryId(long()),
            registry: registry("https://npm.registry.example/"),
        }),
        ProposalAction::Registry(RegistryProposal {
            id: RegistryId("r".into()),
            registry: registry(&format!("https://{}.example/", "x".repeat(LONG_BYTES / 2))),
        }),
    ];
    let submission = |title: &str, summary: &str, action: &ProposalAction| {
        let args =
            SubmitProposalArgs { title: title.into(), summary: summary.into(), action: action.clone() };
        ("submit_proposal", Encode!(&args).expect("encodes"))
    };
    let mut calls: Vec<_> = actions.iter().map(|action| submission("t", "", action)).collect();
    calls.push(submission(&long(), "", &actions[8]));
    calls.push(submission("t", &long(), &actions[8]));
    let sha256 = Sha256Digest::of(b"nothing");
    let last = ProposalId(u64::MAX);
    let mut policy = desk.world.policy(release_types::Ecosystem::Npm, &[&long()]);
    policy.epoch = u32::MAX;
    let mut endpoint = desk.world.policy(release_types::Ecosystem::Npm, &["demo"]);
    endpoint.endpoint = format!("https://{}.example/", long());
    let fine = desk.world.policy(release_types::Ecosystem::Npm, &["demo"]);
    let deposit = |policy, sealed_token| {
        let args = release_types::credential::DepositCredentialArgs { policy, sealed_token };
        ("deposit_credential", Encode!(&args).expect("encodes"))
    };
    calls.extend([
        deposit(policy, vec![1; 100]),
        deposit(endpoint, vec![1; 100]),
        deposit(fine, vec![1; LONG_BYTES]),
        ("begin_upload", Encode!(&BeginUploadArgs { sha256, size_bytes: u64::MAX }).expect("encodes")),
        (
            "upload_chunk",
            Encode!(&UploadChunkArgs { sha256, index: u32::MAX, bytes: vec![1; LONG_BYTES] })
                .expect("encodes"),
        ),
        (
            "vote",
            Encode!(&VoteArgs { proposal: last, choice: Choice::Yes, digests: vec![] }).expect("encodes"),
        ),
        ("withdraw", Encode!(&last).expect("encodes")),
        ("execute", Encode!(&last).expect("encodes")),
    ]);
    calls
}

/// Orders for custody with a megabyte in one place.
fn long_orders(desk: &Desk) -> Vec<Vec<u8>> {
    let options = NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public };
    let order = PublishOrder {
        id: OrderId("order-1".into()),
        mode: PublishingMode::Direct,
        credential: Some(desk.credential),
        read_credential: None,
        registry: registry("https://npm.registry.example/"),
        package: NPM_NAME.into(),
        version: "1.0.0".into(),
        artifacts: vec![OrderedArtifact {
            filename: "demo-1.0.0.tgz".into(),
            sha256: Sha256Digest::of(b"nothing"),
            size_bytes: 7,
            source: desk.world.dao,
            publication: Publication::Npm {
                manifest_json: r#"{"name":"@dao/demo","version":"1.0.0"}"#.into(),
                options: options.clone(),
            },
        }],
        decision: Decision { authority: desk.world.dao, vote: None, source: None },
        expires_at_ns: u64::MAX,
    };
    let change = |change: &dyn Fn(&mut PublishOrder)| {
        let mut order = order.clone();
        change(&mut order);
        Encode!(&order).expect("encodes")
    };
    let source = SourceReference { repository: long(), commit: "c".into(), tag: None, rebuild: None };
    let publication = |manifest_json: String, dist_tag: String| Publication::Npm {
        manifest_json,
        options: NpmOptions { dist_tag, access: NpmAccess::Public },
    };
    let deep = format!("{{\"name\":\"@dao/demo\",\"version\":\"1.0.0\",\"x\":{}", "[".repeat(LONG_BYTES / 2));
    vec![
        change(&|order| order.id = OrderId(long())),
        change(&|order| order.package = long()),
        change(&|order| order.version = long()),
        change(&|order| order.registry = registry(&format!("https://{}/", "x".repeat(LONG_BYTES / 2)))),
        change(&|order| order.artifacts[0].filename = long()),
        change(&|order| order.artifacts[0].size_bytes = u64::MAX),
        change(&|order| order.artifacts[0].publication = publication(long(), "latest".into())),
        change(&|order| order.artifacts[0].publication = publication(deep.clone(), "latest".into())),
        change(&|order| order.artifacts[0].publication = publication("{}".into(), long())),
        change(&|order| order.decision.source = Some(source.clone())),
        change(&|order| order.artifacts = vec![order.artifacts[0].clone(); 5_000]),
    ]
}

#[test]
fn should_refuse_megabytes_of_text_cheaply_and_without_effect() {
    let mut desk = Desk::for_npm();
    let (dao, custody) = (desk.world.dao, desk.world.custody);
    let before = desk.world.snapshot();
    for (position, (method, arg)) in long_for_dao(&desk).into_iter().enumerate() {
        let what = format!("{method}, case {position}");
        let reply = desk.world.replica.call(member(0), dao, method, arg);
        let reply = reply.unwrap_or_else(|reject| panic!("{what}: {reject}"));
        assert!(reply.len() <= MOST_REFUSAL_BYTES, "{what}: answered {} bytes", reply.len());
        assert_eq!(desk.world.changes_since(&before), [""; 0], "{what}");
    }
    for (position, order) in long_orders(&desk).into_iter().enumerate() {
        let reject = desk.world.replica.call(dao, custody, "publish", order).expect_err("refused");
        assert_eq!(reject.code, RejectCode::CanisterReject, "case {position}: {reject}");
        assert!(reject.message.starts_with("REFUSED: "), "case {position}: {reject}");
        assert!(reject.message.len() <= MOST_REFUSAL_BYTES, "case {position}: {}", reject.message.len());
        assert_eq!(desk.world.changes_since(&before), [""; 0], "case {position}");
    }
    let most = desk.meter().most_instructions;
    println!("most instructions for megabytes of text: {most}");
    assert!(most <= MOST_INSTRUCTIONS, "{most}");
    let good = desk.npm(&npm_tarball(NPM_NAME, "1.0.0", 100));
    desk.close(good);
}
