//! Every way to publish, step by step, and what custody does besides, each in a new group of five.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use e2e_tests::{
    World,
    archives::wheel,
    people::{member, proposer},
    world::{NPM_TOKEN, NPM_URL},
};
use release_types::{
    Amendment, AmendmentProposal, AmendmentState, CredentialId, CredentialMode, CredentialPolicy, Ecosystem,
    FreezeArgs, FreezeScope, OrderStatus, ProposalAction, ProposalId, PublicationState, PublishingMode,
    RegistryId,
    freeze::{FreezeDemand, FreezeError, FreezeView},
    proposal::{CredentialChange, CredentialProposal},
    watch::{WatchChange, WatchProposal, WatchView},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::{
    figures::Measurement,
    steps::{Bench, run_until, run_until_executed, source_tarball, submit},
};

const NAME: &str = "@dao/demo";
const PROJECT: &str = "dao-demo";
/// What custody can publish itself.
const SENDABLE_BYTES: usize = 1_400_000;
/// What exceeds an answer, and is read in ranges.
const LARGE_BYTES: usize = 3_300_000;
/// Versions of the package that is watched.
const WATCHED_VERSIONS: u32 = 500;
const HOUR: Duration = Duration::from_secs(3_600);

pub fn run() -> Vec<Measurement> {
    let parts: [fn() -> Vec<Measurement>; 8] = [
        npm_direct,
        npm_private,
        npm_staged,
        npm_staged_elsewhere,
        npm_verify_only,
        pypi_direct,
        amendments,
        besides,
    ];
    parts.into_iter().flat_map(|part| part()).collect()
}

fn npm_direct() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Direct);
    let tarball = source_tarball(NAME, "1.0.0", SENDABLE_BYTES);
    let proposal = adopt(&mut bench.world, credential, "1.0.0", &tarball, PublishingMode::Direct, None);
    bench.publish(
        proposal,
        ["npm, direct: look, fetch, open the token, send", "npm, direct: look, prove the bytes, sign"],
    );
    bench.measured
}

fn npm_private() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Direct);
    let reading = add_credential(&mut bench.world, CredentialMode::Read);
    let tarball = source_tarball(NAME, "1.0.0", SENDABLE_BYTES);
    let read = Some(reading);
    let proposal = adopt(&mut bench.world, credential, "1.0.0", &tarball, PublishingMode::Direct, read);
    bench.publish(
        proposal,
        [
            "npm, private reads: open the token to look, fetch, open the other, send",
            "npm, private reads: open the token to look and to prove the bytes, sign",
        ],
    );
    bench.measured
}

fn npm_staged() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Staged);
    let tarball = source_tarball(NAME, "1.0.0", SENDABLE_BYTES);
    let proposal = adopt(&mut bench.world, credential, "1.0.0", &tarball, PublishingMode::Staged, None);
    bench.updates("npm, staged: look, fetch, open the token, stage, list, prove the staged bytes", |world| {
        run_until(world, |world| matches!(state(world, proposal), Some(PublicationState::Staged { .. })));
    });
    approve(&mut bench, proposal);
    bench.prove("npm, staged: after the approval, look, prove the bytes, sign", proposal);
    bench.measured
}

fn npm_staged_elsewhere() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Staged);
    let tarball = source_tarball(NAME, "1.0.0", LARGE_BYTES);
    let proposal =
        adopt(&mut bench.world, credential, "1.0.0", &tarball, PublishingMode::StagedElsewhere, None);
    bench.updates("npm, staged elsewhere: look, fetch, the first reading of the staging list", |world| {
        run_until(world, |world| readings_left(world, proposal).is_some());
    });
    let left = readings_left(&mut bench.world, proposal);
    bench.updates("npm, staged elsewhere: one more reading that shows nothing", |world| {
        run_until(world, |world| readings_left(world, proposal) != left);
    });
    let document = document(&tarball);
    bench.world.npm.with(|double| double.staging.stage(NAME, "1.0.0", "latest", document, tarball));
    bench.updates("npm, staged elsewhere: a reading that shows it, prove 3.3 MB in ranges", |world| {
        run_until(world, |world| matches!(state(world, proposal), Some(PublicationState::Staged { .. })));
    });
    approve(&mut bench, proposal);
    bench.prove("npm, staged elsewhere: after the approval, look, prove 3.3 MB in ranges, sign", proposal);
    bench.measured
}

