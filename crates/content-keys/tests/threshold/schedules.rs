//! Thousands of lives of a key, each by another random schedule: made, renewed, lost and recovered, with as many bad
//! holders as there may be, and restarts at any
//! step; and under a coordinator that
//! drops, repeats and mixes everything.

use std::collections::{BTreeMap, BTreeSet};

use content_keys::threshold::{
    DirectShare, Group, HolderIndex, P256, Point, Purpose, Refusal, Session, X25519,
};
use rand::{Rng, seq::SliceRandom};

use crate::{
    fixtures::seed,
    forgery::{Change, change_share},
    world::World,
};

/// With an honest coordinator the key comes to be, stays the same, and works, whatever the bad holders do.
fn live<G: Group>(number: u64) {
    let sizes = [(2, 3), (2, 4), (3, 4), (3, 5)];
    let (threshold, holders) = sizes[(number % 4) as usize];
    let spare = holders - threshold;
    let bad = (number / 4 % u64::from(spare.min(threshold - 1) + 1)) as u8;
    let mut world = World::<G>::new(number, threshold, holders, bad);
    world.generate();
    let key = *world.keys().key();
    for _ in 0..2 {
        if bad < spare && world.rng.gen_bool(0.5) {
            let honest = world.honest();
            let lost = *honest.choose(&mut world.rng).expect("an honest holder");
            world.lose_and_recover(lost);
        } else {
            world.refresh();
        }
    }
    assert_eq!(*world.keys().key(), key);
    world.assert_works();
}

#[test]
fn should_keep_the_key_when_x25519_holders_misbehave() {
    for number in 0..350 {
        live::<X25519>(number);
    }
}

#[test]
fn should_keep_the_key_when_other_x25519_holders_misbehave() {
    for number in 350..700 {
        live::<X25519>(number);
    }
}

#[test]
fn should_keep_the_key_when_p256_holders_misbehave() {
    for number in 0..30 {
        live::<P256>(number);
    }
}

/// A bad coordinator, and all that it has ever heard.
struct Abuse<G: Group> {
    world: World<G>,
    sessions: Vec<Session<G>>,
    shares: Vec<(HolderIndex, Vec<u8>)>,
    named: usize,
    /// Of the coordinator's worst, in percent.
    badness: u32,
}

impl<G: Group> Abuse<G> {
    fn chance(&mut self, percent: u32) -> bool {
        self.world.rng.gen_ratio(percent, 100)
    }

    fn abuses(&mut self, percent: u32) -> bool {
        self.world.rng.gen_ratio(percent * self.badness, 10_000)
    }

    /// Evidence may accuse bad holders only, whatever the coordinator does.
    fn heard<T>(&mut self, session: &Session<G>, said: Result<T, Refusal<G>>) -> Option<T> {
        match said {
            Ok(said) => Some(said),
            Err(Refusal::Cheated(evidence)) => {
                self.world.named(session, &evidence);
                self.named += evidence.len();
                None
            }
            Err(_) => None,
        }
    }

    /// What the holders are asked to do: mostly one thing, now and then another.
    fn choose(&mut self) -> Session<G> {
        if self.abuses(15)
            && let Some(old) = self.sessions.choose(&mut self.world.rng)
        {
            return old.clone();
        }
        let mut everyone: Vec<_> = self.world.roster.holders().collect();
        everyone.shuffle(&mut self.world.rng);
        let keys = |abuse: &Self, holder| abuse.world.members[&holder].holder.keys().cloned();
        let held = keys(self, everyone[0]);
        let others: Vec<_> = everyone.iter().copied().filter(|holder| keys(self, *holder) != held).collect();
        let mut participants: BTreeSet<_> = everyone.iter().copied().collect();
        for other in &others {
            if !self.abuses(20) {
                participants.remove(other);
            }
        }
        if self.abuses(20) {
            participants.remove(&everyone[1]);
        }
        let purpose = match held {
            None => Purpose::Generate(self.world.roster.clone()),
            Some(keys) => match others.first() {
                Some(lost) if self.chance(70) => Purpose::Recover { keys, lost: *lost },
                _ => Purpose::Refresh(keys),
            },
        };
        if let Purpose::Recover { lost, .. } = &purpose {
            participants.remove(lost);
        }
        let session = self.world.session(purpose, participants);
        self.sessions.push(session.clone());
        session
    }

    /// The messages, with some missing or in another's place.
    fn mixed<T: Clone>(&mut self, messages: &BTreeMap<HolderIndex, T>) -> BTreeMap<HolderIndex, T> {
        let mut mixed = messages.clone();
        let senders: Vec<_> = messages.keys().copied().collect();
        if self.abuses(8)
            && let Some(sender) = senders.choose(&mut self.world.rng)
        {
            mixed.remove(sender);
        }
        if self.abuses(8)
            && let (Some(from), Some(to)) =
                (senders.choose(&mut self.world.rng), senders.choose(&mut self.world.rng))
        {
            mixed.insert(*to, messages[from].clone());
        }
        mixed
    }

