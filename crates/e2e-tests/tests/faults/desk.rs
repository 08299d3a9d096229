//! A group that is about to publish or amend in one of the ways, with registries whose every answer and content the tests
//! know.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use candid::{Encode, Principal};
use e2e_tests::{
    World, WorldBuilder,
    archives::{npm_tarball, sdist, wheel},
    canister_wasm::canister_wasm,
    npm_double::NpmDouble,
    people::{controller, member},
    pypi_double::PypiDouble,
};
use ic_management_canister_types::CanisterIdRecord;
use local_replica::{CallResult, WorldSnapshot};
use release_types::{
    Amendment, AmendmentProposal, CredentialId, CredentialMode, CredentialPolicy, Ecosystem, ProposalAction,
    ProposalId, ProposalStatus, RegistryId, Sha256Digest,
    proposal::{CredentialChange, CredentialProposal},
};

use crate::{
    mode::Mode,
    registry::{DEPRECATED_VERSION, TAG, Write, signer},
    watch::Watch,
};

/// Nodes of the replica: as few as tolerate one that is faulty, so that many cases are affordable.
pub const NODES: u32 = 4;
/// Nodes that may be faulty: f of 3f+1.
pub const TOLERATED: u32 = 1;

/// The token that a private registry shows its content for.
pub const READ_TOKEN: &str = "npm_Rd8mK2pX5wB9tY4cJ7vF1hLsGqNz6aDuEo3i";
/// Versions that there are before anything is amended: the first is deprecated, the tag moves between both.
const AMENDED_VERSIONS: [&str; 2] = [DEPRECATED_VERSION, "1.0.2"];

/// A release or an amendment that was adopted.
#[derive(Clone, Debug)]
pub struct Release {
    pub version: String,
    pub proposal: ProposalId,
    /// What was voted, by the name under which it is published, in the order of publishing. Of an amendment, what a tag
    /// is to name or why a version is deprecated.
    pub files: Vec<(String, Vec<u8>)>,
}

/// The registries' content.
#[derive(Clone)]
struct Contents {
    npm: NpmDouble,
    pypi: PypiDouble,
}

/// Everything at one moment: the replica and the registries.
pub struct Moment {
    replica: WorldSnapshot,
    contents: Contents,
    writes: Vec<Write>,
    derivations: usize,
    versions: u32,
    release: Option<Release>,
}

impl Moment {
    /// How much had reached the registry.
    pub fn writes(&self) -> usize {
        self.writes.len()
    }

    /// How many keys had been derived.
    pub fn derivations(&self) -> usize {
        self.derivations
    }
}

/// The group, its canisters and the registries.
pub struct Desk {
    pub world: World,
    pub mode: Mode,
    credential: Option<CredentialId>,
    read_credential: Option<CredentialId>,
    versions: u32,
    /// The latest one.
    release: Option<Release>,
    /// Writes of the past that the registries' own list no longer has.
    earlier_writes: Vec<Write>,
    watch: Arc<Mutex<Watch>>,
}

impl Desk {
    pub fn new(mode: Mode) -> Self {
        let mut world = WorldBuilder::default().nodes(NODES).build();
        match mode.ecosystem() {
            Ecosystem::Npm => world.add_npm_registry(),
            Ecosystem::Pypi => world.add_pypi_registry_with_every_view(),
        }
        world.npm.with(|double| double.signer = Some(signer()));
        let watch = Watch::attach(&mut world);
        let mut desk = Self {
            world,
            mode,
            credential: None,
            read_credential: None,
            versions: 0,
            release: None,
            earlier_writes: Vec::new(),
            watch,
        };
        desk.credential = mode.publishing().credential_mode().map(|kind| desk.activate(kind, mode.token()));
        if mode == Mode::NpmPrivate {
            desk.read_credential = Some(desk.activate(CredentialMode::Read, READ_TOKEN));
            desk.world.npm.with(|double| double.read_token = Some(READ_TOKEN.into()));
        }
        if mode.is_amendment() {
            desk.release_what_is_amended();
        }
        desk
    }

