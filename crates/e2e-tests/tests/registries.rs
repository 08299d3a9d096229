//! Publishing to registries that are not of our making: real servers that people run, and doubles that enforce the
//! public registries' rules with their own libraries and give the answers that no other server gives.
//!
//! The canisters are the shipped wasm. Each row of the two answer tables is one test: how the release ends, what
//! people are told, how often it was sent, what the registry has. A module has the tests of one registry, which is
//! started when the first of them asks (`scripts/registries`).

#[path = "main_job/clients.rs"]
mod clients;
#[path = "registries/control.rs"]
mod control;
#[path = "registries/devpi.rs"]
mod devpi;
#[path = "registries/npm_amendments.rs"]
mod npm_amendments;
#[path = "registries/npm_answers.rs"]
mod npm_answers;
#[path = "registries/npm_notices.rs"]
mod npm_notices;
#[path = "registries/npm_peer.rs"]
mod npm_peer;
#[path = "registries/npm_signatures.rs"]
mod npm_signatures;
#[path = "registries/npm_staging.rs"]
mod npm_staging;
#[path = "registries/pnpr.rs"]
mod pnpr;
#[path = "registries/pypi_answers.rs"]
mod pypi_answers;
#[path = "registries/pypi_releases.rs"]
mod pypi_releases;
#[path = "registries/pypi_views.rs"]
mod pypi_views;
#[path = "registries/pypiserver.rs"]
mod pypiserver;
#[path = "registries/rows.rs"]
mod rows;
#[path = "registries/setting.rs"]
mod setting;
#[path = "registries/stolen_token.rs"]
mod stolen_token;
#[path = "registries/uploads.rs"]
mod uploads;
#[path = "registries/verdaccio_6.rs"]
mod verdaccio_6;
#[path = "registries/verdaccio_9.rs"]
mod verdaccio_9;
