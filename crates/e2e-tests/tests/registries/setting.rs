//! A registry, and a group that publishes to it, made once and taken back to where they began for each test.

use std::{
    cell::Cell,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use e2e_tests::{
    World, WorldBuilder,
    archives::{npm_tarball, wheel},
    canister_wasm::repository_root,
    people::member,
    publishing::{filename, package},
    supervised::Supervised,
    world::{NPM_TOKEN, NPM_URL, PYPI_READ_URL, PYPI_TOKEN, PYPI_UPLOAD_URL},
};
use local_replica::WorldSnapshot;
use registry_protocols::receipt::{self, Confirmation};
use release_types::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, OrderStatus, ProposalAction, ProposalId,
    ProposalStatus, PublicationState, PublishingMode, Registry, Sha256Digest,
    order::ArtifactStatus,
    proposal::{CredentialChange, CredentialProposal},
};
use serde_json::{Value, json};

use crate::control::Control;

/// Nodes of the replica, each of which reads.
pub const NODES: usize = 13;
/// How far the group's clock is behind when it is set up, which takes it minutes forward.
const HEAD_START: Duration = Duration::from_secs(60 * 60);
/// How long a test waits for the end of an order, in the group's time: longer than custody looks for a version.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60 * 60);
/// A token of the right shape that no npm registry has issued.
const UNKNOWN_NPM_TOKEN: &str = "00000000000000000000000000000000";

/// A setting that tests share, one at a time.
pub type Shared = LazyLock<Mutex<Setting>>;

/// A registry and a group.
pub struct Setting {
    pub ecosystem: Ecosystem,
    pub world: World,
    /// What the registry said of itself when it was ready.
    pub about: Value,
    /// The credential in use.
    pub credential: CredentialId,
    /// How a double is told what to do; none of real servers.
    pub control: Option<Control>,
    /// Where a test may keep files.
    pub home: PathBuf,
    pub upload_url: String,
    first_credential: CredentialId,
    /// How far a double's clock is ahead of the group's, in seconds.
    ahead_s: Cell<i64>,
    start: Option<WorldSnapshot>,
    versions: u32,
    _process: Supervised,
}

/// A release under way.
pub struct Release {
    pub version: String,
    pub proposal: ProposalId,
    pub bytes: Vec<u8>,
}

impl Setting {
    /// Starts a registry by its name in `scripts/registries serve`, and makes a group for it.
    pub fn make(name: &str, ecosystem: Ecosystem) -> Mutex<Self> {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registries").join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).expect("a directory");
        let mut serve = Command::new(repository_root().join("scripts/registries"));
        serve.args(["serve", &format!("--{name}"), "--dir"]).arg(home.join("registry"));
        let log = File::create(home.join("registry.log")).expect("a log");
        let (process, line) = Supervised::start_watching(serve, log);
        let about = serde_json::from_str::<Value>(&line).expect("one line of JSON")[name].take();
        let url = text(&about, "url");
        let base = base_of(url);
        let world = WorldBuilder::default()
            .members(1)
            .start_time_ns(u64::try_from((now() - HEAD_START).as_nanos()).expect("before 2500"))
            .routed(
                match ecosystem {
                    Ecosystem::Npm => "npm.registry.example",
                    Ecosystem::Pypi => "pypi.registry.example",
                },
                base,
            )
            .build();
        let control = about["control_url"].as_str().map(Control::at);
        // The doubles have the public registries' paths; others have their own.
        let (upload_url, read_url) = match (ecosystem, &control) {
            (Ecosystem::Npm, _) => (NPM_URL.to_string(), NPM_URL.to_string()),
            (Ecosystem::Pypi, Some(_)) => (PYPI_UPLOAD_URL.into(), PYPI_READ_URL.into()),
            (Ecosystem::Pypi, None) => {
                let of = |url: &str| format!("https://pypi.registry.example{}", &url[base.len()..]);
                (of(url), format!("{}/", of(text(&about, "read_url"))))
            }
        };
        let nobody = CredentialId(Sha256Digest::of(b"none yet"));
        let mut setting = Self {
            ecosystem,
            world,
            about,
            credential: nobody,
            first_credential: nobody,
            control,
            home,
            upload_url,
            ahead_s: Cell::new(0),
            start: None,
            versions: 0,
            _process: process,
        };
        let id = match ecosystem {
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "pypi",
        };
        let mut registry = Registry::new(ecosystem, setting.upload_url.clone(), read_url);
        if ecosystem == Ecosystem::Pypi && setting.control.is_some() {
            registry.version_url = Some("https://pypi.registry.example/pypi/".into());
            registry.files_url = Some("https://pypi.registry.example/packages/".into());
        }
        setting.world.put_registry(id, registry);
        let token = setting.token();
        setting.first_credential = setting.add_credential(&token, 1);
        if let Some(control) = &setting.control {
            control.tell("mark", &json!({}));
        }
        setting.start = Some(setting.world.replica.take_snapshot());
        Mutex::new(setting)
    }

