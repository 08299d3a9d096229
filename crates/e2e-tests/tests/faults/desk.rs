//! A group that is about to publish in one of the ways, with registries whose every answer and content the tests know.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use candid::{Encode, Principal};
use e2e_tests::{
    World, WorldBuilder,
    archives::{npm_tarball, sdist, wheel},
    canister_wasm::canister_wasm,
    npm_double::NpmDouble,
    people::{controller, member},
    publishing,
    pypi_double::{self, PypiDouble},
    registry_server::{Misbehaviour, SeenRequest},
    world::{NPM_TOKEN, PYPI_TOKEN},
};
use ic_management_canister_types::{CanisterIdRecord, HttpMethod};
use local_replica::{CallResult, WorldSnapshot};
use release_types::{
    CredentialId, CredentialPolicy, Ecosystem, OrderStatus, ProposalAction, ProposalId, ProposalStatus,
    PublicationState, PublishingMode, Sha256Digest,
    proposal::{CredentialChange, CredentialProposal},
};
use serde_json::Value;

use crate::watch::Watch;

/// Nodes of the replica: as few as tolerate one that is faulty, so that many cases are affordable.
pub const NODES: u32 = 4;
/// Nodes that may be faulty: f of 3f+1.
pub const TOLERATED: u32 = 1;

const NPM_PACKAGE: &str = "@dao/demo";
const PYPI_PACKAGE: &str = "dao-demo";

/// A way to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    NpmDirect,
    /// Custody stages, a person approves what custody has proven.
    NpmStaged,
    /// Somebody else stages, a person approves what custody has proven.
    NpmStagedElsewhere,
    /// Somebody else publishes.
    NpmVerifyOnly,
    /// Two files, a wheel and a source distribution.
    Pypi,
}

impl Mode {
    pub const ALL: [Self; 5] =
        [Self::NpmDirect, Self::Pypi, Self::NpmStaged, Self::NpmStagedElsewhere, Self::NpmVerifyOnly];

    pub fn name(self) -> &'static str {
        match self {
            Self::NpmDirect => "npm, direct",
            Self::NpmStaged => "npm, staged",
            Self::NpmStagedElsewhere => "npm, staged elsewhere",
            Self::NpmVerifyOnly => "npm, verify only",
            Self::Pypi => "Python index, a release of two files",
        }
    }

    pub fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Pypi => Ecosystem::Pypi,
            _ => Ecosystem::Npm,
        }
    }

    fn publishing(self) -> PublishingMode {
        match self {
            Self::NpmDirect | Self::Pypi => PublishingMode::Direct,
            Self::NpmStaged => PublishingMode::Staged,
            Self::NpmStagedElsewhere => PublishingMode::StagedElsewhere,
            Self::NpmVerifyOnly => PublishingMode::VerifyOnly,
        }
    }

    /// The HTTP method by which custody sends.
    pub fn sends_by(self) -> HttpMethod {
        match self {
            Self::NpmStaged | Self::Pypi => HttpMethod::POST,
            _ => HttpMethod::PUT,
        }
    }

    fn package(self) -> &'static str {
        match self.ecosystem() {
            Ecosystem::Npm => NPM_PACKAGE,
            Ecosystem::Pypi => PYPI_PACKAGE,
        }
    }
}

/// A release that was adopted.
#[derive(Clone, Debug)]
pub struct Release {
    pub version: String,
    pub proposal: ProposalId,
    /// What was voted, by the name under which it is published, in the order of publishing.
    pub files: Vec<(String, Vec<u8>)>,
}

/// Something that reached the registry and would change it.
#[derive(Clone, Debug)]
pub struct Write {
    pub filename: String,
    pub bytes: Vec<u8>,
    /// Whether it came with the token that it should have.
    pub is_authorized: bool,
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
        let ecosystem = mode.ecosystem();
        match ecosystem {
            Ecosystem::Npm => world.add_npm_registry(),
            Ecosystem::Pypi => world.add_pypi_registry(),
        }
        let watch = Watch::attach(&mut world);
        let credential = mode.publishing().credential_mode().map(|credential_mode| {
            let policy =
                CredentialPolicy { mode: credential_mode, ..world.policy(ecosystem, &[mode.package()]) };
            world.add_vetkey(&policy, &mut watch.lock().expect("no panic while held").secrets);
            activate(&mut world, &policy)
        });
        Self { world, mode, credential, versions: 0, release: None, earlier_writes: Vec::new(), watch }
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

