//! What a read-back found, and its reduction to bytes on which all nodes can agree.
//!
//! A replicated read is answered by every node's own request. Registries put dates, cache ages and download
//! counts into their answers, so each node first reduces its answer to the few facts that count; the
//! reductions are then the same byte for byte when, and only when, the facts are.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{http::HttpAnswer, retry_after};

/// Longest reduction, in bytes; bounds what a transformed answer may take.
pub const MAX_REDUCED_BYTES: usize = 1_536;

/// What a registry shows for one artifact, with `D` the digests that it declares.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Reading<D> {
    /// The artifact is there.
    Present(D),
    /// The registry knows no such artifact (yet).
    Absent,
    /// The answer says neither; try again, and never take it for absence.
    Unreadable {
        /// What was wrong with it.
        why: Unreadable,
    },
}

/// Why an answer says nothing about the artifact.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unreadable {
    /// 401, 402 or 403: the read URL wants credentials, which read-backs never carry.
    NotPublic,
    /// 3xx: redirects are not followed.
    Redirected,
    /// 429 or 5xx.
    Unavailable,
    /// 429 or 503 with a `Retry-After`: not to be asked again before.
    ComeBackLater {
        /// Seconds to wait: one of a few steps between a minute and an hour.
        after_s: u32,
    },
    /// Another status.
    UnexpectedStatus,
    /// Not the document that the protocol prescribes.
    NotTheDocument,
    /// The document of another package or version.
    OtherArtifact,
    /// More entries of one version than are told apart.
    TooMany,
    /// It does not serve the range that was asked for.
    NoRanges,
    /// It lists the artifact without a digest that proves its bytes, or with two.
    NoSingleDigest,
}

/// A reduced answer that [`Reading::reduced`] never wrote.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "reduced answer: found {found_bytes} bytes that are no reading; expected the transform's own output, so check that the outcall names it"
)]
pub struct NotAReading {
    /// Length of what was found.
    pub found_bytes: usize,
}

/// How a reading compares with the artifact that was voted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// Exactly the voted bytes are published.
    Same,
    /// Other bytes are published under this name. Raise the alarm.
    Different,
    /// Nothing is published (yet).
    Absent,
    /// Unknown; read again.
    Unreadable(Unreadable),
}

impl<D: Serialize + DeserializeOwned> Reading<D> {
    /// Canonical bytes: equal readings give equal bytes.
    pub fn reduced(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a reading is a flat object of strings")
    }

    /// Reads [`Reading::reduced`] back.
    pub fn parse_reduced(bytes: &[u8]) -> Result<Self, NotAReading> {
        Self::parse_reduced_within(bytes, MAX_REDUCED_BYTES)
    }

    /// Reads back the reduction of something longer, such as a [`crate::listing::Listing`].
    pub fn parse_reduced_within(bytes: &[u8], max_bytes: usize) -> Result<Self, NotAReading> {
        let not_a_reading = NotAReading { found_bytes: bytes.len() };
        if bytes.len() > max_bytes {
            return Err(not_a_reading);
        }
        serde_json::from_slice(bytes).map_err(|_| not_a_reading)
    }
}

impl<D> Reading<D> {
    pub(crate) fn unreadable(why: Unreadable) -> Self {
        Self::Unreadable { why }
    }

    /// Compares with the voted artifact by `is_same`.
    pub(crate) fn compare_by(&self, is_same: impl FnOnce(&D) -> bool) -> Comparison {
        match self {
            Self::Present(digests) if is_same(digests) => Comparison::Same,
            Self::Present(_) => Comparison::Different,
            Self::Absent => Comparison::Absent,
            Self::Unreadable { why } => Comparison::Unreadable(*why),
        }
    }

    /// What the status alone says: nothing on 200, when the document is to be read.
    pub fn from_status(answer: &HttpAnswer) -> Option<Self> {
        let why = match answer.status {
            200 => return None,
            404 => return Some(Self::Absent),
            401..=403 => Unreadable::NotPublic,
            300..=399 => Unreadable::Redirected,
            429 | 500..=599 => come_back_later(answer).unwrap_or(Unreadable::Unavailable),
            _ => Unreadable::UnexpectedStatus,
        };
        Some(Self::unreadable(why))
    }
}

/// The wait that is asked for by an answer of a status that may ask for one.
fn come_back_later(answer: &HttpAnswer) -> Option<Unreadable> {
    if !matches!(answer.status, 429 | 503) {
        return None;
    }
    retry_after::agreed_seconds(answer).map(|after_s| Unreadable::ComeBackLater { after_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_ask_to_come_back_later_only_with_a_status_and_a_header_that_say_so() {
        let why = |status: u16, retry_after: Option<&str>| {
            let headers = retry_after.map(|value| ("Retry-After".to_owned(), value.to_owned()));
            let answer = HttpAnswer { status, headers: headers.into_iter().collect(), body: Vec::new() };
            let reading = Reading::<()>::from_status(&answer).expect("not 200");
            let Reading::Unreadable { why } = reading else { panic!("{reading:?}") };
            let reduced = Reading::<String>::unreadable(why).reduced();
            assert_eq!(Reading::<String>::parse_reduced(&reduced), Ok(Reading::Unreadable { why }));
            why
        };
        for status in [429, 503] {
            assert_eq!(why(status, Some("90")), Unreadable::ComeBackLater { after_s: 120 });
            assert_eq!(why(status, None), Unreadable::Unavailable);
        }
        assert_eq!(why(500, Some("90")), Unreadable::Unavailable);
        assert_eq!(why(403, Some("90")), Unreadable::NotPublic);
    }
}