fn npm_verify_only() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Direct);
    let tarball = source_tarball(NAME, "1.0.0", LARGE_BYTES);
    let proposal = adopt(&mut bench.world, credential, "1.0.0", &tarball, PublishingMode::VerifyOnly, None);
    bench.updates("npm, verify-only: the first look, which shows nothing", |world| {
        run_until(world, |world| state(world, proposal) == Some(PublicationState::AwaitingRelease));
    });
    let published = (document(&tarball), tarball);
    bench.world.npm.with(|double| double.published.insert(format!("{NAME}@1.0.0"), published));
    bench.prove("npm, verify-only: look, prove 3.3 MB in ranges, sign", proposal);
    bench.measured
}

fn pypi_direct() -> Vec<Measurement> {
    let mut world = World::new();
    world.add_pypi_registry();
    let credential = world.add_credential(Ecosystem::Pypi, &[PROJECT]);
    let mut bench = Bench::new(world);
    let wheel = wheel("dao_demo", "1.0.0", SENDABLE_BYTES);
    let files: [(&str, &[u8]); 1] = [("dao_demo-1.0.0-py3-none-any.whl", &wheel)];
    let action = bench.world.pypi_release(credential, PROJECT, "1.0.0", &files);
    let proposal = submit(&mut bench.world, action);
    bench.world.adopt(proposal);
    bench.publish(
        proposal,
        [
            "PyPI, direct: look, fetch, open and narrow the token, send",
            "PyPI, direct: look, prove the bytes, sign",
        ],
    );
    bench.measured
}

fn amendments() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Direct);
    for version in ["1.0.0", "1.0.1"] {
        let tarball = source_tarball(NAME, version, 2_000);
        let proposal = adopt(&mut bench.world, credential, version, &tarball, PublishingMode::Direct, None);
        run_until_executed(&mut bench.world, proposal);
    }
    let tag =
        Amendment::DistTag { tag: "latest".into(), version: "1.0.0".into(), replaces: Some("1.0.1".into()) };
    let deprecation = Amendment::Deprecation { version: "1.0.1".into(), message: "use 1.0.0".into() };
    for (name, amendment) in [
        ("npm, dist-tag: look, open the token, send, prove", tag),
        ("npm, deprecation: look, open the token, send, prove", deprecation),
    ] {
        let action = ProposalAction::Amendment(AmendmentProposal {
            read_credential: None,
            registry: RegistryId("npm".into()),
            credential,
            package: NAME.into(),
            amendment,
            allow_unverified: false,
        });
        let proposal = submit(&mut bench.world, action);
        bench.world.adopt(proposal);
        bench.updates(name, |world| run_until_executed(world, proposal));
        let amendment = bench.world.proposal(proposal).amendment.expect("custody took it");
        assert_eq!(amendment.state, AmendmentState::Verified);
    }
    bench.measured
}