    /// Proposes and adopts the release of a version that was never released.
    pub fn adopt_next(&mut self) -> Release {
        self.versions += 1;
        let version = format!("1.0.{}", self.versions);
        let files = match self.mode.ecosystem() {
            Ecosystem::Npm => {
                vec![(format!("demo-{version}.tgz"), npm_tarball(NPM_PACKAGE, &version, 2_000))]
            }
            Ecosystem::Pypi => vec![
                (format!("dao_demo-{version}-py3-none-any.whl"), wheel("dao_demo", &version, 2_000)),
                (format!("dao_demo-{version}.tar.gz"), sdist("dao_demo", &version)),
            ],
        };
        // Put right below, where a mode has none.
        let credential = self.credential.unwrap_or(CredentialId(Sha256Digest([0; 32])));
        let mut action = match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm_release(credential, NPM_PACKAGE, &version, &files[0].1),
            Ecosystem::Pypi => {
                let named: Vec<_> =
                    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
                self.world.pypi_release(credential, PYPI_PACKAGE, &version, &named)
            }
        };
        if let ProposalAction::Release(release) = &mut action {
            release.mode = self.mode.publishing();
            release.credential = self.credential;
        }
        let proposal = self.world.submit(member(0), action).expect("a good proposal");
        self.world.adopt(proposal);
        let release = Release { version, proposal, files };
        self.release = Some(release.clone());
        match self.mode {
            Mode::NpmStagedElsewhere => self.stage_behind_our_back(),
            Mode::NpmVerifyOnly => self.publish_behind_our_back(0, None),
            Mode::NpmDirect | Mode::NpmStaged | Mode::Pypi => {}
        }
        release
    }

    /// Somebody else stages the latest release.
    fn stage_behind_our_back(&self) {
        let release = self.release();
        let bytes = release.files[0].1.clone();
        let document = self.document(0, &bytes);
        self.world.npm.with(|double| {
            double.staging.stage(NPM_PACKAGE, &release.version, "latest", document, bytes);
        });
    }

    /// What people do meanwhile: at the registry they approve what custody has proven to be what was voted.
    pub fn let_people_act(&mut self, proposal: ProposalId) {
        let Some(order) = self.world.order(proposal) else { return };
        for artifact in order.artifacts {
            let PublicationState::Staged { stage, .. } = artifact.state else { continue };
            self.world.npm.with(|double| {
                if double.staging.staged.iter().any(|staged| staged.id == stage) {
                    double.approve(&stage);
                }
            });
        }
    }

    fn release(&self) -> &Release {
        self.release.as_ref().expect("a release was adopted")
    }

    /// The document by which the registry would show these bytes as a file of the latest release.
    pub fn document(&self, file: usize, bytes: &[u8]) -> Value {
        let release = self.release();
        publishing::document(self.mode.ecosystem(), &release.version, &release.files[file].0, bytes)
    }

    /// Lets somebody else publish a file of the latest release, with the voted bytes if no others are given.
    pub fn publish_behind_our_back(&self, file: usize, bytes: Option<&[u8]>) {
        let release = self.release();
        let (filename, voted) = &release.files[file];
        let bytes = bytes.unwrap_or(voted).to_vec();
        match self.mode.ecosystem() {
            Ecosystem::Npm => {
                let key = format!("{NPM_PACKAGE}@{}", release.version);
                let document = self.document(file, &bytes);
                self.world.npm.with(|double| double.published.insert(key, (document, bytes)));
            }
            Ecosystem::Pypi => {
                let key = (PYPI_PACKAGE.to_owned(), filename.clone());
                self.world.pypi.with(|double| double.files.insert(key, bytes));
            }
        }
    }

    /// What the registry has under a name.
    pub fn stored(&self, release: &Release, filename: &str) -> Option<Vec<u8>> {
        match self.mode.ecosystem() {
            Ecosystem::Npm => {
                let key = format!("{NPM_PACKAGE}@{}", release.version);
                self.world.npm.with(|double| double.published.get(&key).map(|(_, bytes)| bytes.clone()))
            }
            Ecosystem::Pypi => {
                let key = (PYPI_PACKAGE.to_owned(), filename.to_owned());
                self.world.pypi.with(|double| double.files.get(&key).cloned())
            }
        }
    }

    /// Everything that reached the registry and would change it.
    pub fn writes(&self) -> Vec<Write> {
        let seen = match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm.writes(),
            Ecosystem::Pypi => self.world.pypi.writes(),
        };
        let new = seen.iter().map(|request| match self.mode.ecosystem() {
            Ecosystem::Npm => npm_write(request),
            Ecosystem::Pypi => pypi_write(request),
        });
        self.earlier_writes.iter().cloned().chain(new).collect()
    }

    /// Lets the registry say "not found" to so many looks of all nodes at what it has.
    pub fn hide(&self, looks: usize) {
        let reads = looks * NODES as usize;
        match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm.with(|double| double.hidden_reads = reads),
            Ecosystem::Pypi => self.world.pypi.with(|double| double.hidden_reads = reads),
        }
    }

    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        match self.mode.ecosystem() {
            Ecosystem::Npm => self.world.npm.misbehave(misbehaviour),
            Ecosystem::Pypi => self.world.pypi.misbehave(misbehaviour),
        }
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

    /// Lets time pass until a proposal is over or waits for people, at most two simulated days.
    pub fn settle(&mut self, proposal: ProposalId) -> ProposalStatus {
        const LIMIT: Duration = Duration::from_secs(48 * 60 * 60);
        let mut passed = Duration::ZERO;
        loop {
            let status = self.world.proposal(proposal).status;
            let is_under_way = matches!(status, ProposalStatus::Approved | ProposalStatus::Executing);
            let order = self.world.order(proposal);
            let is_over = !is_under_way || order.as_ref().is_some_and(waits_for_people);
            if is_over || passed > LIMIT {
                return status;
            }
            self.let_people_act(proposal);
            let step = coarser(passed);
            self.world.pass(step);
            passed += step;
        }
    }
}

