//! What one ECDH with three of five holders costs, in instructions of the wasm that ships.

use std::sync::{Arc, Mutex};

use candid::Principal;
use e2e_tests::holding::{HoldingWorld, owner};
use key_holders::interface::KeyCurve;
use local_replica::EntryPoint;

type Executed = Arc<Mutex<Vec<(Principal, u64)>>>;

/// Notes the instructions of every message, on all subnets.
fn observe(world: &mut HoldingWorld) -> Executed {
    let executed = Executed::default();
    for subnet in 0..world.network.len() {
        let seen = executed.clone();
        world.network.subnet(subnet).observe(Box::new(move |report, _| {
            if !matches!(report.entry, EntryPoint::InspectMessage { .. }) {
                seen.lock().expect("no panic while held").push((report.canister, report.instructions));
            }
        }));
    }
    executed
}

fn sum(executed: &Executed, canister: Principal) -> u64 {
    let executed = executed.lock().expect("no panic while held");
    executed.iter().filter(|(id, _)| *id == canister).map(|(_, instructions)| *instructions).sum()
}

/// Opens an envelope, and returns the instructions of a holder and of the combiner.
fn measure(world: &mut HoldingWorld, curve: KeyCurve, proofs: bool) -> (u64, u64) {
    let envelope = world.envelope(curve, owner(0), b"content");
    // Holders have their shares open then, the combiner its randomness.
    world.open(curve, owner(0), &envelope, proofs).expect("it opens");
    let executed = observe(world);
    world.open(curve, owner(0), &envelope, proofs).expect("it opens");
    (sum(&executed, world.holders[0]), sum(&executed, world.combiner))
}

#[test]
fn should_keep_the_bounds_on_instructions_of_holder_and_combiner() {
    const MILLION: u64 = 1_000_000;
    // Of whatever way the modules were built. The combiner's include reading the envelope, and encrypting its content
    // to the reader, on P-256.
    for (curve, holder_most, proved_most, unproved_most) in
        [(KeyCurve::P256, 40, 140, 45), (KeyCurve::X25519, 20, 130, 90)]
    {
        let mut world = HoldingWorld::with_key(curve);
        let (holder, proved) = measure(&mut world, curve, true);
        let (holder_unproved, unproved) = measure(&mut world, curve, false);
        println!(
            "{curve:?}: holder {holder} with proof, {holder_unproved} without; \
             combiner {proved} with proofs, {unproved} without"
        );
        assert!(holder <= holder_most * MILLION, "{curve:?}: holder, with proof: {holder}");
        assert!(proved <= proved_most * MILLION, "{curve:?}: combiner, with proofs: {proved}");
        assert!(unproved <= unproved_most * MILLION, "{curve:?}: combiner, without proofs: {unproved}");
    }
}