    /// Deposits a token, and has it activated.
    fn activate(&mut self, mode: CredentialMode, token: &str) -> CredentialId {
        let policy = self.world.policy(self.mode.ecosystem(), &[self.mode.package()]);
        let policy = CredentialPolicy { mode, ..policy };
        self.world.add_vetkey(&policy, &mut self.watch().secrets);
        let deposit = self.world.seal(&policy, token);
        let credential = self.world.deposit(deposit).expect("deposits");
        let change = CredentialChange::Activate;
        let action = ProposalAction::Credential(CredentialProposal { credential, change });
        assert_eq!(self.world.carry_out(action), ProposalStatus::Executed);
        credential
    }

    /// The first version under the tag, the second under another.
    fn release_what_is_amended(&mut self) {
        let credential = self.credential.expect("amendments take a token");
        for (version, tag) in AMENDED_VERSIONS.into_iter().zip([TAG, "next"]) {
            let tarball = npm_tarball(self.mode.package(), version, 2_000);
            let mut action = self.world.npm_release(credential, self.mode.package(), version, &tarball);
            if let ProposalAction::Release(release) = &mut action {
                release.npm.as_mut().expect("npm's options").dist_tag = tag.into();
            }
            assert_eq!(self.world.carry_out(action), ProposalStatus::Executed);
        }
    }

