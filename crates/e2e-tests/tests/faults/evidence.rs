//! What a release has left behind, once it is over and the world is well again: what custody says of it, what the
//! registry really has and received, and what lies in memory.

use custody_canister::state::{Event, amendment::AmendmentFact, event::DerivationPurpose};
use e2e_tests::World;
use registry_protocols::receipt::{self, BytesRead, Confirmation};
use release_types::{OrderId, ProposalStatus, Sha256Digest};

use crate::{
    calls::{Call, Kind, Undisturbed},
    desk::{Desk, Release},
    disturbances::Disturbance,
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

/// Something that a receipt does not prove, though an honest registry shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// npm: the version is not signed.
    Unsigned,
    /// npm: there are no keys to check a signature with.
    NoKeys,
    /// Python: only one view was read.
    OneView,
    /// The digest was read alone.
    BytesNotRead,
}

impl Gap {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::NoKeys => "no keys",
            Self::OneView => "one view",
            Self::BytesNotRead => "bytes not read",
        }
    }
}

/// A receipt whose signature holds.
#[derive(Clone, Debug)]
pub struct ReceiptEvidence {
    /// The voted digests that it names.
    pub digests: Vec<Sha256Digest>,
    pub gaps: Vec<Gap>,
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
    /// What went wrong, and with which kind of call.
    pub disturbance: String,
    pub kind: Kind,
    pub proposal: ProposalStatus,
    pub record: Option<Record>,
    /// Whether what is verified gets a receipt; an amendment gets none.
    pub has_receipts: bool,
    pub receipt: Option<ReceiptEvidence>,
    pub files: Vec<FileEvidence>,
    pub writes: Vec<WriteEvidence>,
    /// In the order of the log, each with its time in nanoseconds.
    pub facts: Vec<(u64, Fact)>,
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
    pub fn gather(
        desk: &mut Desk,
        undisturbed: &Undisturbed,
        (disturbance, call): (&Disturbance, &Call),
        proposal: ProposalStatus,
    ) -> Self {
        let (release, start) = (&undisturbed.release, &undisturbed.start);
        let (dao, custody) = (desk.world.dao, desk.world.custody);
        let (dao_log, custody_log) = (desk.world.download_log(dao), desk.world.download_log(custody));
        let is_replayed = World::replay_dao(&dao_log) == desk.world.state_digest(dao)
            && World::replay_custody(&custody_log) == desk.world.state_digest(custody);
        let derivations = desk.watch().derivations - start.derivations();
        let traces = desk.watch().traces(&desk.world.replica.view());
        Self {
            disturbance: disturbance.name.clone(),
            kind: call.kind,
            proposal,
            record: desk.record(release.proposal),
            has_receipts: !desk.mode.is_amendment(),
            receipt: receipt(desk, release),
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
        let count = |fact| self.facts.iter().filter(|(_, known)| *known == fact).count();
        count(Fact::Sent(file)) - count(Fact::Kept(file))
    }
}

/// The release's receipt, if there is one.
///
/// # Panics
/// If there is a receipt that custody did not sign.
fn receipt(desk: &mut Desk, release: &Release) -> Option<ReceiptEvidence> {
    let envelope = desk.world.receipt(release.proposal)?;
    let key = desk.world.receipt_key(desk.world.custody);
    let statement = receipt::verify(&envelope, &key).expect("a receipt that custody signed");
    let voted = release.files.iter().map(|(_, bytes)| Sha256Digest::of(bytes));
    assert_eq!(statement.subject.len(), release.files.len(), "a subject for each file");
    let digests = voted.filter(|digest| statement.subject_with(digest).is_some()).collect();
    let read_back = &statement.predicate.read_back;
    assert_eq!(read_back.confirmation.len(), release.files.len(), "a confirmation for each file");
    assert_eq!(read_back.bytes.len(), release.files.len(), "a reading for each file");
    let confirmations = read_back.confirmation.iter().filter_map(|confirmation| match confirmation {
        Confirmation::RegistrySignature { .. } | Confirmation::SecondView => None,
        Confirmation::Unsigned => Some(Gap::Unsigned),
        Confirmation::RegistryWithoutKeys => Some(Gap::NoKeys),
        Confirmation::SingleView => Some(Gap::OneView),
    });
    let unread = read_back.bytes.iter().filter(|read| **read != BytesRead::Whole);
    let gaps = confirmations.chain(unread.map(|_| Gap::BytesNotRead)).collect();
    Some(ReceiptEvidence { digests, gaps })
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

fn facts(log: &[audit_log::Value], order: &OrderId) -> Vec<(u64, Fact)> {
    World::custody_facts(log).filter_map(|(time_ns, event)| Some((time_ns, fact(&event, order)?))).collect()
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
