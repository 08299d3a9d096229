//! Reading back whether a version is deprecated, and with which message, told by its digest alone.

use release_types::Sha256Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    http::HttpAnswer,
    reading::{Reading, Unreadable},
};

/// What a registry shows of a version's deprecation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ShownDeprecation {
    /// Digest of the message; none if the version is not deprecated.
    pub message_sha256: Option<Sha256Digest>,
}

/// What a registry shows. Absent: it does not have the version.
pub type DeprecationReading = Reading<ShownDeprecation>;

impl ShownDeprecation {
    /// What is shown once this message is in place. An empty one takes a deprecation back.
    pub fn of(message: &str) -> Self {
        Self { message_sha256: (!message.is_empty()).then(|| Sha256Digest::of(message.as_bytes())) }
    }
}

#[derive(Deserialize)]
struct VersionDocument {
    name: String,
    version: String,
    deprecated: Option<Value>,
}

/// A deprecation by its digest. The empty text takes one back, and some registries write `false` for none.
pub(super) fn message_sha256(shown: Option<&Value>) -> Option<Sha256Digest> {
    match shown? {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(Sha256Digest::of(text.as_bytes())),
        other => Some(Sha256Digest::of(other.to_string().as_bytes())),
    }
}

/// Reads the answer to [`version_request`](crate::npm::version_request).
pub fn read_deprecation(answer: &HttpAnswer, name: &str, version: &str) -> DeprecationReading {
    if let Some(reading) = Reading::from_status(answer) {
        return reading;
    }
    match serde_json::from_slice::<VersionDocument>(&answer.body) {
        Ok(document) if document.name == name && document.version == version => {
            Reading::Present(ShownDeprecation {
                message_sha256: message_sha256(document.deprecated.as_ref()),
            })
        }
        Ok(_) => Reading::unreadable(Unreadable::OtherArtifact),
        Err(_) => Reading::unreadable(Unreadable::NotTheDocument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> DeprecationReading {
        let answer = HttpAnswer { status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        read_deprecation(&answer, "demo", "1.0.0")
    }

    #[test]
    fn should_tell_a_message_by_its_digest_alone() {
        let shown = read(200, r#"{"name":"demo","version":"1.0.0","deprecated":"npm_secret"}"#);
        assert_eq!(shown, Reading::Present(ShownDeprecation::of("npm_secret")));
        assert!(!String::from_utf8_lossy(&shown.reduced()).contains("npm_secret"));
        assert_eq!(DeprecationReading::parse_reduced(&shown.reduced()), Ok(shown));
    }

    #[test]
    fn should_take_an_empty_message_and_false_for_none() {
        let none = Reading::Present(ShownDeprecation { message_sha256: None });
        assert_eq!(read(200, r#"{"name":"demo","version":"1.0.0"}"#), none);
        assert_eq!(read(200, r#"{"name":"demo","version":"1.0.0","deprecated":""}"#), none);
        assert_eq!(read(200, r#"{"name":"demo","version":"1.0.0","deprecated":false}"#), none);
        assert_eq!(read(200, r#"{"name":"demo","version":"1.0.0","deprecated":null}"#), none);
        assert_ne!(read(200, r#"{"name":"demo","version":"1.0.0","deprecated":true}"#), none);
    }

    #[test]
    fn should_take_no_other_answer_for_the_version() {
        let unreadable = |why| Reading::Unreadable { why };
        assert_eq!(read(404, "{}"), Reading::Absent);
        let other = r#"{"name":"demo","version":"2.0.0"}"#;
        assert_eq!(read(200, other), unreadable(Unreadable::OtherArtifact));
        assert_eq!(read(200, "<html>"), unreadable(Unreadable::NotTheDocument));
    }
}