    /// Asks every participant, in any order, some of them twice and some not at all.
    fn ask<T>(
        &mut self,
        session: &Session<G>,
        mut question: impl FnMut(&mut Self, HolderIndex) -> Result<T, Refusal<G>>,
    ) -> BTreeMap<HolderIndex, T> {
        let mut order: Vec<_> = session.participants.iter().copied().collect();
        order.shuffle(&mut self.world.rng);
        if self.abuses(10) {
            order.pop();
        }
        if self.abuses(10) {
            order.extend(order.first().copied());
        }
        let mut answers = BTreeMap::new();
        for holder in order {
            self.world.restart_some();
            let answer = question(self, holder);
            if let Some(answer) = self.heard(session, answer) {
                answers.insert(holder, answer);
            }
        }
        answers
    }

    /// Directly, which the coordinator cannot change; what a bad holder sends is what it likes.
    fn send(&mut self, session: &Session<G>, from: HolderIndex, share: DirectShare<G>) {
        let member = &self.world.members[&from];
        let (is_bad, identity, to) = (member.is_bad, member.identity(), share.to());
        let mut bytes = share.to_bytes().to_vec();
        if is_bad && self.chance(30) {
            let changes = [Change::Value, Change::Transcript, Change::Signature];
            let change = *changes.choose(&mut self.world.rng).expect("three");
            bytes = change_share(&identity, &share, change, &mut self.world.rng).to_bytes().to_vec();
        }
        self.shares.push((from, bytes.clone()));
        let replayed = self.shares.choose(&mut self.world.rng).filter(|_| is_bad).cloned();
        let replayed = replayed.filter(|_| self.chance(20));
        for (from, bytes) in [Some((from, bytes)), replayed].into_iter().flatten() {
            if !self.abuses(3) {
                let share = DirectShare::from_bytes(&bytes).expect("a share");
                let received = self.world.member(to).holder.receive(from, share);
                self.heard(session, received);
            }
        }
    }

    fn session(&mut self) {
        let session = self.choose();
        let id = session.id();
        let commitments = self.ask(&session, |abuse, holder| {
            let seed = seed(&mut abuse.world.rng);
            abuse.world.member(holder).holder.start(session.clone(), &seed)
        });
        let revelations = self.ask(&session, |abuse, holder| {
            let commitments = abuse.mixed(&commitments);
            abuse.world.member(holder).holder.reveal(id, commitments)
        });
        let shares = self.ask(&session, |abuse, holder| {
            let revelations = abuse.mixed(&revelations);
            abuse.world.member(holder).holder.deliver(id, revelations)
        });
        for (from, shares) in shares {
            for share in shares {
                self.send(&session, from, share);
            }
        }
        let confirmations = self.ask(&session, |abuse, holder| abuse.world.member(holder).holder.prepare(id));
        if let Some(lost) = session.lost() {
            let waiting =
                self.world.member(lost).holder.await_recovery(session.clone(), commitments, revelations);
            self.heard(&session, waiting);
            let masked = self
                .ask(&session, |abuse, holder| abuse.world.member(holder).holder.release(id, &confirmations));
            for (from, share) in masked {
                self.send(&session, from, share);
            }
            let recovered = self.world.member(lost).holder.recover(id);
            if let Some(evidence) = self.heard(&session, recovered) {
                self.world.named(&session, &evidence);
            }
        } else {
            self.ask(&session, |abuse, holder| {
                let confirmations = abuse.mixed(&confirmations);
                abuse.world.member(holder).holder.activate(id, confirmations)
            });
        }
        self.ask(&session, |abuse, holder| {
            let Some(keys) = abuse.world.members[&holder].holder.keys().map(|keys| keys.id()) else {
                return Ok(());
            };
            let settle = abuse.chance(80);
            let member = &mut abuse.world.member(holder).holder;
            if settle { member.settle(keys) } else { member.revert(keys) }
        });
    }
}

/// Under a coordinator that does what it likes, nobody honest is named, and nobody who has settled on a key ever holds
/// a share of another. Says how often somebody was named, and how often a share was renewed.
fn suffer<G: Group>(number: u64) -> (usize, u64) {
    let world = World::<G>::new(number, 2, 4, (number % 2) as u8);
    let mut abuse = Abuse {
        world,
        sessions: Vec::new(),
        shares: Vec::new(),
        named: 0,
        badness: [5, 30, 100][(number % 3) as usize],
    };
    let mut held: BTreeMap<HolderIndex, Point<G>> = BTreeMap::new();
    let mut epochs = 0;
    for _ in 0..8 {
        abuse.session();
        for (index, member) in &abuse.world.members {
            if let Some(keys) = member.holder.keys() {
                assert!(member.holder.share().is_some(), "the share is the public share's");
                let key = *held.entry(*index).or_insert(*keys.key());
                assert!(key == *keys.key() || keys.epoch().0 == 1, "the key of {index} never changes");
                held.insert(*index, *keys.key());
                epochs = epochs.max(keys.epoch().0);
            }
        }
    }
    (abuse.named, epochs)
}

#[test]
fn should_name_nobody_honest_and_keep_the_key_when_the_coordinator_is_bad() {
    let lives: Vec<_> = (0..200).map(suffer::<X25519>).collect();
    let count = |what: fn(&(usize, u64)) -> bool| lives.iter().filter(|life| what(life)).count();
    let (named, renewed) = (count(|(named, _)| *named > 0), count(|(_, epochs)| *epochs > 2));
    // The abuse leaves room for something to happen.
    assert!(named > 20 && renewed > 20, "{named} named, {renewed} renewed");
}
