//! The operations that are measured, in a large old group and in a small new one.

use std::time::Duration;

use e2e_tests::{
    World, WorldBuilder,
    archives::wheel,
    canister_wasm::{canister_wasm, decompressed_wasm},
    people::member,
};
use release_types::{
    Ecosystem, ProposalAction, Registry, RegistryId,
    proposal::{ListProposalsArgs, ProposalPage, RegistryProposal, WithdrawError},
};
use serde_bytes::ByteBuf;

use crate::{
    content,
    figures::{Figures, Measurement, PerCanister},
    modes,
    steps::{Bench, activation, run_until_executed, source_tarball, submit},
};

/// The largest group that a DAO canister takes.
const MEMBERS: u32 = 1_000;
const PAST_PROPOSALS: u32 = 10_000;

pub const VOTE: &str = "vote";
pub const DECIDING_VOTE: &str = "deciding vote";
/// Publishing an npm tarball after the vote, in its two parts.
pub const PUBLISH_NPM: [&str; 2] = [
    "publish a 1.4 MB npm tarball: order, fetch, open the token, send",
    "publish a 1.4 MB npm tarball: read back, sign the receipt, report",
];
const PUBLISH_PYPI: [&str; 2] = [
    "publish a 1.4 MB wheel: order, fetch, open the token, send",
    "publish a 1.4 MB wheel: read back, sign the receipt, report",
];
const ACTIVATE_NPM: &str = "seal-and-open: activate an npm token, the first since the code was installed";
const ACTIVATE_PYPI: &str = "seal-and-open: activate a PyPI token";

const WHEEL_NAME: &str = "dao_demo-1.0.0-py3-none-any.whl";

/// Measures everything. Says on standard error how far it is.
pub fn run() -> Figures {
    let wasm_bytes = PerCanister {
        dao: canister_wasm("dao_canister").len() as u64,
        custody: canister_wasm("custody_canister").len() as u64,
    };
    let decompressed_bytes = PerCanister {
        dao: decompressed_wasm("dao_canister").len() as u64,
        custody: decompressed_wasm("custody_canister").len() as u64,
    };
    let operations = large_old_group();
    eprintln!("a whole release in a group of five");
    let release = small_new_group();
    eprintln!("every way to publish, watching and freezing");
    let modes = modes::run();
    eprintln!("content");
    let content = content::run();
    Figures {
        members: MEMBERS,
        past_proposals: PAST_PROPOSALS,
        wasm_bytes,
        decompressed_bytes,
        operations,
        release,
        modes,
        content,
    }
}

fn large_old_group() -> Vec<Measurement> {
    let mut bench = Bench::new(WorldBuilder::default().members(MEMBERS).build_without_code());
    bench.updates("install", World::install);
    eprintln!("{PAST_PROPOSALS} past proposals in a group of {MEMBERS}");
    make_past(&mut bench.world);
    bench.world.add_npm_registry();
    bench.world.add_pypi_registry();

    let proposal = bench.world.submit(member(0), registry_proposal(0)).expect("a good proposal");
    bench.vote(proposal);
    bench.query("list_proposals, 20", |world| {
        let page: ProposalPage = world
            .query(member(0), world.dao, "list_proposals", (ListProposalsArgs::default(),))
            .expect("answers");
        assert_eq!(page.proposals.len(), 20);
    });

    eprintln!("a credential of each ecosystem");
    let npm = bench.world.deposit_token(Ecosystem::Npm, &["@dao/demo"]);
    let pypi = bench.world.deposit_token(Ecosystem::Pypi, &["dao-demo"]);
    for (credential, name) in [(npm, ACTIVATE_NPM), (pypi, ACTIVATE_PYPI)] {
        let proposal = submit(&mut bench.world, activation(credential));
        bench.world.adopt(proposal);
        bench.updates(name, |world| run_until_executed(world, proposal));
    }

    eprintln!("releases of 1 MB and 1.4 MB");
    let tarball = source_tarball("@dao/demo", "1.0.0", 1_000_000);
    let action = bench.updates("upload 1 MB", |world| world.npm_release(npm, "@dao/demo", "1.0.0", &tarball));
    let unpublished = bench.updates("submit a release of a 1 MB npm tarball", |world| submit(world, action));
    let _: Result<(), WithdrawError> =
        bench.world.update(member(0), bench.world.dao, "withdraw", (unpublished,)).expect("answers");

    let tarball = source_tarball("@dao/demo", "2.0.0", 1_400_000);
    let action = bench.world.npm_release(npm, "@dao/demo", "2.0.0", &tarball);
    let proposal = submit(&mut bench.world, action);
    bench.world.adopt(proposal);
    bench.publish(proposal, PUBLISH_NPM);
    let wheel = wheel("dao_demo", "1.0.0", 1_400_000);
    let action = bench.world.pypi_release(pypi, "dao-demo", "1.0.0", &[(WHEEL_NAME, &wheel)]);
    let proposal = submit(&mut bench.world, action);
    bench.world.adopt(proposal);
    bench.publish(proposal, PUBLISH_PYPI);

    eprintln!("digest and upgrade");
    bench.query("state_digest", |world| {
        let _: ByteBuf = world.query(member(0), world.dao, "state_digest", ()).expect("answers");
    });
    bench.updates("upgrade both canisters, replaying their logs", |world| {
        for (id, name) in [(world.dao, "dao_canister"), (world.custody, "custody_canister")] {
            let no_arguments = candid::encode_args(()).expect("encodes");
            world.replica.upgrade(id, &canister_wasm(name), no_arguments).expect("upgrades");
        }
    });
    bench.measured
}

fn small_new_group() -> Vec<Measurement> {
    let mut bench = Bench::new(WorldBuilder::default().build_without_code());
    bench.updates("install both canisters", World::install);
    bench.updates("npm registry: propose, three votes, execute", World::add_npm_registry);
    let credential = bench
        .updates("deposit the sealed token", |world| world.deposit_token(Ecosystem::Npm, &["@dao/demo"]));
    bench.updates("activate it: propose, three votes, trial decryption", |world| {
        let proposal = submit(world, activation(credential));
        world.adopt(proposal);
        run_until_executed(world, proposal);
    });
    let tarball = source_tarball("@dao/demo", "1.0.0", 1_400_000);
    let action = bench
        .updates("upload the tarball", |world| world.npm_release(credential, "@dao/demo", "1.0.0", &tarball));
    let proposal = bench.updates("submit the release", |world| submit(world, action));
    bench.updates("three votes", |world| world.adopt(proposal));
    bench.publish(proposal, ["order, fetch, open the token, send", "read back, sign the receipt, report"]);
    bench.measured
}

/// Proposals that were submitted and withdrawn; then all their deadlines pass.
fn make_past(world: &mut World) {
    for n in 0..PAST_PROPOSALS {
        let proposer = member(n % MEMBERS);
        let proposal = world.submit(proposer, registry_proposal(n)).expect("a good proposal");
        let withdrawn: Result<(), WithdrawError> =
            world.update(proposer, world.dao, "withdraw", (proposal,)).expect("answers");
        withdrawn.expect("its proposer may");
    }
    world.pass(Duration::from_secs(4 * 86_400));
}

fn registry_proposal(n: u32) -> ProposalAction {
    let url = format!("https://mirror-{n}.registry.example/");
    let registry = Registry::new(Ecosystem::Npm, url.clone(), url);
    ProposalAction::Registry(RegistryProposal { id: RegistryId(format!("mirror-{n}")), registry })
}
