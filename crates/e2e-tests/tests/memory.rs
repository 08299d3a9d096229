//! No trace of a token: after every message of a publish, successful or failed in any way, all memory is searched.
//!
//! Searched are linear memory (stack included) and stable memory of every canister, certified data, logs, the answers
//! of calls, messages that wait, query results and the certified state; for 16-byte windows of the token, of the raw
//! macaroon and its signature, of the vetKey as serialised and as it lies in memory, each raw and in every usual
//! encoding. Only the outcall itself, on its way to the nodes, carries the token. The transport secret may live from
//! its drawing until the callback that uses it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use candid::{Decode, Principal};
use e2e_tests::{
    World,
    archives::{npm_tarball, sdist, wheel},
    key_forms::add_transport_secret,
    people::{member, stranger},
    registry_server::Answer,
    world::{NPM_TOKEN, PYPI_TOKEN},
};
use ic_management_canister_types::HttpMethod;
use local_replica::{
    EntryPoint, IngressStatus, MessageReport, QueryMessage, ReplicaView,
    outcalls::{Fault, Lie, Target},
    scheduler::QueuedMessage,
};
use release_types::{
    Ecosystem, ProposalAction, ProposalId, ProposalStatus, PublicationState,
    credential::ListCredentialsArgs,
    proposal::{CredentialChange, CredentialProposal},
};
use secret_search::SecretSearch;

/// A token that is never used: its sealed form fails the trial decryption.
const OTHER_NPM_TOKEN: &str = "npm_Qw8eRt6yUi4oPa2sDf0gHj9kLz7xCv5bNm3Q";

/// What the observer looks for, and what it found.
#[derive(Default)]
struct Watch {
    secrets: SecretSearch,
    /// The seed of a transport key whose derivation is not over.
    seed: Option<Vec<u8>>,
    is_derived: bool,
    derivations: usize,
    /// Derivations during which the search did find the transport secret where it must be: in custody's heap.
    sightings: usize,
    messages: usize,
    traces: Vec<String>,
}

impl Watch {
    fn look(&mut self, place: impl FnOnce() -> String, bytes: &[u8]) {
        if let Some(trace) = self.secrets.first_trace(bytes) {
            self.traces.push(format!("message {}: {}: {trace:?}", self.messages, place()));
        }
    }

    /// After every message.
    fn observe(&mut self, custody: Principal, report: &MessageReport, view: &ReplicaView<'_>) {
        self.messages += 1;
        self.follow_transport_secret(custody, report, view);
        for canister in view.canisters() {
            let place = |what: &str| format!("after {:?}, {} of {}", report.entry, what, canister.id);
            canister.written_memory().for_each(|written| self.look(|| place("heap"), written));
            let stable_memory = canister.written_stable_memory();
            stable_memory.for_each(|written| self.look(|| place("stable memory"), written));
            self.look(|| place("certified data"), &canister.certified_data);
            for record in canister.log.records() {
                self.look(|| place("log"), &record.content);
            }
        }
        for (_, status) in view.ingress() {
            match status {
                IngressStatus::Replied(bytes) => self.look(|| "a reply".into(), bytes),
                IngressStatus::Rejected(reject) => {
                    self.look(|| "a reject".into(), reject.message.as_bytes());
                }
                IngressStatus::Received | IngressStatus::Processing | IngressStatus::Done => {}
            }
        }
        for message in view.queue() {
            match message {
                // The one place where the token must be: the outcall on its way out. And vetKD's answer to the
                // management canister's raw_rand is the transport key's seed itself.
                QueuedMessage::Request(request) if request.method == "http_request" => {}
                QueuedMessage::Request(request) => {
                    self.look(|| format!("the arguments of {}", request.method), &request.arg);
                }
                QueuedMessage::Response(response) => match &response.result {
                    Ok(bytes) => self.look(|| "a response".into(), bytes),
                    Err(reject) => self.look(|| "a reject".into(), reject.message.as_bytes()),
                },
                QueuedMessage::Task(..) => {}
            }
        }
    }

