//! Finds the canister modules that `scripts/build` made.

use std::{io::Read as _, path::PathBuf};

use flate2::read::GzDecoder;

/// The repository's root.
pub fn repository_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The module of a canister as it ships, compressed; for instance of `dao_canister`.
///
/// # Panics
/// When it has not been built; the message says how.
pub fn canister_wasm(name: &str) -> Vec<u8> {
    let path = repository_root().join("target/wasm").join(format!("{name}.wasm.gz"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/build first", path.display()))
}

/// The module of a canister, no longer compressed.
///
/// # Panics
/// When it has not been built, or does not decompress.
pub fn decompressed_wasm(name: &str) -> Vec<u8> {
    let mut wasm = Vec::new();
    GzDecoder::new(canister_wasm(name).as_slice()).read_to_end(&mut wasm).expect("a compressed module");
    wasm
}

/// Where compiled modules are kept between runs.
pub fn module_cache() -> PathBuf {
    repository_root().join("target/module-cache")
}
