//! Dealing, one attack at a time.

use std::collections::{BTreeMap, BTreeSet};

use content_keys::threshold::{
    Commitments, DirectShare, Evidence, Group, Holder, HolderIndex, InvalidRoster, InvalidSession,
    MAX_HOLDERS, P256, Point, PublicPolynomial, Purpose, Refusal, Revelations, Roster, Session, X25519,
    equivocations,
};

use crate::{
    fixtures::{holder, seed},
    forgery::{Change, change_share},
    world::{Misdeed, Trouble, World},
};

fn everyone<G: Group>(world: &World<G>) -> BTreeSet<HolderIndex> {
    world.roster.holders().collect()
}

/// Three holders of whom two suffice, and a session among all of them.
fn three<G: Group>(number: u64) -> (World<G>, Session<G>) {
    let mut world = World::new(number, 2, 3, 0);
    let (purpose, all) = (Purpose::Generate(world.roster.clone()), everyone(&world));
    let session = world.session(purpose, all);
    (world, session)
}

/// The same with a key, and a session that renews it.
fn renewing<G: Group>(number: u64) -> (World<G>, Session<G>) {
    let mut world = World::new(number, 2, 3, 0);
    world.generate();
    let (keys, all) = (world.keys().clone(), everyone(&world));
    let session = world.session(Purpose::Refresh(keys), all);
    (world, session)
}

#[test]
fn should_make_renew_and_recover_a_key_when_all_are_honest() {
    fn live<G: Group>() {
        let mut world = World::<G>::new(1, 3, 5, 0);
        world.generate();
        world.assert_works();
        let key = *world.keys().key();
        let old = world.members[&holder(1)].holder.share().expect("a share");
        world.refresh();
        world.lose_and_recover(holder(4));
        world.assert_works();
        assert_eq!(*world.keys().key(), key);
        let new = world.members[&holder(1)].holder.share().expect("a share");
        assert_ne!(old.to_bytes(), new.to_bytes());
        assert_ne!(old.keys().id(), new.keys().id());
    }
    live::<P256>();
    live::<X25519>();
}

#[test]
fn should_convict_a_dealer_when_its_share_is_not_on_its_polynomial() {
    let (mut world, session) = three::<X25519>(2);
    let commitments = world.commit(&session).expect("all commit");
    let revelations = world.reveal(&session, &commitments).expect("all reveal");
    world.member(holder(2)).is_bad = true;
    world.member(holder(2)).misdeed = Misdeed::ChangeShare(Change::Value);
    world.deal(&session, &revelations).expect("all deal");
    let Err(Refusal::Cheated(evidence)) = world.member(holder(1)).holder.prepare(session.id()) else {
        panic!("the wrong share is seen")
    };
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0].holder(), holder(2));
    assert!(evidence[0].convicts(&session));

    // It goes over the wire, and accuses nobody else and of nothing else.
    let mut bytes = Vec::new();
    ciborium::into_writer(&evidence[0], &mut bytes).expect("memory");
    let received: Evidence<X25519> = ciborium::from_reader(&bytes[..]).expect("evidence");
    assert!(received.convicts(&session));
    let Evidence::Share { dealt, to, value, signature, .. } = received else { panic!("a share") };
    let framed = Evidence::Share { dealt: dealt.clone(), from: holder(3), to, value, signature };
    assert!(!framed.convicts(&session));
    let moved = Evidence::Share { dealt, from: holder(2), to: holder(3), value, signature };
    assert!(!moved.convicts(&session));
    let another = Session { number: session.number + 1, ..session };
    assert!(!evidence[0].convicts(&another));
}

#[test]
fn should_convict_a_dealer_when_it_committed_to_a_wrong_degree_or_an_unknown_constant() {
    for misdeed in [Misdeed::WrongDegree, Misdeed::UnknownConstant] {
        for (mut world, session) in [three::<X25519>(14), renewing::<X25519>(14)] {
            world.member(holder(2)).is_bad = true;
            world.member(holder(2)).misdeed = misdeed;
            let Err(Trouble::Named(named)) = world.attempt(&session) else { panic!("{misdeed:?} is seen") };
            assert_eq!(named, BTreeSet::from([holder(2)]), "{misdeed:?}");
        }
    }
}

