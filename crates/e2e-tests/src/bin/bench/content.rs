//! What the content canister costs: registering, uploading, and opening parts.

use std::sync::{Arc, Mutex};

use content_types::{CurveName, Format, ItemId, Part};
use e2e_tests::content_world::{ContentWorld, Owner};
use local_replica::EntryPoint;

use crate::figures::ContentFigure;

pub const PART_OF_SMALL: &str = "retrieve 64 KiB of a 1 MB age file";
pub const PART_OF_LARGE: &str = "retrieve 64 KiB of a 100 MB age file";
pub const LARGE_JWE: &str = "retrieve 1 MiB of a JWE as JWE";
/// The part of every other retrieval.
const PART: Part = Part { offset_bytes: 500_000, length_bytes: 64 * 1024 };

/// A world whose messages are added up.
struct Bench {
    world: ContentWorld,
    instructions: Arc<Mutex<u64>>,
    measured: Vec<ContentFigure>,
}

impl Bench {
    fn new() -> Self {
        let mut world = ContentWorld::new();
        let instructions = Arc::new(Mutex::new(0));
        let (seen, content) = (instructions.clone(), world.content);
        world.replica.observe(Box::new(move |report, _| {
            let is_free = matches!(
                report.entry,
                EntryPoint::Query { replicated: false, .. } | EntryPoint::InspectMessage { .. }
            );
            if report.canister == content && !is_free {
                *seen.lock().expect("no panic while held") += report.instructions;
            }
        }));
        Self { world, instructions, measured: Vec::new() }
    }

    fn measure<T>(&mut self, name: &str, operation: impl FnOnce(&mut ContentWorld) -> T) -> T {
        *self.instructions.lock().expect("no panic while held") = 0;
        let before = self.world.replica.cycles_balance(self.world.content);
        let result = operation(&mut self.world);
        let after = self.world.replica.cycles_balance(self.world.content);
        self.measured.push(ContentFigure {
            name: name.into(),
            instructions: *self.instructions.lock().expect("no panic while held"),
            cycles: u64::try_from(before.saturating_sub(after)).expect("far below 2^64 cycles"),
        });
        result
    }

    fn retrieve(&mut self, name: &str, owner: &Owner, item: ItemId, part: Part) {
        self.measure(name, |world| world.retrieve(owner, item, Some(part)).expect("opened"));
    }
}

pub fn run() -> Vec<ContentFigure> {
    let mut bench = Bench::new();
    let alice = Owner::new("alice");
    bench.measure("register an owner, the first", |world| world.register(&alice));
    bench.measure("register an owner", |world| world.register(&Owner::new("bob")));
    let content: Vec<u8> = (0..100_000_000_u32).map(|i| (i / 251) as u8).collect();
    let small = bench.world.age_for(&alice, CurveName::X25519, &content[..1_000_000]);
    let item = bench.measure("upload a 1 MB age file", |world| {
        world.upload(&alice, Format::Age, &small).expect("stored")
    });
    bench.retrieve(PART_OF_SMALL, &alice, item, PART);
    let large = bench.world.age_for(&alice, CurveName::X25519, &content);
    let item = bench.world.upload(&alice, Format::Age, &large).expect("stored");
    bench.retrieve(PART_OF_LARGE, &alice, item, PART);
    for (curve, name) in [
        (CurveName::P256, "retrieve 64 KiB of a 64 KiB JWE, P-256"),
        (CurveName::X25519, "retrieve 64 KiB of a 64 KiB JWE, X25519"),
    ] {
        let envelope = bench.world.jwe_for(&alice, curve, &content[..64 * 1024]);
        let item = bench.world.upload(&alice, Format::Jwe, &envelope).expect("stored");
        bench.retrieve(name, &alice, item, Part { offset_bytes: 0, ..PART });
    }
    let envelope = bench.world.jwe_for(&alice, CurveName::P256, &content[..1 << 20]);
    let item = bench.world.upload(&alice, Format::Jwe, &envelope).expect("stored");
    bench.retrieve(LARGE_JWE, &alice, item, Part { offset_bytes: 0, length_bytes: 1 << 20 });
    bench.measured
}
