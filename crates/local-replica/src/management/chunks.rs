//! The chunk store, for modules that fit in no message, and installing from it.

use candid::Principal;
use ic_management_canister_types::{CanisterIdRecord, ChunkHash, InstallChunkedCodeArgs, UploadChunkArgs};
use sha2::{Digest, Sha256};

use super::payload::{decode, empty_reply, invalid, reply};
use crate::canister::Canister;
use crate::message::{CallResult, Reject, RejectCode};
use crate::replica::Replica;
use crate::scheduler::{Request, not_found};

pub(super) const MAX_CHUNK_BYTES: usize = 1024 * 1024;
/// Chunks that a store holds, and chunks that one module is made of, at most.
pub(super) const MAX_CHUNKS: usize = 100;

impl Replica {
    pub(super) fn install_chunked_code(&mut self, request: &Request) -> CallResult {
        let (args,): (InstallChunkedCodeArgs,) = decode(&request.arg)?;
        let target = args.target_canister;
        self.controlled(request.caller, target, &request.method)?;
        let store = args.store_canister.unwrap_or(target);
        let store_canister = self.canisters.get(&store).ok_or_else(|| not_found(store))?;
        if request.caller != store && !store_canister.is_controlled_by(request.caller) {
            return Err(super::access::not_a_controller(request.caller, store, &request.method));
        }
        let wasm = assemble(store_canister, &args)?;
        let by = self.originator(request.caller, args.sender_canister_version);
        self.install_code(by, target, args.mode, &wasm, args.arg)?;
        empty_reply()
    }

    pub(super) fn upload_chunk(&mut self, request: &Request) -> CallResult {
        let (args,): (UploadChunkArgs,) = decode(&request.arg)?;
        let prices = self.subnet.prices;
        let canister = self.own_or_controlled(request, args.canister_id)?;
        if args.chunk.len() > MAX_CHUNK_BYTES {
            return Err(chunk_store_error(format!(
                "chunk has {} bytes; allowed are at most {MAX_CHUNK_BYTES}",
                args.chunk.len()
            )));
        }
        let hash: [u8; 32] = Sha256::digest(&args.chunk).into();
        if canister.chunk_store.contains_key(&hash) {
            return reply(ChunkHash { hash: hash.to_vec() });
        }
        if canister.chunk_store.len() >= MAX_CHUNKS {
            return Err(chunk_store_error(format!(
                "the store holds {MAX_CHUNKS} chunks already; clear it first"
            )));
        }
        canister.chunk_store.insert(hash, args.chunk);
        if canister.freezing_limit_cycles(prices) > canister.balance_cycles {
            canister.chunk_store.remove(&hash);
            return Err(chunk_store_error(
                "the canister's balance does not pay for one chunk more; top it up",
            ));
        }
        reply(ChunkHash { hash: hash.to_vec() })
    }

    pub(super) fn stored_chunks(&mut self, request: &Request) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(&request.arg)?;
        let canister = self.own_or_controlled(request, args.canister_id)?;
        let chunks: Vec<ChunkHash> =
            canister.chunk_store.keys().map(|hash| ChunkHash { hash: hash.to_vec() }).collect();
        reply(chunks)
    }

    pub(super) fn clear_chunk_store(&mut self, request: &Request) -> CallResult {
        let (args,): (CanisterIdRecord,) = decode(&request.arg)?;
        self.own_or_controlled(request, args.canister_id)?.chunk_store.clear();
        empty_reply()
    }

    /// A canister may fill its own chunk store.
    fn own_or_controlled(&mut self, request: &Request, id: Principal) -> Result<&mut Canister, Reject> {
        if request.caller == id {
            return self.canisters.get_mut(&id).ok_or_else(|| not_found(id));
        }
        self.controlled_mut(request, id)
    }
}

/// The module that these chunks make.
fn assemble(store: &Canister, args: &InstallChunkedCodeArgs) -> Result<Vec<u8>, Reject> {
    if args.chunk_hashes_list.len() > MAX_CHUNKS {
        return Err(invalid(format!(
            "chunk_hashes_list has {} hashes; allowed are at most {MAX_CHUNKS}",
            args.chunk_hashes_list.len()
        )));
    }
    let mut wasm = Vec::new();
    for ChunkHash { hash } in &args.chunk_hashes_list {
        let chunk = <[u8; 32]>::try_from(hash.as_slice())
            .ok()
            .and_then(|hash| store.chunk_store.get(&hash))
            .ok_or_else(|| {
                chunk_store_error(format!("chunk {} is not in the store of {}", hex::encode(hash), store.id))
            })?;
        wasm.extend_from_slice(chunk);
    }
    let found: [u8; 32] = Sha256::digest(&wasm).into();
    if found[..] != args.wasm_module_hash {
        return Err(chunk_store_error(format!(
            "wasm_module_hash is {}; the chunks hash to {}",
            hex::encode(&args.wasm_module_hash),
            hex::encode(found)
        )));
    }
    Ok(wasm)
}

fn chunk_store_error(message: impl AsRef<str>) -> Reject {
    Reject::with_error_code(
        RejectCode::CanisterError,
        "IC0504",
        format!("Error from Wasm chunk store: {}.", message.as_ref()),
    )
}
