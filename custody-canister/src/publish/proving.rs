//! Proving the bytes: every node reads them, the transform leaves their digests, and these are compared with the
//! digests of what was voted. Never more than one answer's bytes are in memory, and never in custody's.

use std::time::Duration;

use registry_protocols::{
    bytes::{ByteRange, BytesReading},
    reading::{Reading, Unreadable},
};

use release_types::Obstacle;

use crate::{
    obstacle,
    outcall::Inquiry,
    publish::{
        asking::{self, NotAsked, TokenUse},
        driver::Job,
        reading,
    },
    registry,
    runtime::{CallError, Runtime},
    state::{
        Event, Stage,
        event::BlockedReason,
        proof::{ForeignBytes, ProofFact, ReadBytes, SeenForeign},
    },
};

/// Pieces asked for in one message. Each is an answer of a mebibyte to every node.
pub const PIECES_AT_ONCE: u32 = 4;
/// How long the same foreign bytes must be served until they are believed, if they are as many as were voted.
const FOREIGN_GRACE: Duration = Duration::from_secs(5 * 60);
/// The same if they are not: registries answer with pages of excuses under status 200, too.
const FOREIGN_SIZE_GRACE: Duration = Duration::from_secs(2 * 60 * 60);

/// What a file turned out to be, as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// So many pieces, counted from the first, are those that were voted.
    EqualPieces(u32),
    /// Other bytes are. They may be a page of excuses.
    Foreign(ForeignBytes),
    /// There is no such file (yet).
    Absent,
    /// It is too large for one answer, and ranges are not served.
    NoRanges,
    /// It is kept elsewhere.
    Redirected,
    /// It is not shown to who asks so.
    NotPublic,
    /// Nothing can be told from the answers; ask again.
    Unclear(Obstacle),
}

/// What foreign bytes amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// They were not seen before, or not last.
    New,
    /// They are seen again, too soon to be believed.
    Young,
    /// They stay: these bytes are kept there.
    Lasting,
}

impl Doubt {
    /// Of bytes that are seen at `now_ns`, after those that were seen last.
    pub fn of(known: Option<SeenForeign>, bytes: ForeignBytes, now_ns: u64) -> Self {
        let grace = if bytes.has_voted_size { FOREIGN_GRACE } else { FOREIGN_SIZE_GRACE };
        match known {
            Some(known) if known.bytes != bytes => Self::New,
            Some(known) if reading::since(now_ns, known.since_ns) >= grace => Self::Lasting,
            Some(_) => Self::Young,
            None => Self::New,
        }
    }
}

/// Reads the pieces of a file from the given one on, some at a time, and compares them.
pub async fn compare<R: Runtime>(
    job: &Job<'_, R>,
    token: Option<TokenUse>,
    from: u32,
    inquiry: impl Fn(Option<ByteRange>) -> Inquiry,
) -> Result<Served, NotAsked> {
    let artifact = job.artifact();
    let pieces: Vec<_> =
        (from..).map_while(|index| artifact.piece(index)).take(PIECES_AT_ONCE as usize).collect();
    let inquiries = pieces.iter().map(|piece| inquiry(piece.range)).collect();
    let answers = asking::ask(job, token, inquiries).await?;
    let now_ns = job.runtime.time_ns();
    let served = (from..).zip(&pieces).zip(answers).map(|((index, piece), answer)| {
        let is_part = piece.range.is_some();
        let foreign =
            |sha256, has_voted_size| Served::Foreign(ForeignBytes { piece: index, sha256, has_voted_size });
        match answer.map(|answer| BytesReading::parse_reduced(&answer.body)) {
            Ok(Ok(Reading::Present(bytes))) if bytes.sha256 == piece.sha256 => Served::EqualPieces(1),
            Ok(Ok(Reading::Present(bytes))) => {
                foreign(Some(bytes.sha256), is_part || bytes.size_bytes == artifact.size_bytes())
            }
            Ok(Ok(Reading::Absent)) => Served::Absent,
            Ok(Ok(Reading::Unreadable { why })) => match why {
                Unreadable::NoRanges => Served::NoRanges,
                // The file has another size than the one that was voted.
                Unreadable::OtherArtifact => foreign(None, false),
                Unreadable::Redirected => Served::Redirected,
                Unreadable::NotPublic => Served::NotPublic,
                why => Served::Unclear(obstacle::of_answer(why, now_ns)),
            },
            Err(CallError::AnswerTooLarge) if is_part => Served::NoRanges,
            Err(_) | Ok(Err(_)) => Served::Unclear(Obstacle::NodesDisagree),
        }
    });
    Ok(together(from, served))
}

/// What several pieces in a row say together.
fn together(from: u32, served: impl Iterator<Item = Served>) -> Served {
    let mut served = served.peekable();
    let mut equal = from;
    let mut first_other = None;
    for piece in served.by_ref() {
        match piece {
            Served::Foreign(bytes) => return Served::Foreign(bytes),
            Served::EqualPieces(_) if first_other.is_none() => equal += 1,
            other => first_other = first_other.or(Some(other)),
        }
    }
    match first_other {
        Some(other) if equal == from => other,
        _ => Served::EqualPieces(equal),
    }
}

