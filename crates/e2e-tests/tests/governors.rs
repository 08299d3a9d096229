//! Custody under governors and with artifact sources that are not ours.

use std::time::Duration;

use candid::{Encode, Principal, Reserved};
use e2e_tests::{
    archives::npm_tarball,
    artifact_source::{answer, chunk_answer},
    governor::{Governed, Recorded},
    people::stranger,
    world::{NPM_TOKEN, NPM_URL},
};
use local_replica::scheduler::MessageFault;
use registry_protocols::receipt::{Envelope, verify};
use release_types::{
    CHUNK_BYTES, CredentialId, Ecosystem, OrderId, OrderStatus, PublicationState, PublishOrder,
    PublishingMode, Registry, Sha256Digest,
    custody::{ChangeCredentialArgs, ReceiptView},
    order::{Decision, OrderedArtifact, Publication},
    proposal::{CredentialChange, NpmAccess, NpmOptions},
};

const PACKAGE: &str = "@dao/demo";
const HOUR_NS: u64 = 3_600_000_000_000;
/// The reject code of a canister that says no.
const CANISTER_REJECT: u8 = 4;

/// A governor whose custody has an active npm token, and a source that serves two chunks.
struct Setting {
    governed: Governed,
    credential: CredentialId,
    source: Principal,
    tarball: Vec<u8>,
}

impl Setting {
    fn new(attached_cycles: u64) -> Self {
        let mut governed = Governed::new(attached_cycles);
        let policy = governed.world.policy(Ecosystem::Npm, &[PACKAGE]);
        let deposit = governed.world.seal(&policy, NPM_TOKEN);
        let change = ChangeCredentialArgs { credential: policy.id(), change: CredentialChange::Activate };
        for (method, payload) in [
            ("deposit_credential", Encode!(&deposit).expect("encodes")),
            ("change_credential", Encode!(&change).expect("encodes")),
        ] {
            let text = governed.propose(method, &payload).expect("a good proposal");
            assert!(text.contains(&format!("- credential: {}", policy.id())), "{text}");
            assert_eq!(governed.execute(), Recorded::Executed, "{method}");
        }
        governed.world.pass(Duration::from_secs(1));
        let source = governed.world.add_source();
        let tarball = npm_tarball(PACKAGE, "1.0.0", 1_200_000);
        assert_eq!(tarball.len().div_ceil(CHUNK_BYTES as usize), 2);
        governed.world.let_serve(source, &tarball);
        Self { governed, credential: policy.id(), source, tarball }
    }

    /// An order as somebody else's tool makes it: finished before the vote.
    fn order(&self, id: &str) -> PublishOrder {
        let world = &self.governed.world;
        PublishOrder {
            id: OrderId(id.into()),
            mode: PublishingMode::Direct,
            credential: Some(self.credential),
            read_credential: None,
            registry: Registry::new(Ecosystem::Npm, NPM_URL, NPM_URL),
            package: PACKAGE.into(),
            version: "1.0.0".into(),
            artifacts: vec![OrderedArtifact {
                filename: "demo-1.0.0.tgz".into(),
                sha256: Sha256Digest::of(&self.tarball),
                size_bytes: self.tarball.len() as u64,
                source: self.source,
                publication: Publication::Npm {
                    manifest_json: r#"{"name":"@dao/demo","version":"1.0.0"}"#.into(),
                    options: NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public },
                },
            }],
            decision: Decision { authority: self.governed.governor(), vote: None, source: None },
            expires_at_ns: world.replica.time_ns() + HOUR_NS,
        }
    }

    fn propose(&mut self, order: &PublishOrder) -> Result<String, String> {
        self.governed.propose("publish", &Encode!(order).expect("encodes"))
    }

    /// Proposes and executes at once.
    fn carry_out(&mut self, order: &PublishOrder) -> Recorded {
        self.propose(order).expect("a good proposal");
        self.governed.execute()
    }

    fn status(&mut self, id: &str) -> Option<OrderStatus> {
        let world = &mut self.governed.world;
        world.query(stranger(), world.custody, "order_status", (OrderId(id.into()),)).expect("answers")
    }

    fn state(&mut self, id: &str) -> PublicationState {
        self.status(id).expect("an accepted order").artifacts.remove(0).state
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(5) {
            self.governed.world.pass(Duration::from_secs(5));
        }
    }

    fn writes(&self) -> usize {
        self.governed.world.npm.writes().len()
    }

    fn stored(&self) -> Option<Vec<u8>> {
        let key = format!("{PACKAGE}@1.0.0");
        self.governed.world.npm.with(|double| double.published.get(&key).map(|(_, bytes)| bytes.clone()))
    }
}