    /// The token with which the registry takes releases; doubles are told of it, and of the package.
    fn token(&self) -> String {
        let Some(control) = &self.control else { return text(&self.about, "token").into() };
        match self.ecosystem {
            Ecosystem::Npm => {
                control.tell("token", &json!({"token": NPM_TOKEN}));
                control.tell("package", &json!({"name": package(Ecosystem::Npm)}));
                NPM_TOKEN.into()
            }
            Ecosystem::Pypi => {
                control.tell("user", &json!({"name": "five"}));
                control.tell("project", &json!({"name": package(Ecosystem::Pypi), "owner": "five"}));
                let token = control.tell("token", &json!({"user": "five"}));
                token.as_str().expect("a token").into()
            }
        }
    }

    /// Seals, deposits and activates a token; no two may have the same epoch.
    pub fn add_credential(&mut self, token: &str, epoch: u32) -> CredentialId {
        let policy = self.world.policy(self.ecosystem, &[package(self.ecosystem)]);
        self.activate(CredentialPolicy { endpoint: self.upload_url.clone(), epoch, ..policy }, token)
    }

    /// Seals, deposits and activates a token under a policy.
    pub fn activate(&mut self, policy: CredentialPolicy, token: &str) -> CredentialId {
        let deposit = self.world.seal(&policy, token);
        let credential = self.world.deposit(deposit).expect("deposits");
        let change = CredentialChange::Activate;
        let action = ProposalAction::Credential(CredentialProposal { credential, change });
        assert_eq!(self.world.carry_out(action), ProposalStatus::Executed);
        credential
    }

    /// From here on releases are staged with this token.
    pub fn use_staging_token(&mut self, token: &str) {
        let policy = self.world.policy(self.ecosystem, &[package(self.ecosystem)]);
        let endpoint = self.upload_url.clone();
        self.credential =
            self.activate(CredentialPolicy { endpoint, mode: CredentialMode::Staged, ..policy }, token);
    }

    /// From here on releases are published with a token that the registry does not know.
    pub fn use_unknown_token(&mut self) {
        let token = match self.ecosystem {
            Ecosystem::Npm => UNKNOWN_NPM_TOKEN,
            Ecosystem::Pypi => PYPI_TOKEN,
        };
        self.credential = self.add_credential(token, 2);
    }

    /// The double's control interface.
    pub fn control(&self) -> &Control {
        self.control.as_ref().expect("a double")
    }

    /// A version that was never released, and its artifact.
    pub fn next_artifact(&mut self) -> (String, Vec<u8>) {
        self.versions += 1;
        let version = format!("1.0.{}", self.versions);
        let bytes = match self.ecosystem {
            Ecosystem::Npm => npm_tarball(package(self.ecosystem), &version, 300),
            Ecosystem::Pypi => wheel("dao_demo", &version, 300),
        };
        (version, bytes)
    }

    /// Proposes and adopts a release that custody publishes directly.
    pub fn adopt(&mut self, version: &str, bytes: &[u8]) -> Release {
        self.adopt_as(PublishingMode::Direct, version, bytes)
    }

    /// Proposes and adopts a release.
    pub fn adopt_as(&mut self, mode: PublishingMode, version: &str, bytes: &[u8]) -> Release {
        let name = package(self.ecosystem);
        let mut action = match self.ecosystem {
            Ecosystem::Npm => self.world.npm_release(self.credential, name, version, bytes),
            Ecosystem::Pypi => {
                let filename = filename(self.ecosystem, version);
                self.world.pypi_release(self.credential, name, version, &[(&filename, bytes)])
            }
        };
        if let ProposalAction::Release(release) = &mut action {
            release.mode = mode;
        }
        let proposal = self.adopt_action(action);
        Release { version: version.into(), proposal, bytes: bytes.to_vec() }
    }

    /// Submits and adopts a proposal.
    pub fn adopt_action(&mut self, action: ProposalAction) -> ProposalId {
        let proposal = self.world.submit(member(0), action).expect("a good proposal");
        self.world.adopt(proposal);
        proposal
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.world.replica.advance_time(time);
        self.tell_time();
        self.world.replica.run_until_idle();
    }

    /// From now on a double's clock is ahead of the group's, or behind it.
    pub fn put_double_ahead(&self, seconds: i64) {
        self.ahead_s.set(seconds);
        self.tell_time();
    }

    /// Sets the double's clock by the group's.
    fn tell_time(&self) {
        if let Some(control) = &self.control {
            let now_s = i64::try_from(self.world.replica.time_ns() / 1_000_000_000).expect("before 2262");
            control.tell("clock", &json!({"now_s": now_s + self.ahead_s.get()}));
        }
    }

