//! How the answers of many nodes become one: byte-equal answers of enough nodes, or none.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::OutcallId;
use super::request::transient;
use crate::message::{CallResult, Reject};

/// How many of `nodes` nodes may be faulty.
pub(super) fn tolerated_faults(nodes: u32) -> u32 {
    nodes.saturating_sub(1) / 3
}

/// How many of `nodes` nodes have to report the same answer: 2f+1 when there are 3f+1.
pub(super) fn threshold(nodes: u32) -> u32 {
    nodes - tolerated_faults(nodes)
}

/// What one node reports after its transform; `None` when it reports nothing.
pub(super) type Share = Option<CallResult>;

/// What the subnet makes of the shares.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Enough nodes report this; `contributors` are the positions of the first that suffice.
    Reached { content: CallResult, contributors: Vec<usize> },
    /// Too many nodes report something else.
    Diverged(Reject),
    /// Too few nodes report anything.
    TimedOut(Reject),
}

/// Finds what at least `needed` of the shares agree on. The time is the subnet's, in nanoseconds,
/// and only quoted in the reject message.
pub(super) fn agree(shares: &[Share], needed: usize, id: OutcallId, timeout_ns: u64) -> Agreement {
    let mut groups: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (position, share) in shares.iter().enumerate() {
        if let Some(content) = share {
            groups.entry(content_hash(content)).or_default().push(position);
        }
    }
    let reported: usize = groups.values().map(Vec::len).sum();
    let largest = groups.values().max_by_key(|positions| positions.len()).cloned().unwrap_or_default();
    if largest.len() >= needed
        && let Some(content) = largest.first().and_then(|position| shares[*position].clone())
    {
        let contributors = largest.into_iter().take(needed).collect();
        return Agreement::Reached { content, contributors };
    }
    // Even if every silent node were to side with the largest group, it would not suffice.
    if largest.len() + (shares.len() - reported) < needed {
        return Agreement::Diverged(no_consensus(&groups, id, timeout_ns));
    }
    Agreement::TimedOut(timed_out())
}

pub(super) fn timed_out() -> Reject {
    transient("Canister http request timed out".to_string())
}

fn no_consensus(groups: &BTreeMap<[u8; 32], Vec<usize>>, id: OutcallId, timeout_ns: u64) -> Reject {
    let mut counts: Vec<_> = groups.iter().map(|(hash, positions)| (positions.len(), hash)).collect();
    counts.sort();
    let hashes: Vec<String> =
        counts.iter().rev().map(|(count, hash)| format!("[{}: {count}]", hex::encode(hash))).collect();
    transient(format!(
        "No consensus could be reached. Replicas had different responses. Details: request_id: {}, timeout: {timeout_ns}, hashes: {}",
        id.0,
        hashes.join(", ")
    ))
}

fn content_hash(content: &CallResult) -> [u8; 32] {
    let mut hasher = Sha256::new();
    match content {
        Ok(bytes) => {
            hasher.update([0]);
            hasher.update(bytes);
        }
        Err(reject) => {
            hasher.update([1, reject.code as u8]);
            hasher.update(&reject.message);
        }
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Share {
        Some(Ok(text.as_bytes().to_vec()))
    }

    fn verdict(shares: &[Share]) -> Agreement {
        agree(shares, threshold(shares.len() as u32) as usize, OutcallId(7), 42)
    }

    fn crowd(counts: &[(&str, usize)], silent: usize) -> Vec<Share> {
        let mut shares: Vec<Share> =
            counts.iter().flat_map(|(text, count)| vec![said(text); *count]).collect();
        shares.extend(vec![None; silent]);
        shares
    }

    #[test]
    fn should_need_all_but_a_third_of_the_nodes() {
        let cases = [(1, 1), (3, 3), (4, 3), (7, 5), (13, 9), (34, 23)];
        for (nodes, needed) in cases {
            assert_eq!(threshold(nodes), needed, "{nodes} nodes");
        }
    }

    #[test]
    fn should_outvote_the_liars_when_they_are_few() {
        let shares = crowd(&[("lie", 4), ("truth", 9)], 0);
        let Agreement::Reached { content, contributors } = verdict(&shares) else { panic!("no agreement") };
        assert_eq!(content, Ok(b"truth".to_vec()));
        assert_eq!(contributors, (4..13).collect::<Vec<_>>());
    }

    #[test]
    fn should_diverge_when_one_more_node_differs_than_is_tolerated() {
        let Agreement::Diverged(reject) = verdict(&crowd(&[("lie", 5), ("truth", 8)], 0)) else {
            panic!("no divergence")
        };
        assert!(reject.message.starts_with(
            "No consensus could be reached. Replicas had different responses. Details: request_id: 7, timeout: 42, hashes: ["
        ));
        let (eight, five) = (reject.message.find(": 8]"), reject.message.find(": 5]"));
        assert!(eight.is_some() && eight < five, "largest group first: {}", reject.message);
    }

    #[test]
    fn should_time_out_when_silence_could_still_have_decided() {
        assert_eq!(verdict(&crowd(&[("truth", 8)], 5)), Agreement::TimedOut(timed_out()));
        assert_eq!(verdict(&crowd(&[], 13)), Agreement::TimedOut(timed_out()));
        assert!(matches!(verdict(&crowd(&[("truth", 9)], 4)), Agreement::Reached { .. }));
    }

    #[test]
    fn should_agree_on_a_reject_when_the_nodes_report_the_same_one() {
        let refused: Share = Some(Err(transient("refused".to_string())));
        let Agreement::Reached { content, .. } = verdict(&vec![refused; 4]) else { panic!("no agreement") };
        assert_eq!(content.expect_err("a reject").message, "refused");
    }

    #[test]
    fn should_tell_an_answer_from_a_reject_of_the_same_text() {
        let reject = transient("same".to_string());
        assert_ne!(content_hash(&Ok(b"same".to_vec())), content_hash(&Err(reject)));
    }
}
