//! What must hold of every case, whatever went wrong. The registry's double knows what it stored and received, so
//! custody's word is never taken for it.

use custody_canister::state::Event;
use release_types::{ProposalStatus, PublicationState};

use crate::{
    desk::waits_for_people,
    evidence::{Evidence, artifact_of},
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
        "Nothing is left open: the order ends or waits for people, no call is awaited, the next release works",
        nothing_is_left,
    ),
];

/// Everything that does not hold.
pub fn judge(evidence: &Evidence) -> Vec<String> {
    INVARIANTS.iter().flat_map(|(_, check)| check(evidence)).collect()
}

fn states(evidence: &Evidence) -> Vec<PublicationState> {
    let order = evidence.order.as_ref();
    order
        .map(|order| order.artifacts.iter().map(|artifact| artifact.state.clone()).collect())
        .unwrap_or_default()
}

fn is_alarm(state: &PublicationState) -> bool {
    matches!(state, PublicationState::Mismatch { .. } | PublicationState::Blocked { .. })
}

fn records_are_true(evidence: &Evidence) -> Vec<String> {
    let states = states(evidence);
    if states.len() != evidence.files.len() {
        return vec![format!("the order has {} artifacts", states.len())];
    }
    let mut wrong = Vec::new();
    for (file, state) in evidence.files.iter().zip(&states) {
        let is_published = file.stored == Some(file.voted);
        let is_true = match state {
            PublicationState::Verified => is_published,
            state if is_alarm(state) => true,
            _ => !is_published,
        };
        if !is_true {
            wrong.push(format!("{} is recorded as {state:?}; published: {is_published}", file.filename));
        }
    }
    wrong
}

fn receipt_is_true(evidence: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_verified = evidence.order.as_ref().is_some_and(|order| order.is_verified());
    let is_executed = evidence.proposal == ProposalStatus::Executed;
    if evidence.receipt.is_some() != is_verified || is_verified != is_executed {
        wrong.push(format!(
            "receipt: {}, verified: {is_verified}, executed: {is_executed}",
            evidence.receipt.is_some()
        ));
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
        for fact in evidence.facts.iter().filter(|fact| artifact_of(fact) == Some(index)) {
            match fact {
                Event::SentArtifact { .. } => {
                    if !may_send {
                        wrong.push(format!("{} was sent again without a reason", file.filename));
                    }
                    (sends, may_send) = (sends + 1, false);
                }
                Event::KeptArtifact { .. } => (sends, may_send) = (sends - 1, true),
                Event::ConcludedAbsence { .. } => may_send = true,
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
    let bound = evidence.facts.iter().filter(|fact| matches!(fact, Event::BoundDerivation { .. })).count();
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
    let order = evidence.order.as_ref();
    if !order.is_some_and(|order| order.is_final() || waits_for_people(order)) {
        wrong.push(format!("the order does not end: {:?}", evidence.order));
    }
    let is_over = matches!(evidence.proposal, ProposalStatus::Executed | ProposalStatus::Failed { .. });
    if !is_over && !order.is_some_and(waits_for_people) {
        wrong.push(format!("the proposal does not end: {:?}", evidence.proposal));
    }
    if evidence.open_calls > 0 {
        wrong.push(format!("{} calls are awaited", evidence.open_calls));
    }
    if evidence.next != Some(ProposalStatus::Executed) {
        wrong.push(format!("the next release: {:?}", evidence.next));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use release_types::{OrderId, OrderStatus, Sha256Digest, order::ArtifactStatus};

    use super::*;
    use crate::evidence::{FileEvidence, WriteEvidence};

    const FILE: &str = "demo-1.0.0.tgz";

    fn voted() -> Sha256Digest {
        Sha256Digest::of(b"voted")
    }

    /// A release that went well.
    fn good() -> Evidence {
        let order = OrderId("proposal-1".into());
        Evidence {
            proposal: ProposalStatus::Executed,
            order: Some(order_in(PublicationState::Verified, true)),
            receipt: Some(vec![voted()]),
            files: vec![FileEvidence { filename: FILE.into(), voted: voted(), stored: Some(voted()) }],
            writes: vec![WriteEvidence { filename: FILE.into(), sha256: voted(), is_authorized: true }],
            facts: vec![Event::SentArtifact { order, artifact: 0 }],
            derivations: 0,
            traces: Vec::new(),
            is_replayed: true,
            open_calls: 0,
            next: Some(ProposalStatus::Executed),
        }
    }

    fn order_in(state: PublicationState, receipt: bool) -> OrderStatus {
        let artifact = ArtifactStatus { filename: FILE.into(), sha256: voted(), state, changed_at_ns: 0 };
        OrderStatus {
            id: OrderId("proposal-1".into()),
            accepted_at_ns: 0,
            artifacts: vec![artifact],
            receipt,
            waiting: None,
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
        let refused = || PublicationState::Refused { reason: String::new() };
        assert_noticed("published, recorded as refused", |evidence| {
            evidence.order = Some(order_in(refused(), false));
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
        let again = |evidence: &mut Evidence| evidence.facts.push(evidence.facts[0].clone());
        assert_noticed("sent blindly", again);
        assert_noticed("received, and never sent", |evidence| evidence.facts.clear());
        assert_noticed("sent too often", |evidence| {
            for _ in 0..3 {
                let order = OrderId("proposal-1".into());
                evidence.facts.push(Event::ConcludedAbsence { order, artifact: 0 });
                evidence.facts.push(evidence.facts[0].clone());
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
            evidence.order = Some(order_in(PublicationState::Unknown, false));
        });
        assert_noticed("a lock", |evidence| evidence.next = Some(ProposalStatus::Executing));
    }
}
