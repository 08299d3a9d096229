//! Holders of one key, some of them bad, and a coordinator that carries messages between them.

use std::collections::{BTreeMap, BTreeSet};

use content_keys::threshold::{
    Commitments, Confirmation, Dealt, DirectShare, Evidence, Group, Holder, HolderIndex, IdentityKey, KeySet,
    KeyShare, Point, PublicPolynomial, Purpose, Refusal, Revelation, Revelations, Roster, Session,
    SignedCommitment,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{
    fixtures::{KEY_ID, assert_opens, bytes, seed},
    forgery::{Change, change_share, revelation_digest, sign_commitment, sign_confirmation, sign_possession},
};

pub type Confirmations<G> = BTreeMap<HolderIndex, Confirmation<G>>;

/// What a bad holder does in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    Behave,
    /// Says nothing from this step on.
    Silence(u8),
    ChangeShare(Change),
    /// Of what it sends the lost holder.
    ChangeMaskedShare,
    WithholdShare,
    ReplayShare,
    WrongDegree,
    UnknownConstant,
    RevealOther,
    WrongConfirmation,
}

impl Misdeed {
    fn random(rng: &mut StdRng) -> Self {
        match rng.gen_range(0..13) {
            0 => Self::Behave,
            1 => Self::Silence(rng.gen_range(0..6)),
            2 | 3 => Self::ChangeShare(Change::Value),
            4 => Self::ChangeShare(Change::Transcript),
            5 => Self::ChangeShare(Change::Signature),
            6 => Self::WithholdShare,
            7 => Self::ReplayShare,
            8 => Self::WrongDegree,
            9 => Self::UnknownConstant,
            10 => Self::RevealOther,
            11 => Self::ChangeMaskedShare,
            _ => Self::WrongConfirmation,
        }
    }
}

pub struct Member<G: Group> {
    pub holder: Holder<G>,
    identity: [u8; 32],
    pub is_bad: bool,
    pub misdeed: Misdeed,
    forged: Option<Revelation<G>>,
}

impl<G: Group> Member<G> {
    pub fn identity(&self) -> IdentityKey<G> {
        IdentityKey::from_bytes(&self.identity).expect("an identity key")
    }

    fn silent(&self, step: u8) -> bool {
        matches!(self.misdeed, Misdeed::Silence(from) if from <= step)
    }
}

/// Why a session came to nothing.
#[derive(Debug)]
pub enum Trouble {
    /// These signed what convicts them.
    Named(BTreeSet<HolderIndex>),
    /// Somebody is silent, or says what proves nothing.
    Unproven,
}

#[derive(Default)]
struct Failures {
    named: BTreeSet<HolderIndex>,
    unproven: bool,
}

impl Failures {
    fn add(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Named(cheats) => self.named.extend(cheats),
            Trouble::Unproven => self.unproven = true,
        }
    }

    fn none(self) -> Result<(), Trouble> {
        match (self.named.is_empty(), self.unproven) {
            (true, false) => Ok(()),
            (true, true) => Err(Trouble::Unproven),
            (false, _) => Err(Trouble::Named(self.named)),
        }
    }
}

pub struct World<G: Group> {
    pub rng: StdRng,
    pub roster: Roster<G>,
    pub members: BTreeMap<HolderIndex, Member<G>>,
    pub banned: BTreeSet<HolderIndex>,
    number: u64,
    lost: Option<HolderIndex>,
    sent: Vec<Vec<u8>>,
}

/// What a session leaves to be acted on.
pub struct Prepared<G: Group> {
    pub session: Session<G>,
    pub dealt: Dealt<G>,
    pub confirmations: Confirmations<G>,
}

