//! A group of members, the two canisters, and an npm and a Python registry, ready to propose.

use std::time::Duration;

use candid::{CandidType, Decode, Encode, Principal, utils::ArgumentEncoder};
use local_replica::{CallResult, Clock, QueryMessage, Reject, Replica, ReplicaConfig, outcalls::Routes};
use registry_protocols::secret::SecretToken;
use release_types::{
    CHUNK_BYTES, Choice, CredentialId, CredentialMode, CredentialPolicy, Ecosystem, Member, MemberId,
    OrderId, OrderStatus, Policies, Policy, ProposalAction, ProposalId, ProposalStatus, ProposalView,
    Proposer, PublishingMode, Registry, RegistryId, Sha256Digest,
    artifact::{ArtifactRef, BeginUploadArgs, UploadChunkArgs, UploadError, UploadStatus},
    credential::DepositCredentialArgs,
    custody::CustodyInit,
    dao::{DaoInit, DepositError},
    proposal::{
        CredentialChange, CredentialProposal, NpmAccess, NpmOptions, RegistryProposal, ReleaseProposal,
        SubmitProposalArgs, SubmitProposalError,
    },
    voting::{VoteArgs, VoteError},
};
use serde::de::DeserializeOwned;

use crate::{
    canister_wasm::{canister_wasm, module_cache},
    npm_double::NpmDouble,
    people::{controller, member, proposer},
    pypi_double::PypiDouble,
    registry_server::RegistryServer,
};

/// An npm token of the real shape.
pub const NPM_TOKEN: &str = "npm_Zk3vQ9xW2rT7yLb5MfHc8JdPsNgA4eUo1iVq";
/// A user-scoped PyPI-style token (a macaroon of the real shape).
pub const PYPI_TOKEN: &str = "pypi-AgEMcHlwaS5leGFtcGxlAiQxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUAAipbMywiYWFhYWFhYWEtYmJiYi00Y2NjLThkZGQtZWVlZWVlZWVlZWVlIl0AAAYgGRsdSW29cw97Nvc_GI5tBxilJD7R7-zINvC-8AKOWkI";

/// npm upload and read URL, routed to the double.
pub const NPM_URL: &str = "https://npm.registry.example/";
/// Python upload URL, routed to the double.
pub const PYPI_UPLOAD_URL: &str = "https://pypi.registry.example/legacy/";
/// Python read URL, routed to the double.
pub const PYPI_READ_URL: &str = "https://pypi.registry.example/simple/";
/// Base of the Python index's second view of its files, routed to the double.
pub const PYPI_VERSION_URL: &str = "https://pypi.registry.example/pypi/";
/// Base under which the Python index serves its files, routed to the double.
pub const PYPI_FILES_URL: &str = "https://pypi.registry.example/packages/";

const DAY_NS: u64 = 86_400_000_000_000;

/// How to set the world up.
pub struct WorldBuilder {
    members: u32,
    seed: u64,
    start_time_ns: Option<u64>,
    nodes: u32,
    policies: Option<Policies>,
    /// Hosts that are played by other servers than the doubles here.
    routed: Vec<(&'static str, String)>,
}

impl Default for WorldBuilder {
    fn default() -> Self {
        Self { members: 5, seed: 1, start_time_ns: None, routed: Vec::new(), nodes: 13, policies: None }
    }
}

impl WorldBuilder {
    pub fn members(mut self, members: u32) -> Self {
        self.members = members;
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// When the replica's time begins, in nanoseconds since 1970.
    pub fn start_time_ns(mut self, start_time_ns: u64) -> Self {
        self.start_time_ns = Some(start_time_ns);
        self
    }

    /// Lets the server at a loopback URL play a host, for instance a registry's.
    pub fn routed(mut self, host: &'static str, url: &str) -> Self {
        self.routed.push((host, url.into()));
        self
    }

    /// Other rules than those of [`majority_rules`].
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = Some(policies);
        self
    }

    /// The subnet's nodes, 13 by default.
    pub fn nodes(mut self, nodes: u32) -> Self {
        self.nodes = nodes;
        self
    }

    /// Starts registries and replica, installs the canisters and lets them learn their keys.
    pub fn build(self) -> World {
        let mut world = self.build_without_code();
        world.install();
        world
    }

