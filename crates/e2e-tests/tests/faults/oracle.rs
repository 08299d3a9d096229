//! What must hold of every case, whatever went wrong. The registry's double knows what it stored and received, so
//! custody's word is never taken for it.

use release_types::ProposalStatus;

use crate::{
    allowances,
    evidence::{Evidence, Fact},
    record::End,
};

/// How often custody may hand an artifact to the network.
const MAX_SENDS: usize = 3;
/// For how long at least nothing may have appeared since it was sent, before custody may say so and send again.
const LEAST_ABSENCE_NS: u64 = 5 * 60 * 1_000_000_000;
/// How often one node sends a request at most.
const MAX_ATTEMPTS: usize = 3;

/// The invariants, as the table names them.
pub const INVARIANTS: [(&str, fn(&Evidence) -> Vec<String>); 10] = [
    ("What is published is never recorded as failed, nor the reverse, without an alarm", records_are_true),
    (
        "It ends verified, unless what went wrong is one of those below, after which it may end as is said there",
        good_end_is_reached,
    ),
    (
        "A receipt exists exactly if the release is verified, and names the voted bytes, which the registry shows",
        receipt_is_true,
    ),
    (
        "It says that the bytes were read, and the registry's signature or second view, unless what went wrong is one of \
         those below",
        proof_is_whole,
    ),
    ("No other bytes than the voted ones are ever sent, and only with the token for it", bytes_are_voted),
    (
        "Sendings are bounded, and each later one follows an absence that all nodes agree on five minutes after the last or later, or a request that never left",
        sends_are_justified,
    ),
    ("Every derivation was written down before", derivations_are_bound),
    ("No secret is in any memory, log, answer or message", no_traces),
    ("The log of each canister adds up to its state", logs_add_up),
    (
        "Nothing is left open: the order ends or waits for people, no call is awaited; the next one works (tried once for \
         each call, and for each disturbance once for each of its ends)",
        nothing_is_left,
    ),
];

/// Everything that does not hold.
pub fn judge(evidence: &Evidence) -> Vec<String> {
    INVARIANTS.iter().flat_map(|(_, check)| check(evidence)).collect()
}

fn records_are_true(evidence: &Evidence) -> Vec<String> {
    let ends = evidence.record.as_ref().map(|record| record.ends.as_slice()).unwrap_or_default();
    if ends.len() != evidence.files.len() {
        return vec![format!("custody knows of {} files", ends.len())];
    }
    let mut wrong = Vec::new();
    for (file, end) in evidence.files.iter().zip(ends) {
        let is_published = file.stored == Some(file.voted);
        let is_true = match end {
            End::Verified => is_published,
            End::Alarm(_) => true,
            End::Refused | End::Open => !is_published,
        };
        if !is_true {
            wrong.push(format!("{} is recorded as {end:?}; published: {is_published}", file.filename));
        }
    }
    wrong
}

/// What comes after a file that failed is not begun, so the first that is not verified counts.
fn good_end_is_reached(evidence: &Evidence) -> Vec<String> {
    let ends = evidence.record.iter().flat_map(|record| &record.ends);
    let Some(end) = ends.copied().find(|end| *end != End::Verified) else { return Vec::new() };
    if allowances::allow(&allowances::ENDS, (&evidence.disturbance, evidence.kind), &end) {
        return Vec::new();
    }
    vec![format!("it ends as {end:?} after: {}", evidence.disturbance)]
}

fn receipt_is_true(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_verified = evidence.record.as_ref().is_some_and(|record| record.is_verified);
    let is_executed = evidence.proposal == ProposalStatus::Executed;
    let has_receipt = evidence.receipt.is_some();
    if has_receipt != (is_verified && evidence.has_receipts) || is_verified != is_executed {
        wrong.push(format!("receipt: {has_receipt}, verified: {is_verified}, executed: {is_executed}"));
    }
    if let Some(receipt) = &evidence.receipt {
        for file in &evidence.files {
            if file.stored != Some(file.voted) || !receipt.digests.contains(&file.voted) {
                wrong.push(format!("the receipt is false about {}", file.filename));
            }
        }
    }
    wrong
}