#[test]
fn should_publish_when_a_proposal_of_another_governor_is_validated_and_executed() {
    // A governance canister attaches nothing; a station may.
    for attached_cycles in [0, 5_000_000_000] {
        let mut setting = Setting::new(attached_cycles);
        let order = setting.order("release-1");
        let text = setting.propose(&order).expect("a good proposal");
        assert!(text.starts_with(&format!("# Publish {PACKAGE} 1.0.0 to {NPM_URL}")), "{text}");
        assert!(text.contains(&Sha256Digest::of(&setting.tarball).to_string()), "{text}");
        assert_eq!(setting.status("release-1"), None, "a proposal changes nothing");
        let balance_cycles = setting.governed.world.replica.cycles_balance(setting.governed.governor());
        assert_eq!(setting.governed.execute(), Recorded::Executed);
        let spent =
            balance_cycles - setting.governed.world.replica.cycles_balance(setting.governed.governor());
        assert!(spent < 1_000_000_000, "attached cycles come back: {spent} are gone");
        setting.pass(30);
        assert!(setting.status("release-1").expect("accepted").is_verified());
        assert_eq!(setting.stored().as_ref(), Some(&setting.tarball));

        let world = &mut setting.governed.world;
        let receipt: Option<ReceiptView> =
            world.query(stranger(), world.custody, "receipt", (order.id.clone(),)).expect("answers");
        let envelope: Envelope =
            serde_json::from_str(&receipt.expect("a receipt").envelope_json).expect("an envelope");
        let statement = verify(&envelope, &world.receipt_key(world.custody)).expect("signed by custody");
        assert_eq!(statement.predicate.dao, world.dao.to_text());
        assert_eq!(statement.predicate.vote, None, "custody claims no vote that it was not told of");
    }
}

#[test]
fn should_refuse_at_submission_what_publish_would_refuse() {
    let mut setting = Setting::new(0);
    let mut order = setting.order("release-1");
    order.decision.authority = setting.source;
    order.package = "@dao/other".into();
    order.expires_at_ns = 0;
    let refusal = setting.propose(&order).expect_err("a bad proposal");
    for field in ["decision.authority", "credential", "expires_at_ns"] {
        assert!(refusal.contains(&format!("REFUSED: {field}: ")), "{field} in {refusal}");
    }
    assert_eq!(setting.governed.propose("publish", b"no candid").map_err(|_| ()), Err(()));
    assert_eq!(setting.status("release-1"), None);
}

/// Whoever takes any reply for success must be given a reject.
#[test]
fn should_be_recorded_as_failed_whenever_custody_refuses() {
    let mut setting = Setting::new(0);
    let good = setting.order("release-1");
    assert_eq!(setting.carry_out(&good), Recorded::Executed);
    let refused = |change: &dyn Fn(&mut PublishOrder)| {
        let mut order = PublishOrder { id: OrderId("release-2".into()), ..good.clone() };
        change(&mut order);
        order
    };
    for (what, order) in [
        ("another order under a used id", refused(&|order| order.id = good.id.clone())),
        ("a foreign authority", refused(&|order| order.decision.authority = Principal::anonymous())),
        ("no artifact", refused(&|order| order.artifacts.clear())),
        ("an order of the past", refused(&|order| order.expires_at_ns = 1)),
        ("an empty id", refused(&|order| order.id = OrderId(String::new()))),
        ("another endpoint", refused(&|order| order.registry.upload_url = "https://other.example/".into())),
    ] {
        // A governor without validators finds out here.
        let order =
            if order.id == good.id { PublishOrder { version: "1.0.1".into(), ..order } } else { order };
        setting.propose(&order).expect_err(what);
        let Recorded::Failed { code, message } = setting.governed.execute() else {
            panic!("{what}: recorded as executed")
        };
        assert_eq!(code, CANISTER_REJECT, "{what}: {message}");
        assert!(message.contains("REFUSED: "), "{what}: {message}");
    }
    setting.pass(30);
    assert_eq!(setting.writes(), 1, "only the good order was sent");
}

#[test]
fn should_be_recorded_as_failed_when_the_credential_was_revoked_after_the_vote_began() {
    let mut setting = Setting::new(0);
    let order = setting.order("release-1");
    setting.propose(&order).expect("a good proposal");
    let change = ChangeCredentialArgs { credential: setting.credential, change: CredentialChange::Revoke };
    setting.governed.propose("change_credential", &Encode!(&change).expect("encodes")).expect("good");
    assert_eq!(setting.governed.execute(), Recorded::Executed);
    setting.propose(&order).expect_err("the credential is revoked");
    assert!(matches!(setting.governed.execute(), Recorded::Failed { .. }));
    setting.pass(30);
    assert_eq!((setting.writes(), setting.status("release-1")), (0, None));
}

