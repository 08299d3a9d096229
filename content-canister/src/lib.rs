//! The content canister: keeps what owners' correspondents encrypted with ordinary tools, and opens only what its
//! policy allows, for whom it allows, re-encrypted under a fresh key.
//!
//! Every owner has recipient keys of its own, derived for each use and wiped after. Decryption happens in the vault
//! alone. Owners speak by calls, or by signed requests over plain HTTPS.

pub mod authorization;
pub mod content;
mod envelope;
pub mod http;
pub mod lifecycle;
mod owner_key;
pub mod owners;
pub mod pages;
mod public_key;
pub mod queries;
pub mod runtime;
pub mod state;
pub mod storage;
mod vault;

#[cfg(test)]
mod tests;
