//! Holders' answers: who lies is named, what does not belong together is refused, what does combines to ECDH.

use content_keys::{
    Dh, DhError, PublicKey,
    threshold::{
        BadPartial, Blinding, CombineError, Epoch, Group, InvalidRequest, KeyShare, P256, Partial, Recipient,
        Request, Seed, Verifier, X25519,
    },
};
use curve25519_dalek::constants::EIGHT_TORSION;
use rand::{SeedableRng, rngs::StdRng};
use zeroize::Zeroizing;

use crate::fixtures::{
    Split, answers, assert_opens, bytes, holder, peer, recipient, request, roster, seed, verified,
};

fn split<G: Group>(rng: &mut StdRng) -> Split<G> {
    Split::new(G::reduce(&bytes(rng)), 3, 5, rng)
}

/// The answer as it goes over the wire, with one field replaced.
fn with_field<G: Group>(partial: &Partial<G>, path: &[&str], value: &ciborium::Value) -> Option<Partial<G>> {
    let mut tree = ciborium::Value::serialized(partial).expect("a message");
    let field = path.iter().fold(&mut tree, |tree, name| {
        let fields = tree.as_map_mut().expect("fields");
        &mut fields.iter_mut().find(|(key, _)| key.as_text() == Some(name)).expect("the field").1
    });
    *field = value.clone();
    tree.deserialized().ok()
}

fn field<G: Group>(partial: &Partial<G>, path: &[&str]) -> ciborium::Value {
    path.iter().fold(ciborium::Value::serialized(partial).expect("a message"), |tree, name| {
        let fields = tree.into_map().expect("fields");
        fields.into_iter().find(|(key, _)| key.as_text() == Some(name)).expect("the field").1
    })
}

fn name_the_liar<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(1);
    let split = split::<G>(rng);
    let asked = request(&split.keys, "alice", peer::<G>(rng).public_key(), rng);
    let honest = answers(split.shares.values(), &asked, rng);
    let verifier = Verifier::new(&split.keys, &asked).expect("these keys'");
    let (liar, other) = (honest[1], honest[2]);

    // Another's product, response or commitment: not what the share signed.
    for path in [&["product"][..], &["proof", "generated"], &["proof", "multiplied"], &["proof", "response"]]
    {
        let changed = with_field(&liar, path, &field(&other, path)).expect("well-formed");
        assert_eq!(verifier.verify(&changed).err(), Some(BadPartial::Unsigned(holder(2))), "{path:?}");
    }
    let anonymous = Partial { proof: None, ..liar };
    assert_eq!(verifier.verify(&anonymous).err(), Some(BadPartial::NoProof(holder(2))));
    let renamed = Partial { holder: holder(3), ..liar };
    assert_eq!(verifier.verify(&renamed).err(), Some(BadPartial::Unsigned(holder(3))));
    let stranger = Partial { holder: holder(6), ..liar };
    assert_eq!(verifier.verify(&stranger).err(), Some(BadPartial::UnknownHolder(holder(6))));

    // The answer to one question says nothing about another.
    let again = request(&split.keys, "alice", asked.ephemeral, rng);
    let verifier = Verifier::new(&split.keys, &again).expect("these keys'");
    assert_eq!(verifier.verify(&liar).err(), Some(BadPartial::Unsigned(holder(2))));
}

#[test]
fn should_name_the_liar_when_an_answer_is_changed_on_p256() {
    name_the_liar::<P256>();
}

#[test]
fn should_name_the_liar_when_an_answer_is_changed_on_x25519() {
    name_the_liar::<X25519>();
}

/// A holder that knows its share and signs a product of another one.
fn convict_the_liar<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(2);
    let split = split::<G>(rng);
    let asked = request(&split.keys, "alice", peer::<G>(rng).public_key(), rng);
    let lie = crate::forgery::signed_lie(&split.shares[&holder(4)], &asked, rng);
    let verifier = Verifier::new(&split.keys, &asked).expect("these keys'");
    assert_eq!(verifier.verify(&lie).err(), Some(BadPartial::Lie(holder(4))));

    // Without proofs the lie passes and gives another secret, which opens nothing.
    let honest = answers(split.shares.values().take(2), &asked, rng);
    let combined = split.keys.combine_unproven(&asked, &[honest[0], honest[1], lie]).expect("three answers");
    let truth = split
        .keys
        .combine(&asked, &verified(&split.keys, &asked, &answers(split.shares.values(), &asked, rng)))
        .expect("five answers");
    let secret = |combined: &dyn Dh| *combined.dh(&asked.ephemeral).expect("this key").expose();
    assert_ne!(secret(&combined), secret(&truth));
}

