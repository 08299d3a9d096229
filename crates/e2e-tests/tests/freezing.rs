//! A freeze that arrives while something is under way, on the wasm that ships: after any message of a release or an
//! amendment.
//!
//! From the freeze on, custody asks for no key and hands nothing to the network. What it had sent before is read back to
//! its end, as far as that takes no token. Once the group lifts the freeze, everything ends as it would have, and
//! nothing was sent twice.

use std::time::Duration;

use custody_canister::state::{Event, amendment::AmendmentFact, freeze::FreezeFact};
use e2e_tests::{
    World,
    npm_double::NpmDouble,
    people::member,
    publishing::{Publisher, Release, package},
    pypi_double::PypiDouble,
    world::NPM_TOKEN,
};
use local_replica::{Step, WorldSnapshot};
use release_types::{
    Amendment, AmendmentProposal, CredentialMode, CredentialPolicy, Ecosystem, FreezeArgs, FreezeScope,
    Obstacle, ProposalAction, ProposalId, ProposalStatus, PublicationState, PublishingMode, RegistryId,
    freeze::{FreezeDemand, FreezeError, UnfreezeProposal},
    proposal::{CredentialChange, CredentialProposal},
};

/// More messages than anything here has.
const MAX_MESSAGES: usize = 1_000;
/// How long the group takes to lift the freeze.
const FROZEN_FOR: Duration = Duration::from_secs(2 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Direct(Ecosystem),
    Staged,
    Promotion,
}

/// Something that the group adopted, of which nothing has happened yet.
struct Adopted {
    publisher: Publisher,
    work: Work,
    proposal: ProposalId,
    /// What is released; none of an amendment.
    release: Option<Release>,
    start: WorldSnapshot,
    npm: NpmDouble,
    pypi: PypiDouble,
}

impl Adopted {
    fn new(work: Work) -> Self {
        let ecosystem = if let Work::Direct(ecosystem) = work { ecosystem } else { Ecosystem::Npm };
        let mut publisher = Publisher::new(ecosystem);
        let (proposal, release) = match work {
            Work::Direct(_) => {
                let version = publisher.next_version();
                let release = publisher.propose(&version);
                (release.proposal, Some(release))
            }
            Work::Staged => {
                let release = propose_staged(&mut publisher);
                (release.proposal, Some(release))
            }
            Work::Promotion => (propose_promotion(&mut publisher), None),
        };
        publisher.world.adopt(proposal);
        let start = publisher.world.replica.take_snapshot();
        let npm = publisher.world.npm.with(|double| double.clone());
        let pypi = publisher.world.pypi.with(|double| double.clone());
        Self { publisher, work, proposal, release, start, npm, pypi }
    }

    /// Everything as it was when it was adopted.
    fn go_back(&mut self) {
        let world = &mut self.publisher.world;
        world.replica.restore(&self.start).expect("a snapshot of this replica");
        world.npm.with(|double| double.clone_from(&self.npm));
        world.pypi.with(|double| double.clone_from(&self.pypi));
        world.npm.forget();
        world.pypi.forget();
    }

    /// Lets so many messages be executed; false if it needs no more, or only a person's decision.
    fn run(&mut self, messages: usize) -> bool {
        let mut executed = 0;
        while executed < messages {
            match self.publisher.world.replica.step() {
                Step::Executed(_) => executed += 1,
                Step::WaitingForOutcall => std::thread::yield_now(),
                Step::Idle if self.is_over() => return false,
                Step::Idle => self.publisher.world.replica.advance_time(Duration::from_secs(1)),
            }
        }
        !self.is_over()
    }

    fn is_over(&mut self) -> bool {
        let is_live = matches!(self.status(), ProposalStatus::Approved | ProposalStatus::Executing);
        !is_live || self.stage().is_some()
    }

    fn status(&mut self) -> ProposalStatus {
        self.publisher.world.proposal(self.proposal).status
    }

    /// The stage that a person is to approve.
    fn stage(&mut self) -> Option<String> {
        match self.publisher.world.order(self.proposal)?.artifacts.remove(0).state {
            PublicationState::Staged { stage, .. } => Some(stage),
            _ => None,
        }
    }

