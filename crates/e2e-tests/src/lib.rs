//! The group, its canisters and the registries in one process: the setting of the canister-level tests.
//!
//! The canisters are the wasm that ships (`scripts/build`), on the local replica; registries are loopback doubles
//! whose answers a test can choose. Tests against real registries drive the `countersign` command instead.

pub mod archives;
pub mod artifact_source;
pub mod audit;
pub mod canister_wasm;
pub mod content_world;
pub mod control;
pub mod countersign_command;
pub mod custom_domain;
pub mod exports;
pub mod forwarder;
pub mod governor;
pub mod holding;
pub mod hostile_archives;
pub mod key_forms;
pub mod local_network;
pub mod macaroon_judge;
pub mod npm_double;
pub mod npm_staging;
pub mod people;
pub mod publishing;
pub mod pypi_double;
pub mod real_registries;
pub mod receipts;
pub mod registry_server;
pub mod snapshot;
pub mod stepping;
pub mod supervised;
pub mod world;

pub use world::{World, WorldBuilder};
