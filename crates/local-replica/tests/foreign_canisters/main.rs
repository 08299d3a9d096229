//! Canisters that this project did not write. `scripts/foreign-canisters install` builds them from pinned packages of
//! the public registries; one that is not there is a failure here.

mod assets;
mod azle;
mod motoko;

use std::path::Path;

use candid::Principal;
use local_replica::{CallResult, QueryMessage, Replica, ReplicaConfig};

/// Controls every canister.
const CONTROLLER: Principal = Principal::from_slice(&[1; 29]);
/// Controls none.
const STRANGER: Principal = Principal::from_slice(&[2; 29]);

/// A replica that keeps compiled modules beside the canisters.
fn replica() -> Replica {
    let config = ReplicaConfig::default().with_module_cache(built().join("module-cache"));
    Replica::new(config).expect("the configuration is valid")
}

fn built() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.build/foreign"))
}

fn module(name: &str) -> Vec<u8> {
    let path = built().join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/foreign-canisters install", path.display()))
}

fn install(replica: &mut Replica, wasm: &[u8], arg: Vec<u8>) -> Principal {
    let id = replica.create_canister(vec![CONTROLLER]);
    replica.install(id, wasm, arg).expect("the module installs");
    id
}

fn query(replica: &mut Replica, id: Principal, method: &str, arg: Vec<u8>) -> CallResult {
    replica.query(QueryMessage { sender: STRANGER, canister_id: id, method_name: method.to_owned(), arg })
}
