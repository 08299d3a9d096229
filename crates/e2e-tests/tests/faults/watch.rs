//! What is looked for in every memory, log and answer, and how many keys were derived.

use std::sync::{Arc, Mutex};

use crate::desk::READ_TOKEN;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use e2e_tests::{
    World,
    world::{NPM_TOKEN, PYPI_TOKEN},
};
use local_replica::{EntryPoint, IngressStatus, ReplicaView, scheduler::QueuedMessage};
use secret_search::SecretSearch;

/// The search and its findings.
#[derive(Default)]
pub struct Watch {
    pub secrets: SecretSearch,
    pub derivations: usize,
}

impl Watch {
    /// Watches a world, with the tokens that are sealed in it.
    pub fn attach(world: &mut World) -> Arc<Mutex<Self>> {
        let mut secrets = SecretSearch::default();
        secrets.add("the npm token", NPM_TOKEN.as_bytes());
        secrets.add("the PyPI token", PYPI_TOKEN.as_bytes());
        secrets.add("the npm token for reading", READ_TOKEN.as_bytes());
        let macaroon = URL_SAFE_NO_PAD.decode(&PYPI_TOKEN["pypi-".len()..]).expect("base64");
        secrets.add("the macaroon's signature", &macaroon[macaroon.len() - 32..]);
        let watch = Arc::new(Mutex::new(Self { secrets, derivations: 0 }));
        let observer = watch.clone();
        world.replica.observe(Box::new(move |report, _| {
            if matches!(&report.entry, EntryPoint::Native { method } if method == "vetkd_derive_key") {
                observer.lock().expect("no panic while held").derivations += 1;
            }
        }));
        watch
    }

    /// Forgets what happened since a moment at which so many keys had been derived.
    pub fn start_anew(&mut self, derivations: usize) {
        self.derivations = derivations;
    }

    /// Where a secret is that should be nowhere: memories, certified data, logs, answers, messages on their way. The
    /// one message that must carry the token, the outcall, is not looked at.
    pub fn traces(&self, view: &ReplicaView<'_>) -> Vec<String> {
        let mut found = Vec::new();
        let mut look = |place: String, bytes: &[u8]| {
            if let Some(trace) = self.secrets.first_trace(bytes) {
                found.push(format!("{place}: {trace:?}"));
            }
        };
        for canister in view.canisters() {
            for written in canister.written_memory() {
                look(format!("heap of {}", canister.id), written);
            }
            for written in canister.written_stable_memory() {
                look(format!("stable memory of {}", canister.id), written);
            }
            look(format!("certified data of {}", canister.id), &canister.certified_data);
            for record in canister.log.records() {
                look(format!("log of {}", canister.id), &record.content);
            }
        }
        for (_, status) in view.ingress() {
            match status {
                IngressStatus::Replied(bytes) => look("a reply".into(), bytes),
                IngressStatus::Rejected(reject) => look("a reject".into(), reject.message.as_bytes()),
                IngressStatus::Received | IngressStatus::Processing | IngressStatus::Done => {}
            }
        }
        for message in view.queue() {
            match message {
                QueuedMessage::Request(request) if request.method == "http_request" => {}
                QueuedMessage::Request(request) => {
                    look(format!("arguments of {}", request.method), &request.arg);
                }
                QueuedMessage::Response(response) => match &response.result {
                    Ok(bytes) => look("a response".into(), bytes),
                    Err(reject) => look("a reject".into(), reject.message.as_bytes()),
                },
                QueuedMessage::Task(..) => {}
            }
        }
        found
    }
}
