//! Receipts: a signed statement that these bytes were approved, and that the registry showed them.
//!
//! The statement is in-toto's (version 1), the envelope DSSE's (version 1), the signature Ed25519 by the
//! custody canister's threshold key. A receipt proves nothing by what it says of itself: whoever verifies
//! one pins the custody canister's key, and checks the statement's ids against the canisters they trust.

mod envelope;
mod statement;

#[cfg(test)]
mod tests;

pub use envelope::{Envelope, EnvelopeSignature, VerificationError, pae, verify};
pub use statement::{
    BytesRead, Confirmation, DigestSet, PAYLOAD_TYPE, PREDICATE_TYPE, ReadBack, RegistryUrls,
    ReleasePredicate, STATEMENT_TYPE, SourceFacts, Statement, Subject, TallyFacts, VoteFacts,
};

/// Derivation path of the custody canister's key that signs receipts, and nothing else. Verifiers derive the same
/// key offline, from the network's pinned threshold Ed25519 master key and the canister's id.
pub const KEY_DERIVATION_PATH: [&[u8]; 1] = [b"countersign receipts v1"];