    /// From the callback of the derivation on, the transport secret is a secret like the others.
    fn follow_transport_secret(
        &mut self,
        custody: Principal,
        report: &MessageReport,
        view: &ReplicaView<'_>,
    ) {
        match &report.entry {
            EntryPoint::Native { method } if method == "raw_rand" => {
                let answer = view.queue().find_map(|message| match message {
                    QueuedMessage::Response(response) if response.to == custody => {
                        response.result.as_ref().ok()
                    }
                    _ => None,
                });
                self.seed = Some(Decode!(answer.expect("raw_rand answers"), Vec<u8>).expect("a blob"));
            }
            EntryPoint::Native { method } if method == "vetkd_derive_key" => {
                self.derivations += 1;
                self.is_derived = true;
                let mut search = SecretSearch::default();
                add_transport_secret(self.seed.as_ref().expect("a transport key"), &mut search);
                let heap = view.canister(custody).expect("custody exists").memory();
                self.sightings += usize::from(search.first_trace(heap).is_some());
            }
            EntryPoint::ReplyCallback { .. } | EntryPoint::RejectCallback { .. }
                if self.is_derived && report.canister == custody =>
            {
                self.is_derived = false;
                let seed = self.seed.take().expect("a derivation has a transport key");
                add_transport_secret(&seed, &mut self.secrets);
            }
            _ => {}
        }
    }
}

/// A world whose memory is searched after every message.
struct WatchedWorld {
    world: World,
    watch: Arc<Mutex<Watch>>,
}

impl WatchedWorld {
    fn new() -> Self {
        let mut world = World::new();
        let mut secrets = SecretSearch::default();
        secrets.add("the npm token", NPM_TOKEN.as_bytes());
        secrets.add("the other npm token", OTHER_NPM_TOKEN.as_bytes());
        secrets.add("the PyPI token", PYPI_TOKEN.as_bytes());
        let macaroon = URL_SAFE_NO_PAD.decode(&PYPI_TOKEN["pypi-".len()..]).expect("base64");
        secrets.add("the raw macaroon", &macaroon);
        secrets.add("the macaroon's signature", &macaroon[macaroon.len() - 32..]);
        let watch = Arc::new(Mutex::new(Watch { secrets, ..Watch::default() }));
        let observer = watch.clone();
        let custody = world.custody;
        world.replica.observe(Box::new(move |report, view| {
            observer.lock().expect("no panic while held").observe(custody, report, view);
        }));
        Self { world, watch }
    }

    /// Both registries in place.
    fn with_registries() -> Self {
        let mut watched = Self::new();
        watched.world.add_npm_registry();
        watched.world.add_pypi_registry();
        watched
    }

    /// Seals, deposits and activates an ecosystem's token, and searches for the key that opens it as well.
    fn activate(&mut self, ecosystem: Ecosystem, package: &str) -> release_types::CredentialId {
        let policy = self.world.policy(ecosystem, &[package]);
        self.world.add_vetkey(&policy, &mut self.watch.lock().expect("no panic while held").secrets);
        self.world.add_credential(ecosystem, &[package])
    }

    fn release_npm(&mut self) -> (ProposalId, ProposalStatus) {
        let credential = self.activate(Ecosystem::Npm, "@dao/demo");
        let tarball = npm_tarball("@dao/demo", "1.0.0", 20_000);
        let action = self.world.npm_release(credential, "@dao/demo", "1.0.0", &tarball);
        self.carry_out(action)
    }

    fn carry_out(&mut self, action: ProposalAction) -> (ProposalId, ProposalStatus) {
        let proposal = self.world.submit(member(0), action).expect("a good proposal");
        self.world.adopt(proposal);
        (proposal, self.world.settle(proposal))
    }

