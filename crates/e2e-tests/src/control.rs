//! The upgrader in a test's world, and the hand-over to it.

use std::io::Read as _;

use candid::{Encode, Principal};
use flate2::{Compression, read::GzEncoder};
use ic_management_canister_types::{CanisterSettings, UpdateSettingsArgs};
use release_types::{
    ArtifactRef, ProposalAction, ProposalStatus, Sha256Digest,
    control::{Committee, GroupCanister, UpgradeProposal, UpgraderInfo, UpgraderInit},
};

use crate::{
    World, WorldBuilder,
    canister_wasm::{canister_wasm, decompressed_wasm},
    people::{controller, member, stranger},
};

impl World {
    /// Five members with one vote each, and an upgrader that controls DAO and custody, as the DAO controls it. The
    /// installer controls all three as well.
    pub fn with_upgrader(committee: Option<Committee>) -> Self {
        let mut world = WorldBuilder::default().build_without_code();
        let upgrader = world.replica.create_canister(vec![controller()]);
        world.group.upgrader = Some(upgrader);
        world.install();
        let init = UpgraderInit { dao: Some(world.dao), custody: Some(world.custody), committee };
        let init = Encode!(&init).expect("encodes");
        world.replica.install(upgrader, &canister_wasm("upgrader_canister"), init).expect("installs");
        let (dao, custody) = (world.dao, world.custody);
        for (canister, by) in [(custody, upgrader), (dao, upgrader), (upgrader, dao)] {
            world.set_controllers(canister, vec![by, controller()]);
        }
        world
    }

    /// As [`Self::with_upgrader`], handed over: nobody else controls anything.
    pub fn handed_over(committee: Option<Committee>) -> Self {
        let mut world = Self::with_upgrader(committee);
        let (dao, custody, upgrader) = (world.dao, world.custody, world.upgrader());
        for (canister, by) in [(custody, upgrader), (dao, upgrader), (upgrader, dao)] {
            world.set_controllers(canister, vec![by]);
        }
        world
    }

    /// The upgrader.
    pub fn upgrader(&self) -> Principal {
        self.group.upgrader.expect("a world with an upgrader")
    }

    /// Puts the controllers of a canister that the installer controls in place.
    pub fn set_controllers(&mut self, canister_id: Principal, controllers: Vec<Principal>) {
        let settings = CanisterSettings { controllers: Some(controllers), ..CanisterSettings::default() };
        let args = UpdateSettingsArgs { canister_id, settings, sender_canister_version: None };
        let arg = Encode!(&args).expect("encodes");
        let management = Principal::management_canister();
        self.replica.call(controller(), management, "update_settings", arg).expect("controlled until now");
    }

    /// What anyone may know of the upgrader.
    pub fn upgrader_info(&mut self) -> UpgraderInfo {
        let upgrader = self.upgrader();
        self.query(stranger(), upgrader, "upgrader_info", ()).expect("answers")
    }

    /// Uploads a module and has its installation voted; returns how that ended.
    pub fn carry_out_upgrade(&mut self, canister: GroupCanister, module: &[u8]) -> ProposalStatus {
        let ArtifactRef { sha256, size_bytes, .. } =
            self.upload(member(0), "module.wasm", module).expect("uploads");
        assert_eq!(sha256, Sha256Digest::of(module));
        // What `post_upgrade` of the upgrader takes: nothing changes.
        let arg = Encode!(&None::<release_types::control::UpgraderChange>).expect("encodes").into();
        let proposal = UpgradeProposal { canister, module_sha256: sha256, size_bytes, arg };
        self.carry_out(ProposalAction::Upgrade(proposal))
    }

    /// The digest of the module that a canister runs.
    pub fn module_sha256(&self, canister: Principal) -> Sha256Digest {
        let view = self.replica.view();
        let module = view.canister(canister).expect("it exists").module().expect("it has code");
        Sha256Digest(module.hash)
    }
}

/// A canister's module under another digest: with a custom section that nothing reads.
pub fn marked(name: &str, mark: &str) -> Vec<u8> {
    let length = u8::try_from(mark.len()).expect("a short mark");
    let mut marked = decompressed_wasm(name);
    marked.extend([0, length + 1, length]);
    marked.extend(mark.as_bytes());
    let mut compressed = Vec::new();
    GzEncoder::new(marked.as_slice(), Compression::best())
        .read_to_end(&mut compressed)
        .expect("it compresses");
    compressed
}

/// The digest of the state that the given blocks of the upgrader's log add up to.
pub fn replay_upgrader(blocks: &[audit_log::Value]) -> [u8; 32] {
    let facts = blocks.iter().map(|block| audit_log::fact_of_block(block.clone()));
    audit_log::digest_of_state(&upgrader_canister::state::audit::replay(facts).expect("replays"))
}
