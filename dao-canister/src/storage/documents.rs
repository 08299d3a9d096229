//! What was derived from the artifacts of each release, in stable memory, by proposal.
//!
//! A document is cut into pieces of a few KiB, so that keeping a large one moves no other, and the room of a dropped
//! one is used again.

use ic_stable_structures::{Memory, StableBTreeMap};
use release_types::ProposalId;

const PIECE_BYTES: usize = 4_096;

/// All documents.
pub struct Documents<M: Memory> {
    /// (proposal, piece) → bytes.
    pieces: StableBTreeMap<(u64, u32), Vec<u8>, M>,
}

impl<M: Memory> Documents<M> {
    pub fn init(memory: M) -> Self {
        Self { pieces: StableBTreeMap::init(memory) }
    }

    /// Keeps the one document of a proposal.
    pub fn keep(&mut self, proposal: ProposalId, bytes: &[u8]) {
        for (piece, part) in (0..).zip(bytes.chunks(PIECE_BYTES)) {
            self.pieces.insert((proposal.0, piece), part.to_vec());
        }
    }

    pub fn get(&self, proposal: ProposalId) -> Option<Vec<u8>> {
        let mut pieces = self.pieces.range(range(proposal)).peekable();
        pieces.peek()?;
        Some(pieces.flat_map(|entry| entry.value()).collect())
    }

    pub fn remove(&mut self, proposal: ProposalId) {
        let pieces: Vec<_> = self.pieces.range(range(proposal)).map(|entry| *entry.key()).collect();
        for piece in pieces {
            self.pieces.remove(&piece);
        }
    }

    #[cfg(test)]
    pub fn pieces(&self) -> u64 {
        self.pieces.len()
    }
}

fn range(proposal: ProposalId) -> std::ops::RangeInclusive<(u64, u32)> {
    (proposal.0, 0)..=(proposal.0, u32::MAX)
}

#[cfg(test)]
mod tests {
    use ic_stable_structures::VectorMemory;

    use super::*;

    #[test]
    fn should_give_back_each_document_and_use_the_room_of_dropped_ones_again() {
        let memory = VectorMemory::default();
        let mut documents = Documents::init(memory.clone());
        let long: Vec<u8> = (0..100_000_u32).map(|i| (i / 1_000) as u8).collect();
        documents.keep(ProposalId(1), &long);
        documents.keep(ProposalId(2), b"short");
        assert_eq!(documents.get(ProposalId(1)), Some(long.clone()));
        let mut again_kept_pages = || {
            documents.remove(ProposalId(1));
            assert_eq!(documents.get(ProposalId(1)), None);
            documents.keep(ProposalId(1), &long);
            memory.size()
        };
        let first_pages = again_kept_pages();
        for _ in 0..20 {
            assert_eq!(again_kept_pages(), first_pages, "the room was not used again");
        }
        let again = Documents::init(memory);
        assert_eq!(again.get(ProposalId(1)), Some(long));
        assert_eq!(again.get(ProposalId(2)), Some(b"short".to_vec()));
        assert_eq!(again.get(ProposalId(3)), None);
    }
}