#[test]
fn should_refuse_when_commitments_and_revelations_do_not_belong_together() {
    let (mut world, session) = three::<X25519>(15);
    let id = session.id();
    let commitments = world.commit(&session).expect("all commit");
    let mut reveal = |commitments| world.member(holder(1)).holder.reveal(id, commitments);
    let mut missing = commitments.clone();
    missing.remove(&holder(2));
    assert!(matches!(reveal(missing), Err(Refusal::OtherSenders { .. })));
    let mut swapped = commitments.clone();
    swapped.insert(holder(2), commitments[&holder(3)]);
    assert!(matches!(reveal(swapped), Err(Refusal::Unsigned(other)) if other == holder(2)));
    let mut not_mine = commitments.clone();
    not_mine.insert(holder(1), commitments[&holder(3)]);
    assert!(matches!(reveal(not_mine), Err(Refusal::Conflict)));

    let revelations = world.reveal(&session, &commitments).expect("all reveal");
    let mut deliver = |revelations| world.member(holder(1)).holder.deliver(id, revelations);
    let mut missing = revelations.clone();
    missing.remove(&holder(2));
    assert!(matches!(deliver(missing), Err(Refusal::OtherSenders { .. })));
    let mut swapped = revelations.clone();
    swapped.insert(holder(2), revelations[&holder(3)].clone());
    assert!(matches!(deliver(swapped), Err(Refusal::RevealsOther(other)) if other == holder(2)));
    deliver(revelations).expect("deals");
}

/// The dealer shows one holder one polynomial and the other another, and a coordinator helps it.
fn equivocate()
-> (World<X25519>, Session<X25519>, [Commitments<X25519>; 2], [Revelations<X25519>; 2], Holder<X25519>) {
    let (mut world, session) = three::<X25519>(3);
    let id = session.id();
    let dealer = holder(3);
    let identity = world.member(dealer).identity();
    let mut twin = Holder::new(world.roster.clone(), identity).expect("on the roster");
    let first = world.commit(&session).expect("all commit");
    let mut second = first.clone();
    second.insert(dealer, twin.start(session.clone(), &seed(&mut world.rng)).expect("a commitment"));
    let mut revealed: BTreeMap<_, _> = BTreeMap::new();
    revealed.insert(holder(1), world.member(holder(1)).holder.reveal(id, first.clone()).expect("reveals"));
    revealed.insert(holder(2), world.member(holder(2)).holder.reveal(id, second.clone()).expect("reveals"));
    let mut revelations = [revealed.clone(), revealed];
    revelations[0].insert(dealer, world.member(dealer).holder.reveal(id, first.clone()).expect("reveals"));
    revelations[1].insert(dealer, twin.reveal(id, second.clone()).expect("reveals"));
    (world, session, [first, second], revelations, twin)
}