    /// Everything that anybody can read, searched too; then nothing may have been found anywhere.
    fn assert_no_trace(self, derivations: usize) {
        let Self { mut world, watch } = self;
        let mut pages = vec![world.replica.certificate(&[Vec::new()])];
        let none = || candid::encode_args(()).expect("encodes");
        let first_page = candid::encode_args((ListCredentialsArgs::default(),)).expect("encodes");
        let blocks = candid::encode_args((vec![audit_log::icrc3::GetBlocksArgs {
            start: 0u64.into(),
            length: 10_000u64.into(),
        }],))
        .expect("encodes");
        for (canister, method, arg) in [
            (world.custody, "list_credentials", first_page),
            (world.custody, "custody_info", none()),
            (world.custody, "icrc3_get_blocks", blocks.clone()),
            (world.dao, "icrc3_get_blocks", blocks),
            (world.dao, "dao_info", none()),
        ] {
            let message =
                QueryMessage { sender: stranger(), canister_id: canister, method_name: method.into(), arg };
            pages.push(world.replica.query(message).unwrap_or_else(|reject| panic!("{method}: {reject}")));
        }
        let mut watch = watch.lock().expect("no panic while held");
        for page in pages {
            watch.look(|| "a page".into(), &page);
        }
        assert!(watch.messages > 20, "the observer saw {} messages only", watch.messages);
        assert_eq!(watch.derivations, derivations, "keys derived");
        assert_eq!(watch.sightings, derivations, "a live secret in the canister's own memory is found");
        assert!(
            watch.traces.is_empty(),
            "{} traces, first:\n{}",
            watch.traces.len(),
            watch.traces[..watch.traces.len().min(10)].join("\n")
        );
    }
}

#[test]
fn should_leave_no_trace_when_an_npm_release_is_published() {
    let mut watched = WatchedWorld::with_registries();
    let (_, status) = watched.release_npm();
    assert_eq!(status, ProposalStatus::Executed);
    let put = &watched.world.npm.writes()[0];
    assert_eq!(
        put.header("authorization"),
        Some(format!("Bearer {NPM_TOKEN}").as_str()),
        "the token was used"
    );
    watched.assert_no_trace(2);
}

#[test]
fn should_leave_no_trace_when_a_python_release_of_two_files_is_published() {
    let mut watched = WatchedWorld::with_registries();
    let credential = watched.activate(Ecosystem::Pypi, "dao-demo");
    let (wheel, sdist) = (wheel("dao_demo", "1.0.0", 20_000), sdist("dao_demo", "1.0.0"));
    let files = [("dao_demo-1.0.0-py3-none-any.whl", &wheel[..]), ("dao_demo-1.0.0.tar.gz", &sdist[..])];
    let action = watched.world.pypi_release(credential, "dao-demo", "1.0.0", &files);
    let (_, status) = watched.carry_out(action);
    assert_eq!(status, ProposalStatus::Executed);
    let tokens = watched.world.pypi.with(|double| double.tokens.clone());
    assert_eq!(tokens.len(), 2);
    // The narrowed tokens of the wire are searched for as well, in what memory there is now.
    for token in &tokens {
        assert_ne!(token, PYPI_TOKEN);
        let macaroon = URL_SAFE_NO_PAD.decode(&token["pypi-".len()..]).expect("base64");
        let mut search = SecretSearch::default();
        search.add("the narrowed macaroon's signature", &macaroon[macaroon.len() - 32..]);
        assert_eq!(search.first_trace(watched.world.replica.canister_memory(watched.world.custody)), None);
    }
    watched.assert_no_trace(3);
}

#[test]
fn should_leave_no_trace_when_a_hostile_registry_echoes_the_token() {
    let mut watched = WatchedWorld::with_registries();
    let mut answer = Answer::text(403, &format!("403 Forbidden: Bearer {NPM_TOKEN} is not welcome"));
    answer.headers.push(("npm-notice".into(), format!("your token {NPM_TOKEN}")));
    answer.headers.push(("x-echo".into(), STANDARD.encode(format!("__token__:{NPM_TOKEN}"))));
    watched.world.npm.refuse_writes(answer, usize::MAX);
    let (proposal, status) = watched.release_npm();
    // One node alone brings the no: people are called, and it counts a day later.
    assert_eq!(status, ProposalStatus::Executing);
    let state = watched.world.order(proposal).expect("custody has the order").artifacts.remove(0).state;
    assert!(matches!(state, PublicationState::Blocked { .. }), "{state:?}");
    watched.assert_no_trace(2);
}

#[test]
fn should_leave_no_trace_when_the_registry_fails() {
    let mut watched = WatchedWorld::with_registries();
    watched.world.npm.refuse_writes(Answer::text(502, "<html>Bad Gateway</html>"), 1);
    let (_, status) = watched.release_npm();
    assert_eq!(
        status,
        ProposalStatus::Executed,
        "sent again once the read-backs agreed that nothing was there"
    );
    watched.assert_no_trace(3);
}

