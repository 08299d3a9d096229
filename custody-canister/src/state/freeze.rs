//! What is frozen: the facts, and the part of the state that they make.

use std::collections::BTreeMap;

use release_types::{
    CredentialId,
    freeze::{FreezeReason, FreezeScope, FreezeView},
};
use serde::{Deserialize, Serialize};

/// Something that happened to a freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FreezeFact {
    /// From here on no key is derived within the scope.
    Froze { scope: FreezeScope, reason: FreezeReason },
    /// The authority lifted it.
    Lifted { scope: FreezeScope },
}

impl FreezeFact {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Froze { .. } => "1countersign.froze",
            Self::Lifted { .. } => "1countersign.lifted_freeze",
        }
    }
}

/// The freezes in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Freezes(BTreeMap<FreezeScope, Freeze>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Freeze {
    reason: FreezeReason,
    since_ns: u64,
}

impl Freezes {
    /// Whether no key may be derived for this credential.
    pub fn cover(&self, credential: &CredentialId) -> bool {
        self.contains(FreezeScope::Everything) || self.contains(FreezeScope::Credential(*credential))
    }

    /// Whether exactly this scope is frozen.
    pub fn contains(&self, scope: FreezeScope) -> bool {
        self.0.contains_key(&scope)
    }

    /// The freezes in force, that of everything first.
    pub fn views(&self) -> Vec<FreezeView> {
        let view = |(scope, freeze): (&FreezeScope, &Freeze)| FreezeView {
            scope: *scope,
            reason: freeze.reason.clone(),
            since_ns: freeze.since_ns,
        };
        self.0.iter().map(view).collect()
    }

    pub(super) fn apply(&mut self, time_ns: u64, fact: &FreezeFact) {
        match fact {
            FreezeFact::Froze { scope, reason } => {
                let freeze = Freeze { reason: reason.clone(), since_ns: time_ns };
                assert!(self.0.insert(*scope, freeze).is_none(), "BUG: {scope:?} was frozen twice");
            }
            FreezeFact::Lifted { scope } => {
                assert!(self.0.remove(scope).is_some(), "BUG: {scope:?} was not frozen");
            }
        }
    }
}
