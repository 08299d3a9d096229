//! Envelopes of ordinary tools, opened in shares: for their owner, and for nobody who copies them.

use content_keys::{
    PublicKey,
    envelopes::{
        OpenError, Parties, SealingSeed,
        age::{self, Header},
        jwe::{self, Jwe},
    },
    threshold::{Combined, Group, P256, X25519},
};
use rand::{SeedableRng, rngs::StdRng};
use zeroize::Zeroizing;

use crate::fixtures::{Split, answers, bytes, holder, recipient, request, verified};

fn split<G: Group>(rng: &mut StdRng) -> Split<G> {
    Split::new(G::reduce(&bytes(rng)), 3, 5, rng)
}

fn sealing_seed(rng: &mut StdRng) -> SealingSeed {
    SealingSeed::new(Zeroizing::new(bytes(rng)))
}

/// What three of the holders answer when the envelope is presented as this owner's.
fn shared<G: Group>(split: &Split<G>, owner: &str, ephemeral: PublicKey, rng: &mut StdRng) -> Combined {
    let request = request(&split.keys, owner, ephemeral, rng);
    let answers = answers([2, 3, 5].map(|index| &split.shares[&holder(index)]), &request, rng);
    split.keys.combine(&request, &verified(&split.keys, &request, &answers)).expect("three answers")
}

fn open_for_the_owner_alone<G: Group>() {
    let rng = &mut StdRng::seed_from_u64(6);
    let split = split::<G>(rng);
    let alice = split.keys.recipient_key(&recipient("alice")).expect("a key");

    let message = jwe::seal(&alice, b"hers", &Parties::default(), sealing_seed(rng));
    let message = Jwe::parse(message.as_bytes()).expect("a message");
    let mut open_as = |owner| {
        let key = shared(&split, owner, message.ephemeral_key(), rng);
        message.open(&key, &Parties::default()).map(|plaintext| plaintext.as_ref().to_vec())
    };
    assert_eq!(open_as("alice").as_deref(), Ok(&b"hers"[..]));
    assert_eq!(open_as("mallory"), Err(OpenError::CannotOpen));

    let header = Header::parse(&age::seal(&alice, b"hers", sealing_seed(rng))).expect("a header");
    let [ephemeral] = header.ephemeral_keys(&alice).try_into().expect("one recipient");
    let mut open_as = |owner| header.open(&shared(&split, owner, ephemeral, rng)).map(drop);
    assert_eq!(open_as("alice"), Ok(()));
    assert_eq!(open_as("mallory"), Err(OpenError::CannotOpen));
}

#[test]
fn should_open_for_the_owner_alone_on_p256() {
    open_for_the_owner_alone::<P256>();
}

#[test]
fn should_open_for_the_owner_alone_on_x25519() {
    open_for_the_owner_alone::<X25519>();
}

/// Without proofs a lie shows, if not whose it is.
#[test]
fn should_not_open_when_an_unproven_answer_is_for_another_owner() {
    let rng = &mut StdRng::seed_from_u64(7);
    let split = split::<P256>(rng);
    let alice = split.keys.recipient_key(&recipient("alice")).expect("a key");
    let message = jwe::seal(&alice, b"hers", &Parties::default(), sealing_seed(rng));
    let message = Jwe::parse(message.as_bytes()).expect("a message");
    let [for_alice, for_mallory] =
        ["alice", "mallory"].map(|owner| request(&split.keys, owner, message.ephemeral_key(), rng));
    let mut partials = answers([1, 2, 4].map(|index| &split.shares[&holder(index)]), &for_alice, rng);
    let open = |partials: &[_]| {
        let combined = split.keys.combine_unproven(&for_alice, partials).expect("three answers");
        message.open(&combined, &Parties::default()).map(drop)
    };
    assert_eq!(open(&partials), Ok(()));
    partials[1] = answers([&split.shares[&holder(2)]], &for_mallory, rng).remove(0);
    assert_eq!(open(&partials), Err(OpenError::CannotOpen));
}
