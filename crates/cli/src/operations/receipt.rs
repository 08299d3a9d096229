//! Whether a group approved exactly these bytes: receipts, checked under a key that is derived here, offline.

use candid::Principal;
use ic_ed25519::{DerivationPath, PublicKey};
use registry_protocols::receipt::{self, Envelope, KEY_DERIVATION_PATH, Statement, VerificationError};
use release_types::custody::ReceiptView;
use serde::Serialize;

use super::verification::{Claim, FileDigest};
use crate::failure::{Failure, Outcome};

/// The key that signs a custody canister's receipts, derived from the network's pinned master key as the network
/// itself derives it.
pub fn receipt_key(master: &PublicKey, custody: Principal) -> [u8; 32] {
    let path: Vec<_> = KEY_DERIVATION_PATH.iter().map(|part| part.to_vec()).collect();
    let path = DerivationPath::from_canister_id_and_path(custody.as_slice(), &path);
    master.derive_subkey(&path).0.serialize_raw()
}

/// What is known about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// A receipt of the pinned custody canister names exactly these bytes.
    Approved { statement: Box<Statement> },
    /// It does not.
    NotApproved { reason: String },
    /// What was given is no receipt at all, or the bytes are not known.
    CannotTell { reason: String },
    /// The custody canister does not publish this package, so nothing is to be expected of it.
    NotGoverned,
}

/// Judges a claim by one receipt. The receipt's own claims of who made it count for nothing: only the signature
/// under the pinned key does, and that it speaks of the pinned canister and of these bytes.
pub fn judge(claim: &Claim, envelope_json: &str, key: &[u8; 32], custody: Principal) -> Verdict {
    let not_approved = |reason: String| Verdict::NotApproved { reason };
    let statement = match read(envelope_json, key) {
        Ok(statement) => statement,
        Err(error @ Unreadable::NoEnvelope(_)) => return Verdict::CannotTell { reason: error.to_string() },
        Err(Unreadable::Unverified(VerificationError::NotSignedByKey)) => {
            return not_approved(format!("the receipt is not signed by the custody canister {custody}"));
        }
        Err(Unreadable::Unverified(error)) => return not_approved(error.to_string()),
    };
    if statement.predicate.custody != custody.to_text() {
        return not_approved(format!(
            "the receipt speaks of another custody canister, {}",
            statement.predicate.custody
        ));
    }
    if !names(&statement, &claim.digest) {
        return not_approved(format!("the receipt is about other bytes; this file has {}", claim.digest));
    }
    approved_as_claimed(statement, claim)
}

/// Whether a statement is about bytes with that digest.
fn names(statement: &Statement, digest: &FileDigest) -> bool {
    statement.subject.iter().any(|subject| match digest {
        FileDigest::Sha256(sha256) => subject.digest.sha256 == sha256.to_string(),
        FileDigest::Sha512(sha512) => subject.digest.sha512.as_ref() == Some(sha512),
    })
}

fn approved_as_claimed(statement: Statement, claim: &Claim) -> Verdict {
    match &claim.release {
        Some(release) if !release.is_in(&statement.predicate) => Verdict::NotApproved {
            reason: format!(
                "these bytes were approved as {} {}, not as {release}",
                statement.predicate.package, statement.predicate.version
            ),
        },
        _ => Verdict::Approved { statement: Box::new(statement) },
    }
}

/// Why an envelope gave no statement.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the receipt is no DSSE envelope: {0}")]
    NoEnvelope(serde_json::Error),
    #[error(transparent)]
    Unverified(VerificationError),
}

/// Checks an envelope under a pinned key and reads its statement.
///
/// # Errors
/// When it is no envelope, or its signature proves nothing.
pub fn read(envelope_json: &str, key: &[u8; 32]) -> Result<Statement, Unreadable> {
    let envelope: Envelope = serde_json::from_str(envelope_json).map_err(Unreadable::NoEnvelope)?;
    receipt::verify(&envelope, key).map_err(Unreadable::Unverified)
}

/// What the pinned custody canister truly signed; the rest proves nothing.
pub fn verified(receipts: &[ReceiptView], key: &[u8; 32], custody: Principal) -> Vec<Statement> {
    receipts
        .iter()
        .filter_map(|view| read(&view.envelope_json, key).ok())
        .filter(|statement| statement.predicate.custody == custody.to_text())
        .collect()
}

/// Judges a claim by all that custody signed.
pub fn judge_by_all(claim: &Claim, statements: &[Statement], custody: Principal) -> Verdict {
    let mut verdict = Verdict::NotApproved {
        reason: format!("no receipt of the custody canister {custody} names {}", claim.digest),
    };
    for statement in statements.iter().filter(|statement| names(statement, &claim.digest)) {
        verdict = approved_as_claimed(statement.clone(), claim);
        if matches!(verdict, Verdict::Approved { .. }) {
            break;
        }
    }
    verdict
}

/// Reads a receipt file.
///
/// # Errors
/// When it cannot be read.
pub fn read_file(path: &std::path::Path) -> Outcome<String> {
    std::fs::read_to_string(path).map_err(|error| Failure::file("read the receipt", path, error))
}

#[cfg(test)]
mod tests;