#[test]
fn should_convict_the_liar_when_it_signed_a_wrong_product() {
    convict_the_liar::<P256>();
    convict_the_liar::<X25519>();
}

fn combine_carefully<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(3);
    let split = split::<G>(rng);
    let asked = request(&split.keys, "alice", peer::<G>(rng).public_key(), rng);
    let again = request(&split.keys, "alice", asked.ephemeral, rng);
    let honest = answers(split.shares.values(), &asked, rng);
    let few = split.keys.combine_unproven(&asked, &honest[..2]);
    assert_eq!(few.err(), Some(CombineError::TooFew { found: 2, needed: 3 }));
    let twice = [honest[0], honest[1], honest[1]];
    assert_eq!(split.keys.combine_unproven(&asked, &twice).err(), Some(CombineError::Duplicate(holder(2))));
    let stranger = Partial { holder: holder(6), ..honest[2] };
    assert_eq!(
        split.keys.combine_unproven(&asked, &[honest[0], honest[1], stranger]).err(),
        Some(CombineError::UnknownHolder(holder(6)))
    );
    let partials = verified(&split.keys, &asked, &honest);
    assert_eq!(split.keys.combine(&again, &partials).err(), Some(CombineError::OtherRequest(holder(1))));
    // Any three do, and all five.
    for chosen in [&honest[..3], &honest[2..], &honest[..]] {
        let proven = split.keys.combine(&asked, &verified(&split.keys, &asked, chosen)).expect("enough");
        let unproven = split.keys.combine_unproven(&asked, chosen).expect("enough");
        let secret = |combined: &dyn Dh| *combined.dh(&asked.ephemeral).expect("this key").expose();
        assert_eq!(secret(&proven), secret(&unproven));
        assert_eq!(proven.dh(&peer::<G>(rng).public_key()).err(), Some(DhError::Unavailable));
    }
    assert_opens(&split.keys, split.shares.values().skip(1), rng);
}

#[test]
fn should_refuse_to_combine_when_answers_do_not_belong_together() {
    combine_carefully::<P256>();
    combine_carefully::<X25519>();
}

fn refuse_other_shares<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(4);
    let roster = roster::<G>(3, 5, rng);
    let secret = G::reduce(&bytes(rng));
    let mut epoch = |number| {
        let polynomial = [secret, G::reduce(&bytes(rng)), G::reduce(&bytes(rng))];
        Split::of_polynomial(&roster, Epoch(number), &polynomial)
    };
    // The same key in two epochs, and twice in the second.
    let (old, new, fork) = (epoch(1), epoch(2), epoch(2));
    let asked = request(&new.keys, "alice", peer::<G>(rng).public_key(), rng);
    let current = answers(new.shares.values(), &asked, rng);
    for other in [&old, &fork] {
        let share = &other.shares[&holder(1)];
        let held = other.keys.epoch();
        assert_eq!(share.evaluate(&asked, None), Err(InvalidRequest::OtherKeys { held }));
        let mut theirs = asked.clone();
        theirs.keys = other.keys.id();
        let theirs = share.evaluate(&theirs, Some(&seed(rng))).expect("its own keys");
        let verifier = Verifier::new(&new.keys, &asked).expect("these keys'");
        assert_eq!(verifier.verify(&theirs).err(), Some(BadPartial::OtherKeys(holder(1))));
        let mixed = [theirs, current[1], current[2]];
        assert_eq!(
            new.keys.combine_unproven(&asked, &mixed).err(),
            Some(CombineError::OtherRequest(holder(1)))
        );
        // Passed off as a new one it proves nothing and opens nothing.
        let disguised = Partial { keys: new.keys.id(), ..theirs };
        assert_eq!(verifier.verify(&disguised).err(), Some(BadPartial::Unsigned(holder(1))));
        let wrong = new.keys.combine_unproven(&asked, &[disguised, current[1], current[2]]).expect("three");
        let right = new.keys.combine_unproven(&asked, &current[..3]).expect("three");
        assert_ne!(
            wrong.dh(&asked.ephemeral).expect("this key").expose(),
            right.dh(&asked.ephemeral).expect("this key").expose()
        );
        // A share of one epoch is none of another's.
        assert!(KeyShare::from_bytes(new.keys.clone(), holder(1), &share.to_bytes()).is_none());
    }
}

