//! What package registries speak: the requests that publish and read back, and what their answers mean.
//!
//! Bytes in, bytes out. Nothing here sends anything, reads a clock or draws randomness, so the same code
//! runs in the custody canister and in the command. No registry host is written here: every URL comes
//! from an [`endpoint::EndpointUrl`] that a vote registered.
//!
//! - [`npm`] and [`pypi`]: one module for each ecosystem, each with its publish request, its read-back and
//!   its answer table;
//! - [`bytes`]: files as served, whole or in ranges, reduced to digests;
//! - [`listing`]: everything that a registry shows of a package;
//! - [`macaroon`]: narrowing a PyPI token to one project and a few minutes, offline;
//! - [`receipt`]: the signed statement that a released artifact is the approved one;
//! - [`secret`] and [`http`]: the token type, and the only way it gets into a request.

pub mod bytes;
pub mod endpoint;
pub mod http;
pub mod listing;
pub mod macaroon;
pub mod npm;
pub mod pypi;
pub mod reading;
pub mod receipt;
mod retry_after;
pub mod secret;
mod timestamp;
pub mod verdict;
