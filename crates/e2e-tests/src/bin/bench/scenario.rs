//! The operations that are measured, in a large old group and in a small new one.

use std::time::Duration;

use e2e_tests::{
    World, WorldBuilder,
    archives::{noise, tar_gz, wheel},
    canister_wasm::canister_wasm,
    people::member,
};
use local_replica::Step;
use release_types::{
    Choice, CredentialId, Ecosystem, ProposalAction, ProposalId, ProposalStatus, PublicationState, Registry,
    RegistryId,
    proposal::{
        CredentialChange, CredentialProposal, ListProposalsArgs, ProposalPage, RegistryProposal,
        WithdrawError,
    },
};
use serde_bytes::ByteBuf;

use crate::{
    figures::{Figures, Measurement, PerCanister},
    meter::Meter,
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
/// Messages that one part of an operation takes at most.
const MAX_MESSAGES: usize = 10_000;

/// Measures everything. Says on standard error how far it is.
pub fn run() -> Figures {
    let wasm_bytes = PerCanister {
        dao: canister_wasm("dao_canister").len() as u64,
        custody: canister_wasm("custody_canister").len() as u64,
    };
    let operations = large_old_group();
    eprintln!("a whole release in a group of five");
    let release = small_new_group();
    Figures { members: MEMBERS, past_proposals: PAST_PROPOSALS, wasm_bytes, operations, release }
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

/// A world with what was measured in it.
struct Bench {
    world: World,
    meter: Meter,
    measured: Vec<Measurement>,
}

impl Bench {
    fn new(mut world: World) -> Self {
        let meter = Meter::attach(&mut world);
        Self { world, meter, measured: Vec::new() }
    }

    fn updates<T>(&mut self, name: &str, operation: impl FnOnce(&mut World) -> T) -> T {
        let (measurement, result) = self.meter.updates(&mut self.world, name, operation);
        self.measured.push(measurement);
        result
    }

    fn query<T>(&mut self, name: &str, operation: impl FnOnce(&mut World) -> T) -> T {
        let (measurement, result) = self.meter.query(&mut self.world, name, operation);
        self.measured.push(measurement);
        result
    }

    /// Adopts a proposal, measuring the last ballot but one, and the last one, which decides.
    fn vote(&mut self, proposal: ProposalId) {
        let majority = self.world.majority();
        for n in 0..majority - 2 {
            cast(&mut self.world, n, proposal);
        }
        self.updates(VOTE, |world| cast(world, majority - 2, proposal));
        self.updates(DECIDING_VOTE, |world| cast(world, majority - 1, proposal));
        run_until_executed(&mut self.world, proposal);
    }

    /// Follows an adopted release to its end, measuring its two parts.
    fn publish(&mut self, proposal: ProposalId, [sent, proven]: [&str; 2]) {
        self.updates(sent, |world| {
            run_until(world, |world| {
                let order = world.order(proposal);
                order.is_some_and(|order| order.artifacts[0].state == PublicationState::Accepted)
            });
        });
        self.updates(proven, |world| {
            run_until(world, |world| world.order(proposal).is_some_and(|order| order.receipt));
            run_until_executed(world, proposal);
        });
    }
}

/// Executes messages, and lets time pass when there are none, until a condition holds and no call is open: an open
/// call holds cycles back that it does not use.
fn run_until(world: &mut World, condition: impl Fn(&mut World) -> bool) {
    for _ in 0..MAX_MESSAGES {
        let is_any_call_open = world.replica.queued_messages() + world.replica.pending_outcalls() > 0;
        if !is_any_call_open && condition(world) {
            return;
        }
        world.replica.await_outcalls();
        if matches!(world.replica.step(), Step::Idle) {
            world.replica.advance_time(Duration::from_secs(1));
        }
    }
    panic!("after {MAX_MESSAGES} messages an operation is not over");
}

fn run_until_executed(world: &mut World, proposal: ProposalId) {
    run_until(world, |world| world.proposal(proposal).status == ProposalStatus::Executed);
    world.replica.run_until_idle();
}

fn activation(credential: CredentialId) -> ProposalAction {
    ProposalAction::Credential(CredentialProposal { credential, change: CredentialChange::Activate })
}

fn submit(world: &mut World, action: ProposalAction) -> ProposalId {
    world.submit(member(0), action).unwrap_or_else(|error| panic!("a good proposal: {error:?}"))
}

fn cast(world: &mut World, voter: u32, proposal: ProposalId) {
    world.vote(member(voter), proposal, Choice::Yes).expect("the vote counts");
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

/// An npm tarball of about `target_bytes` with many files of text that packs to about half, as sources do.
fn source_tarball(name: &str, version: &str, target_bytes: usize) -> Vec<u8> {
    const FILE_BYTES: usize = 20_000;
    let manifest =
        serde_json::json!({"name": name, "version": version, "license": "MIT", "main": "lib/0.js"});
    let manifest = serde_json::to_vec_pretty(&manifest).expect("JSON");
    let text = hex::encode(noise(target_bytes * 87 / 100)).into_bytes();
    let sources: Vec<_> =
        text.chunks(FILE_BYTES).enumerate().map(|(n, text)| (format!("package/lib/{n}.js"), text)).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("package/package.json", &manifest)];
    files.extend(sources.iter().map(|(path, text)| (path.as_str(), *text)));
    tar_gz(&files)
}