#[test]
fn should_hear_the_echo_when_the_coordinator_shows_two_commitments() {
    let (mut world, session, commitments, revelations, mut twin) = equivocate();
    let id = session.id();
    let [first, second] = revelations;
    let to_second = world.member(holder(1)).holder.deliver(id, first.clone()).expect("deals");
    let to_first = world.member(holder(2)).holder.deliver(id, second.clone()).expect("deals");
    for (from, shares) in [(holder(1), to_second), (holder(2), to_first)] {
        for share in shares.into_iter().filter(|share| share.to() != holder(3)) {
            let heard = world.member(share.to()).holder.receive(from, share);
            assert!(matches!(heard, Err(Refusal::OtherTranscript(other)) if other == from));
        }
    }
    // To each the dealer is consistent.
    let from_dealer = world.member(holder(3)).holder.deliver(id, first).expect("deals");
    for share in from_dealer.into_iter().filter(|share| share.to() == holder(1)) {
        world.member(holder(1)).holder.receive(holder(3), share).expect("consistent");
    }
    for share in twin.deliver(id, second).expect("deals").into_iter().filter(|share| share.to() == holder(2))
    {
        world.member(holder(2)).holder.receive(holder(3), share).expect("consistent");
    }
    for index in [1, 2] {
        assert!(matches!(world.member(holder(index)).holder.prepare(id), Err(Refusal::NoShares(_))));
    }
    // The two compare what they heard: the dealer signed both.
    let heard =
        [1, 2].map(|index| world.members[&holder(index)].holder.commitments(id).expect("heard").clone());
    assert_eq!(heard, commitments);
    let evidence = equivocations(&session, &heard[0], &heard[1]);
    assert_eq!(evidence.iter().map(Evidence::holder).collect::<Vec<_>>(), [holder(3)]);
    assert!(evidence[0].convicts(&session));
    // Who is shown both sees it alone.
    let again = world.member(holder(1)).holder.reveal(id, heard[1].clone());
    assert!(matches!(again, Err(Refusal::Cheated(evidence)) if evidence[0].holder() == holder(3)));
}

#[test]
fn should_not_activate_when_a_confirmation_is_missing_changed_or_of_another_dealing() {
    let (mut world, session) = renewing::<X25519>(4);
    let prepared = world.attempt(&session).expect("all confirm");
    let (id, all) = (session.id(), prepared.confirmations.clone());
    let before = world.keys().clone();
    let refused = |world: &mut World<X25519>, confirmations| {
        let refusal = world.member(holder(1)).holder.activate(id, confirmations).expect_err("not confirmed");
        assert_eq!(world.members[&holder(1)].holder.keys(), Some(&before));
        refusal
    };
    let mut missing = all.clone();
    missing.remove(&holder(2));
    assert!(matches!(refused(&mut world, missing), Refusal::OtherSenders { .. }));
    let mut swapped = all.clone();
    swapped.insert(holder(2), all[&holder(3)]);
    assert!(matches!(refused(&mut world, swapped), Refusal::Unsigned(other) if other == holder(2)));
    let mut other = all.clone();
    other.get_mut(&holder(2)).expect("there").transcript[0] ^= 1;
    assert!(matches!(refused(&mut world, other), Refusal::OtherTranscript(other) if other == holder(2)));

    // Another attempt's confirmations do not do either; this one's still do.
    let (keys, participants) = (before.clone(), everyone(&world));
    let next = world.session(Purpose::Refresh(keys), participants);
    let later = world.attempt(&next).expect("all confirm");
    assert!(matches!(refused(&mut world, later.confirmations.clone()), Refusal::OtherTranscript(_)));
    world.activate(&later).expect("confirmed by all");
    world.assert_works();
    assert!(matches!(world.member(holder(1)).holder.activate(id, all), Err(Refusal::UnknownSession)));
}

#[test]
fn should_hand_on_the_certificate_when_a_holder_was_not_told() {
    let (mut world, session) = renewing::<X25519>(5);
    let prepared = world.attempt(&session).expect("all confirm");
    let id = session.id();
    world.member(holder(1)).holder.activate(id, prepared.confirmations).expect("confirmed by all");
    // The coordinator has forgotten everything; the two others have begun something else meanwhile.
    let keys = world.members[&holder(2)].holder.keys().expect("the old key set").clone();
    let next = world.session(Purpose::Refresh(keys), BTreeSet::from([holder(2), holder(3)]));
    world.commit(&next).expect("both commit");
    let (certified, confirmations) = {
        let (certified, confirmations) = world.members[&holder(1)].holder.certificate().expect("activated");
        (certified, confirmations.clone())
    };
    for index in [2, 3] {
        world.member(holder(index)).holder.activate(certified, confirmations.clone()).expect("prepared");
    }
    world.assert_works();
}

