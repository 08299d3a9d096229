//! Who calls, and a world in which every method has something to do.

use candid::{Encode, Principal};
use e2e_tests::{
    World,
    archives::npm_tarball,
    people::{controller, member, person, proposer, stranger},
    world::NPM_URL,
};
use local_replica::{CallResult, QueryMessage};
use release_types::{
    AmendOrder, Amendment, CredentialId, Ecosystem, OrderId, ProposalAction, ProposalId, PublishOrder,
    PublishingMode, Registry, RegistryId, Sha256Digest,
    control::{Committee, MIN_RECOVERY_DELAY_NS, ModuleRef, ProposeRecoveryArgs, RecoveryView},
    credential::DepositCredentialArgs,
    order::{Decision, OrderedArtifact, Publication},
    proposal::{NpmAccess, NpmOptions, RegistryProposal, SubmitProposalArgs},
};

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    Stranger,
    /// May propose at the DAO, and withdraw what they proposed.
    Proposer,
    /// A voting member, not the one who proposed what the calls are about.
    Member,
    /// At custody and at the upgrader the DAO, at the DAO custody.
    Authority,
    /// Controls all canisters.
    Controller,
    OtherCanister,
    /// Of the upgrader's recovery committee, and nothing else.
    CommitteeMember,
}

/// A canister whose methods are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canister {
    Dao,
    Custody,
    Upgrader,
}

impl Canister {
    pub const ALL: [Self; 3] = [Self::Dao, Self::Custody, Self::Upgrader];

    pub fn module(self) -> &'static str {
        match self {
            Self::Dao => "dao_canister",
            Self::Custody => "custody_canister",
            Self::Upgrader => "upgrader_canister",
        }
    }
}

/// The number of the recovery committee's first member.
const COMMITTEE: u32 = 500;
/// The one chunk of the module that a recovery would install.
pub const RECOVERY_CHUNK: &[u8] = b"a chunk of a module";

fn committee() -> Committee {
    let members = (COMMITTEE..COMMITTEE + 3).map(person).collect();
    Committee { members, threshold: 2, delay_ns: MIN_RECOVERY_DELAY_NS }
}

/// The module that a recovery would install.
pub fn recovery_module() -> ModuleRef {
    let sha256 = Sha256Digest::of(RECOVERY_CHUNK);
    ModuleRef { sha256, chunks: vec![sha256] }
}

/// What a member of the committee may propose.
pub fn a_recovery() -> ProposeRecoveryArgs {
    ProposeRecoveryArgs { module: recovery_module(), arg: Default::default(), reason: "a test".into() }
}

/// Two other members than the one who calls agree on a recovery, so that its chunk is called for.
fn propose_recovery(world: &mut World, canister: Canister) {
    if canister != Canister::Upgrader {
        return;
    }
    let upgrader = world.upgrader();
    let first = person(COMMITTEE + 1);
    let proposed: Result<RecoveryView, _> =
        world.update(first, upgrader, "propose_recovery", (a_recovery(),));
    let id = proposed.expect("a good proposal").id;
    let second = person(COMMITTEE + 2);
    let supported: Result<RecoveryView, _> = world.update(second, upgrader, "support_recovery", (id,));
    supported.expect("supports");
}

/// What the calls are about.
pub struct Setting {
    pub world: World,
    /// A canister that has no part in anything.
    pub forwarder: Principal,
    pub credential: CredentialId,
    /// Carried out.
    pub executed: ProposalId,
    /// A release open for votes, proposed by the proposer.
    pub open: ProposalId,
    pub tarball: Vec<u8>,
    /// A deposit that was not made yet.
    pub deposit: DepositCredentialArgs,
}

impl Setting {
    /// A world in which `caller` is about to call `canister`.
    pub fn of(caller: Caller, canister: Canister) -> Self {
        let mut world = World::with_upgrader(Some(committee()));
        world.add_npm_registry();
        let executed = ProposalId(1);
        let credential = world.add_credential(Ecosystem::Npm, &["@dao/demo"]);
        let tarball = npm_tarball("@dao/demo", "1.0.0", 1_000);
        let release = world.npm_release(credential, "@dao/demo", "1.0.0", &tarball);
        let open = world.submit(proposer(), release).expect("a good proposal");
        let mut policy = world.policy(Ecosystem::Npm, &["@dao/demo"]);
        policy.epoch = 2;
        let deposit = world.seal(&policy, e2e_tests::world::NPM_TOKEN);
        let forwarder = world.add_forwarder();
        propose_recovery(&mut world, canister);
        if caller == Caller::Authority {
            // From now on the authority's calls come from its own principal, as those of its code do.
            world.replace_by_forwarder(match canister {
                Canister::Dao => world.custody,
                Canister::Custody | Canister::Upgrader => world.dao,
            });
        }
        Self { world, forwarder, credential, executed, open, tarball, deposit }
    }