#[test]
fn should_leave_no_trace_when_the_answer_is_lost() {
    let mut watched = WatchedWorld::with_registries();
    watched.world.replica.faults().next(Target::Method(HttpMethod::PUT), Fault::AnswerDropped);
    let (_, status) = watched.release_npm();
    assert_eq!(status, ProposalStatus::Executed);
    watched.assert_no_trace(2);
}

#[test]
fn should_leave_no_trace_when_nothing_was_sent() {
    let mut watched = WatchedWorld::with_registries();
    watched.world.replica.faults().next(Target::Method(HttpMethod::PUT), Fault::TimeoutBeforeSending);
    let (_, status) = watched.release_npm();
    assert_eq!(status, ProposalStatus::Executed);
    watched.assert_no_trace(3);
}

#[test]
fn should_leave_no_trace_when_a_node_lies_with_the_token_in_its_answer() {
    let mut watched = WatchedWorld::with_registries();
    let body = format!("{{\"token\":\"{NPM_TOKEN}\"}}").into_bytes();
    let lie = Lie { status: 201, body, ..Lie::default() };
    watched.world.replica.faults().next(Target::Method(HttpMethod::PUT), Fault::NodeLies(lie));
    let (_, status) = watched.release_npm();
    assert!(!matches!(status, ProposalStatus::Executed), "nothing was published: {status:?}");
    watched.assert_no_trace(2);
}

#[test]
fn should_leave_no_trace_when_other_bytes_are_shown() {
    let mut watched = WatchedWorld::with_registries();
    watched.world.npm.with(|double| {
        let document = serde_json::json!({"name": "@dao/demo", "version": "1.0.0",
            "dist": {"integrity": format!("sha512-{}", STANDARD.encode([7; 64])), "shasum": "07".repeat(20)}});
        double.published.insert("@dao/demo@1.0.0".into(), (document, Vec::new()));
    });
    let (proposal, status) = watched.release_npm();
    assert!(matches!(status, ProposalStatus::Failed { .. }), "{status:?}");
    let order = watched.world.order(proposal).expect("custody took the order");
    assert!(matches!(order.artifacts[0].state, PublicationState::Mismatch { .. }), "{order:?}");
    watched.assert_no_trace(1);
}

#[test]
fn should_leave_no_trace_when_the_trial_decryption_fails() {
    let mut watched = WatchedWorld::with_registries();
    let policy = watched.world.policy(Ecosystem::Npm, &["@dao/demo"]);
    let other = watched.world.policy(Ecosystem::Npm, &["@dao/other"]);
    watched.world.add_vetkey(&policy, &mut watched.watch.lock().expect("no panic while held").secrets);
    let mut deposit = watched.world.seal(&other, OTHER_NPM_TOKEN);
    deposit.policy = policy;
    let credential = watched.world.deposit(deposit).expect("a deposit is not opened");
    let change = CredentialChange::Activate;
    let (_, status) =
        watched.carry_out(ProposalAction::Credential(CredentialProposal { credential, change }));
    assert!(matches!(status, ProposalStatus::Failed { .. }), "{status:?}");
    watched.assert_no_trace(1);
}

/// The search that finds nothing must be able to find something: a canary of every form, planted in the live
/// canister's memory image.
#[test]
fn should_find_a_canary_of_every_form() {
    let mut watched = WatchedWorld::with_registries();
    watched.activate(Ecosystem::Npm, "@dao/demo");
    watched.world.pass(Duration::from_secs(1));
    let watch = watched.watch.lock().expect("no panic while held");
    let mut memory = watched.world.replica.canister_memory(watched.world.custody).to_vec();
    assert!(memory.len() > 1_000_000);
    let mut planted = 0;
    for (name, form) in watch.secrets.form_bytes() {
        for at in [13, 70_001, memory.len() - form.len() - 1] {
            let saved = memory[at..at + form.len()].to_vec();
            memory[at..at + form.len()].copy_from_slice(form);
            assert!(watch.secrets.first_trace(&memory).is_some(), "{name} at {at}");
            memory[at..at + form.len()].copy_from_slice(&saved);
            planted += 1;
        }
    }
    assert!(planted > 100 && watch.secrets.first_trace(&memory).is_none());
}