#[test]
fn should_refuse_what_belongs_to_another_session_holder_or_key() {
    let (mut world, session) = renewing::<X25519>(6);
    let old = world.keys().clone();
    let commitments = world.commit(&session).expect("all commit");
    let revelations = world.reveal(&session, &commitments).expect("all reveal");
    let (me, id) = (holder(1), session.id());
    let shares = world.member(holder(2)).holder.deliver(id, revelations.clone()).expect("deals");
    let share = shares.into_iter().find(|share| share.to() == me).expect("mine");
    let copy = |share: &DirectShare<X25519>| DirectShare::from_bytes(&share.to_bytes()).expect("a share");

    // From somebody else than its sender, to somebody else than its holder, signed by nobody.
    let mut receive =
        |index: u8, from: u8, share| world.member(holder(index)).holder.receive(holder(from), share);
    assert!(matches!(receive(1, 3, copy(&share)), Err(Refusal::NotParticipant)));
    assert!(matches!(receive(3, 2, copy(&share)), Err(Refusal::NotParticipant)));
    let identity = world.member(holder(2)).identity();
    let mut changed = |change| change_share(&identity, &share, change, &mut world.rng);
    let (unsigned, other) = (changed(Change::Signature), changed(Change::Transcript));
    let mut receive = |share| world.member(me).holder.receive(holder(2), share);
    assert!(matches!(receive(unsigned), Err(Refusal::Unsigned(from)) if from == holder(2)));
    assert!(matches!(receive(other), Err(Refusal::OtherTranscript(from)) if from == holder(2)));
    assert!(receive(copy(&share)).is_ok());

    // After the renewal nothing of it is taken again, and the old key set is no base for another one.
    let prepared = world.attempt(&Session { number: session.number + 1, ..session.clone() });
    let prepared = prepared.expect("all confirm");
    world.activate(&prepared).expect("confirmed by all");
    let member = &mut world.member(me).holder;
    assert!(matches!(member.receive(holder(2), share), Err(Refusal::UnknownSession)));
    assert!(matches!(member.reveal(id, commitments), Err(Refusal::UnknownSession)));
    assert!(matches!(member.deliver(id, revelations), Err(Refusal::UnknownSession)));
    assert!(matches!(member.prepare(id), Err(Refusal::UnknownSession)));
    let stale = Session { purpose: Purpose::Refresh(old), number: 100, ..session };
    let seed = seed(&mut world.rng);
    assert!(matches!(world.member(me).holder.start(stale, &seed), Err(Refusal::OtherKeys)));
}

#[test]
fn should_never_commit_twice_when_a_session_is_begun_again() {
    let (mut world, session) = three::<X25519>(7);
    let later = Session { number: session.number + 1, ..session.clone() };
    world.commit(&session).expect("all commit");
    world.commit(&later).expect("all commit");
    let seed = seed(&mut world.rng);
    let again = world.member(holder(1)).holder.start(session.clone(), &seed);
    assert!(matches!(again, Err(Refusal::Number { found: 1, lowest: 3, .. })));
    let far = Session { number: u64::MAX, ..session };
    assert!(matches!(world.member(holder(1)).holder.start(far, &seed), Err(Refusal::Number { .. })));
}

#[test]
fn should_refuse_a_session_when_it_cannot_hold() {
    let (mut world, session) = renewing::<X25519>(8);
    let keys = world.keys().clone();
    let seed = seed(&mut world.rng);
    let mut start =
        |session: Session<X25519>| world.member(holder(1)).holder.start(session, &seed).expect_err("bad");
    let of = |indices: &[u8]| indices.iter().map(|index| holder(*index)).collect::<BTreeSet<_>>();
    let too_few = Session { participants: of(&[1]), ..session.clone() };
    assert!(matches!(
        start(too_few),
        Refusal::InvalidSession(InvalidSession::TooFewParticipants { found: 1, needed: 2 })
    ));
    let unknown = Session { participants: of(&[1, 2, 4]), ..session.clone() };
    assert!(matches!(start(unknown), Refusal::InvalidSession(InvalidSession::UnknownHolder(_))));
    let without = Session { participants: of(&[2, 3]), ..session.clone() };
    assert!(matches!(start(without), Refusal::NotParticipant));
    let lost = Purpose::Recover { keys, lost: holder(3) };
    let lost = Session { purpose: lost, ..session.clone() };
    assert!(matches!(start(lost), Refusal::InvalidSession(InvalidSession::LostParticipant(_))));
    let anew = Session { purpose: Purpose::Generate(session.roster().clone()), ..session.clone() };
    assert!(matches!(start(anew), Refusal::OtherKeys));
    let stranger = World::<X25519>::new(99, 2, 3, 0);
    let other = Session { purpose: Purpose::Generate(stranger.roster.clone()), ..session };
    assert!(matches!(start(other), Refusal::OtherRoster));
}

