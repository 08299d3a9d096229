//! The in-toto statement of a release.

use release_types::Ecosystem;
use serde::{Deserialize, Serialize};

use crate::npm::signature::KeyId;

/// DSSE payload type of in-toto statements.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// `_type` of every version 1 statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Names the predicate below.
pub const PREDICATE_TYPE: &str = "https://countersign.example/release/v1";

/// An in-toto statement about the artifacts of one release.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// The artifacts, found by digest and not by name.
    pub subject: Vec<Subject>,
    /// [`PREDICATE_TYPE`].
    pub predicate_type: String,
    /// What is said about them.
    pub predicate: ReleasePredicate,
}

/// One artifact.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    /// Filename under which it is published.
    pub name: String,
    /// Its digests.
    pub digest: DigestSet,
}

/// Digests in lower-case hexadecimal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DigestSet {
    /// The voted SHA-256.
    pub sha256: String,
    /// SHA-512 of the same bytes, which npm's installers check; npm only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
}

/// Who approved the release, and what the registry showed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleasePredicate {
    /// Canister id of the governing canister, as text.
    pub dao: String,
    /// Canister id of the custody canister, as text.
    pub custody: String,
    /// Custody's order.
    pub order_id: String,
    /// The registry.
    pub registry: RegistryUrls,
    /// Full npm name, or normalised PyPI name.
    pub package: String,
    /// Version as published.
    pub version: String,
    /// How it reached the registry: `direct`, `staged`, `staged-elsewhere` or `verify-only`.
    pub mode: String,
    /// When custody took the order, in whole seconds since 1970 (JSON numbers cannot hold nanoseconds).
    pub ordered_at_s: u64,
    /// The vote, as the governing canister told it; not every governor can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote: Option<VoteFacts>,
    /// The source that the group says it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceFacts>,
    /// What the nodes agreed that the registry shows.
    pub read_back: ReadBack,
}

/// A registry's URLs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryUrls {
    /// `npm` or `pypi`.
    #[serde(with = "ecosystem_name")]
    pub ecosystem: Ecosystem,
    /// Where it was sent.
    pub upload_url: String,
    /// Where it was read back.
    pub read_url: String,
}

/// The vote that approved the release.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoteFacts {
    /// The governing canister's proposal.
    pub proposal_id: u64,
    /// When it was decided, in whole seconds since 1970.
    pub decided_at_s: u64,
    /// Voting power by choice.
    pub tally: TallyFacts,
}

/// Voting power by choice.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TallyFacts {
    /// For.
    pub yes: u64,
    /// Against.
    pub no: u64,
    /// Neither.
    pub abstain: u64,
    /// All voting power when the proposal was submitted.
    pub total: u64,
}

/// Where the source is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SourceFacts {
    /// Repository URL.
    pub repository: String,
    /// Commit id.
    pub commit: String,
    /// Tag, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// A replicated read-back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBack {
    /// When the last artifact was read back, in whole seconds since 1970.
    pub at_s: u64,
    /// Whether the nodes agreed on the digests; a receipt is only signed when they did.
    pub replicated: bool,
    /// What confirmed the shown digest of each artifact, in the order of the subjects.
    pub confirmation: Vec<Confirmation>,
    /// How the bytes of each artifact were read, in the order of the subjects.
    pub bytes: Vec<BytesRead>,
}

/// What a second source says of a digest that a registry shows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// npm: the registry signed name, version and digest with this key, one of those that it publishes.
    RegistrySignature {
        /// The key.
        key: KeyId,
    },
    /// npm: the registry publishes keys, and signed this version with none.
    Unsigned,
    /// npm: the registry publishes no keys.
    RegistryWithoutKeys,
    /// PyPI: the version document shows the same digest as the simple API.
    SecondView,
    /// PyPI: only the simple API was read, for no version documents are registered.
    SingleView,
}

/// How the bytes that a registry serves were read, besides the digest that it shows.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BytesRead {
    /// Every node read and hashed all of them in one answer.
    Whole,
    /// Every node read and hashed all of them, range by range.
    InRanges,
    /// Only the shown digest was compared: the registry serves no ranges, and one answer cannot hold the file.
    NotReadNoRanges,
    /// Only the shown digest was compared: the file is kept elsewhere, and redirects are not followed.
    NotReadElsewhere,
    /// Only the shown digest was compared: where the registry keeps files is not registered.
    NotReadNoFilesUrl,
}

impl Statement {
    /// A statement with the types that this crate writes and reads.
    pub fn new(subject: Vec<Subject>, predicate: ReleasePredicate) -> Self {
        Self {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: PREDICATE_TYPE.to_owned(),
            predicate,
        }
    }

    /// The bytes to sign (in [`super::pae`]) and to put into the envelope. The same statement gives the same bytes.
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement has text keys and finite numbers only")
    }

    /// The artifact with that SHA-256, if the statement is about it.
    pub fn subject_with(&self, sha256: &release_types::Sha256Digest) -> Option<&Subject> {
        let sha256 = sha256.to_string();
        self.subject.iter().find(|subject| subject.digest.sha256 == sha256)
    }
}

/// `npm` and `pypi`, as everywhere outside Candid.
mod ecosystem_name {
    use release_types::Ecosystem;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(ecosystem: &Ecosystem, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match ecosystem {
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "pypi",
        })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ecosystem, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "npm" => Ok(Ecosystem::Npm),
            "pypi" => Ok(Ecosystem::Pypi),
            other => Err(D::Error::unknown_variant(other, &["npm", "pypi"])),
        }
    }
}
