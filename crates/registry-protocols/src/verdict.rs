//! What a registry's answer to a publish request means for what happens next.
//!
//! A single node relays the answer, and can invent it. So a verdict only steers what to do next; whether
//! something *is* published is known from a replicated read-back alone ([`crate::reading`]). No text of an
//! answer is kept, matched phrases become the enum below: a hostile registry that echoes the request's
//! token cannot get it into a log or a receipt.

use serde::{Deserialize, Serialize};

use crate::{http::HttpAnswer, retry_after};

/// What to do after a publish request. Nothing here ever says "send again" before a read-back.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The registry said yes: read back until it shows.
    Accepted,
    /// Something is already there, visible or in processing: read back and compare digests.
    AlreadyExists,
    /// Not processed: read back, and after this many seconds it may be sent again.
    Transient {
        /// Seconds to wait, at most [`MAX_RETRY_AFTER_S`].
        retry_after_s: u64,
    },
    /// It may have been processed or not: read back before anything else.
    Ambiguous,
    /// It will not be published by this request.
    Refused(Refusal),
}

/// Wait when a registry asks for patience without saying how much, in seconds.
pub const DEFAULT_RETRY_AFTER_S: u64 = 60;
/// Longest wait taken from a registry, in seconds.
pub const MAX_RETRY_AFTER_S: u64 = 86_400;

