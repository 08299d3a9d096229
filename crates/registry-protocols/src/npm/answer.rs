//! npm's answer table.

use crate::{
    http::HttpAnswer,
    verdict::{Refusal, Verdict, searchable_text, transient},
};

/// What the answer to a publish request means.
pub fn classify_npm(answer: &HttpAnswer) -> Verdict {
    use Refusal::*;
    use Verdict::{Accepted, AlreadyExists, Ambiguous, Refused};

    let text = searchable_text(answer);
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_lowercase();
    let challenges = |scheme: &str| challenge.split(',').any(|offered| offered.trim().starts_with(scheme));
    let exists = says(&[
        "cannot publish over",
        "cannot stage previously published",
        "is already staged",
        "is already present",
        "already exists",
    ]);

    match answer.status {
        200..=299 => Accepted,
        300..=399 | 405 | 410 => Refused(WrongEndpoint),
        400..=499 if says(&["e_stage_required", "run npm stage publish", "run `npm stage publish`"]) => {
            Refused(StageOnlyToken)
        }
        401 if challenges("otp") || says(&["one-time pass", "\"authurl\""]) => {
            Refused(OneTimePasswordRequired)
        }
        401 if challenges("ipaddress") || says(&["not allowed from your ip"]) => Refused(AddressNotAllowed),
        401 => Refused(TokenInvalid),
        402 => Refused(PaymentRequired),
        400 | 403 | 409 if exists => AlreadyExists,
        403 if says(&["two-factor authentication or granular access token"]) => {
            Refused(TwoFactorBypassRequired)
        }
        403 if says(&["name too similar"]) => Refused(NameTooSimilar),
        403 => Refused(Forbidden),
        404 => Refused(NotFoundOrNotAllowed),
        400 if says(&["eintegrity", "shasum error"]) => Refused(DigestMismatch),
        400 => Refused(InvalidRequest),
        // Among others "Failed to save packument": a write conflict that may nevertheless have landed.
        408 | 409 | 425 => Ambiguous,
        413 => Refused(TooLarge),
        422 if says(&["provenance", "repository.url", "repository url"]) => Refused(ProvenanceMismatch),
        422 => Refused(InvalidRequest),
        429 => transient(answer),
        406..=499 => Refused(Unrecognised),
        _ => Ambiguous,
    }
}
