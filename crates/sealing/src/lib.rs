//! Sealing of registry tokens: encrypted on their owner's machine, opened only inside the custody canister.
//!
//! A token is encrypted by identity-based encryption to custody's vetKD public key; the identity is the hash
//! of the credential's policy, so that a key derived for another policy does not open it. The command seals,
//! custody opens, and both take every derived value from here. No I/O, no clock, no randomness of its own.
//!
//! What this does not do: threshold keys bind to the canister, not to its code, and while a token is open it
//! is in the canister's memory. The identity guards against mistakes, not against whoever controls custody.
//!
//! [`open`] wipes all that it holds. ic-vetkeys leaves copies of the plaintext in memory that it frees, and
//! the stack keeps what returned functions left: a canister that must keep no trace needs an allocator that
//! wipes what is freed, and the crate `wiping`'s `scrub_stack` after the last use.

mod context;
mod key;
mod padding;
mod plausibility;
mod seal;

#[cfg(test)]
mod tests;

pub use context::DerivationContext;
pub use ic_vetkeys::{TransportSecretKey, VetKey};
pub use key::{InvalidKey, KeyMismatch, MasterKey, SealingKey, check_reported, custody_public_key};
pub use padding::MAX_SEALABLE_TOKEN_BYTES;
pub use plausibility::{ImplausibleToken, check_token};
pub use seal::{OpenError, SEALED_TOKEN_BYTES, SealError, identity, open, recover_vetkey, seal};