/// Reads some of the bytes that the registry serves under the shown digest; returns the pause before the next step.
pub async fn prove<R: Runtime>(job: &Job<'_, R>) -> Duration {
    let artifact = job.artifact();
    let equal_pieces = match artifact.stage() {
        Stage::Shown { equal_pieces } => *equal_pieces,
        _ => 0,
    };
    let Some(digests) = artifact.digests() else { panic!("BUG: a digest was compared with none") };
    let address = match registry::file_address(job.order, job.ordered, digests) {
        Ok(Some(address)) => address,
        Ok(None) => return verified(job, ReadBytes::NoFilesUrl),
        Err(_) => return verified(job, ReadBytes::Elsewhere),
    };
    let inquiry = |range| address.inquiry(range);
    match compare(job, job.read_token(), equal_pieces, inquiry).await {
        Ok(Served::EqualPieces(pieces)) if pieces == artifact.piece_count() => {
            let is_whole = pieces == 1;
            return verified(job, if is_whole { ReadBytes::Whole } else { ReadBytes::InRanges });
        }
        Ok(Served::EqualPieces(pieces)) => {
            job.record(|order, artifact| {
                Event::Proof(ProofFact::ServedEqualPieces { order, artifact, pieces })
            });
            return Duration::ZERO;
        }
        Ok(Served::Foreign(bytes)) => {
            match Doubt::of(artifact.foreign(), bytes, job.runtime.time_ns()) {
                Doubt::Lasting => {
                    let shown = "the voted digest, but serves other bytes under it".to_owned();
                    job.record(|order, artifact| Event::FoundMismatch { order, artifact, shown });
                    return Duration::ZERO;
                }
                Doubt::New => job.record(|order, artifact| {
                    Event::Proof(ProofFact::ServedForeignBytes { order, artifact, bytes })
                }),
                Doubt::Young => {}
            }
            job.wait_for(Obstacle::OtherBytesServed);
        }
        Ok(Served::NoRanges) => return verified(job, ReadBytes::NoRanges),
        Ok(Served::Redirected | Served::NotPublic) => return verified(job, ReadBytes::Elsewhere),
        Ok(Served::Absent) => job.go_on(),
        Ok(Served::Unclear(obstacle)) => job.wait_for(obstacle),
        Err(NotAsked::Waits(obstacle)) => job.wait_for(obstacle),
        Err(NotAsked::Never(_)) => job.runtime.log("the token may not read the registry's bytes any more"),
    }
    let reason = match job.artifact().foreign() {
        Some(_) => BlockedReason::OtherBytesServed,
        None => BlockedReason::FileNotServed,
    };
    reading::wait_while_shown(job, reason)
}

fn verified<R: Runtime>(job: &Job<'_, R>, bytes: ReadBytes) -> Duration {
    job.record(|order, artifact| Event::Proof(ProofFact::Verified { order, artifact, bytes }));
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::{
        Served::{Absent, EqualPieces, Foreign, NoRanges},
        *,
    };

    const UNCLEAR: Served = Served::Unclear(Obstacle::NodesDisagree);

    fn said(pieces: &[Served]) -> Served {
        together(3, pieces.iter().copied())
    }

    #[test]
    fn should_count_equal_pieces_up_to_the_first_other() {
        let equal = EqualPieces(1);
        assert_eq!(said(&[equal, equal]), EqualPieces(5));
        assert_eq!(said(&[equal, UNCLEAR, equal]), EqualPieces(4));
        assert_eq!(said(&[Absent, equal]), Absent);
        assert_eq!(said(&[NoRanges, UNCLEAR]), NoRanges);
        let foreign = Foreign(ForeignBytes { piece: 5, sha256: None, has_voted_size: false });
        assert_eq!(said(&[equal, UNCLEAR, foreign]), foreign);
    }

    #[test]
    fn should_believe_foreign_bytes_only_when_the_same_are_served_for_a_while() {
        let bytes = |size| ForeignBytes { piece: 0, sha256: None, has_voted_size: size };
        let seen = |size| Some(SeenForeign { bytes: bytes(size), since_ns: 7, begun_ns: 0 });
        let after = |size, wait: Duration| Doubt::of(seen(size), bytes(size), 7 + wait.as_nanos() as u64);
        for (size, grace) in [(true, FOREIGN_GRACE), (false, FOREIGN_SIZE_GRACE)] {
            assert_eq!(after(size, grace - Duration::from_secs(1)), Doubt::Young);
            assert_eq!(after(size, grace), Doubt::Lasting);
        }
        assert_eq!(Doubt::of(None, bytes(true), u64::MAX), Doubt::New);
        assert_eq!(Doubt::of(seen(false), bytes(true), u64::MAX), Doubt::New);
        assert!(FOREIGN_SIZE_GRACE < reading::VISIBILITY_LIMIT, "before people are called for less");
    }
}
