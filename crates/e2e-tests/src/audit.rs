//! An outsider's check of a canister: its log downloaded, its chain verified, and replayed natively with its own code.

use audit_log::{
    ReplayError, Value, digest_of_state, fact_of_block,
    icrc3::{GetBlocksArgs, GetBlocksResult},
    verify_chain,
};
use candid::Principal;
use serde_bytes::ByteBuf;

use crate::{World, people::stranger};

impl World {
    /// The digest of the state as the canister computes it.
    pub fn state_digest(&mut self, canister: Principal) -> [u8; 32] {
        let digest: ByteBuf = self.query(stranger(), canister, "state_digest", ()).expect("answers");
        digest.as_slice().try_into().expect("a digest has 32 bytes")
    }

    /// The whole log, page by page, its chain verified.
    pub fn download_log(&mut self, canister: Principal) -> Vec<Value> {
        let mut blocks = Vec::new();
        loop {
            let range = GetBlocksArgs { start: blocks.len().into(), length: 10_000u64.into() };
            let page: GetBlocksResult =
                self.query(stranger(), canister, "icrc3_get_blocks", (vec![range],)).expect("answers");
            blocks.extend(page.blocks.into_iter().map(|block| block.block));
            if blocks.len() >= page.log_length {
                break;
            }
        }
        verify_chain((0..).zip(&blocks)).expect("an unbroken chain");
        blocks
    }

    /// The digest of the state that the given blocks of the DAO's log add up to.
    pub fn replay_dao(blocks: &[Value]) -> [u8; 32] {
        let state = dao_canister::state::audit::replay_blocks(blocks.iter().cloned()).expect("replays");
        digest_of_state(&state)
    }

    /// The digest of the state that the given blocks of custody's log add up to.
    pub fn replay_custody(blocks: &[Value]) -> [u8; 32] {
        let facts = Self::custody_facts(blocks).map(Ok::<_, ReplayError>);
        digest_of_state(&custody_canister::state::audit::replay(facts).expect("replays"))
    }

    /// What the given blocks of custody's log say, each with its time.
    pub fn custody_facts(blocks: &[Value]) -> impl Iterator<Item = (u64, custody_canister::state::Event)> {
        blocks.iter().map(|block| fact_of_block(block.clone()).expect("a fact of custody"))
    }

    /// Panics unless the state of both canisters is what their logs add up to.
    pub fn assert_replayed_equals_live(&mut self, when: &str) {
        let (dao, custody) = (self.dao, self.custody);
        let replayed = Self::replay_dao(&self.download_log(dao));
        assert_eq!(self.state_digest(dao), replayed, "the DAO's state, {when}");
        let replayed = Self::replay_custody(&self.download_log(custody));
        assert_eq!(self.state_digest(custody), replayed, "custody's state, {when}");
    }
}