    /// Starts registries and replica, with two canisters that have no code yet.
    pub fn build_without_code(self) -> World {
        let npm = RegistryServer::start(NpmDouble::new(NPM_TOKEN));
        let pypi = RegistryServer::start(PypiDouble::default());
        let doubles = [("npm.registry.example", npm.url()), ("pypi.registry.example", pypi.url())];
        let is_routed = |host: &str| self.routed.iter().any(|(routed, _)| *routed == host);
        let own = doubles.into_iter().filter(|(host, _)| !is_routed(host));
        let others = self.routed.iter().map(|(host, url)| (*host, url.as_str()));
        let routes = Routes::from_pairs(own.chain(others)).expect("loopback routes");
        let config = ReplicaConfig {
            nodes: self.nodes,
            start_time_ns: self.start_time_ns,
            ..ReplicaConfig::default()
        }
        .with_seed(self.seed)
        .with_clock(Clock::Manual)
        .with_routes(routes)
        .with_module_cache(module_cache());
        let mut replica = Replica::new(config).expect("a replica");
        let dao = replica.create_canister(vec![controller()]);
        let custody = replica.create_canister(vec![controller()]);
        let group = DaoInit {
            members: (0..self.members)
                .map(|n| Member {
                    id: MemberId(n + 1),
                    name: format!("member {n}"),
                    voting_power: 1,
                    keys: vec![member(n)],
                })
                .collect(),
            proposers: vec![Proposer { principal: proposer(), name: "ci".into() }],
            policies: self.policies.unwrap_or_else(|| majority_rules(self.members)),
            custody: Some(custody),
            upgrader: None,
        };
        World { replica, dao, custody, npm, pypi, group }
    }
}

/// More than half of those who vote decide everything, whoever proposes it, within three days, if two fifths take part.
pub fn majority_rules(members: u32) -> Policies {
    let mut policies = Policies::recommended(members);
    policies.kinds.clear();
    policies.default = Policy {
        least_yes_members: members.min(2),
        quorum_bp: 4_000,
        late_swing_ns: 0,
        vote_change: false,
        outsiders_propose: true,
        ..policies.default
    };
    policies
}

/// The world of a test.
pub struct World {
    pub replica: Replica,
    pub dao: Principal,
    pub custody: Principal,
    pub npm: RegistryServer<NpmDouble>,
    pub pypi: RegistryServer<PypiDouble>,
    /// With what the DAO canister is installed.
    pub group: DaoInit,
}

impl World {
    /// Five members with one vote each.
    pub fn new() -> Self {
        WorldBuilder::default().build()
    }

    /// Installs both canisters and lets them learn their keys.
    pub fn install(&mut self) {
        let init = Encode!(&self.group).expect("encodes");
        self.replica
            .install(self.dao, &canister_wasm("dao_canister"), init)
            .expect("the DAO canister installs");
        self.install_custody();
    }

    /// Installs the custody canister alone, with the DAO canister's principal as its authority, and lets it learn its
    /// keys.
    pub fn install_custody(&mut self) {
        let init = CustodyInit { authority: Some(self.dao), key_name: "key_1".into() };
        let init = Encode!(&init).expect("encodes");
        let wasm = canister_wasm("custody_canister");
        self.replica.install(self.custody, &wasm, init).expect("the custody canister installs");
        self.pass(Duration::from_secs(1));
    }

    /// Lets time pass and everything due happen.
    pub fn pass(&mut self, time: Duration) {
        self.replica.advance_time(time);
        self.replica.run_until_idle();
    }

    /// An update call to a canister.
    pub fn update<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &mut self,
        caller: Principal,
        canister: Principal,
        method: &str,
        args: A,
    ) -> Result<R, Reject> {
        let args = candid::encode_args(args).expect("arguments encode");
        decode(method, self.replica.call(caller, canister, method, args))
    }