fn proof_is_whole(evidence: &Evidence) -> Vec<String> {
    let gaps = evidence.receipt.iter().flat_map(|receipt| &receipt.gaps);
    gaps.filter(|gap| !allowances::allow(&allowances::GAPS, (&evidence.disturbance, evidence.kind), gap))
        .map(|gap| format!("the receipt says: {}", gap.name()))
        .collect()
}

fn bytes_are_voted(evidence: &Evidence) -> Vec<String> {
    let is_voted = |filename: &str, sha256| {
        evidence.files.iter().any(|file| file.filename == filename && file.voted == sha256)
    };
    let bad = evidence
        .writes
        .iter()
        .filter(|write| !is_voted(&write.filename, write.sha256) || !write.is_authorized);
    bad.map(|write| format!("sent: {write:?}")).collect()
}

fn sends_are_justified(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, file) in (0..).zip(&evidence.files) {
        let (mut sends, mut may_send, mut sent_at_ns) = (0, true, 0);
        for (time_ns, fact) in &evidence.facts {
            match *fact {
                Fact::Sent(of) if of == index => {
                    if !may_send {
                        wrong.push(format!("{} was sent again without a reason", file.filename));
                    }
                    (sends, may_send, sent_at_ns) = (sends + 1, false, *time_ns);
                }
                Fact::Kept(of) if of == index => (sends, may_send) = (sends - 1, true),
                Fact::FoundAbsent(of) if of == index => {
                    if sends > 0 && time_ns - sent_at_ns < LEAST_ABSENCE_NS {
                        wrong.push(format!("{} was given up too soon after it was sent", file.filename));
                    }
                    may_send = true;
                }
                _ => {}
            }
        }
        let received = evidence.writes.iter().filter(|write| write.filename == file.filename).count();
        if sends > MAX_SENDS || received > sends * MAX_ATTEMPTS {
            wrong.push(format!("{}: {sends} sendings, {received} received", file.filename));
        }
    }
    wrong
}

fn derivations_are_bound(evidence: &Evidence) -> Vec<String> {
    let bound = evidence.facts.iter().filter(|(_, fact)| *fact == Fact::BoundDerivation).count();
    let is_bound = evidence.derivations <= bound;
    if is_bound {
        Vec::new()
    } else {
        vec![format!("{} derivations, {bound} on the log", evidence.derivations)]
    }
}

fn no_traces(evidence: &Evidence) -> Vec<String> {
    evidence.traces.iter().map(|trace| format!("a secret in the {trace}")).collect()
}

fn logs_add_up(evidence: &Evidence) -> Vec<String> {
    if evidence.is_replayed { Vec::new() } else { vec!["a replayed log gives another state".into()] }
}

