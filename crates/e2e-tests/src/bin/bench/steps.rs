//! Going through operations with a world, measuring each.

use std::time::Duration;

use e2e_tests::{
    World,
    archives::{noise, tar_gz},
    people::member,
};
use local_replica::Step;
use release_types::{
    Choice, CredentialId, ProposalAction, ProposalId, ProposalStatus, PublicationState,
    proposal::{CredentialChange, CredentialProposal},
};

use crate::{
    figures::Measurement,
    meter::Meter,
    scenario::{DECIDING_VOTE, VOTE},
};

/// Messages that one part of an operation takes at most.
const MAX_MESSAGES: usize = 10_000;

/// A world with what was measured in it.
pub struct Bench {
    pub world: World,
    meter: Meter,
    pub measured: Vec<Measurement>,
}

impl Bench {
    pub fn new(mut world: World) -> Self {
        let meter = Meter::attach(&mut world);
        Self { world, meter, measured: Vec::new() }
    }

    pub fn updates<T>(&mut self, name: &str, operation: impl FnOnce(&mut World) -> T) -> T {
        let (measurement, result) = self.meter.updates(&mut self.world, name, operation);
        self.measured.push(measurement);
        result
    }

    pub fn query<T>(&mut self, name: &str, operation: impl FnOnce(&mut World) -> T) -> T {
        let (measurement, result) = self.meter.query(&mut self.world, name, operation);
        self.measured.push(measurement);
        result
    }

    /// Adopts a proposal, measuring the last ballot but one, and the last one, which decides.
    pub fn vote(&mut self, proposal: ProposalId) {
        let majority = self.world.majority();
        for n in 0..majority - 2 {
            cast(&mut self.world, n, proposal);
        }
        self.updates(VOTE, |world| cast(world, majority - 2, proposal));
        self.updates(DECIDING_VOTE, |world| cast(world, majority - 1, proposal));
        run_until_executed(&mut self.world, proposal);
    }

    /// Follows an adopted release to its end, measuring its two parts.
    pub fn publish(&mut self, proposal: ProposalId, [sent, proven]: [&str; 2]) {
        self.updates(sent, |world| {
            run_until(world, |world| {
                let order = world.order(proposal);
                order.is_some_and(|order| order.artifacts[0].state == PublicationState::Accepted)
            });
        });
        self.prove(proven, proposal);
    }

    /// Follows a release whose bytes are at the registry to its receipt, and to the DAO canister's knowing of it.
    pub fn prove(&mut self, name: &str, proposal: ProposalId) {
        self.updates(name, |world| {
            run_until(world, |world| world.order(proposal).is_some_and(|order| order.receipt));
            run_until_executed(world, proposal);
        });
    }
}

/// Executes messages, and lets time pass when there are none, until a condition holds and no call is open: an open
/// call holds cycles back that it does not use.
pub fn run_until(world: &mut World, condition: impl Fn(&mut World) -> bool) {
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

pub fn run_until_executed(world: &mut World, proposal: ProposalId) {
    run_until(world, |world| world.proposal(proposal).status == ProposalStatus::Executed);
    world.replica.run_until_idle();
}

pub fn activation(credential: CredentialId) -> ProposalAction {
    ProposalAction::Credential(CredentialProposal { credential, change: CredentialChange::Activate })
}

pub fn submit(world: &mut World, action: ProposalAction) -> ProposalId {
    world.submit(member(0), action).unwrap_or_else(|error| panic!("a good proposal: {error:?}"))
}

pub fn cast(world: &mut World, voter: u32, proposal: ProposalId) {
    world.vote(member(voter), proposal, Choice::Yes).expect("the vote counts");
}

/// An npm tarball of about `target_bytes` with many files of text that packs to about half, as sources do.
pub fn source_tarball(name: &str, version: &str, target_bytes: usize) -> Vec<u8> {
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
