//! Proposals to put new code into one of the group's canisters.

use release_types::{
    CHUNK_BYTES, Defect,
    control::{MAX_MODULE_CHUNKS, UpgradeProposal, arg_defects},
};

use crate::{artifacts, state::State};

/// How a module begins, plain or compressed with gzip.
const MODULE_BEGINNINGS: [&[u8]; 2] = [b"\0asm", b"\x1f\x8b\x08"];

pub fn validate(state: &State, proposal: &UpgradeProposal, has_upgrader: bool) -> Result<(), Vec<Defect>> {
    let UpgradeProposal { module_sha256, size_bytes, arg, .. } = proposal;
    let mut defects: Vec<_> = no_upgrader(has_upgrader).into_iter().chain(arg_defects(arg)).collect();
    let limit_bytes = MAX_MODULE_CHUNKS as u64 * CHUNK_BYTES;
    if *size_bytes > limit_bytes {
        let found = format!("{size_bytes} bytes");
        let allowed = format!("at most {limit_bytes} bytes");
        defects.push(Defect::new(
            "size_bytes",
            found,
            allowed,
            "Build it smaller, or compress it with gzip.",
        ));
    }
    let hint = "Upload the module first; `countersign propose upgrade` does.";
    match state.artifacts().stored(module_sha256) {
        None => {
            let found = format!("{module_sha256}, which is not here");
            defects.push(Defect::new("module_sha256", found, "an uploaded module", hint));
        }
        Some(stored) if stored.size_bytes != *size_bytes => {
            let (found, allowed) = (size_bytes.to_string(), stored.size_bytes.to_string());
            defects.push(Defect::new("size_bytes", found, allowed, "Give the size of what was uploaded."));
        }
        Some(stored) => {
            let first = artifacts::read_first_chunk(stored);
            if !MODULE_BEGINNINGS.iter().any(|beginning| first.starts_with(beginning)) {
                let found = "something else than a WebAssembly module";
                defects.push(Defect::new("module_sha256", found, "a module, plain or gzipped", hint));
            }
        }
    }
    if defects.is_empty() { Ok(()) } else { Err(defects) }
}

/// What is wrong with any proposal that the upgrader carries out where there is none.
pub fn no_upgrader(has_upgrader: bool) -> Option<Defect> {
    let hint = "The controllers of the canisters upgrade and adjust them; see `countersign handover`.";
    (!has_upgrader).then(|| Defect::new("upgrader", "none", "an upgrader that controls the canisters", hint))
}