fn nothing_is_left(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let record = evidence.record.as_ref();
    let waits_for_people = record.is_some_and(|record| record.waits_for_people());
    if !record.is_some_and(|record| record.is_final) && !waits_for_people {
        wrong.push(format!("custody comes to no end: {record:?}"));
    }
    let is_over = matches!(evidence.proposal, ProposalStatus::Executed | ProposalStatus::Failed { .. });
    if !is_over && !waits_for_people {
        wrong.push(format!("the proposal does not end: {:?}", evidence.proposal));
    }
    if evidence.open_calls > 0 {
        wrong.push(format!("{} calls are awaited", evidence.open_calls));
    }
    if evidence.next.as_ref().is_some_and(|next| *next != ProposalStatus::Executed) {
        wrong.push(format!("the next one: {:?}", evidence.next));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use release_types::Sha256Digest;

    use super::*;
    use crate::{
        calls::Kind,
        evidence::{FileEvidence, Gap, ReceiptEvidence, WriteEvidence},
        record::Record,
    };

    const FILE: &str = "demo-1.0.0.tgz";
    /// After it a release can be verified.
    const HARMLESS: &str = "the answer is dropped after sending";
    /// After it nobody can tell whether it was published.
    const AMBIGUOUS: &str = "the node says 201 without sending";

    fn voted() -> Sha256Digest {
        Sha256Digest::of(b"voted")
    }

    /// A release that went well.
    fn good() -> Evidence {
        Evidence {
            disturbance: HARMLESS.into(),
            kind: Kind::Send,
            proposal: ProposalStatus::Executed,
            record: Some(record_of(End::Verified)),
            has_receipts: true,
            receipt: Some(ReceiptEvidence { digests: vec![voted()], gaps: Vec::new() }),
            files: vec![FileEvidence { filename: FILE.into(), voted: voted(), stored: Some(voted()) }],
            writes: vec![WriteEvidence { filename: FILE.into(), sha256: voted(), is_authorized: true }],
            facts: vec![(0, Fact::Sent(0))],
            derivations: 0,
            traces: Vec::new(),
            is_replayed: true,
            open_calls: 0,
            next: Some(ProposalStatus::Executed),
        }
    }

    fn record_of(end: End) -> Record {
        Record {
            ends: vec![end],
            is_final: !matches!(end, End::Open | End::Alarm("BLOCKED")),
            is_verified: end == End::Verified,
            text: String::new(),
        }
    }

    /// The evidence of the good release, changed so, must be condemned.
    fn assert_noticed(what: &str, change: impl FnOnce(&mut Evidence)) {
        let mut evidence = good();
        change(&mut evidence);
        assert!(!judge(&evidence).is_empty(), "{what} is not noticed");
    }

    #[test]
    fn should_acquit_a_release_that_went_well() {
        assert_eq!(judge(&good()), [""; 0]);
    }

    #[test]
    fn should_notice_a_false_record() {
        assert_noticed("published, recorded as refused", |evidence| {
            evidence.record = Some(record_of(End::Refused));
            evidence.receipt = None;
            evidence.proposal = ProposalStatus::Failed { reason: String::new() };
        });
        assert_noticed("not published, recorded as verified", |evidence| evidence.files[0].stored = None);
        assert_noticed("other bytes, recorded as verified", |evidence| {
            evidence.files[0].stored = Some(Sha256Digest::of(b"other"));
        });
    }

    /// A release that ended so after this happened.
    fn ended(disturbance: &str, end: End) -> Evidence {
        let record = record_of(end);
        let proposal = match record.is_final {
            true => ProposalStatus::Failed { reason: String::new() },
            false => ProposalStatus::Executing,
        };
        let mut evidence = Evidence {
            disturbance: disturbance.into(),
            proposal,
            record: Some(record),
            receipt: None,
            ..good()
        };
        evidence.files[0].stored = None;
        evidence
    }

    #[test]
    fn should_condemn_an_alarm_or_a_refusal_when_what_went_wrong_leaves_no_doubt() {
        for end in [End::Alarm("BLOCKED"), End::Alarm("MISMATCH"), End::Refused] {
            let judged = judge(&ended(HARMLESS, end));
            assert_eq!(judged, [format!("it ends as {end:?} after: {HARMLESS}")]);
        }
    }

    #[test]
    fn should_allow_an_alarm_only_after_what_is_allowed_one_and_only_that_alarm() {
        assert_eq!(judge(&ended(AMBIGUOUS, End::Alarm("BLOCKED"))), [""; 0]);
        for end in [End::Alarm("MISMATCH"), End::Refused] {
            assert_eq!(judge(&ended(AMBIGUOUS, end)).len(), 1, "{end:?}");
        }
        let redirected = |kind| Evidence { kind, ..ended("the registry answers 302", End::Alarm("BLOCKED")) };
        assert_eq!(judge(&redirected(Kind::ReadBytes)), [""; 0]);
        assert_eq!(judge(&redirected(Kind::Look)).len(), 1, "of another call");
    }

    #[test]
    fn should_allow_a_gap_in_the_proof_only_where_the_registry_itself_left_it() {
        let with_gap = |disturbance: &str, kind| {
            let mut evidence = Evidence { disturbance: disturbance.into(), kind, ..good() };
            evidence.receipt.as_mut().expect("there is one").gaps = vec![Gap::NoKeys];
            judge(&evidence).len()
        };
        assert_eq!(with_gap("the registry answers 404", Kind::ReadKeys), 0);
        assert_eq!(with_gap("the registry answers 404", Kind::Look), 1);
        assert_eq!(with_gap(HARMLESS, Kind::ReadKeys), 1);
    }

    #[test]
    fn should_judge_the_first_file_that_is_not_verified() {
        let mut evidence = ended(AMBIGUOUS, End::Alarm("BLOCKED"));
        for (ends, wrong) in [
            ([End::Verified, End::Alarm("BLOCKED"), End::Open], 0),
            ([End::Verified, End::Open, End::Alarm("BLOCKED")], 1),
        ] {
            evidence.record.as_mut().expect("there is one").ends = ends.to_vec();
            assert_eq!(good_end_is_reached(&evidence).len(), wrong, "{ends:?}");
        }
    }

    #[test]
    fn should_notice_a_missing_or_a_false_receipt() {
        assert_noticed("no receipt", |evidence| evidence.receipt = None);
        assert_noticed("a receipt for other bytes", |evidence| {
            evidence.receipt =
                Some(ReceiptEvidence { digests: vec![Sha256Digest::of(b"other")], gaps: Vec::new() });
        });
        assert_noticed("a receipt, and the proposal failed", |evidence| {
            evidence.proposal = ProposalStatus::Failed { reason: String::new() };
        });
    }

    #[test]
    fn should_notice_other_bytes_and_other_tokens() {
        assert_noticed("other bytes", |evidence| evidence.writes[0].sha256 = Sha256Digest::of(b"other"));
        assert_noticed("another name", |evidence| evidence.writes[0].filename = "other".into());
        assert_noticed("another token", |evidence| evidence.writes[0].is_authorized = false);
    }

    #[test]
    fn should_notice_sendings_without_a_reason() {
        let again = |evidence: &mut Evidence| evidence.facts.push((1, Fact::Sent(0)));
        assert_noticed("sent blindly", again);
        assert_noticed("received, and never sent", |evidence| evidence.facts.clear());
        assert_noticed("sent too often", |evidence| {
            for n in 1..=3 {
                let at_ns = n * LEAST_ABSENCE_NS;
                evidence.facts.extend([(at_ns, Fact::FoundAbsent(0)), (at_ns, Fact::Sent(0))]);
            }
        });
        assert_noticed("given up too soon", |evidence| {
            let at_ns = LEAST_ABSENCE_NS - 1;
            evidence.facts.extend([(at_ns, Fact::FoundAbsent(0)), (at_ns, Fact::Sent(0))]);
        });
    }

    #[test]
    fn should_acquit_a_second_sending_after_a_lasting_absence() {
        let mut evidence = good();
        let at_ns = LEAST_ABSENCE_NS;
        evidence.facts.extend([(at_ns, Fact::FoundAbsent(0)), (at_ns, Fact::Sent(0))]);
        assert_eq!(judge(&evidence), [""; 0]);
    }

    #[test]
    fn should_notice_derivations_secrets_logs_and_leftovers() {
        assert_noticed("an unwritten derivation", |evidence| evidence.derivations = 1);
        assert_noticed("a secret", |evidence| evidence.traces.push("heap".into()));
        assert_noticed("a log that says something else", |evidence| evidence.is_replayed = false);
        assert_noticed("an open call", |evidence| evidence.open_calls = 1);
        assert_noticed("an order without end", |evidence| {
            evidence.record = Some(record_of(End::Open));
        });
        assert_noticed("a lock", |evidence| evidence.next = Some(ProposalStatus::Executing));
    }
}