#[test]
fn should_recover_and_name_the_helper_when_one_masked_share_is_wrong() {
    let mut world = World::<X25519>::new(10, 2, 4, 0);
    world.generate();
    let (keys, lost) = (world.keys().clone(), holder(4));
    world.lose(lost);
    let session = world
        .session(Purpose::Recover { keys: keys.clone(), lost }, [1, 2, 3].into_iter().map(holder).collect());
    let prepared = world.attempt(&session).expect("all confirm");
    let id = session.id();
    let dealt = prepared.dealt.clone();
    let waiting =
        world.member(lost).holder.await_recovery(session.clone(), dealt.commitments, dealt.revelations);
    waiting.expect("it is lost");
    let mut few = prepared.confirmations.clone();
    few.remove(&holder(3));
    assert!(matches!(world.member(holder(1)).holder.release(id, &few), Err(Refusal::OtherSenders { .. })));
    for helper in [1, 2, 3].map(holder) {
        let share =
            world.member(helper).holder.release(id, &prepared.confirmations).expect("confirmed by all");
        let own = world.members[&helper].holder.share().expect("a share").to_bytes();
        assert!(!share.to_bytes().windows(32).any(|window| window == &own[..]));
        let identity = world.member(helper).identity();
        let share = match helper.get() {
            2 => change_share(&identity, &share, Change::Value, &mut world.rng),
            _ => share,
        };
        world.member(lost).holder.receive(helper, share).expect("signed");
    }
    let evidence = world.member(lost).holder.recover(id).expect("two are enough");
    assert_eq!(evidence.iter().map(Evidence::holder).collect::<Vec<_>>(), [holder(2)]);
    assert!(evidence[0].convicts(&session));
    assert_eq!(world.members[&lost].holder.keys(), Some(&keys));
    world.assert_works();
}

#[test]
fn should_not_recover_when_helpers_are_too_few_or_nothing_is_lost() {
    let mut world = World::<X25519>::new(11, 2, 3, 0);
    world.generate();
    let (keys, lost) = (world.keys().clone(), holder(3));
    let session = world.session(Purpose::Recover { keys, lost }, BTreeSet::from([holder(1), holder(2)]));
    let prepared = world.attempt(&session).expect("all confirm");
    let wait = |world: &mut World<X25519>| {
        let dealt = prepared.dealt.clone();
        world.member(lost).holder.await_recovery(session.clone(), dealt.commitments, dealt.revelations)
    };
    assert!(matches!(wait(&mut world), Err(Refusal::OtherKeys)));
    world.lose(lost);
    wait(&mut world).expect("it is lost");
    let share =
        world.member(holder(1)).holder.release(session.id(), &prepared.confirmations).expect("confirmed");
    world.member(lost).holder.receive(holder(1), share).expect("signed");
    let recovered = world.member(lost).holder.recover(session.id());
    assert!(matches!(recovered, Err(Refusal::NoShares(missing)) if missing == BTreeSet::from([holder(2)])));
    assert!(world.members[&lost].holder.keys().is_none());
}

