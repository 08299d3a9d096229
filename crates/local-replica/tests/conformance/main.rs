//! Conformance of the replica with the interface specification: small hand-written canisters,
//! tests named after the clauses that they check. `README.md` lists them.

mod canisters;
mod clause_page;
mod cleanup;
mod cycles;
mod failing_messages;
mod instance_state;
mod inter_canister;
mod lifecycle;
mod management;
mod management_access;
mod management_calls;
mod management_code;
mod management_information;
mod management_keys;
mod management_settings;
mod management_snapshots;
mod memories;
mod messages;
mod queries;
mod rollback;
mod scheduling;
mod subnets;
mod system_api;
mod system_tasks;
mod upgrades;
