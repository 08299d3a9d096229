//! The ways to publish in which people have the last word, with the wasm that ships: npm's staging area and
//! verify-only.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use e2e_tests::{
    World, archives::npm_tarball, canister_wasm::canister_wasm, people::member, world::NPM_TOKEN,
};
use ic_management_canister_types::HttpMethod;
use local_replica::{
    Step,
    outcalls::{Fault, Lie, Target},
};
use release_types::{
    CredentialId, CredentialMode, CredentialPolicy, Ecosystem, ProposalAction, ProposalId, ProposalStatus,
    PublicationState, PublishingMode,
    proposal::{CredentialChange, CredentialProposal},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

const NAME: &str = "@dao/demo";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

struct Setting {
    world: World,
    credential: CredentialId,
}

impl Setting {
    /// A registry, and a token that may only stage.
    fn new() -> Self {
        let mut world = World::new();
        world.add_npm_registry();
        let policy =
            CredentialPolicy { mode: CredentialMode::Staged, ..world.policy(Ecosystem::Npm, &[NAME]) };
        let deposit = world.seal(&policy, NPM_TOKEN);
        let credential = world.deposit(deposit).expect("deposits");
        let change = CredentialChange::Activate;
        let action = ProposalAction::Credential(CredentialProposal { credential, change });
        assert_eq!(world.carry_out(action), ProposalStatus::Executed);
        Self { world, credential }
    }

    fn adopt(&mut self, mode: PublishingMode, bytes: &[u8]) -> ProposalId {
        let mut action = self.world.npm_release(self.credential, NAME, "1.0.0", bytes);
        let ProposalAction::Release(release) = &mut action else { panic!("a release") };
        release.mode = mode;
        release.credential = release.credential.filter(|_| mode.credential_mode().is_some());
        let proposal = self.world.submit(member(0), action).expect("a good proposal");
        self.world.adopt(proposal);
        proposal
    }

    fn pass(&mut self, time: Duration) {
        let steps = time.as_secs() / 15;
        for _ in 0..steps {
            self.world.pass(Duration::from_secs(15));
        }
    }

    fn state(&mut self, proposal: ProposalId) -> PublicationState {
        self.world.order(proposal).expect("custody has the order").artifacts.remove(0).state
    }

    /// The stage that custody says is to be approved, and those that are not.
    fn stage_to_approve(&mut self, proposal: ProposalId) -> (String, Vec<String>) {
        match self.state(proposal) {
            PublicationState::Staged { stage, do_not_approve, .. } => (stage, do_not_approve),
            other => panic!("nothing to approve: {other:?}"),
        }
    }

    /// Whether custody awaits an answer; upgrading it then would lose that.
    fn awaits(&self) -> bool {
        let custody = self.world.replica.view().canister(self.world.custody);
        !custody.expect("it exists").open_calls.is_empty()
    }

    fn upgrade_custody(&mut self) {
        let (custody, code) = (self.world.custody, canister_wasm("custody_canister"));
        let nothing = candid::encode_args(()).expect("encodes");
        self.world.replica.upgrade(custody, &code, nothing).expect("upgrades");
    }

    fn approve(&mut self, stage: &str) {
        self.world.npm.with(|double| double.approve(stage));
    }

    /// Somebody stages or publishes with these bytes.
    fn document(bytes: &[u8]) -> Value {
        let integrity = format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
        json!({"name": NAME, "version": "1.0.0", "dist": {"integrity": integrity}})
    }

    fn stage(&mut self, bytes: &[u8]) {
        let (document, tarball) = (Self::document(bytes), bytes.to_vec());
        self.world.npm.with(|double| double.staging.stage(NAME, "1.0.0", "latest", document, tarball));
    }

    fn publish(&mut self, bytes: &[u8]) {
        let published = (Self::document(bytes), bytes.to_vec());
        self.world.npm.with(|double| double.published.insert(format!("{NAME}@1.0.0"), published));
    }

    /// What the receipt says of the mode and of the bytes that were read.
    fn receipt_facts(&mut self, proposal: ProposalId) -> (String, Value) {
        let id = release_types::OrderId(format!("proposal-{proposal}"));
        let custody = self.world.custody;
        let found: Option<release_types::custody::ReceiptView> =
            self.world.query(member(0), custody, "receipt", (id,)).expect("answers");
        let envelope: Value = serde_json::from_str(&found.expect("a receipt").envelope_json).expect("JSON");
        let payload = STANDARD.decode(envelope["payload"].as_str().expect("a payload")).expect("base64");
        let statement: Value = serde_json::from_slice(&payload).expect("JSON");
        let predicate = &statement["predicate"];
        (predicate["mode"].as_str().expect("a mode").into(), predicate["readBack"]["bytes"].clone())
    }
}

#[test]
fn should_stage_prove_and_verify_what_a_person_approved() {
    let mut setting = Setting::new();
    let bytes = npm_tarball(NAME, "1.0.0", 2_000);
    let proposal = setting.adopt(PublishingMode::Staged, &bytes);
    setting.pass(3 * MINUTE);
    let (stage, foreign) = setting.stage_to_approve(proposal);
    assert!(foreign.is_empty());
    assert_eq!(setting.world.npm.writes().len(), 1);
    assert!(setting.world.npm.with(|double| double.published.is_empty()), "staged is not published");
    setting.approve(&stage);
    assert_eq!(setting.world.settle(proposal), ProposalStatus::Executed);
    assert_eq!(setting.receipt_facts(proposal), ("staged".into(), json!(["whole"])));
}

#[test]
fn should_prove_what_ci_staged_of_any_size_and_refuse_other_bytes() {
    for is_honest in [true, false] {
        let mut setting = Setting::new();
        let bytes = npm_tarball(NAME, "1.0.0", 3_300_000);
        let proposal = setting.adopt(PublishingMode::StagedElsewhere, &bytes);
        setting.pass(3 * MINUTE);
        assert!(matches!(setting.state(proposal), PublicationState::AwaitingStage { .. }));
        let mut staged = bytes.clone();
        if !is_honest {
            let last = staged.len() - 1;
            staged[last] ^= 1;
        }
        setting.stage(&staged);
        // Other bytes are believed only when they stay.
        setting.pass(40 * MINUTE);
        if is_honest {
            let (stage, _) = setting.stage_to_approve(proposal);
            setting.approve(&stage);
            assert_eq!(setting.world.settle(proposal), ProposalStatus::Executed);
            assert_eq!(setting.receipt_facts(proposal), ("staged-elsewhere".into(), json!(["in-ranges"])));
        } else {
            let PublicationState::Mismatch { shown } = setting.state(proposal) else { panic!("proven?") };
            assert!(shown.contains("do NOT approve"), "{shown}");
        }
        assert!(setting.world.npm.writes().is_empty(), "custody sent nothing");
    }
}

#[test]
fn should_verify_a_large_release_that_people_published_and_alarm_when_it_is_another() {
    for is_honest in [true, false] {
        let mut setting = Setting::new();
        let bytes = npm_tarball(NAME, "1.0.0", 3_300_000);
        let proposal = setting.adopt(PublishingMode::VerifyOnly, &bytes);
        setting.pass(3 * MINUTE);
        assert_eq!(setting.state(proposal), PublicationState::AwaitingRelease);
        if is_honest {
            setting.publish(&bytes);
            assert_eq!(setting.world.settle(proposal), ProposalStatus::Executed);
            assert_eq!(setting.receipt_facts(proposal), ("verify-only".into(), json!(["in-ranges"])));
        } else {
            setting.publish(&npm_tarball(NAME, "1.0.0", 100));
            assert!(matches!(setting.world.settle(proposal), ProposalStatus::Failed { .. }));
            assert!(matches!(setting.state(proposal), PublicationState::Mismatch { .. }));
        }
        assert!(setting.world.npm.writes().is_empty(), "custody sent nothing");
    }
}

#[test]
fn should_prove_nothing_when_a_node_lies_about_staging() {
    let mut setting = Setting::new();
    let bytes = npm_tarball(NAME, "1.0.0", 2_000);
    let body = br#"{"message":"staged","stageId":"5ab9c0de-0000-4000-8000-0000000000ff"}"#.to_vec();
    let lie = Fault::NodeLies(Lie { status: 201, body, ..Lie::default() });
    setting.world.replica.faults().next(Target::Method(HttpMethod::POST), lie);
    let proposal = setting.adopt(PublishingMode::Staged, &bytes);
    setting.pass(HOUR);
    let state = setting.state(proposal);
    assert!(!matches!(state, PublicationState::Staged { .. } | PublicationState::Verified), "{state:?}");
    assert!(setting.world.npm.writes().is_empty(), "the node never sent it");
}

#[test]
fn should_find_the_stage_when_the_answer_to_it_was_lost() {
    let mut setting = Setting::new();
    setting.world.replica.faults().next(Target::Method(HttpMethod::POST), Fault::AnswerDropped);
    let proposal = setting.adopt(PublishingMode::Staged, &npm_tarball(NAME, "1.0.0", 2_000));
    setting.pass(10 * MINUTE);
    setting.stage_to_approve(proposal);
    assert_eq!(setting.world.npm.with(|double| double.staging.staged.len()), 1);
}

#[test]
fn should_lose_nothing_when_custody_is_upgraded_after_any_message_of_a_staged_release() {
    let mut upgraded = 0;
    for k in (0..).step_by(3) {
        let mut setting = Setting::new();
        let bytes = npm_tarball(NAME, "1.0.0", 2_000);
        let proposal = setting.adopt(PublishingMode::Staged, &bytes);
        let mut messages = 0;
        let mut is_upgraded = false;
        for _ in 0..200 {
            loop {
                if messages >= k && !is_upgraded && !setting.awaits() {
                    is_upgraded = true;
                    setting.upgrade_custody();
                }
                match setting.world.replica.step() {
                    Step::Executed(_) => messages += 1,
                    Step::WaitingForOutcall => std::thread::yield_now(),
                    Step::Idle => break,
                }
            }
            if matches!(setting.state(proposal), PublicationState::Staged { .. }) {
                break;
            }
            setting.world.replica.advance_time(Duration::from_secs(5));
        }
        let (stage, _) = setting.stage_to_approve(proposal);
        setting.approve(&stage);
        assert_eq!(setting.world.settle(proposal), ProposalStatus::Executed, "after message {k}");
        assert_eq!(setting.world.npm.writes().len(), 1, "after message {k}");
        if !is_upgraded {
            break;
        }
        upgraded += 1;
    }
    assert!(upgraded >= 8, "only {upgraded} places were tried");
}