impl<G: Group> World<G> {
    pub fn new(seed_number: u64, threshold: u8, holders: u8, bad: u8) -> Self {
        let mut rng = StdRng::seed_from_u64(seed_number);
        let identities: Vec<[u8; 32]> =
            (0..holders).map(|_| *IdentityKey::<G>::new(&seed(&mut rng)).to_bytes()).collect();
        let identity = |bytes: &[u8; 32]| IdentityKey::<G>::from_bytes(bytes).expect("an identity key");
        let publics = identities.iter().map(|bytes| identity(bytes).public()).collect();
        let roster = Roster::new(KEY_ID.to_vec(), threshold, publics).expect("a roster");
        let mut indices: Vec<_> = roster.holders().collect();
        let members = indices.iter().zip(identities).map(|(index, bytes)| {
            let holder = Holder::new(roster.clone(), identity(&bytes)).expect("on the roster");
            let member =
                Member { holder, identity: bytes, is_bad: false, misdeed: Misdeed::Behave, forged: None };
            (*index, member)
        });
        let mut members: BTreeMap<_, _> = members.collect();
        indices.shuffle(&mut rng);
        for index in &indices[..bad.into()] {
            members.get_mut(index).expect("a member").is_bad = true;
        }
        Self { rng, roster, members, banned: BTreeSet::new(), number: 0, lost: None, sent: Vec::new() }
    }

    pub fn member(&mut self, index: HolderIndex) -> &mut Member<G> {
        self.members.get_mut(&index).expect("a member")
    }

    pub fn honest(&self) -> Vec<HolderIndex> {
        self.members.iter().filter(|(_, member)| !member.is_bad).map(|(index, _)| *index).collect()
    }

    pub fn session(&mut self, purpose: Purpose<G>, participants: BTreeSet<HolderIndex>) -> Session<G> {
        self.number += 1;
        Session { purpose, participants, number: self.number }
    }

    /// Now and then a holder is stopped and comes back from what it had sealed.
    pub fn restart_some(&mut self) {
        for member in self.members.values_mut() {
            if self.rng.gen_ratio(1, 12) {
                let sealed = member.holder.to_bytes();
                member.holder = Holder::from_bytes(&sealed, member.identity()).expect("its own state");
            }
        }
    }

    /// What the coordinator makes of a refusal: whoever is named must be bad.
    fn trouble(&self, session: &Session<G>, refusal: Refusal<G>) -> Trouble {
        match refusal {
            Refusal::Cheated(evidence) => self.named(session, &evidence),
            _ => Trouble::Unproven,
        }
    }

    pub fn named(&self, session: &Session<G>, evidence: &[Evidence<G>]) -> Trouble {
        for one in evidence {
            assert!(one.convicts(session), "evidence holds: {:?}", one.holder());
            assert!(self.members[&one.holder()].is_bad, "an honest holder is named");
        }
        Trouble::Named(evidence.iter().map(Evidence::holder).collect())
    }

    /// One attempt, up to the point where all have confirmed.
    pub fn attempt(&mut self, session: &Session<G>) -> Result<Prepared<G>, Trouble> {
        let commitments = self.commit(session)?;
        let revelations = self.reveal(session, &commitments)?;
        self.deal(session, &revelations)?;
        let confirmations = self.confirm(session)?;
        let dealt = Dealt { commitments, revelations };
        dealt.check(session).map_err(|refusal| self.trouble(session, refusal))?;
        Ok(Prepared { session: session.clone(), dealt, confirmations })
    }

    pub fn commit(&mut self, session: &Session<G>) -> Result<Commitments<G>, Trouble> {
        let mut commitments = Commitments::new();
        for index in &session.participants {
            self.restart_some();
            let (first, second) = (seed(&mut self.rng), seed(&mut self.rng));
            let mut rng = StdRng::from_seed(bytes(&mut self.rng));
            let member = self.member(*index);
            if member.silent(0) {
                return Err(Trouble::Unproven);
            }
            let started = member.holder.start(session.clone(), &first);
            let started = match started {
                Ok(commitment) => commitment,
                Err(refusal) => {
                    assert!(member.is_bad, "{refusal}");
                    return Err(Trouble::Unproven);
                }
            };
            // Asked again, it says the same: the second seed is not used.
            assert_eq!(member.holder.start(session.clone(), &second).ok(), Some(started));
            let commitment = member.forge(session, *index, started, &mut rng);
            commitments.insert(*index, commitment);
        }
        Ok(commitments)
    }

