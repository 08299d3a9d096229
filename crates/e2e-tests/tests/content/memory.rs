//! No trace of a key or of content: after every message of registrations and retrievals, all memory is searched.
//!
//! Searched are linear memory (stack included) and stable memory, certified data, logs, replies and messages that
//! wait, for 16-byte windows of the content, of the owner's scalars as derived and as reduced, and of the vetKey.

use std::sync::{Arc, Mutex};

use content_types::{ContentError, CurveName, Format, Part};
use e2e_tests::{
    content_world::{ContentWorld, Owner},
    key_forms::{add_content_keys, content_vetkey},
};
use local_replica::{IngressStatus, MessageReport, ReplicaView, scheduler::QueuedMessage};
use secret_search::SecretSearch;

const CONTENT: &[u8] = b"Only her own reader may ever see these very words of the letter.";

#[derive(Default)]
struct Watch {
    secrets: SecretSearch,
    messages: usize,
    traces: Vec<String>,
}

impl Watch {
    fn look(&mut self, place: &str, bytes: &[u8]) {
        if let Some(trace) = self.secrets.first_trace(bytes) {
            self.traces.push(format!("message {}: {place}: {trace:?}", self.messages));
        }
    }

    fn observe(&mut self, report: &MessageReport, view: &ReplicaView<'_>) {
        self.messages += 1;
        let entry = format!("after {:?}", report.entry);
        for canister in view.canisters() {
            self.look(&format!("{entry}, heap"), canister.memory());
            self.look(&format!("{entry}, stable memory"), canister.stable_memory());
            self.look(&format!("{entry}, certified data"), &canister.certified_data);
            for record in canister.log.records() {
                self.look("log", &record.content);
            }
        }
        for (_, status) in view.ingress() {
            match status {
                IngressStatus::Replied(bytes) => self.look("a reply", bytes),
                IngressStatus::Rejected(reject) => self.look("a reject", reject.message.as_bytes()),
                IngressStatus::Received | IngressStatus::Processing | IngressStatus::Done => {}
            }
        }
        for message in view.queue() {
            match message {
                QueuedMessage::Request(request) => self.look("arguments", &request.arg),
                QueuedMessage::Response(response) => match &response.result {
                    Ok(bytes) => self.look("a response", bytes),
                    Err(reject) => self.look("a reject", reject.message.as_bytes()),
                },
                QueuedMessage::Task(..) => {}
            }
        }
    }
}

fn watched() -> (ContentWorld, [Owner; 2], Arc<Mutex<Watch>>) {
    let mut world = ContentWorld::new();
    let owners = ["alice", "bob"].map(Owner::new);
    let mut secrets = SecretSearch::default();
    secrets.add("the content", CONTENT);
    for owner in &owners {
        let vetkey = content_vetkey(&world.replica, world.content, &owner.name);
        add_content_keys(&vetkey, &mut secrets);
    }
    let watch = Arc::new(Mutex::new(Watch { secrets, ..Watch::default() }));
    let observer = watch.clone();
    world.replica.observe(Box::new(move |report, view| {
        observer.lock().expect("no panic while held").observe(report, view);
    }));
    for owner in &owners {
        world.register(owner);
    }
    (world, owners, watch)
}

#[test]
fn should_leave_no_trace_of_keys_or_content_whether_an_envelope_opens_or_not() {
    let (mut world, [alice, bob], watch) = watched();
    for curve in [CurveName::P256, CurveName::X25519] {
        let envelopes = [
            (Format::Age, world.age_for(&alice, curve, CONTENT)),
            (Format::Jwe, world.jwe_for(&alice, curve, CONTENT)),
        ];
        for (format, envelope) in envelopes {
            let item = world.upload(&alice, format, &envelope).expect("stored");
            assert_eq!(world.retrieve(&alice, item, None), Ok(CONTENT.to_vec()));
            let part = Part { offset_bytes: 5, length_bytes: 40 };
            assert_eq!(world.retrieve(&alice, item, Some(part)), Ok(CONTENT[5..45].to_vec()));
            let copy = world.upload(&bob, format, &envelope).expect("stored");
            assert_eq!(world.retrieve(&bob, copy, None), Err(ContentError::CannotOpen));
        }
    }
    let mut watch = watch.lock().expect("no panic while held");
    assert!(watch.messages > 50, "the observer saw {} messages only", watch.messages);
    assert!(
        watch.traces.is_empty(),
        "{} traces, first:\n{}",
        watch.traces.len(),
        watch.traces[..watch.traces.len().min(10)].join("\n")
    );
    // The search that finds nothing must be able to find something.
    let mut memory = world.replica.canister_memory(world.content).to_vec();
    let forms: Vec<Vec<u8>> = watch.secrets.form_bytes().map(|(_, form)| form.to_vec()).collect();
    for form in forms {
        let saved = memory[70_001..70_001 + form.len()].to_vec();
        memory[70_001..70_001 + form.len()].copy_from_slice(&form);
        watch.traces.clear();
        watch.look("a canary", &memory);
        assert_eq!(watch.traces.len(), 1);
        memory[70_001..70_001 + form.len()].copy_from_slice(&saved);
    }
}
