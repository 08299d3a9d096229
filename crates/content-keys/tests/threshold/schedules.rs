//! Thousands of lives of a key, each by another random schedule: made, renewed, lost and recovered, with as many bad
//! holders as there may be, and restarts at any step.

use content_keys::threshold::{Group, P256, X25519};
use rand::{Rng, seq::SliceRandom};

use crate::world::World;

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
    for number in 0..500 {
        live::<X25519>(number);
    }
}

#[test]
fn should_keep_the_key_when_other_x25519_holders_misbehave() {
    for number in 500..1000 {
        live::<X25519>(number);
    }
}

#[test]
fn should_keep_the_key_when_p256_holders_misbehave() {
    for number in 0..40 {
        live::<P256>(number);
    }
}