#[test]
fn should_refuse_when_shares_of_epochs_are_mixed() {
    refuse_other_shares::<P256>();
    refuse_other_shares::<X25519>();
}

fn bind_the_recipient<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(5);
    let split = split::<G>(rng);
    let sender = peer::<G>(rng);
    let mut asked = request(&split.keys, "alice", sender.public_key(), rng);
    let open = |asked: &Request, rng: &mut StdRng| {
        let answers = answers(split.shares.values(), asked, rng);
        let combined = split.keys.combine(asked, &verified(&split.keys, asked, &answers)).expect("enough");
        *combined.dh(&asked.ephemeral).expect("this key").expose()
    };
    let for_alice = split.keys.recipient_key(&recipient("alice")).expect("a key");
    let secret = *sender.dh(&for_alice).expect("a secret").expose();
    assert_eq!(open(&asked, rng), secret);
    // The copied envelope, for another owner and for another canister.
    for copied in [
        recipient("mallory"),
        Recipient { canister: b"other".to_vec(), owner: b"alice".to_vec() },
        Recipient { canister: b"vaulta".to_vec(), owner: b"lice".to_vec() },
    ] {
        assert_ne!(split.keys.recipient_key(&copied), Some(for_alice));
        asked.recipient = copied;
        assert_ne!(open(&asked, rng), secret);
    }
    let other_curve = match G::CURVE {
        content_keys::Curve::P256 => peer::<X25519>(rng).public_key(),
        content_keys::Curve::X25519 => peer::<P256>(rng).public_key(),
    };
    let asked = request(&split.keys, "alice", other_curve, rng);
    assert_eq!(split.shares[&holder(1)].evaluate(&asked, None).err(), Some(InvalidRequest::OtherCurve));
}

#[test]
fn should_open_nothing_when_an_envelope_is_copied() {
    bind_the_recipient::<P256>();
    bind_the_recipient::<X25519>();
}

fn unlink_documents<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(6);
    let split = split::<G>(rng);
    let reader = peer::<G>(rng);
    let blindings =
        [(); 2].map(|()| Blinding::<G>::from_uniform(&Zeroizing::new(bytes(rng))).expect("not zero"));
    let keys =
        blindings.each_ref().map(|one| one.document_key(&split.keys, &recipient("alice")).expect("a key"));
    assert_ne!(keys[0], keys[1]);
    for (blinding, document) in blindings.iter().zip(keys) {
        let blinded = blinding.blind(&reader.public_key()).expect("this curve");
        assert_ne!(blinded, reader.public_key());
        let asked = request(&split.keys, "alice", blinded, rng);
        let answers = answers(split.shares.values(), &asked, rng);
        let combine = || split.keys.combine_unproven(&asked, &answers).expect("enough");
        let combined = blinding.unblind(combine(), &reader.public_key()).expect("this reader");
        assert_eq!(combined.public_key(), document);
        assert_eq!(
            combined.dh(&reader.public_key()).expect("this key").expose(),
            reader.dh(&document).expect("a secret").expose()
        );
        let stranger = peer::<G>(rng).public_key();
        assert_eq!(blinding.unblind(combine(), &stranger).err(), Some(DhError::Unavailable));
    }
}

#[test]
fn should_give_unlinkable_keys_when_documents_are_blinded() {
    unlink_documents::<P256>();
    unlink_documents::<X25519>();
}

#[test]
fn should_blame_nobody_when_the_ephemeral_key_has_a_component_of_small_order() {
    let rng = &mut StdRng::seed_from_u64(7);
    let split = split::<X25519>(rng);
    let sender = peer::<X25519>(rng);
    let PublicKey::X25519(clean) = sender.public_key() else { panic!("X25519") };
    let theirs = sender.dh(&split.keys.recipient_key(&recipient("alice")).expect("a key")).expect("a secret");
    for torsion in &EIGHT_TORSION[1..] {
        let shifted = clean.to_edwards(0).expect("on the curve") + torsion;
        let shifted = PublicKey::x25519(&shifted.to_montgomery().to_bytes()).expect("not of small order");
        assert_ne!(shifted, sender.public_key());
        let asked = request(&split.keys, "alice", shifted, rng);
        let answers = answers(split.shares.values(), &asked, rng);
        let combined = split.keys.combine(&asked, &verified(&split.keys, &asked, &answers)).expect("enough");
        assert_eq!(combined.dh(&shifted).expect("this key").expose(), theirs.expose());
    }
}