    pub fn id(&self, canister: Canister) -> Principal {
        match canister {
            Canister::Dao => self.world.dao,
            Canister::Custody => self.world.custody,
            Canister::Upgrader => self.world.upgrader(),
        }
    }

    /// An update call: by a person as an ingress message, by a canister as a call.
    pub fn update(&mut self, caller: Caller, canister: Canister, method: &str, arg: Vec<u8>) -> CallResult {
        let id = self.id(canister);
        match self.sender(caller, canister) {
            Sender::Person(person) => self.world.replica.call(person, id, method, arg),
            Sender::Canister(from) => self.world.forward(from, id, method, &arg),
        }
    }

    /// A query: by a person as such, by a canister as a call, which is executed by every node.
    pub fn query(&mut self, caller: Caller, canister: Canister, method: &str, arg: Vec<u8>) -> CallResult {
        let id = self.id(canister);
        match self.sender(caller, canister) {
            Sender::Person(sender) => self.world.replica.query(QueryMessage {
                sender,
                canister_id: id,
                method_name: method.into(),
                arg,
            }),
            Sender::Canister(from) => self.world.forward(from, id, method, &arg),
        }
    }

    fn sender(&self, caller: Caller, canister: Canister) -> Sender {
        match (caller, canister) {
            (Caller::Anonymous, _) => Sender::Person(Principal::anonymous()),
            (Caller::Stranger, _) => Sender::Person(stranger()),
            (Caller::Proposer, _) => Sender::Person(proposer()),
            (Caller::Member, _) => Sender::Person(member(1)),
            (Caller::Controller, _) => Sender::Person(controller()),
            (Caller::Authority, Canister::Dao) => Sender::Canister(self.world.custody),
            (Caller::CommitteeMember, _) => Sender::Person(person(COMMITTEE)),
            (Caller::Authority, Canister::Custody | Canister::Upgrader) => Sender::Canister(self.world.dao),
            (Caller::OtherCanister, _) => Sender::Canister(self.forwarder),
        }
    }

    /// A proposal that anybody who may propose can make.
    pub fn submission(&self) -> SubmitProposalArgs {
        let registry = npm_registry();
        let action = ProposalAction::Registry(RegistryProposal { id: RegistryId("other".into()), registry });
        SubmitProposalArgs { title: "Another registry".into(), summary: String::new(), action }
    }

    /// A good amendment, as the DAO would give it, in Candid.
    pub fn amendment(&self) -> Vec<u8> {
        let order = AmendOrder {
            read_credential: None,
            id: OrderId("order-2".into()),
            credential: self.credential,
            registry: npm_registry(),
            package: "@dao/demo".into(),
            amendment: Amendment::Deprecation { version: "1.0.0".into(), message: "old".into() },
            decision: self.decision(),
            expires_at_ns: self.world.replica.time_ns() + 3_600_000_000_000,
        };
        Encode!(&order).expect("encodes")
    }

    fn decision(&self) -> Decision {
        Decision { authority: self.world.dao, vote: None, source: None }
    }

    /// A good order for the release, as the DAO would give it, in Candid.
    pub fn order(&self) -> Vec<u8> {
        let options = NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public };
        let manifest_json = r#"{"name":"@dao/demo","version":"1.0.0"}"#.into();
        let order = PublishOrder {
            id: OrderId("order-1".into()),
            mode: PublishingMode::Direct,
            credential: Some(self.credential),
            read_credential: None,
            registry: npm_registry(),
            package: "@dao/demo".into(),
            version: "1.0.0".into(),
            artifacts: vec![OrderedArtifact {
                filename: "demo-1.0.0.tgz".into(),
                sha256: Sha256Digest::of(&self.tarball),
                size_bytes: self.tarball.len() as u64,
                source: self.world.dao,
                publication: Publication::Npm { manifest_json, options },
            }],
            decision: self.decision(),
            expires_at_ns: self.world.replica.time_ns() + 3_600_000_000_000,
        };
        Encode!(&order).expect("encodes")
    }
}

enum Sender {
    Person(Principal),
    Canister(Principal),
}

fn npm_registry() -> Registry {
    Registry::new(Ecosystem::Npm, NPM_URL, NPM_URL)
}