/// Validators, probe, watch and freeze.
fn besides() -> Vec<Measurement> {
    let (mut bench, credential) = npm_world(CredentialMode::Direct);
    let probe =
        ProposalAction::Credential(CredentialProposal { credential, change: CredentialChange::Probe });
    let proposal = submit(&mut bench.world, probe);
    bench.world.adopt(proposal);
    bench.updates("probe of an npm token", |world| run_until_executed(world, proposal));

    bench.query("validate_unfreeze, by a person", |world| {
        let args = (FreezeScope::Everything,);
        let _: Result<String, String> =
            world.query(proposer(), world.custody, "validate_unfreeze", args).expect("answers");
    });

    bench.updates("a day of nothing", |world| pass_a_day(world));
    for patch in 0..WATCHED_VERSIONS {
        let bytes = format!("version {patch}").into_bytes();
        let published = (document(&bytes), bytes);
        bench.world.npm.with(|double| double.published.insert(format!("{NAME}@0.0.{patch}"), published));
    }
    let change = WatchChange::Start { interval_s: HOUR.as_secs(), read_credential: None };
    let registry = RegistryId("npm".into());
    let watch = ProposalAction::Watch(WatchProposal { registry, package: NAME.into(), change });
    let proposal = submit(&mut bench.world, watch);
    bench.world.adopt(proposal);
    bench.updates("watch of 500 versions: the first look, which takes the baseline", |world| {
        run_until(world, has_baseline);
    });
    bench.updates("watch of 500 versions: a day of hourly looks", pass_a_day);

    bench.updates("freeze of everything by a member, until custody is frozen", |world| {
        let args = FreezeArgs { scope: FreezeScope::Everything, reason: "a laptop was stolen".into() };
        let demanded: Result<FreezeDemand, FreezeError> =
            world.update(member(0), world.dao, "freeze", (args,)).expect("answers");
        demanded.expect("a member may");
        run_until(world, |world| {
            let freezes: Vec<FreezeView> =
                world.query(member(0), world.custody, "freezes", ()).expect("answers");
            !freezes.is_empty()
        });
    });
    bench.measured
}

/// A group with an npm registry and an active credential.
fn npm_world(mode: CredentialMode) -> (Bench, CredentialId) {
    let mut world = World::new();
    world.add_npm_registry();
    let credential = add_credential(&mut world, mode);
    (Bench::new(world), credential)
}

fn add_credential(world: &mut World, mode: CredentialMode) -> CredentialId {
    let policy = CredentialPolicy { mode, ..world.policy(Ecosystem::Npm, &[NAME]) };
    assert_eq!(policy.endpoint, NPM_URL, "it is read where it is written");
    let deposit = world.seal(&policy, NPM_TOKEN);
    let credential = world.deposit(deposit).expect("deposits");
    let change = CredentialChange::Activate;
    world.carry_out(ProposalAction::Credential(CredentialProposal { credential, change }));
    credential
}

/// Uploads, submits and adopts a release of the npm package.
fn adopt(
    world: &mut World,
    credential: CredentialId,
    version: &str,
    tarball: &[u8],
    mode: PublishingMode,
    read_credential: Option<CredentialId>,
) -> ProposalId {
    let mut action = world.npm_release(credential, NAME, version, tarball);
    let ProposalAction::Release(release) = &mut action else { panic!("a release") };
    release.mode = mode;
    release.credential = release.credential.filter(|_| mode.credential_mode().is_some());
    release.read_credential = read_credential;
    let proposal = submit(world, action);
    world.adopt(proposal);
    proposal
}

fn state(world: &mut World, proposal: ProposalId) -> Option<PublicationState> {
    let OrderStatus { mut artifacts, .. } = world.order(proposal)?;
    Some(artifacts.remove(0).state)
}

fn readings_left(world: &mut World, proposal: ProposalId) -> Option<u16> {
    match state(world, proposal) {
        Some(PublicationState::AwaitingStage { readings_left }) => Some(readings_left),
        _ => None,
    }
}

/// What a person does at the registry.
fn approve(bench: &mut Bench, proposal: ProposalId) {
    let Some(PublicationState::Staged { stage, .. }) = state(&mut bench.world, proposal) else {
        panic!("nothing to approve")
    };
    bench.world.npm.with(|double| double.approve(&stage));
}

fn document(tarball: &[u8]) -> Value {
    let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(tarball)));
    json!({"name": NAME, "version": "1.0.0", "dist": {"integrity": integrity}})
}

fn has_baseline(world: &mut World) -> bool {
    let views: Vec<WatchView> =
        world.query(member(0), world.custody, "watched_packages", ()).expect("answers");
    views.first().is_some_and(|watch| watch.baseline.is_some())
}

/// In steps, as on a network whose clock does not jump.
fn pass_a_day(world: &mut World) {
    for _ in 0..24 * 12 {
        world.pass(HOUR / 12);
    }
}
