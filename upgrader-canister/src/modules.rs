//! Modules to be installed, chunk by chunk in this canister's own chunk store.

use candid::Principal;
use release_types::{
    CHUNK_BYTES, Refusal, Sha256Digest,
    control::{MAX_MODULE_CHUNKS, ModuleRef},
};

use crate::{
    authorization::require_committee_member,
    runtime::Runtime,
    state::{Event, process_event, read_state},
};

/// Most chunks kept: one module to be installed and one that is prepared.
const MAX_STORED_CHUNKS: usize = 2 * MAX_MODULE_CHUNKS;

/// Keeps a chunk, and answers with its digest. The DAO may store any; a member of the committee those of a recovery that
/// enough members support.
///
/// # Errors
/// Any other caller, a chunk that is empty, too large or not called for, or no room.
pub async fn store_chunk<R: Runtime>(
    runtime: &R,
    caller: Principal,
    chunk: Vec<u8>,
) -> Result<Sha256Digest, Refusal> {
    let is_dao = read_state(|state| state.dao() == caller);
    if !is_dao {
        require_committee_member(caller)?;
    }
    if chunk.is_empty() || chunk.len() as u64 > CHUNK_BYTES {
        let allowed = format!("1 to {CHUNK_BYTES} bytes");
        return Err(Refusal::of("chunk", format!("{} bytes", chunk.len()), allowed, "Cut it anew."));
    }
    let sha256 = Sha256Digest::of(&chunk);
    if !is_dao && !is_called_for(&sha256) {
        let hint = "Propose its module first, and have it supported.";
        return Err(Refusal::of("chunk", sha256.to_string(), "a chunk of a supported recovery", hint));
    }
    if read_state(|state| state.chunks().contains(&sha256)) {
        return Ok(sha256);
    }
    make_room(runtime).await?;
    match runtime.store_chunk(chunk).await {
        Ok(stored) if stored == sha256 => {}
        _ => return Err(unavailable("the network stored no chunk")),
    }
    if read_state(|state| !state.chunks().contains(&sha256)) {
        process_event(runtime, Event::StoredChunk { sha256, by: caller });
    }
    Ok(sha256)
}

/// Checks that every chunk of a module is there.
///
/// # Errors
/// Naming the first that is not.
pub fn check_stored(module: &ModuleRef) -> Result<(), Refusal> {
    let missing =
        read_state(|state| module.chunks.iter().find(|chunk| !state.chunks().contains(*chunk)).copied());
    match missing {
        None => Ok(()),
        Some(chunk) => {
            let hint = "Store it with store_chunk.";
            Err(Refusal::busy("module.chunks", format!("{chunk}, which is not stored"), "stored ones", hint))
        }
    }
}

/// Empties a full store, unless something in it is needed yet.
async fn make_room<R: Runtime>(runtime: &R) -> Result<(), Refusal> {
    let (stored, is_needed) = read_state(|state| {
        let is_needed =
            state.running().is_some() || state.recoveries().any(|(_, one)| one.due_at_ns.is_some());
        (state.chunks().len(), is_needed)
    });
    if stored < MAX_STORED_CHUNKS {
        return Ok(());
    }
    if is_needed {
        return Err(unavailable("the chunk store is full, and needed for another upgrade"));
    }
    process_event(runtime, Event::ClearedChunks { chunks: stored as u64 });
    runtime.clear_chunks().await.map_err(|_| unavailable("the chunk store could not be emptied"))
}

fn is_called_for(sha256: &Sha256Digest) -> bool {
    read_state(|state| {
        state.recoveries().any(|(_, recovery)| {
            recovery.due_at_ns.is_some() && recovery.proposal.module.chunks.contains(sha256)
        })
    })
}

fn unavailable(found: &str) -> Refusal {
    Refusal::busy("chunk", found, "room in the chunk store", "Send it again later.")
}
