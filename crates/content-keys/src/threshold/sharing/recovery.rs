//! A lost holder, getting its share back.

use serde::{Deserialize, Serialize};

use super::{
    dealing::Heard,
    dealt::{Commitments, Revelations},
    evidence::Evidence,
    refusal::Refusal,
    session::{Session, SessionId},
};
use crate::threshold::{
    group::Group, key_set::KeySet, polynomial::lagrange, roster::HolderIndex, secret::SecretScalar,
};

/// What the lost holder knows between its steps.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Recovery<G: Group> {
    pub heard: Heard<G>,
}

impl<G: Group> Recovery<G> {
    pub(super) fn new(
        session: Session<G>,
        id: SessionId,
        commitments: Commitments<G>,
        revelations: Revelations<G>,
    ) -> Result<Self, Refusal<G>> {
        let mut heard = Heard::new(session, id);
        heard.accept_commitments(commitments)?;
        heard.accept_revelations(revelations)?;
        Ok(Self { heard })
    }

    /// The share, out of a threshold of helpers' values. That so many helpers, of whom one at least is honest, sent
    /// theirs for this session says that its key set is the true one.
    pub(super) fn finish(
        &self,
        me: HolderIndex,
    ) -> Result<(KeySet<G>, SecretScalar<G>, Vec<Evidence<G>>), Refusal<G>> {
        let dealt = self.heard.dealt()?;
        let (values, cheats) = self.heard.values(me, &dealt);
        let session = &self.heard.session;
        let keys = session.keys().ok_or(Refusal::OtherKeys)?;
        let needed = keys.roster().threshold();
        if values.len() < needed && !cheats.is_empty() {
            return Err(Refusal::Cheated(cheats));
        }
        if values.len() < needed {
            let missing = session.participants.iter().filter(|helper| !values.contains_key(helper));
            return Err(Refusal::NoShares(missing.copied().collect()));
        }
        let helpers: Vec<_> = values.keys().copied().take(needed).collect();
        let zero = SecretScalar::new(G::Scalar::default());
        let share = lagrange::<G>(&helpers, me.position())
            .iter()
            .zip(values.values())
            .fold(zero, |sum, (weight, value)| sum.plus(value, weight));
        Ok((keys.clone(), share, cheats))
    }
}