/// Declares [`Refusal`] with each reason's stable code and the advice shown to people.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $advice:literal;)*) => {
        /// Why a registry will not publish.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Refusal { $($(#[$doc])* $name,)* }

        impl Refusal {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// A stable name for logs and interfaces.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What people can do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

refusals! {
    /// The token is unknown, garbled, deleted or revoked.
    TokenInvalid, "token-invalid",
        "The registry does not know the token: issue a new one, seal it and activate it.";
    /// The token's time is over, or has not begun.
    TokenExpired, "token-expired",
        "The token has expired: issue a new one, seal it and activate it.";
    /// The registry wants a one-time password.
    OneTimePasswordRequired, "one-time-password-required",
        "The registry wants a one-time password: issue a token that may bypass two-factor authentication; the first publication of a new name is done by a person.";
    /// The token may not publish without two-factor authentication.
    TwoFactorBypassRequired, "two-factor-bypass-required",
        "The token may not bypass two-factor authentication: issue one that may, seal it and activate it.";
    /// The token is limited to other network addresses.
    AddressNotAllowed, "address-not-allowed",
        "The token is limited to other addresses: issue one without an address list, outcalls leave from many nodes.";
    /// The token may only stage.
    StageOnlyToken, "stage-only-token",
        "The registry lets this token only stage: seal it anew with `--mode staged` and propose the release with `--mode staged`; a person then approves it.";
    /// The token is narrowed to other projects.
    TokenForOtherProject, "token-for-other-project",
        "The token is for another project: seal one that covers this project.";
    /// The project does not exist, so that a project's token cannot create it.
    ProjectMissing, "project-missing",
        "The project does not exist yet: its first upload is done by a person, or with an account-wide token.";
    /// Not found; npm registries answer this to tokens without the right to publish.
    NotFoundOrNotAllowed, "not-found-or-not-allowed",
        "The registry hides the package from this token: it has expired, was revoked or lacks the right to publish this name. If the name is new, a person publishes its first version.";
    /// The token's account may not publish this package.
    AccountNotAllowed, "account-not-allowed",
        "The token's account may not publish this package: give it the right at the registry.";
    /// The token's account lacks a verified e-mail address or two-factor authentication.
    AccountIncomplete, "account-incomplete",
        "The token's account lacks a verified e-mail address or two-factor authentication: complete it at the registry.";
    /// The registry takes this for a private package.
    PaymentRequired, "payment-required",
        "The registry takes the package for a private one: publish it with public access.";
    /// Forbidden without a known reason, such as a content scanner's finding.
    Forbidden, "forbidden",
        "The registry forbids this release, perhaps by its content scanner: ask its support.";
    /// Too close to an existing name.
    NameTooSimilar, "name-too-similar",
        "The registry finds the name too similar to another package: choose another.";
    /// The filename belonged to a file that was deleted.
    FilenameUsedBefore, "filename-used-before",
        "A deleted file had this name and the registry never takes it again: release a new version.";
    /// The project is archived.
    ProjectArchived, "project-archived",
        "The project is archived and takes no files: an owner must unarchive it at the index; then propose the release again.";
    /// The release is closed to new files.
    ReleaseClosed, "release-closed",
        "The release is too old to take further files: release a new version with all its files at once.";
    /// The release has a source distribution already.
    SecondSourceDistribution, "second-source-distribution",
        "The release has a source distribution already: release a new version.";
    /// The file is not the archive it should be.
    InvalidDistribution, "invalid-distribution",
        "The registry finds the file malformed: build it anew and propose it again.";
    /// Digest and bytes disagree.
    DigestMismatch, "digest-mismatch",
        "The registry computed another digest than was sent: the bytes changed on the way; read back and propose again.";
    /// The filename is not what the metadata prescribes.
    InvalidFilename, "invalid-filename",
        "The registry wants another filename: build with a current tool and propose again.";
    /// A classifier is unknown, or forbids uploading.
    InvalidClassifier, "invalid-classifier",
        "The registry refuses a classifier of the metadata: correct it and propose again.";
    /// Too large for the registry.
    TooLarge, "too-large",
        "The file is too large for the registry: ask it for a higher limit or publish less.";
    /// Provenance or repository URL disagree.
    ProvenanceMismatch, "provenance-mismatch",
        "The registry finds provenance and repository URL at odds: correct the metadata and propose again.";
    /// The URL is not that of the publish interface.
    WrongEndpoint, "wrong-endpoint",
        "This URL does not take uploads: register the registry's upload URL.";
    /// Malformed, for a reason that is not known.
    InvalidRequest, "invalid-request",
        "The registry finds the release malformed: check its metadata against the registry's rules.";
    /// A status that no table knows.
    Unrecognised, "unrecognised",
        "The registry refused in a way not known here: look at the registry's own status page.";
}

/// Bytes of an answer that are searched for phrases; registries put the reason first.
const SEARCHED_BYTES: usize = 16_384;

/// The start of the body in lower case, for matching only.
pub(crate) fn searchable_text(answer: &HttpAnswer) -> String {
    let start = &answer.body[..answer.body.len().min(SEARCHED_BYTES)];
    String::from_utf8_lossy(start).to_lowercase()
}

/// The wait that a registry asks for.
pub(crate) fn transient(answer: &HttpAnswer) -> Verdict {
    let asked = retry_after::seconds(answer);
    Verdict::Transient { retry_after_s: asked.unwrap_or(DEFAULT_RETRY_AFTER_S).min(MAX_RETRY_AFTER_S) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_give_each_refusal_its_own_code_the_serialised_one() {
        for (index, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(
                serde_json::to_string(refusal).expect("serialises"),
                format!("\"{}\"", refusal.code())
            );
            assert!(Refusal::ALL[..index].iter().all(|other| other.code() != refusal.code()));
        }
    }

    #[test]
    fn should_bound_the_wait_that_a_registry_asks_for() {
        let asking = |value: &str| HttpAnswer {
            status: 429,
            headers: vec![("retry-after".to_owned(), value.to_owned())],
            body: Vec::new(),
        };
        assert_eq!(transient(&asking("1934")), Verdict::Transient { retry_after_s: 1_934 });
        assert_eq!(
            transient(&asking("99999999999999999999")),
            Verdict::Transient { retry_after_s: DEFAULT_RETRY_AFTER_S }
        );
        assert_eq!(transient(&asking("9999999999")), Verdict::Transient { retry_after_s: MAX_RETRY_AFTER_S });
    }
}