#[test]
fn should_send_nothing_twice_when_the_same_order_is_adopted_again() {
    let mut setting = Setting::new(0);
    let order = setting.order("release-1");
    for _ in 0..3 {
        assert_eq!(setting.carry_out(&order), Recorded::Executed);
        setting.pass(30);
        assert_eq!(setting.writes(), 1);
    }
}

/// What a source says instead of the second chunk.
struct SourceCase {
    name: &'static str,
    answer: fn(&[u8]) -> Vec<u8>,
    /// Whether custody gives the artifact up; else it asks again.
    is_final: bool,
}

#[rustfmt::skip]
const SOURCE_CASES: &[SourceCase] = &[
    SourceCase { name: "one byte too many",
        answer: |rest| chunk_answer(&[rest, &[0]].concat()), is_final: true },
    SourceCase { name: "one byte too few",
        answer: |rest| chunk_answer(&rest[1..]), is_final: true },
    SourceCase { name: "nothing", answer: |_| chunk_answer(&[]), is_final: true },
    SourceCase { name: "a whole chunk",
        answer: |_| chunk_answer(&vec![7; CHUNK_BYTES as usize]), is_final: true },
    SourceCase { name: "as much as an answer can hold",
        answer: |_| chunk_answer(&vec![7; 2_000_000]), is_final: true },
    SourceCase { name: "other bytes",
        answer: |rest| chunk_answer(&vec![7; rest.len()]), is_final: true },
    SourceCase { name: "no, in words of its own",
        answer: |_| answer(&Err::<Reserved, _>("who are you?")), is_final: true },
    SourceCase { name: "another type", answer: |_| answer(&"bytes"), is_final: false },
    SourceCase { name: "no Candid", answer: |rest| rest.to_vec(), is_final: false },
    SourceCase { name: "two megabytes of no Candid",
        answer: |_| vec![7; 2_000_000], is_final: false },
    SourceCase { name: "a few bytes that stand for a million values",
        answer: |_| answer(&Ok::<_, Reserved>(vec![(); 1_000_000])), is_final: false },
    SourceCase { name: "a trap", answer: |_| Vec::new(), is_final: false },
];

#[test]
fn should_send_nothing_when_a_source_is_hostile() {
    let mut setting = Setting::new(0);
    for (number, case) in (1..).zip(SOURCE_CASES) {
        // Custody takes ten releases of one package within a day; the first seven are over soon.
        if number == 8 {
            setting.pass(24 * 3_600);
        }
        let (id, name) = (format!("release-{number}"), case.name);
        let rest = setting.tarball[CHUNK_BYTES as usize..].to_vec();
        setting.governed.world.let_answer(setting.source, 1, &(case.answer)(&rest));
        let order = setting.order(&id);
        assert_eq!(setting.carry_out(&order), Recorded::Executed, "{name}");
        setting.pass(60);
        let state = setting.state(&id);
        assert_eq!(setting.writes(), 0, "{name}: sent");
        match state {
            PublicationState::Refused { reason } if case.is_final => {
                assert!(reason.contains("no longer serves the approved bytes"), "{name}: {reason}");
            }
            PublicationState::Prepared if !case.is_final => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    // Those that could still change do, once the source serves what was ordered.
    let (source, tarball) = (setting.source, setting.tarball.clone());
    setting.governed.world.let_serve(source, &tarball);
    setting.pass(15 * 60);
    assert_eq!(setting.writes(), 1);
    for (number, case) in (1..).zip(SOURCE_CASES).filter(|(_, case)| !case.is_final) {
        let status = setting.status(&format!("release-{number}")).expect("accepted");
        assert!(status.is_verified(), "{}: {status:?}", case.name);
    }
}

#[test]
fn should_ask_again_when_a_source_is_silent_or_not_there() {
    let mut setting = Setting::new(0);
    let silent = setting.order("silent");
    let source = setting.source;
    let lost = MessageFault::AnswerLost { to: source, method: "artifact_chunk".into() };
    setting.governed.world.replica.message_faults().next(lost);
    let mut nowhere = setting.order("nowhere");
    nowhere.artifacts[0].source = Principal::from_slice(&[0xFF; 10]);
    nowhere.expires_at_ns = setting.governed.world.replica.time_ns() + HOUR_NS / 4;
    for order in [&silent, &nowhere] {
        assert_eq!(setting.carry_out(order), Recorded::Executed);
    }
    setting.pass(30);
    assert_eq!(setting.state("silent"), PublicationState::Prepared, "waiting for the answer");
    setting.pass(3 * 60);
    assert!(setting.status("silent").expect("accepted").is_verified(), "asked again");
    assert_eq!(setting.state("nowhere"), PublicationState::Prepared);
    setting.pass(20 * 60);
    let PublicationState::Refused { reason } = setting.state("nowhere") else { panic!("it expired") };
    assert!(reason.contains("time was over"), "{reason}");
}