    pub fn reveal(
        &mut self,
        session: &Session<G>,
        commitments: &Commitments<G>,
    ) -> Result<Revelations<G>, Trouble> {
        let mut revelations = Revelations::new();
        for index in &session.participants {
            self.restart_some();
            let member = self.member(*index);
            if member.silent(1) {
                return Err(Trouble::Unproven);
            }
            if let Some(forged) = member.forged.take() {
                revelations.insert(*index, forged);
                continue;
            }
            match member.holder.reveal(session.id(), commitments.clone()) {
                Ok(revelation) => revelations.insert(*index, revelation),
                Err(refusal) => return Err(self.trouble(session, refusal)),
            };
        }
        Ok(revelations)
    }

    pub fn deal(&mut self, session: &Session<G>, revelations: &Revelations<G>) -> Result<(), Trouble> {
        let mut order: Vec<_> = session.participants.iter().copied().collect();
        order.shuffle(&mut self.rng);
        let mut failures = Failures::default();
        for index in order {
            self.restart_some();
            if self.member(index).silent(2) {
                failures.add(Trouble::Unproven);
                continue;
            }
            match self.member(index).holder.deliver(session.id(), revelations.clone()) {
                Ok(shares) => {
                    for share in shares {
                        self.send(index, share);
                    }
                }
                Err(refusal) => failures.add(self.trouble(session, refusal)),
            }
        }
        failures.none()
    }

    /// From holder to holder; what a bad one sends is changed, and refusals are its own affair.
    pub fn send(&mut self, from: HolderIndex, share: DirectShare<G>) {
        let mut rng = StdRng::from_seed(bytes(&mut self.rng));
        let lost = self.lost;
        let member = self.member(from);
        let (to, identity) = (share.to(), member.identity());
        let share = match member.misdeed {
            Misdeed::ChangeMaskedShare if Some(to) == lost => {
                change_share(&identity, &share, Change::Value, &mut rng)
            }
            Misdeed::ChangeShare(change) => change_share(&identity, &share, change, &mut rng),
            Misdeed::WithholdShare => return,
            Misdeed::Silence(step) if step <= 3 => return,
            Misdeed::ReplayShare => match self.sent.choose(&mut rng) {
                Some(old) => DirectShare::from_bytes(old).expect("sent before"),
                None => return,
            },
            _ => share,
        };
        self.sent.push(share.to_bytes().to_vec());
        let receiver = self.member(to);
        let again = DirectShare::from_bytes(&share.to_bytes()).expect("a share");
        if receiver.holder.receive(from, share).is_ok() && rng.gen_ratio(1, 5) {
            receiver.holder.receive(from, again).expect("the same again");
        }
    }

    pub fn confirm(&mut self, session: &Session<G>) -> Result<Confirmations<G>, Trouble> {
        let mut confirmations = Confirmations::new();
        let mut failures = Failures::default();
        for index in &session.participants {
            self.restart_some();
            let mut rng = StdRng::from_seed(bytes(&mut self.rng));
            let member = self.member(*index);
            if member.silent(4) {
                failures.add(Trouble::Unproven);
                continue;
            }
            match member.holder.prepare(session.id()) {
                Ok(mut confirmation) => {
                    if member.misdeed == Misdeed::WrongConfirmation {
                        confirmation.transcript[0] ^= 1;
                        let (identity, transcript) = (member.identity(), confirmation.transcript);
                        confirmation.signature =
                            sign_confirmation(&identity, session.id(), *index, &transcript, &mut rng);
                    }
                    confirmations.insert(*index, confirmation);
                }
                Err(refusal) => failures.add(self.trouble(session, refusal)),
            }
        }
        failures.none().map(|()| confirmations)
    }

