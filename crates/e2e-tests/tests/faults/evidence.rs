//! What a release has left behind, once it is over and the world is well again: what custody says of it, what the
//! registry really has and received, and what lies in memory.

use custody_canister::state::{Event, amendment::AmendmentFact, event::DerivationPurpose};
use e2e_tests::World;
use registry_protocols::receipt;
use release_types::{OrderId, ProposalStatus, Sha256Digest};

use crate::{
    calls::Undisturbed,
    desk::{Desk, Release},
    record::{Record, order_of},
    registry::Write,
};

/// One file of the release.
#[derive(Clone, Debug)]
pub struct FileEvidence {
    pub filename: String,
    pub voted: Sha256Digest,
    /// What the registry has under its name.
    pub stored: Option<Sha256Digest>,
}

/// One request that would change the registry.
#[derive(Clone, Debug)]
pub struct WriteEvidence {
    pub filename: String,
    pub sha256: Sha256Digest,
    pub is_authorized: bool,
}

/// What custody's log says of deriving and sending for the order. Numbers are positions of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    BoundDerivation,
    Sent(u32),
    /// The request never left.
    Kept(u32),
    FoundAbsent(u32),
}

/// Everything about one case.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub proposal: ProposalStatus,
    pub record: Option<Record>,
    /// Whether what is verified gets a receipt; an amendment gets none.
    pub has_receipts: bool,
    /// The digests in the receipt, if there is one and its signature holds.
    pub receipt: Option<Vec<Sha256Digest>>,
    pub files: Vec<FileEvidence>,
    pub writes: Vec<WriteEvidence>,
    /// In the order of the log.
    pub facts: Vec<Fact>,
    /// How often a key was derived since the release was adopted.
    pub derivations: usize,
    /// Where secrets lie.
    pub traces: Vec<String>,
    /// Whether the log of each canister adds up to its live state.
    pub is_replayed: bool,
    /// Calls that custody still waits for.
    pub open_calls: usize,
    /// How the next one ended, if it was tried.
    pub next: Option<ProposalStatus>,
}

impl Evidence {
    /// Gathers everything about a release that is over.
    pub fn gather(desk: &mut Desk, undisturbed: &Undisturbed, proposal: ProposalStatus) -> Self {
        let (release, start) = (&undisturbed.release, &undisturbed.start);
        let (dao, custody) = (desk.world.dao, desk.world.custody);
        let (dao_log, custody_log) = (desk.world.download_log(dao), desk.world.download_log(custody));
        let is_replayed = World::replay_dao(&dao_log) == desk.world.state_digest(dao)
            && World::replay_custody(&custody_log) == desk.world.state_digest(custody);
        let derivations = desk.watch().derivations - start.derivations();
        let traces = desk.watch().traces(&desk.world.replica.view());
        Self {
            proposal,
            record: desk.record(release.proposal),
            has_receipts: !desk.mode.is_amendment(),
            receipt: receipt_digests(desk, release),
            files: files(desk, release),
            writes: writes(desk).split_off(start.writes()),
            facts: facts(&custody_log, &order_of(release.proposal)),
            derivations,
            traces,
            is_replayed,
            open_calls: open_calls(desk),
            next: None,
        }
    }

    /// Carries out the next one.
    pub fn try_next(&mut self, desk: &mut Desk) {
        let next = desk.adopt_next();
        self.next = Some(desk.settle(next.proposal));
    }

    /// How often custody handed a file to the network.
    pub fn sends(&self, file: u32) -> usize {
        let count = |fact| self.facts.iter().filter(|known| **known == fact).count();
        count(Fact::Sent(file)) - count(Fact::Kept(file))
    }
}

/// The digests that the release's receipt names.
///
/// # Panics
/// If there is a receipt that custody did not sign.
fn receipt_digests(desk: &mut Desk, release: &Release) -> Option<Vec<Sha256Digest>> {
    let envelope = desk.world.receipt(release.proposal)?;
    let key = desk.world.receipt_key(desk.world.custody);
    let statement = receipt::verify(&envelope, &key).expect("a receipt that custody signed");
    let voted = release.files.iter().map(|(_, bytes)| Sha256Digest::of(bytes));
    assert_eq!(statement.subject.len(), release.files.len(), "a subject for each file");
    Some(voted.filter(|digest| statement.subject_with(digest).is_some()).collect())
}

fn files(desk: &Desk, release: &Release) -> Vec<FileEvidence> {
    let file = |(filename, bytes): &(String, Vec<u8>)| FileEvidence {
        filename: filename.clone(),
        voted: Sha256Digest::of(bytes),
        stored: desk.stored(&release.version, filename).map(|bytes| Sha256Digest::of(&bytes)),
    };
    release.files.iter().map(file).collect()
}

fn writes(desk: &Desk) -> Vec<WriteEvidence> {
    let write = |write: Write| WriteEvidence {
        filename: write.filename,
        sha256: Sha256Digest::of(&write.bytes),
        is_authorized: write.is_authorized,
    };
    desk.writes().into_iter().map(write).collect()
}

fn facts(log: &[audit_log::Value], order: &OrderId) -> Vec<Fact> {
    World::custody_facts(log).filter_map(|(_, event)| fact(&event, order)).collect()
}

/// What an event says of deriving and sending for this order, if anything.
fn fact(event: &Event, order: &OrderId) -> Option<Fact> {
    let (of, fact) = match event {
        Event::BoundDerivation {
            purpose:
                DerivationPurpose::Publication { order: of, .. }
                | DerivationPurpose::StageReading { order: of, .. }
                | DerivationPurpose::ReadBack { order: of, .. }
                | DerivationPurpose::Amendment { order: of, .. },
        } => (of, Fact::BoundDerivation),
        Event::SentArtifact { order: of, artifact } => (of, Fact::Sent(*artifact)),
        Event::KeptArtifact { order: of, artifact } => (of, Fact::Kept(*artifact)),
        Event::ConcludedAbsence { order: of, artifact } => (of, Fact::FoundAbsent(*artifact)),
        Event::Amendment { order: of, fact: AmendmentFact::Sent } => (of, Fact::Sent(0)),
        Event::Amendment { order: of, fact: AmendmentFact::Kept } => (of, Fact::Kept(0)),
        Event::Amendment { order: of, fact: AmendmentFact::ConcludedUnchanged } => (of, Fact::FoundAbsent(0)),
        _ => return None,
    };
    (of == order).then_some(fact)
}

fn open_calls(desk: &Desk) -> usize {
    let view = desk.world.replica.view();
    let custody = view.canister(desk.world.custody).expect("custody exists");
    custody.open_calls.calls_by_callee().values().sum()
}
