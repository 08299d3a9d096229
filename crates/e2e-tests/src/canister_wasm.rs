//! Finds the canister modules that `scripts/build` made.

use std::path::PathBuf;

/// The repository's root.
pub fn repository_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The built module of a canister, for instance `dao_canister`.
///
/// # Panics
/// When it has not been built; the message says how.
pub fn canister_wasm(name: &str) -> Vec<u8> {
    let path = repository_root().join("target/wasm").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/build first", path.display()))
}

/// Where compiled modules are kept between runs.
pub fn module_cache() -> PathBuf {
    repository_root().join("target/module-cache")
}