    pub fn activate(&mut self, prepared: &Prepared<G>) -> Result<(), Trouble> {
        for index in &prepared.session.participants {
            self.restart_some();
            let member = self.member(*index);
            if member.silent(5) {
                continue;
            }
            for _ in 0..2 {
                let activated = member.holder.activate(prepared.session.id(), prepared.confirmations.clone());
                if activated.is_err() && !member.is_bad {
                    return Err(Trouble::Unproven);
                }
            }
        }
        Ok(())
    }

    /// Tries all, then every group that suffices, until an attempt comes to its end.
    fn insist(
        &mut self,
        candidates: &[HolderIndex],
        mut attempt: impl FnMut(&mut Self, BTreeSet<HolderIndex>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let threshold = self.roster.threshold();
        let mut choices = groups(candidates, threshold);
        choices.push(candidates.iter().copied().collect());
        while let Some(chosen) = choices.pop() {
            let chosen: BTreeSet<_> = chosen.difference(&self.banned).copied().collect();
            if chosen.len() < threshold {
                continue;
            }
            self.choose_misdeeds();
            match attempt(self, chosen.clone()) {
                Ok(()) => return Ok(()),
                Err(Trouble::Named(cheats)) => {
                    self.banned.extend(cheats);
                    choices.push(chosen);
                }
                Err(Trouble::Unproven) => {}
            }
        }
        Err(Trouble::Unproven)
    }

    fn choose_misdeeds(&mut self) {
        for member in self.members.values_mut() {
            let misdeed = Misdeed::random(&mut self.rng);
            member.misdeed = if member.is_bad { misdeed } else { Misdeed::Behave };
        }
    }

    pub fn generate(&mut self) {
        let all: Vec<_> = self.roster.holders().collect();
        let purpose = Purpose::Generate(self.roster.clone());
        let generated = self.insist(&all, |world, chosen| world.renew(purpose.clone(), chosen));
        generated.expect("some group comes to its end");
    }

    pub fn refresh(&mut self) {
        let keys = self.keys().clone();
        let held = self.holding(&keys);
        let renewed = self.insist(&held, |world, chosen| world.renew(Purpose::Refresh(keys.clone()), chosen));
        renewed.expect("some group comes to its end");
        assert_eq!(self.keys().key(), keys.key(), "the public key never changes");
        assert_eq!(self.keys().epoch().0, keys.epoch().0 + 1);
    }

    /// To the end: all honest holders have the new shares, or nobody has.
    fn renew(&mut self, purpose: Purpose<G>, chosen: BTreeSet<HolderIndex>) -> Result<(), Trouble> {
        let session = self.session(purpose, chosen);
        let prepared = self.attempt(&session)?;
        let keys = prepared.dealt.outcome(&session).expect("a key set");
        let outcome = self.activate(&prepared).and_then(|()| self.recover_all(&keys));
        for member in self.members.values_mut() {
            let ended = match &outcome {
                Ok(()) => member.holder.settle(keys.id()),
                Err(_) => member.holder.revert(keys.id()),
            };
            assert!(ended.is_ok() || member.is_bad);
        }
        outcome
    }

    /// Gives every honest holder that has none its share.
    pub fn recover_all(&mut self, keys: &KeySet<G>) -> Result<(), Trouble> {
        for lost in self.honest() {
            if self.members[&lost].holder.keys() != Some(keys) {
                let helpers = self.holding(keys);
                self.insist(&helpers, |world, chosen| world.recover(keys, lost, chosen))?;
                assert_eq!(self.members[&lost].holder.keys(), Some(keys));
            }
        }
        Ok(())
    }

    fn recover(
        &mut self,
        keys: &KeySet<G>,
        lost: HolderIndex,
        chosen: BTreeSet<HolderIndex>,
    ) -> Result<(), Trouble> {
        let session = self.session(Purpose::Recover { keys: keys.clone(), lost }, chosen);
        self.lost = Some(lost);
        let Prepared { dealt, confirmations, .. } = self.attempt(&session)?;
        let waiting = self.member(lost).holder.await_recovery(
            session.clone(),
            dealt.commitments.clone(),
            dealt.revelations.clone(),
        );
        waiting.map_err(|refusal| self.trouble(&session, refusal))?;
        for helper in &session.participants {
            self.restart_some();
            if let Ok(share) = self.member(*helper).holder.release(session.id(), &confirmations) {
                self.send(*helper, share);
            }
        }
        match self.member(lost).holder.recover(session.id()) {
            Ok(evidence) => {
                if let Trouble::Named(cheats) = self.named(&session, &evidence) {
                    self.banned.extend(cheats);
                }
                Ok(())
            }
            Err(refusal) => Err(self.trouble(&session, refusal)),
        }
    }

    /// A holder whose canister is gone, but for its identity, gets its share back.
    pub fn lose_and_recover(&mut self, index: HolderIndex) {
        let keys = self.keys().clone();
        self.lose(index);
        self.recover_all(&keys).expect("some group comes to its end");
        self.member(index).holder.settle(keys.id()).expect("active");
    }

    pub fn lose(&mut self, index: HolderIndex) {
        let roster = self.roster.clone();
        let member = self.member(index);
        member.holder = Holder::new(roster, member.identity()).expect("on the roster");
    }

    /// The newest key set that honest holders have.
    pub fn keys(&self) -> &KeySet<G> {
        let held = self.honest().into_iter().filter_map(|index| self.members[&index].holder.keys());
        held.max_by_key(|keys| keys.epoch()).expect("an honest holder has a share")
    }

    fn holding(&self, keys: &KeySet<G>) -> Vec<HolderIndex> {
        let held = self.members.iter().filter(|(_, member)| member.holder.keys() == Some(keys));
        held.map(|(index, _)| *index).collect()
    }

    /// Any honest holders that suffice open what was encrypted to the key.
    pub fn assert_works(&mut self) {
        let keys = self.keys().clone();
        let mut honest = self.honest();
        honest.shuffle(&mut self.rng);
        honest.truncate(self.roster.threshold());
        let shares: Vec<KeyShare<G>> =
            honest.iter().map(|index| self.members[index].holder.share().expect("a share")).collect();
        assert_opens(&keys, &shares, &mut self.rng);
    }
}

impl<G: Group> Member<G> {
    /// The commitment, or one to something that must not be revealed.
    fn forge(
        &mut self,
        session: &Session<G>,
        index: HolderIndex,
        honest: SignedCommitment<G>,
        rng: &mut StdRng,
    ) -> SignedCommitment<G> {
        let right = session.roster().threshold() - usize::from(session.keys().is_some());
        let coefficients = match self.misdeed {
            Misdeed::WrongDegree => right + 1,
            Misdeed::UnknownConstant | Misdeed::RevealOther => right,
            _ => return honest,
        };
        let scalars: Vec<_> = (0..coefficients).map(|_| G::reduce(&bytes(rng))).collect();
        let points = scalars.iter().map(|scalar| Point::new(G::generate(scalar)).expect("no identity"));
        let polynomial = PublicPolynomial::new(points.collect());
        // Whoever chose the degree knows the constant.
        let known = match self.misdeed {
            Misdeed::WrongDegree => G::scalar_to_bytes(&scalars[0]),
            _ => self.identity,
        };
        let key = IdentityKey::from_bytes(&known).expect("a scalar");
        let possession = sign_possession(&key, session.id(), index, rng);
        let revelation = Revelation { polynomial, possession };
        let digest = revelation_digest(session.id(), index, &revelation);
        self.forged = Some(revelation);
        if self.misdeed == Misdeed::RevealOther {
            return honest;
        }
        let signature = sign_commitment(&self.identity(), session.id(), index, &digest, rng);
        SignedCommitment { digest, signature }
    }
}

fn groups(of: &[HolderIndex], size: usize) -> Vec<BTreeSet<HolderIndex>> {
    (0u32..1 << of.len())
        .filter(|bits| bits.count_ones() as usize == size)
        .map(|bits| {
            of.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, one)| *one).collect()
        })
        .collect()
}