#[test]
fn should_go_back_when_shares_are_reverted_and_not_when_they_are_settled() {
    let (mut world, session) = renewing::<X25519>(13);
    let before = world.keys().clone();
    let prepared = world.attempt(&session).expect("all confirm");
    world.activate(&prepared).expect("confirmed by all");
    let renewed = world.keys().clone();
    let next = world.session(Purpose::Refresh(renewed.clone()), session.participants.clone());
    let seed = seed(&mut world.rng);
    let hasty = world.member(holder(1)).holder.start(next.clone(), &seed);
    assert!(matches!(hasty, Err(Refusal::Unsettled)));
    for index in [1, 2, 3] {
        let member = &mut world.member(holder(index)).holder;
        assert!(matches!(member.settle(before.id()), Err(Refusal::OtherKeys)));
        member.revert(renewed.id()).expect("not settled");
        member.revert(renewed.id()).expect("done already");
        assert_eq!(member.keys(), Some(&before));
    }
    world.assert_works();

    let again = world.session(Purpose::Refresh(before), session.participants);
    let prepared = world.attempt(&again).expect("all confirm");
    world.activate(&prepared).expect("confirmed by all");
    let renewed = world.keys().clone();
    let member = &mut world.member(holder(1)).holder;
    member.settle(renewed.id()).expect("active");
    assert!(matches!(member.revert(renewed.id()), Err(Refusal::OtherKeys)));
    assert_eq!(member.keys(), Some(&renewed));
}

#[test]
fn should_refuse_points_when_they_are_the_identity_or_not_of_prime_order() {
    use curve25519_dalek::constants::EIGHT_TORSION;
    assert!(Point::<P256>::new(P256::identity()).is_none());
    assert!(Point::<X25519>::new(X25519::identity()).is_none());
    let point = X25519::generate(&7u64.into());
    assert!(Point::<X25519>::new(point).is_some());
    for torsion in &EIGHT_TORSION[1..] {
        assert!(Point::<X25519>::new(*torsion).is_none());
        assert!(Point::<X25519>::new(point + torsion).is_none());
        let encoded = ciborium::Value::Bytes(X25519::encode(&(point + torsion)));
        assert!(encoded.deserialized::<Point<X25519>>().is_err());
    }
}

#[test]
fn should_read_no_more_points_than_a_key_has_holders() {
    let point = ciborium::Value::Bytes(X25519::encode(&X25519::generate(&7u64.into())));
    let read =
        |count| ciborium::Value::Array(vec![point.clone(); count]).deserialized::<PublicPolynomial<X25519>>();
    assert!(read(MAX_HOLDERS).is_ok());
    assert!(read(MAX_HOLDERS + 1).expect_err("too many").to_string().contains("17 points; allowed: 16"));
}

#[test]
fn should_refuse_rosters_with_every_defect_at_once() {
    let point = Point::<X25519>::new(X25519::generate(&7u64.into())).expect("a point");
    let refused = Roster::new(Vec::new(), 1, vec![point, point]).expect_err("three defects");
    assert_eq!(
        refused.to_string(),
        "key_id has 0 bytes; allowed: 1 to 64; threshold is 1; allowed: 2 to the number of holders, 2; \
         two holders have the same identity key"
    );
    let refused = Roster::new(b"key".to_vec(), 2, vec![point]).expect_err("too few");
    assert!(matches!(refused, InvalidRoster::Several(defects) if defects.len() == 2));
}

#[test]
fn should_refuse_a_state_when_it_is_damaged_or_another_holders() {
    let (mut world, _) = renewing::<X25519>(12);
    let sealed = world.members[&holder(1)].holder.to_bytes();
    let identity = |world: &mut World<X25519>, index| world.member(holder(index)).identity();
    assert!(Holder::from_bytes(&sealed, identity(&mut world, 1)).is_some());
    assert!(Holder::from_bytes(&sealed, identity(&mut world, 2)).is_none());
    assert!(Holder::from_bytes(&sealed[1..], identity(&mut world, 1)).is_none());
    assert!(Holder::from_bytes(&[&sealed[..], &[0]].concat(), identity(&mut world, 1)).is_none());
}
