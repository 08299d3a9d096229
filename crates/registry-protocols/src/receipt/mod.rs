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
    DigestSet, PAYLOAD_TYPE, PREDICATE_TYPE, ReadBack, RegistryUrls, ReleasePredicate, STATEMENT_TYPE,
    SourceFacts, Statement, Subject, TallyFacts,
};