#[test]
fn should_change_nothing_when_a_holder_adds_a_component_of_small_order() {
    let rng = &mut StdRng::seed_from_u64(8);
    let split = split::<X25519>(rng);
    let sender = peer::<X25519>(rng);
    let theirs = sender.dh(&split.keys.recipient_key(&recipient("alice")).expect("a key")).expect("a secret");
    let asked = request(&split.keys, "alice", sender.public_key(), rng);
    let mut answers = answers(split.shares.values(), &asked, rng);
    let product = field(&answers[0], &["product"]).into_bytes().expect("bytes");
    let shifted = X25519::decode(&product).expect("a point") + EIGHT_TORSION[1];
    let shifted = ciborium::Value::Bytes(X25519::encode(&shifted));
    answers[0] = with_field(&answers[0], &["product"], &shifted).expect("well-formed");
    let combined = split.keys.combine_unproven(&asked, &answers).expect("enough");
    assert_eq!(combined.dh(&asked.ephemeral).expect("this key").expose(), theirs.expose());
}

#[test]
fn should_use_another_nonce_when_anything_differs_though_the_seed_does_not() {
    let rng = &mut StdRng::seed_from_u64(10);
    let split = split::<X25519>(rng);
    let asked = request(&split.keys, "alice", peer::<X25519>(rng).public_key(), rng);
    let requests = [
        asked.clone(),
        Request { recipient: recipient("bob"), ..asked.clone() },
        Request { ephemeral: peer::<X25519>(rng).public_key(), ..asked.clone() },
        Request { id: bytes(rng), ..asked },
    ];
    let seed = Zeroizing::new(bytes(rng));
    let mut nonces = Vec::new();
    for share in split.shares.values().take(2) {
        for request in &requests {
            let answer = share.evaluate(request, Some(&Seed::new(seed.clone()))).expect("these keys'");
            let nonce = field(&answer, &["proof", "generated"]);
            assert!(!nonces.contains(&nonce));
            nonces.push(nonce);
        }
    }
}

fn refuse_encodings<G: Group>(bad: &[Vec<u8>]) {
    let rng = &mut StdRng::seed_from_u64(9);
    let split = split::<G>(rng);
    let asked = request(&split.keys, "alice", peer::<G>(rng).public_key(), rng);
    let answer = answers(split.shares.values().take(1), &asked, rng)[0];
    for bytes in bad {
        let value = ciborium::Value::Bytes(bytes.clone());
        for path in [&["product"][..], &["proof", "generated"], &["proof", "multiplied"]] {
            assert!(with_field(&answer, path, &value).is_none(), "{path:?} {bytes:02x?}");
        }
    }
    for scalar in [vec![0xff; 32], vec![0; 31], vec![0; 33]] {
        let value = ciborium::Value::Bytes(scalar);
        assert!(with_field(&answer, &["proof", "response"], &value).is_none());
    }
    assert!(with_field(&answer, &["holder"], &0.into()).is_none());
}

#[test]
fn should_refuse_when_an_encoding_is_not_the_one() {
    let sec1 = P256::encode(&P256::generate(&7u64.into()));
    let mut forms: Vec<Vec<u8>> = vec![vec![0], vec![0; 33], vec![0; 65], sec1[..64].to_vec()];
    forms.push([&sec1[..], &[0]].concat());
    for prefix in [2, 3, 5, 6, 7] {
        forms.push([&[prefix], &sec1[1..]].concat());
        forms.push([&[prefix], &sec1[1..33]].concat());
    }
    let mut off_curve = sec1.clone();
    off_curve[64] ^= 1;
    forms.push(off_curve);
    refuse_encodings::<P256>(&forms);

    let mut identity = vec![0; 32];
    identity[0] = 1;
    // y = 2^255 - 19 + 3, which is 3; and a y that no point has.
    let mut not_reduced = vec![0xff; 32];
    (not_reduced[0], not_reduced[31]) = (0xf0, 0x7f);
    let mut off_curve = vec![0; 32];
    off_curve[0] = 2;
    refuse_encodings::<X25519>(&[identity, not_reduced, off_curve, vec![0; 31], vec![0; 33]]);
}