    /// What custody has written down.
    fn facts(&mut self) -> Vec<Event> {
        let custody = self.publisher.world.custody;
        let log = self.publisher.world.download_log(custody);
        World::custody_facts(&log).map(|(_, event)| event).collect()
    }

    /// Lets it end, with a person's approval where it takes one.
    fn finish(&mut self) {
        for _ in 0..120 {
            if let Some(stage) = self.stage() {
                self.publisher.world.npm.with(|double| double.approve(&stage));
            }
            if self.is_over() && self.stage().is_none() {
                return;
            }
            self.publisher.world.pass(MINUTE);
        }
    }

    /// Panics unless it ended well, and reached the registry once.
    fn assert_done(&mut self, case: &str) {
        let status = self.status();
        match self.release.clone() {
            Some(release) => self.publisher.assert_published(&release, &status, case),
            None => {
                assert_eq!(status, ProposalStatus::Executed, "{case}");
                let tags = self.publisher.world.npm.with(|double| double.tags.clone());
                assert_eq!(tags[package(Ecosystem::Npm)]["latest"], "1.0.2", "{case}");
            }
        }
        assert_eq!(self.publisher.writes().len(), 1, "{case}: sent once");
    }

    /// What an order or amendment that was not sent waits for.
    fn obstacle(&mut self) -> Option<Obstacle> {
        let waiting = match self.work {
            Work::Promotion => self.publisher.world.proposal(self.proposal).amendment?.waiting,
            Work::Direct(_) | Work::Staged => self.publisher.world.order(self.proposal)?.waiting,
        };
        waiting?.obstacle.map(|met| met.obstacle)
    }
}

/// The release of a version that custody only stages.
fn propose_staged(publisher: &mut Publisher) -> Release {
    let (version, world) = (publisher.next_version(), &mut publisher.world);
    let policy = CredentialPolicy {
        mode: CredentialMode::Staged,
        epoch: 2,
        ..world.policy(Ecosystem::Npm, &[package(Ecosystem::Npm)])
    };
    let deposit = world.seal(&policy, NPM_TOKEN);
    let credential = world.deposit(deposit).expect("deposits");
    let change = CredentialChange::Activate;
    let action = ProposalAction::Credential(CredentialProposal { credential, change });
    assert_eq!(world.carry_out(action), ProposalStatus::Executed);
    let bytes = publisher.artifact(&version);
    let world = &mut publisher.world;
    let mut action = world.npm_release(credential, package(Ecosystem::Npm), &version, &bytes);
    let ProposalAction::Release(release) = &mut action else { panic!("a release") };
    release.mode = PublishingMode::Staged;
    let proposal = world.submit(member(0), action).expect("a good proposal");
    Release { version, proposal, bytes }
}

/// The promotion of the second of two versions.
fn propose_promotion(publisher: &mut Publisher) -> ProposalId {
    for tag in ["latest", "next"] {
        let version = publisher.next_version();
        let bytes = publisher.artifact(&version);
        let credential = publisher.credential;
        let mut action = publisher.world.npm_release(credential, package(Ecosystem::Npm), &version, &bytes);
        let ProposalAction::Release(release) = &mut action else { panic!("a release") };
        release.npm.as_mut().expect("npm's options").dist_tag = tag.into();
        assert_eq!(publisher.world.carry_out(action), ProposalStatus::Executed);
    }
    let action = ProposalAction::Amendment(AmendmentProposal {
        registry: RegistryId("npm".into()),
        credential: publisher.credential,
        read_credential: None,
        package: package(Ecosystem::Npm).into(),
        amendment: Amendment::DistTag {
            tag: "latest".into(),
            version: "1.0.2".into(),
            replaces: Some("1.0.1".into()),
        },
        allow_unverified: false,
    });
    publisher.world.submit(member(0), action).expect("a good proposal")
}

