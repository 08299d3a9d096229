//! Why an order waits, and what would end it.

use std::fmt;

use candid::CandidType;
use serde::{Deserialize, Serialize};

/// What an order waits for now.
#[derive(Clone, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct Wait {
    pub reason: Waiting,
    /// Position of the artifact that is being worked on; none while only the receipt is missing. Later artifacts wait
    /// for this one.
    pub artifact: Option<u32>,
    pub since_ns: u64,
    /// What keeps custody from looking or acting, if something does.
    pub obstacle: Option<MetObstacle>,
    /// When custody looks next; none while it is at work.
    pub next_look_at_ns: Option<u64>,
}

/// An obstacle, and since when it stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub struct MetObstacle {
    pub obstacle: Obstacle,
    pub since_ns: u64,
}

/// Why an order does not go on. Its text, by `Display`, says what is waited for; [`Waiting::ends_when`] what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Waiting {
    /// It is about to be worked on.
    Turn,
    /// It was handed to the network, whose answer is awaited.
    Answer,
    /// The registry said yes and does not show it yet.
    Appearance,
    /// The registry asked to come back at this moment.
    Until { at_ns: u64 },
    /// Nobody knows whether it was published.
    Outcome,
    /// One node says that the registry refused. People are told once nothing appears for half an hour.
    Confirmation,
    /// It did not appear in time. Custody looks ever more rarely, and people should.
    People,
    /// Custody sends nothing: people are to publish.
    Release,
    /// Custody sends nothing: somebody is to stage.
    Stage,
    /// It is staged and proven: a person is to approve it.
    Approval,
    /// The registry shows the voted digest and has not served all of the bytes yet.
    Bytes,
    /// Every artifact is verified; the receipt is being signed.
    Signature,
}

/// What keeps custody from doing the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, CandidType, Serialize, Deserialize)]
pub enum Obstacle {
    /// The canister that keeps the artifact does not answer.
    SourceSilent,
    /// The registry answers the nodes, but not with anything that can be read.
    RegistryUnreadable,
    /// The registry asked not to be read before this moment, and is not.
    AskedToWait { until_ns: u64 },
    /// The registry does not show what is staged, or not every node the same.
    StagesUnreadable,
    /// More is staged than custody reads: of the package, or of the version.
    TooManyStages,
    /// What the registry shows of the package does not fit an HTTPS outcall.
    DocumentTooLarge,
    /// The registry serves other bytes than were voted. They are believed only once they are served for a while.
    OtherBytesServed,
    /// The nodes got no answer from the registry, or not the same one.
    NodesDisagree,
    /// There are too few cycles for the next step.
    TooFewCycles,
    /// The subnet did not deliver a key that opens the token.
    KeyNotDelivered,
    /// The subnet did not sign the receipt, or did not say with which key.
    SignatureNotDelivered,
    /// Custody is frozen.
    Frozen,
}

impl Waiting {
    /// What would end the wait.
    pub fn ends_when(self) -> &'static str {
        match self {
            Self::Turn => "nothing: custody takes it up by itself",
            Self::Answer => "the answer, or the lack of one after a minute",
            Self::Appearance => "the registry showing the version; npm takes minutes, once two hours",
            Self::Until { .. } => "that moment, or the registry showing the version before",
            Self::Outcome => {
                "the registry showing the version, or five minutes in which all nodes agree that it does not"
            }
            Self::Confirmation => {
                "the registry showing it, or all nodes agreeing for a day that it does not; people are told after half an hour"
            }
            Self::People => "the registry showing the version, or a voted declaration of what became of it",
            Self::Release => {
                "people publishing exactly the approved bytes, or the order's time being over for three hours"
            }
            Self::Stage => {
                "somebody staging exactly the approved bytes, or the order's time being over for three hours"
            }
            Self::Approval => "a person approving the named stage at the registry, or rejecting it",
            Self::Bytes => "the registry serving the file",
            Self::Signature => "the subnet's signature",
        }
    }
}

impl Obstacle {
    /// What would remove it.
    pub fn ends_when(self) -> &'static str {
        match self {
            Self::SourceSilent => "the source answering again: see whether that canister runs and has cycles",
            Self::RegistryUnreadable => {
                "the registry answering again as it should: see its status page; one that shows nothing without a token needs a read-only one, named in the proposal"
            }
            Self::DocumentTooLarge => {
                "a shorter document: the nodes read 2,000,000 bytes at most, so this package cannot be published or verified here"
            }
            Self::OtherBytesServed => {
                "the registry serving the approved bytes: a page of excuses goes away; bytes that stay are a mismatch"
            }
            Self::AskedToWait { .. } => "the moment that the registry named; custody waits an hour at most",
            Self::StagesUnreadable => {
                "the registry showing what is staged: see its status page, and whether the token may still read"
            }
            Self::TooManyStages => {
                "fewer stages: reject at the registry those of the package that nobody needs; 200 are read, and 8 of the version"
            }
            Self::NodesDisagree => "the registry answering all nodes alike: see its status page",
            Self::TooFewCycles => "cycles: top custody up",
            Self::KeyNotDelivered => "the subnet deriving keys again",
            Self::SignatureNotDelivered => "the subnet signing again",
            Self::Frozen => "a vote to unfreeze",
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turn => "it is next",
            Self::Answer => "the registry's answer is awaited",
            Self::Appearance => "the registry accepted it and does not show it yet",
            Self::Until { .. } => "the registry asked to come back later",
            Self::Outcome => "nobody knows yet whether it was published",
            Self::Confirmation => {
                "the registry is said to have refused; the nodes watch whether something appears"
            }
            Self::People => "it did not appear in time: people must look",
            Self::Release => "people are to publish it",
            Self::Stage => "somebody is to stage it",
            Self::Approval => "it is staged and proven: a person is to approve it at the registry",
            Self::Bytes => "the registry shows the approved digest; the bytes it serves are being compared",
            Self::Signature => "the receipt is being signed",
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourceSilent => "the canister that keeps the artifact does not answer",
            Self::RegistryUnreadable => "the registry cannot be read",
            Self::AskedToWait { .. } => "the registry asked to come back later",
            Self::StagesUnreadable => "the registry does not show what is staged",
            Self::TooManyStages => "more is staged than custody reads",
            Self::DocumentTooLarge => "what the registry shows of the package is too large to be read",
            Self::OtherBytesServed => "the registry serves other bytes than were approved",
            Self::NodesDisagree => "the nodes got no answer from the registry, or not the same one",
            Self::TooFewCycles => "there are too few cycles for the next step",
            Self::KeyNotDelivered => "the subnet did not deliver a key to open the token with",
            Self::SignatureNotDelivered => "the subnet did not sign the receipt",
            Self::Frozen => "custody is frozen",
        })
    }
}
