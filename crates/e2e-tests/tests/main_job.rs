//! The main job, end to end: the `countersign` program, both canisters, real registries and their own clients.
//!
//! Canisters are reached through the public HTTP interface alone, at a replica that runs as a process of its own. The
//! same tests run against any network: `COUNTERSIGN_E2E_NETWORK` names its network file or URL (a URL with its keys,
//! see `local_network`), `COUNTERSIGN_E2E_IDENTITY` the PEM file of who pays for the canisters, and
//! `COUNTERSIGN_E2E_NPM_URL`, `…_NPM_TOKEN`, `…_PYPI_UPLOAD_URL`, `…_PYPI_READ_URL`, `…_PYPI_TOKEN` the registries.
//! They must be registries for trying things out, whose token may publish new packages of the names in `setting`.
//! What can be seen only at our own index or replica is then left out, and the test says so.

#[path = "main_job/clients.rs"]
mod clients;
#[path = "main_job/github_runner.rs"]
mod github_runner;
#[path = "main_job/group.rs"]
mod group;
#[path = "main_job/network.rs"]
mod network;
#[path = "main_job/onboarding.rs"]
mod onboarding;
#[path = "main_job/release_action.rs"]
mod release_action;
#[path = "main_job/releases.rs"]
mod releases;
#[path = "main_job/reviewing.rs"]
mod reviewing;
#[path = "main_job/ruling.rs"]
mod ruling;
#[path = "main_job/sealing.rs"]
mod sealing;
#[path = "main_job/secrecy.rs"]
mod secrecy;
#[path = "main_job/setting.rs"]
mod setting;
#[path = "main_job/stopping.rs"]
mod stopping;
#[path = "main_job/tap.rs"]
mod tap;
#[path = "main_job/tokens.rs"]
mod tokens;
#[path = "main_job/tokens_over_time.rs"]
mod tokens_over_time;
#[path = "main_job/verify_action.rs"]
mod verify_action;
#[path = "main_job/verifying.rs"]
mod verifying;
#[path = "main_job/verifying_releases.rs"]
mod verifying_releases;