/// Deposits the npm or Python token under a policy, and has it activated.
fn activate(world: &mut World, policy: &CredentialPolicy) -> CredentialId {
    let token = match policy.ecosystem {
        Ecosystem::Npm => NPM_TOKEN,
        Ecosystem::Pypi => PYPI_TOKEN,
    };
    let deposit = world.seal(policy, token);
    let credential = world.deposit(deposit).expect("deposits");
    let change = CredentialChange::Activate;
    let action = ProposalAction::Credential(CredentialProposal { credential, change });
    assert_eq!(world.carry_out(action), ProposalStatus::Executed);
    credential
}

/// Whether custody has raised an alarm about an artifact of which it is not known what became.
pub fn waits_for_people(order: &OrderStatus) -> bool {
    order.artifacts.iter().any(|artifact| matches!(artifact.state, PublicationState::Blocked { .. }))
}

fn coarser(passed: Duration) -> Duration {
    // Never so coarse that custody would look more rarely than it wants to.
    let coarsest = if passed < Duration::from_secs(5 * 60 * 60) { 60 } else { 300 };
    (passed / 10).clamp(Duration::from_secs(5), Duration::from_secs(coarsest))
}

fn npm_write(request: &SeenRequest) -> Write {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let attachment = body["_attachments"].as_object().and_then(|attachments| attachments.iter().next());
    let (name, data) = attachment.map(|(name, file)| (name.as_str(), &file["data"])).unwrap_or_default();
    Write {
        filename: name.rsplit('/').next().unwrap_or_default().to_owned(),
        bytes: data.as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default(),
        is_authorized: request.header("authorization") == Some(&format!("Bearer {NPM_TOKEN}")),
    }
}

/// The token must be a narrowed one, not the one that was sealed.
fn pypi_write(request: &SeenRequest) -> Write {
    let (filename, bytes) = pypi_double::content(request).unwrap_or_default();
    let sealed = format!("Basic {}", STANDARD.encode(format!("__token__:{PYPI_TOKEN}")));
    let is_authorized = request
        .header("authorization")
        .is_some_and(|header| header.starts_with("Basic ") && header.len() > sealed.len());
    Write { filename, bytes, is_authorized }
}