    pub fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().expect("no panic while held")
    }

    /// Everything as it is now.
    pub fn moment(&self) -> Moment {
        Moment {
            replica: self.world.replica.take_snapshot(),
            contents: Contents {
                npm: self.world.npm.with(|double| double.clone()),
                pypi: self.world.pypi.with(|double| double.clone()),
            },
            writes: self.writes(),
            derivations: self.watch().derivations,
            versions: self.versions,
            release: self.release.clone(),
        }
    }

    /// Everything as it was then.
    pub fn go_back(&mut self, moment: &Moment) {
        self.clear_faults();
        self.world.replica.restore(&moment.replica).expect("a snapshot of this replica");
        self.world.npm.with(|double| *double = moment.contents.npm.clone());
        self.world.pypi.with(|double| *double = moment.contents.pypi.clone());
        self.world.npm.forget();
        self.world.pypi.forget();
        self.earlier_writes.clone_from(&moment.writes);
        self.versions = moment.versions;
        self.release.clone_from(&moment.release);
        self.watch().start_anew(moment.derivations);
    }

    /// Proposes and adopts a release of a version that was never released, or an amendment that was never made.
    pub fn adopt_next(&mut self) -> Release {
        self.versions += 1;
        let version = format!("1.0.{}", self.versions);
        let (action, files) = match self.mode {
            Mode::NpmDistTag | Mode::NpmDeprecation => self.amendment(),
            _ => self.release_of(&version),
        };
        let proposal = self.world.submit(member(0), action).expect("a good proposal");
        self.world.adopt(proposal);
        let release = Release { version, proposal, files };
        self.release = Some(release.clone());
        match self.mode {
            Mode::NpmStagedElsewhere => self.stage_behind_our_back(),
            Mode::NpmVerifyOnly => self.publish_behind_our_back(0, None),
            _ => {}
        }
        release
    }

    fn release_of(&mut self, version: &str) -> (ProposalAction, Vec<(String, Vec<u8>)>) {
        let package = self.mode.package();
        let files = match self.mode.ecosystem() {
            Ecosystem::Npm => vec![(format!("demo-{version}.tgz"), npm_tarball(package, version, 2_000))],
            Ecosystem::Pypi => vec![
                (format!("dao_demo-{version}-py3-none-any.whl"), wheel("dao_demo", version, 2_000)),
                (format!("dao_demo-{version}.tar.gz"), sdist("dao_demo", version)),
            ],
        };
        // Put right below, where a mode has none.
        let credential = self.credential.unwrap_or(CredentialId(Sha256Digest([0; 32])));
        let mut action = match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm_release(credential, package, version, &files[0].1),
            Ecosystem::Pypi => {
                let named: Vec<_> =
                    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
                self.world.pypi_release(credential, package, version, &named)
            }
        };
        if let ProposalAction::Release(release) = &mut action {
            release.mode = self.mode.publishing();
            release.credential = self.credential;
            release.read_credential = self.read_credential;
        }
        (action, files)
    }

    /// The tag is moved to the one of both versions that it does not name, or a version is deprecated anew.
    fn amendment(&self) -> (ProposalAction, Vec<(String, Vec<u8>)>) {
        let (amendment, file) = if self.mode == Mode::NpmDistTag {
            let named = self.stored("", TAG).map(|version| String::from_utf8_lossy(&version).into_owned());
            let [first, second] = AMENDED_VERSIONS;
            let version = if named.as_deref() == Some(second) { first } else { second }.to_owned();
            let file = (TAG.to_owned(), version.clone().into_bytes());
            (Amendment::DistTag { tag: TAG.into(), version, replaces: named }, file)
        } else {
            let (version, message) = (DEPRECATED_VERSION.to_owned(), format!("no. {}", self.versions));
            let file = (version.clone(), message.clone().into_bytes());
            (Amendment::Deprecation { version, message }, file)
        };
        let proposal = AmendmentProposal {
            registry: RegistryId("npm".into()),
            credential: self.credential.expect("amendments take a token"),
            read_credential: None,
            package: self.mode.package().into(),
            amendment,
            allow_unverified: false,
        };
        (ProposalAction::Amendment(proposal), vec![file])
    }

    pub fn release(&self) -> &Release {
        self.release.as_ref().expect("a release was adopted")
    }

    /// Everything that reached the registry and would change it.
    pub fn writes(&self) -> Vec<Write> {
        self.earlier_writes.iter().cloned().chain(self.new_writes()).collect()
    }

    /// Lets everything be well again: registries, network, nodes and messages.
    pub fn clear_faults(&mut self) {
        self.world.npm.behave();
        self.world.pypi.behave();
        self.world.replica.faults().clear();
        self.world.replica.message_faults().clear();
        self.world.replica.share_faults().clear();
    }

    /// Upgrades a canister to the code that it has.
    pub fn upgrade(&mut self, canister: Principal) {
        let name = if canister == self.world.dao { "dao_canister" } else { "custody_canister" };
        let nothing = Encode!().expect("encodes");
        self.world.replica.upgrade(canister, &canister_wasm(name), nothing).expect("upgrades");
    }

    /// The controller's call of the management canister; stopping waits for the answers that are still to come.
    pub fn manage(&mut self, method: &str, canister_id: Principal) {
        let arg = Encode!(&CanisterIdRecord { canister_id }).expect("encodes");
        let answer: CallResult =
            self.world.replica.call(controller(), Principal::management_canister(), method, arg);
        answer.unwrap_or_else(|reject| panic!("{method}: {reject}"));
    }

    /// Lets time pass: in small steps at first, then coarser.
    pub fn pass(&mut self, time: Duration) {
        let mut passed = Duration::ZERO;
        self.world.replica.run_until_idle();
        while passed < time {
            let step = coarser(passed).min(time - passed);
            self.world.pass(step);
            passed += step;
        }
    }

    /// Lets time pass until a proposal is over, or custody has waited for people for more than a day.
    pub fn settle(&mut self, proposal: ProposalId) -> ProposalStatus {
        const LIMIT: Duration = Duration::from_secs(40 * 60 * 60);
        let mut passed = Duration::ZERO;
        loop {
            let record = self.record(proposal);
            if record.as_ref().is_none_or(|record| record.is_final) || passed > LIMIT {
                let status = self.world.proposal(proposal).status;
                let is_under_way = matches!(status, ProposalStatus::Approved | ProposalStatus::Executing);
                if !is_under_way || passed > LIMIT {
                    return status;
                }
            }
            self.let_people_act(proposal);
            let step = match record {
                Some(record) if record.waits_for_people() => Duration::from_secs(60 * 60),
                _ => coarser(passed),
            };
            self.world.pass(step);
            passed += step;
        }
    }
}

/// The next step of a time of which so much has passed: no longer than the pause that custody makes then.
fn coarser(passed: Duration) -> Duration {
    (passed / 10).clamp(Duration::from_secs(5), Duration::from_secs(300))
}
