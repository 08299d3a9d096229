//! What must hold of every case, whatever went wrong. The registry's double knows what it stored and received, so
//! custody's word is never taken for it.

use release_types::ProposalStatus;

use crate::{
    evidence::{Evidence, Fact},
    record::End,
};

/// How often custody may hand an artifact to the network.
const MAX_SENDS: usize = 3;
/// How often one node sends a request at most.
const MAX_ATTEMPTS: usize = 3;

/// The invariants, as the table names them.
pub const INVARIANTS: [(&str, fn(&Evidence) -> Vec<String>); 8] = [
    ("What is published is never recorded as failed, nor the reverse, without an alarm", records_are_true),
    (
        "A receipt exists exactly if the release is verified, and names the voted bytes, which the registry shows",
        receipt_is_true,
    ),
    ("No other bytes than the voted ones are ever sent, and only with the token for it", bytes_are_voted),
    (
        "Sendings are bounded, and each later one follows agreed absence or a request that never left",
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

fn receipt_is_true(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_verified = evidence.record.as_ref().is_some_and(|record| record.is_verified);
    let is_executed = evidence.proposal == ProposalStatus::Executed;
    let has_receipt = evidence.receipt.is_some();
    if has_receipt != (is_verified && evidence.has_receipts) || is_verified != is_executed {
        wrong.push(format!("receipt: {has_receipt}, verified: {is_verified}, executed: {is_executed}"));
    }
    if let Some(digests) = &evidence.receipt {
        for file in &evidence.files {
            if file.stored != Some(file.voted) || !digests.contains(&file.voted) {
                wrong.push(format!("the receipt is false about {}", file.filename));
            }
        }
    }
    wrong
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
        let (mut sends, mut may_send) = (0, true);
        for fact in &evidence.facts {
            match *fact {
                Fact::Sent(of) if of == index => {
                    if !may_send {
                        wrong.push(format!("{} was sent again without a reason", file.filename));
                    }
                    (sends, may_send) = (sends + 1, false);
                }
                Fact::Kept(of) if of == index => (sends, may_send) = (sends - 1, true),
                Fact::FoundAbsent(of) if of == index => may_send = true,
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
    let bound = evidence.facts.iter().filter(|fact| **fact == Fact::BoundDerivation).count();
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
        evidence::{FileEvidence, WriteEvidence},
        record::Record,
    };

    const FILE: &str = "demo-1.0.0.tgz";

    fn voted() -> Sha256Digest {
        Sha256Digest::of(b"voted")
    }

    /// A release that went well.
    fn good() -> Evidence {
        Evidence {
            proposal: ProposalStatus::Executed,
            record: Some(record_of(End::Verified)),
            has_receipts: true,
            receipt: Some(vec![voted()]),
            files: vec![FileEvidence { filename: FILE.into(), voted: voted(), stored: Some(voted()) }],
            writes: vec![WriteEvidence { filename: FILE.into(), sha256: voted(), is_authorized: true }],
            facts: vec![Fact::Sent(0)],
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

    #[test]
    fn should_notice_a_missing_or_a_false_receipt() {
        assert_noticed("no receipt", |evidence| evidence.receipt = None);
        assert_noticed("a receipt for other bytes", |evidence| {
            evidence.receipt = Some(vec![Sha256Digest::of(b"other")]);
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
        let again = |evidence: &mut Evidence| evidence.facts.push(Fact::Sent(0));
        assert_noticed("sent blindly", again);
        assert_noticed("received, and never sent", |evidence| evidence.facts.clear());
        assert_noticed("sent too often", |evidence| {
            for _ in 0..3 {
                evidence.facts.extend([Fact::FoundAbsent(0), Fact::Sent(0)]);
            }
        });
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
