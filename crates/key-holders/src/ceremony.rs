//! A coordinator's way through a ceremony: a key made, its shares renewed, a lost share given back.
//!
//! [`Ceremony::advance`] takes one phase: the same step at every participant, in one fan-out. A ceremony is a value
//! that is kept between phases; after whatever interruption the phase is taken again, which changes nothing where it
//! was taken before. Who lets a phase fail is named, by evidence if there is any; the coordinator goes on without, in
//! a new session.

use std::collections::{BTreeMap, BTreeSet};

use candid::Principal;
use content_keys::threshold::{
    Commitments, Dealt, Evidence, Group, HolderIndex, KeySet, Revelations, Session,
};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    Silence, Transport, ask, decode, encode,
    interface::{KeyName, StepArgs},
    steps::{Confirmations, Declined, Step, StepAnswer},
};

/// How often those who have confirmed are told to activate, before the others go on without them.
const MAX_ACTIVATIONS: u32 = 4;

/// A ceremony under way. Nothing in it is secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Ceremony<G: Group> {
    pub key: KeyName,
    pub session: Session<G>,
    phase: Phase<G>,
    commitments: Commitments<G>,
    revelations: Revelations<G>,
    confirmations: Confirmations<G>,
    /// How often all were told to activate.
    activations: u32,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
enum Phase<G: Group> {
    Commit,
    Reveal,
    Deal,
    Confirm,
    Activate,
    /// Of a recovery: the lost holder hears of it, is sent its parts, and puts them together.
    Announce,
    Release,
    Recover,
    Settle(KeySet<G>),
    Done(KeySet<G>),
}

/// Why a phase was not completed. It may be taken again; or the ceremony begun anew without those at fault.
#[derive(Clone, Debug)]
pub struct Trouble<G: Group> {
    /// Checked: anyone who has the session comes to the same verdict.
    pub evidence: Vec<Evidence<G>>,
    /// Those who did not answer, or declined for a reason that proves nothing.
    pub unheard: BTreeMap<HolderIndex, String>,
}

impl<G: Group> Trouble<G> {
    /// All of whom the next attempt does better without.
    pub fn at_fault(&self) -> BTreeSet<HolderIndex> {
        self.evidence.iter().map(Evidence::holder).chain(self.unheard.keys().copied()).collect()
    }
}

impl<G: Group> Ceremony<G> {
    /// One that has not begun. The session's number is higher than that of any before.
    pub fn new(key: KeyName, session: Session<G>) -> Self {
        Self {
            key,
            session,
            phase: Phase::Commit,
            commitments: BTreeMap::new(),
            revelations: BTreeMap::new(),
            confirmations: BTreeMap::new(),
            activations: 0,
        }
    }

    /// The key set, once the ceremony is over.
    pub fn outcome(&self) -> Option<&KeySet<G>> {
        match &self.phase {
            Phase::Done(keys) => Some(keys),
            _ => None,
        }
    }

    /// Whether shares may be in use already, so that there is no way but on.
    pub fn is_decided(&self) -> bool {
        matches!(self.phase, Phase::Activate | Phase::Settle(_) | Phase::Done(_))
    }