    /// Lets time pass until custody has done with a release or leaves it to people, hours if need be.
    pub fn settle(&mut self, proposal: ProposalId) -> OrderStatus {
        self.settle_within(proposal, LONGEST_WAIT)
    }

    /// As [`Self::settle`], for at most so long: in small steps at first, then coarser.
    pub fn settle_within(&mut self, proposal: ProposalId, limit: Duration) -> OrderStatus {
        let is_blocked =
            |artifact: &ArtifactStatus| matches!(artifact.state, PublicationState::Blocked { .. });
        self.pass_until(proposal, limit, |order| order.is_final() || order.artifacts.iter().any(is_blocked))
    }

    /// Lets time pass until custody says what is to be approved, and nothing else; returns its id.
    #[track_caller]
    pub fn stage_to_approve(&mut self, release: &Release) -> String {
        let is_staged =
            |order: &OrderStatus| matches!(order.artifacts[0].state, PublicationState::Staged { .. });
        let order =
            self.pass_until(release.proposal, LONGEST_WAIT, |order| is_staged(order) || order.is_final());
        match &order.artifacts[0].state {
            PublicationState::Staged { stage, do_not_approve, .. } if do_not_approve.is_empty() => {
                stage.clone()
            }
            other => panic!("nothing to approve: {other:?}"),
        }
    }

    fn pass_until(
        &mut self,
        proposal: ProposalId,
        limit: Duration,
        is_over: impl Fn(&OrderStatus) -> bool,
    ) -> OrderStatus {
        let start_ns = self.world.replica.time_ns();
        loop {
            let order = self.world.order(proposal);
            let waited = Duration::from_nanos(self.world.replica.time_ns() - start_ns);
            match order {
                Some(order) if is_over(&order) || waited > limit => return order,
                None if waited > limit => {
                    panic!("custody took no order: {:?}", self.world.proposal(proposal))
                }
                _ => {}
            }
            let step_s = match waited.as_secs() {
                0..120 => 5,
                120..20_000 => 60,
                _ => 15 * 60,
            };
            self.pass(Duration::from_secs(step_s));
        }
    }

    /// What a double has for a version.
    pub fn stored(&self, version: &str) -> Option<Vec<u8>> {
        use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
        let name = package(self.ecosystem);
        let stored = match self.ecosystem {
            Ecosystem::Npm => self.control().tell("tarball", &json!({"package": name, "version": version})),
            Ecosystem::Pypi => self.control().tell("files", &json!({"project": name}))
                [filename(self.ecosystem, version)]
            .take(),
        };
        stored.as_str().map(|base64| BASE64.decode(base64).expect("base64"))
    }

    /// What the receipt of a release says of how its one digest was confirmed.
    #[track_caller]
    pub fn confirmation(&mut self, release: &Release) -> Confirmation {
        let envelope = self.world.receipt(release.proposal).expect("a receipt");
        let statement = receipt::verify(&envelope, &self.world.receipt_key(self.world.custody))
            .expect("a receipt that this custody canister signed");
        statement.predicate.read_back.confirmation[0]
    }

    /// Panics unless the release is verified, with a receipt for its bytes.
    #[track_caller]
    pub fn assert_verified(&mut self, release: &Release) {
        let order = self.settle(release.proposal);
        assert_eq!(order.artifacts[0].state, PublicationState::Verified, "{order:?}");
        assert!(order.is_verified(), "{order:?}");
        let envelope = self.world.receipt(release.proposal).expect("a receipt");
        let statement = receipt::verify(&envelope, &self.world.receipt_key(self.world.custody))
            .expect("a receipt that this custody canister signed");
        assert!(
            statement.subject_with(&Sha256Digest::of(&release.bytes)).is_some(),
            "a receipt for these bytes"
        );
    }
}

/// Takes a setting for one test: the group is where it was at first, a double too; what time it is, is true.
pub fn take(shared: &'static Shared) -> MutexGuard<'static, Setting> {
    // A test that failed leaves nothing behind that is not taken back here.
    let mut setting = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let inner = &mut *setting;
    inner.world.replica.restore(inner.start.as_ref().expect("made")).expect("a snapshot of this replica");
    if let Some(control) = &inner.control {
        control.tell("reset", &json!({}));
    }
    inner.credential = inner.first_credential;
    // Tokens are valid for minutes, and real registries have the true time.
    let behind = now().saturating_sub(Duration::from_nanos(inner.world.replica.time_ns()));
    inner.ahead_s.set(0);
    inner.pass(behind);
    setting
}

/// A field of what a registry says of itself.
pub fn text<'a>(about: &'a Value, field: &str) -> &'a str {
    about[field].as_str().unwrap_or_else(|| panic!("no {field} in {about}"))
}

/// Scheme, host and port of a URL.
fn base_of(url: &str) -> &str {
    let path = url["http://".len()..].find('/').map_or(url.len(), |at| at + "http://".len());
    &url[..path]
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}