fn freeze(world: &mut World) {
    let args = FreezeArgs { scope: FreezeScope::Everything, reason: "a laptop was stolen".into() };
    let demanded: Result<FreezeDemand, FreezeError> =
        world.update(member(4), world.dao, "freeze", (args,)).expect("answers");
    assert!(demanded.expect("a member may").confirmed_at_ns.is_some(), "custody confirms within the call");
}

/// What custody wrote down of using a token, before and after it wrote down that it is frozen.
fn uses_of_tokens(facts: &[Event]) -> [Vec<&Event>; 2] {
    let is_freeze = |fact: &Event| matches!(fact, Event::Freeze(FreezeFact::Froze { .. }));
    let frozen_at = facts.iter().position(is_freeze).expect("custody is frozen");
    let (before, after) = facts.split_at(frozen_at);
    [before, after].map(|facts| facts.iter().filter(|fact| is_use_of_a_token(fact)).collect())
}

fn is_use_of_a_token(fact: &Event) -> bool {
    matches!(
        fact,
        Event::BoundDerivation { .. }
            | Event::SentArtifact { .. }
            | Event::Amendment { fact: AmendmentFact::Sent, .. }
    )
}

/// How often each stretch of the way was interrupted.
#[derive(Debug, Default)]
struct Tried {
    before_derivation: usize,
    before_sending: usize,
    after_sending: usize,
}

fn freeze_after_every_message(work: Work) {
    let mut adopted = Adopted::new(work);
    let earlier = adopted.facts().iter().filter(|fact| is_use_of_a_token(fact)).count();
    let mut tried = Tried::default();
    for k in 0..MAX_MESSAGES {
        let case = format!("{work:?}, frozen after message {k}");
        adopted.go_back();
        if !adopted.run(k) {
            break;
        }
        freeze(&mut adopted.publisher.world);
        for _ in 0..FROZEN_FOR.as_secs() / (5 * MINUTE).as_secs() {
            adopted.publisher.world.pass(5 * MINUTE);
        }
        let facts = adopted.facts();
        let [before, after] = uses_of_tokens(&facts);
        assert!(after.is_empty(), "{case}: {after:?}");
        let uses = &before[earlier..];
        let was_sent = uses.iter().any(|fact| !matches!(fact, Event::BoundDerivation { .. }));
        match (was_sent, work) {
            // The registry shows what is staged to nobody without a token.
            (true, Work::Staged) => assert_eq!(adopted.publisher.writes().len(), 1, "{case}"),
            (true, Work::Direct(_) | Work::Promotion) => adopted.assert_done(&case),
            (false, _) => {
                assert!(adopted.publisher.writes().is_empty(), "{case}: nothing was sent");
                assert_eq!(adopted.obstacle(), Some(Obstacle::Frozen), "{case}");
            }
        }
        match (was_sent, !uses.is_empty()) {
            (true, _) => tried.after_sending += 1,
            (false, true) => tried.before_sending += 1,
            (false, false) => tried.before_derivation += 1,
        }
        let unfreeze = ProposalAction::Unfreeze(UnfreezeProposal { scope: FreezeScope::Everything });
        assert_eq!(adopted.publisher.world.carry_out(unfreeze), ProposalStatus::Executed, "{case}");
        adopted.finish();
        adopted.assert_done(&case);
    }
    println!("{work:?}: {tried:?}");
    let Tried { before_derivation, before_sending, after_sending } = tried;
    assert!(before_derivation >= 5 && before_sending >= 2 && after_sending >= 5, "{tried:?}");
}

#[test]
fn should_derive_and_send_nothing_more_when_frozen_after_any_message_of_an_npm_release() {
    freeze_after_every_message(Work::Direct(Ecosystem::Npm));
}

#[test]
fn should_derive_and_send_nothing_more_when_frozen_after_any_message_of_a_python_release() {
    freeze_after_every_message(Work::Direct(Ecosystem::Pypi));
}

#[test]
fn should_derive_and_send_nothing_more_when_frozen_after_any_message_of_a_staged_release() {
    freeze_after_every_message(Work::Staged);
}

#[test]
fn should_derive_and_send_nothing_more_when_frozen_after_any_message_of_a_promotion() {
    freeze_after_every_message(Work::Promotion);
}