    /// The phase's name.
    pub fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Commit => "commit",
            Phase::Reveal => "reveal",
            Phase::Deal => "deal",
            Phase::Confirm => "confirm",
            Phase::Activate => "activate",
            Phase::Announce => "announce",
            Phase::Release => "release",
            Phase::Recover => "recover",
            Phase::Settle(_) => "settle",
            Phase::Done(_) => "done",
        }
    }

    /// Takes one phase. `holders` are in the order of their indices.
    ///
    /// # Errors
    /// [`Trouble`]: who is at fault. The phase stays as it was.
    pub async fn advance(
        &mut self,
        transport: &impl Transport,
        holders: &[Principal],
    ) -> Result<(), Trouble<G>> {
        match &self.phase {
            Phase::Commit | Phase::Reveal | Phase::Deal | Phase::Confirm => {
                self.deal(transport, holders).await
            }
            Phase::Announce | Phase::Release | Phase::Recover => self.give_back(transport, holders).await,
            Phase::Activate | Phase::Settle(_) | Phase::Done(_) => self.conclude(transport, holders).await,
        }
    }

    /// What every ceremony begins with: up to everybody's word that it has its shares.
    async fn deal(&mut self, transport: &impl Transport, holders: &[Principal]) -> Result<(), Trouble<G>> {
        let round = Round { transport, holders, key: &self.key, session: &self.session };
        let (session, id) = (&self.session, self.session.id());
        let all = &session.participants;
        match &self.phase {
            Phase::Commit => {
                if let Some(keys) = session.keys() {
                    // Who missed the end of the last ceremony hears of it now.
                    round.ask(all, &Step::Settle(keys.id())).await;
                }
                let answers = round.ask(all, &Step::Start(session.clone())).await;
                self.commitments = round.gather(answers, |answer| match answer {
                    StepAnswer::Committed(commitment) => Some(commitment),
                    _ => None,
                })?;
                self.phase = Phase::Reveal;
            }
            Phase::Reveal => {
                let answers = round.ask(all, &Step::Reveal(id, self.commitments.clone())).await;
                let revelations = round.gather(answers, |answer| match answer {
                    StepAnswer::Revealed(revelation) => Some(revelation),
                    _ => None,
                })?;
                let dealt = Dealt { commitments: self.commitments.clone(), revelations };
                dealt.check(session).map_err(|refusal| round.trouble(refusal.into()))?;
                self.revelations = dealt.revelations;
                self.phase = Phase::Deal;
            }
            Phase::Deal => {
                let answers = round.ask(all, &Step::Deliver(id, self.revelations.clone())).await;
                round.gather(answers, delivered)?;
                self.phase = Phase::Confirm;
            }
            _ => {
                let answers = round.ask(all, &Step::Prepare(id)).await;
                self.confirmations = round.gather(answers, |answer| match answer {
                    StepAnswer::Confirmed(confirmation) => Some(confirmation),
                    _ => None,
                })?;
                self.phase = if session.lost().is_some() { Phase::Announce } else { Phase::Activate };
            }
        }
        Ok(())
    }

    /// How a recovery goes on.
    async fn give_back(
        &mut self,
        transport: &impl Transport,
        holders: &[Principal],
    ) -> Result<(), Trouble<G>> {
        let round = Round { transport, holders, key: &self.key, session: &self.session };
        let (session, id) = (&self.session, self.session.id());
        let lost = lost(session);
        match &self.phase {
            Phase::Announce => {
                let step =
                    Step::AwaitRecovery(session.clone(), self.commitments.clone(), self.revelations.clone());
                round.gather(round.ask(&lost, &step).await, done)?;
                self.phase = Phase::Release;
            }
            Phase::Release => {
                let step = Step::Release(id, self.confirmations.clone());
                round.gather(round.ask(&session.participants, &step).await, delivered)?;
                self.phase = Phase::Recover;
            }
            _ => {
                round.gather(round.ask(&lost, &Step::Recover(id)).await, |answer| match answer {
                    StepAnswer::Recovered(_) => Some(()),
                    _ => None,
                })?;
                self.phase = Phase::Settle(session.keys().cloned().ok_or_else(Trouble::nobodys)?);
            }
        }
        Ok(())
    }

    /// How new shares come into use, and old ones are wiped.
    async fn conclude(
        &mut self,
        transport: &impl Transport,
        holders: &[Principal],
    ) -> Result<(), Trouble<G>> {
        let round = Round { transport, holders, key: &self.key, session: &self.session };
        let session = &self.session;
        let all = &session.participants;
        match &self.phase {
            Phase::Activate => {
                let step = Step::Activate(session.id(), self.confirmations.clone());
                let (activated, trouble) = round.sort(round.ask(all, &step).await, done);
                let keys = self.dealt().outcome(session).ok_or_else(Trouble::nobodys)?;
                self.activations += 1;
                let is_enough = activated.len() >= session.roster().threshold();
                // Who does not hear of it has its share given back.
                if activated.len() < all.len() && !(is_enough && self.activations >= MAX_ACTIVATIONS) {
                    return Err(trouble);
                }
                self.phase = Phase::Settle(keys);
            }
            Phase::Settle(keys) => {
                let lost = lost(session);
                let holding = if lost.is_empty() { all } else { &lost };
                // Who did not activate has nothing to settle.
                round.ask(holding, &Step::Settle(keys.id())).await;
                self.phase = Phase::Done(keys.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn dealt(&self) -> Dealt<G> {
        Dealt { commitments: self.commitments.clone(), revelations: self.revelations.clone() }
    }
}

fn lost<G: Group>(session: &Session<G>) -> BTreeSet<HolderIndex> {
    session.lost().into_iter().collect()
}

fn done<G: Group>(answer: StepAnswer<G>) -> Option<()> {
    matches!(answer, StepAnswer::Done).then_some(())
}

/// A holder that could not be reached shows when it has to confirm.
fn delivered<G: Group>(answer: StepAnswer<G>) -> Option<()> {
    matches!(answer, StepAnswer::Delivered { .. }).then_some(())
}

impl<G: Group> Trouble<G> {
    fn nobodys() -> Self {
        Self { evidence: Vec::new(), unheard: BTreeMap::new() }
    }
}

type Answers<G> = BTreeMap<HolderIndex, Result<StepAnswer<G>, Silence>>;

/// One fan-out.
struct Round<'a, G: Group, T: Transport> {
    transport: &'a T,
    holders: &'a [Principal],
    key: &'a KeyName,
    session: &'a Session<G>,
}

impl<G: Group, T: Transport> Round<'_, G, T> {
    async fn ask(&self, asked: &BTreeSet<HolderIndex>, step: &Step<G>) -> Answers<G> {
        let args = StepArgs { key: self.key.clone(), step: ByteBuf::from(encode(step)) };
        let args = &args;
        let calls = asked.iter().map(move |holder| async move {
            let principal = self.holders.get(usize::from(holder.get()) - 1);
            let answer: Result<ByteBuf, Silence> = match principal {
                Some(principal) => ask(self.transport, *principal, "take_step", (args,)).await,
                None => Err(Silence::Unreachable),
            };
            (*holder, answer.and_then(|bytes| decode(&bytes).ok_or(Silence::Unreadable)))
        });
        join_all(calls).await.into_iter().collect()
    }

    /// What all have answered.
    fn gather<A>(
        &self,
        answers: Answers<G>,
        wanted: impl Fn(StepAnswer<G>) -> Option<A>,
    ) -> Result<BTreeMap<HolderIndex, A>, Trouble<G>> {
        let (good, trouble) = self.sort(answers, wanted);
        if trouble.evidence.is_empty() && trouble.unheard.is_empty() { Ok(good) } else { Err(trouble) }
    }

    fn sort<A>(
        &self,
        answers: Answers<G>,
        wanted: impl Fn(StepAnswer<G>) -> Option<A>,
    ) -> (BTreeMap<HolderIndex, A>, Trouble<G>) {
        let (mut good, mut trouble) = (BTreeMap::new(), Trouble::nobodys());
        for (holder, answer) in answers {
            let reason = match answer {
                Ok(StepAnswer::Declined(declined)) => {
                    let Declined { reason, evidence } = declined;
                    let before = trouble.evidence.len();
                    trouble.evidence.extend(evidence.into_iter().filter(|one| one.convicts(self.session)));
                    // Whoever brings evidence has done its part.
                    if trouble.evidence.len() > before {
                        continue;
                    }
                    reason
                }
                Ok(answer) => match wanted(answer) {
                    Some(answer) => {
                        good.insert(holder, answer);
                        continue;
                    }
                    None => Silence::Unreadable.to_string(),
                },
                Err(silence) => silence.to_string(),
            };
            trouble.unheard.insert(holder, reason);
        }
        (good, trouble)
    }

    fn trouble(&self, declined: Declined<G>) -> Trouble<G> {
        let evidence = declined.evidence.into_iter().filter(|one| one.convicts(self.session)).collect();
        Trouble { evidence, unheard: BTreeMap::new() }
    }
}

/// The next session, once one has failed: the same purpose, without those at fault. None if too few are left.
pub fn without<G: Group>(session: &Session<G>, at_fault: &BTreeSet<HolderIndex>) -> Option<Session<G>> {
    let participants: BTreeSet<_> = session.participants.difference(at_fault).copied().collect();
    let next = Session { purpose: session.purpose.clone(), participants, number: session.number + 1 };
    next.check().is_ok().then_some(next)
}