    /// A query call to a canister.
    pub fn query<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &mut self,
        caller: Principal,
        canister: Principal,
        method: &str,
        args: A,
    ) -> Result<R, Reject> {
        let arg = candid::encode_args(args).expect("arguments encode");
        let message = QueryMessage { sender: caller, canister_id: canister, method_name: method.into(), arg };
        decode(method, self.replica.query(message))
    }

    /// Uploads an artifact in chunks and returns its reference.
    pub fn upload(
        &mut self,
        caller: Principal,
        filename: &str,
        bytes: &[u8],
    ) -> Result<ArtifactRef, UploadError> {
        let dao = self.dao;
        let sha256 = Sha256Digest::of(bytes);
        let size_bytes = bytes.len() as u64;
        let begun: Result<UploadStatus, UploadError> = self
            .update(caller, dao, "begin_upload", (BeginUploadArgs { sha256, size_bytes },))
            .expect("answers");
        for index in begun?.missing_chunks {
            let start = index as usize * CHUNK_BYTES as usize;
            let end = bytes.len().min(start + CHUNK_BYTES as usize);
            let args = UploadChunkArgs { sha256, index, bytes: bytes[start..end].to_vec() };
            let sent: Result<UploadStatus, UploadError> =
                self.update(caller, dao, "upload_chunk", (args,)).expect("answers");
            sent?;
        }
        Ok(ArtifactRef { filename: filename.into(), sha256, size_bytes })
    }

    /// Submits a proposal.
    pub fn submit(
        &mut self,
        caller: Principal,
        action: ProposalAction,
    ) -> Result<ProposalId, SubmitProposalError> {
        let args = SubmitProposalArgs { title: "A proposal".into(), summary: String::new(), action };
        self.update(caller, self.dao, "submit_proposal", (args,)).expect("answers")
    }

    /// Casts a ballot.
    pub fn vote(
        &mut self,
        caller: Principal,
        proposal: ProposalId,
        choice: Choice,
    ) -> Result<ProposalStatus, VoteError> {
        self.update(caller, self.dao, "vote", (VoteArgs { proposal, choice, digests: Vec::new() },))
            .expect("answers")
    }

    /// How many members make the outcome certain: three of five.
    pub fn majority(&self) -> u32 {
        u32::try_from(self.group.members.len() / 2 + 1).expect("a group of at most a thousand")
    }

    /// Lets as many members vote yes as make the outcome certain.
    pub fn adopt(&mut self, proposal: ProposalId) {
        for n in 0..self.majority() {
            self.vote(member(n), proposal, Choice::Yes).expect("the vote counts");
        }
    }

    pub fn proposal(&mut self, proposal: ProposalId) -> ProposalView {
        let view: Option<ProposalView> =
            self.query(member(0), self.dao, "get_proposal", (proposal,)).expect("answers");
        view.expect("the proposal exists")
    }

    /// Lets time pass until a proposal is over, at most four simulated hours: in small steps at first, then coarser.
    pub fn settle(&mut self, proposal: ProposalId) -> ProposalStatus {
        let steps = [(24, 5), (4 * 60, 60)];
        for step in steps.into_iter().flat_map(|(count, seconds)| std::iter::repeat_n(seconds, count)) {
            let status = self.proposal(proposal).status;
            match status {
                ProposalStatus::Approved | ProposalStatus::Executing => self.pass(Duration::from_secs(step)),
                _ => return status,
            }
        }
        self.proposal(proposal).status
    }

    /// Submits, adopts and settles.
    pub fn carry_out(&mut self, action: ProposalAction) -> ProposalStatus {
        let proposal = self.submit(member(0), action).expect("a good proposal");
        self.adopt(proposal);
        self.settle(proposal)
    }

    pub fn order(&mut self, proposal: ProposalId) -> Option<OrderStatus> {
        let id = OrderId(format!("proposal-{proposal}"));
        self.query(member(0), self.custody, "order_status", (id,)).expect("answers")
    }

    /// Puts the npm registry in place under the name `npm`.
    pub fn add_npm_registry(&mut self) {
        self.add_registry("npm", Ecosystem::Npm, NPM_URL, NPM_URL);
    }

    /// Puts the Python index in place under the name `pypi`.
    pub fn add_pypi_registry(&mut self) {
        self.add_registry("pypi", Ecosystem::Pypi, PYPI_UPLOAD_URL, PYPI_READ_URL);
    }

    /// Puts the Python index in place under the name `pypi`, with its second view and with where it serves files.
    pub fn add_pypi_registry_with_every_view(&mut self) {
        let registry = Registry {
            version_url: Some(PYPI_VERSION_URL.into()),
            files_url: Some(PYPI_FILES_URL.into()),
            ..Registry::new(Ecosystem::Pypi, PYPI_UPLOAD_URL, PYPI_READ_URL)
        };
        self.put_registry("pypi", registry);
    }

    fn add_registry(&mut self, id: &str, ecosystem: Ecosystem, upload_url: &str, read_url: &str) {
        self.put_registry(id, Registry::new(ecosystem, upload_url, read_url));
    }

    /// Puts a registry in place under a name.
    pub fn put_registry(&mut self, id: &str, registry: Registry) {
        let action = ProposalAction::Registry(RegistryProposal { id: RegistryId(id.into()), registry });
        assert_eq!(self.carry_out(action), ProposalStatus::Executed);
    }

    /// The policy under which the tests seal tokens.
    pub fn policy(&self, ecosystem: Ecosystem, packages: &[&str]) -> CredentialPolicy {
        CredentialPolicy {
            custody: self.custody,
            ecosystem,
            endpoint: match ecosystem {
                Ecosystem::Npm => NPM_URL.into(),
                Ecosystem::Pypi => PYPI_UPLOAD_URL.into(),
            },
            packages: packages.iter().map(|name| (*name).into()).collect(),
            mode: CredentialMode::Direct,
            not_before_ns: 0,
            not_after_ns: self.replica.time_ns() + 90 * DAY_NS,
            epoch: 1,
        }
    }

    /// Seals a token to `policy` as the command line tool does: offline, to the key derived from the master key.
    pub fn seal(&self, policy: &CredentialPolicy, token: &str) -> DepositCredentialArgs {
        let master = sealing::MasterKey::from_bytes(&self.replica.vetkd_master_public_key())
            .expect("the replica's master key");
        let key = sealing::custody_public_key(&master, policy.custody);
        let token = SecretToken::new(token.as_bytes().to_vec()).expect("a token");
        let sealed_token = sealing::seal(&key, policy, token, [7; 32]).expect("seals");
        DepositCredentialArgs { policy: policy.clone(), sealed_token }
    }

    /// Deposits a sealed token.
    pub fn deposit(&mut self, deposit: DepositCredentialArgs) -> Result<CredentialId, DepositError> {
        self.update(member(0), self.dao, "deposit_credential", (deposit,)).expect("answers")
    }

    /// Seals and deposits the token of an ecosystem.
    pub fn deposit_token(&mut self, ecosystem: Ecosystem, packages: &[&str]) -> CredentialId {
        let token = match ecosystem {
            Ecosystem::Npm => NPM_TOKEN,
            Ecosystem::Pypi => PYPI_TOKEN,
        };
        let deposit = self.seal(&self.policy(ecosystem, packages), token);
        self.deposit(deposit).expect("deposits")
    }

    /// Seals, deposits and activates the token of an ecosystem.
    pub fn add_credential(&mut self, ecosystem: Ecosystem, packages: &[&str]) -> CredentialId {
        let credential = self.deposit_token(ecosystem, packages);
        let change = CredentialChange::Activate;
        let action = ProposalAction::Credential(CredentialProposal { credential, change });
        assert_eq!(self.carry_out(action), ProposalStatus::Executed);
        credential
    }

    /// Uploads an npm tarball and makes the release proposal for it.
    pub fn npm_release(
        &mut self,
        credential: CredentialId,
        name: &str,
        version: &str,
        tarball: &[u8],
    ) -> ProposalAction {
        let bare = name.rsplit('/').next().unwrap_or(name);
        let artifact = self.upload(member(0), &format!("{bare}-{version}.tgz"), tarball).expect("uploads");
        ProposalAction::Release(ReleaseProposal {
            registry: RegistryId("npm".into()),
            mode: PublishingMode::Direct,
            credential: Some(credential),
            read_credential: None,
            name: name.into(),
            version: version.into(),
            artifacts: vec![artifact],
            npm: Some(NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public }),
            source: None,
        })
    }

    /// Uploads Python artifacts and makes the release proposal for them.
    pub fn pypi_release(
        &mut self,
        credential: CredentialId,
        name: &str,
        version: &str,
        files: &[(&str, &[u8])],
    ) -> ProposalAction {
        let artifacts = files
            .iter()
            .map(|(filename, bytes)| self.upload(member(0), filename, bytes).expect("uploads"))
            .collect();
        ProposalAction::Release(ReleaseProposal {
            registry: RegistryId("pypi".into()),
            mode: PublishingMode::Direct,
            credential: Some(credential),
            read_credential: None,
            name: name.into(),
            version: version.into(),
            artifacts,
            npm: None,
            source: None,
        })
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn decode<R: CandidType + DeserializeOwned>(method: &str, answer: CallResult) -> Result<R, Reject> {
    answer.map(|bytes| {
        Decode!(&bytes, R).unwrap_or_else(|error| panic!("{method} answered something else: {error}"))
    })
}
