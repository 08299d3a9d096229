//! PyPI's answer table, with those of the index servers that people run themselves.

use crate::{
    http::HttpAnswer,
    verdict::{Refusal, Verdict, searchable_text, transient},
};

/// What the answer to an upload means.
///
/// An index answers 200 to the same bytes again, so that here a repeated upload would do no harm; even so,
/// nothing is sent again before a read-back.
pub fn classify_pypi(answer: &HttpAnswer) -> Verdict {
    use Refusal::*;
    use Verdict::{Accepted, AlreadyExists, Ambiguous, Refused};

    let text = searchable_text(answer);
    let first = |table: &[(&str, Verdict)]| {
        table.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, verdict)| *verdict)
    };

    match answer.status {
        200..=299 => Accepted,
        300..=399 | 404 | 405 | 410 => Refused(WrongEndpoint),
        400 => first(&[
            // Before "already exist", which this sentence does not contain but its hints may.
            ("previously used by a file that has since been deleted", Refused(FilenameUsedBefore)),
            ("already exist", AlreadyExists),
            ("older than 14 days", Refused(ReleaseClosed)),
            ("archived", Refused(ProjectArchived)),
            ("only one sdist", Refused(SecondSourceDistribution)),
            ("digest supplied does not match", Refused(DigestMismatch)),
            ("is not a valid classifier", Refused(InvalidClassifier)),
            ("file too large", Refused(TooLarge)),
            ("invalid distribution file", Refused(InvalidDistribution)),
            ("is invalid, should be", Refused(InvalidFilename)),
            ("bad filename", Refused(InvalidFilename)),
        ])
        .unwrap_or(Refused(InvalidRequest)),
        401 => Refused(TokenInvalid),
        403 => first(&[
            ("token is expired", Refused(TokenExpired)),
            ("token is not valid for project", Refused(TokenForOtherProject)),
            ("outside of a project context", Refused(ProjectMissing)),
            ("signatures do not match", Refused(TokenInvalid)),
            ("invalid or non-existent authentication", Refused(TokenInvalid)),
            // Whatever else may be wrong with a token, such as a caveat that the index does not know.
            ("invalid api token", Refused(TokenInvalid)),
            ("archived", Refused(ProjectArchived)),
            ("allowed to upload to project", Refused(AccountNotAllowed)),
            ("read-only mode", transient(answer)),
            ("uploads are temporarily disabled", transient(answer)),
            ("verified primary email", Refused(AccountIncomplete)),
            ("unverified", Refused(AccountIncomplete)),
            ("two-factor", Refused(AccountIncomplete)),
            ("two factor", Refused(AccountIncomplete)),
        ])
        .unwrap_or(Refused(Forbidden)),
        409 if text.contains("already exist") => AlreadyExists,
        408 | 409 | 425 => Ambiguous,
        413 => Refused(TooLarge),
        422 => Refused(InvalidRequest),
        429 => transient(answer),
        402 | 406..=499 => Refused(Unrecognised),
        _ => Ambiguous,
    }
}
