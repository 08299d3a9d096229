//! How the answers of many nodes become one: byte-equal answers of enough nodes, or none.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::OutcallId;
use super::pricing::{Funding, delivery_fee, with_separators};
use super::request::{canister_reject, transient};
use super::share::{Share, delivered_bytes};
use crate::message::{CallResult, Reject};

/// How many of `nodes` nodes may be faulty.
pub(crate) fn tolerated_faults(nodes: u32) -> u32 {
    nodes.saturating_sub(1) / 3
}

/// How many of `nodes` nodes have to report the same answer: 2f+1 when there are 3f+1.
pub(super) fn threshold(nodes: u32) -> u32 {
    nodes - tolerated_faults(nodes)
}

/// The rule by which one answer is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quorum {
    /// Nodes of the subnet, which the price of a delivery depends on.
    pub(super) nodes: u32,
    /// Nodes that send.
    pub(super) senders: u32,
    /// How many of them have to report the same.
    pub(super) threshold: u32,
}

/// An answer for the canister, and what its delivery costs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) response: CallResult,
    pub(super) delivery_cycles: u128,
}

impl Verdict {
    /// An answer of the subnet itself, of which no node's content is delivered.
    pub(super) fn without_delivery(response: CallResult) -> Self {
        Self { response, delivery_cycles: 0 }
    }
}

/// Shares that say the same.
struct Group<'a> {
    hash: [u8; 32],
    content: &'a CallResult,
    votes: usize,
    spent: u128,
}

/// What the reports so far make certain; `None` while further ones could decide it otherwise, or
/// decide it at all.
pub(super) fn decide<'a>(
    shares: impl Iterator<Item = &'a Share>,
    quorum: Quorum,
    funding: &Funding,
    id: OutcallId,
) -> Option<Verdict> {
    let groups = grouped(shares);
    let delivery_of = |group: &Group| delivery_fee(quorum.nodes, delivered_bytes(group.content));
    let needed = quorum.threshold as usize;
    for group in groups.iter().filter(|group| group.votes >= needed) {
        let delivery_cycles = delivery_of(group);
        if funding.affords(group.votes, group.spent, delivery_cycles) {
            return Some(Verdict { response: group.content.clone(), delivery_cycles });
        }
    }
    let reported: usize = groups.iter().map(|group| group.votes).sum();
    let largest = groups.first().map_or(0, |group| group.votes);
    if reported - largest > (quorum.senders - quorum.threshold) as usize {
        return Some(Verdict::without_delivery(Err(no_consensus(&groups, id))));
    }
    let unseen = (quorum.senders as usize).saturating_sub(reported);
    let cheapest = groups
        .iter()
        .filter(|group| group.votes + unseen >= needed)
        .map(delivery_of)
        // What nobody has said yet may be empty.
        .chain((unseen >= needed).then_some(0))
        .min()?;
    let spent = groups.iter().map(|group| group.spent).sum();
    let unspent = funding.unspent(spent)?;
    (unspent < cheapest).then(|| {
        Verdict::without_delivery(Err(canister_reject(out_of_cycles(reported, spent, unspent, cheapest))))
    })
}

/// The reject of a call for whose answer no time is left.
pub(super) fn timed_out() -> Reject {
    transient("Canister http request timed out".to_string())
}

/// Why nothing can be delivered for the cycles that are left.
pub(super) fn out_of_cycles(reported: usize, spent: u128, unspent: u128, cheapest: u128) -> String {
    format!(
        "Out of cycles: {reported} of the assigned replicas reported a collective spend of {} cycles, leaving {} cycles of the attached payment (after base fee deduction). Delivering a response would cost at least {} cycles.",
        with_separators(spent),
        with_separators(unspent),
        with_separators(cheapest)
    )
}

/// The shares by what they say, those said most often first.
fn grouped<'a>(shares: impl Iterator<Item = &'a Share>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<[u8; 32], Group<'a>> = BTreeMap::new();
    for share in shares {
        let hash = content_hash(&share.content);
        let group = groups.entry(hash).or_insert(Group { hash, content: &share.content, votes: 0, spent: 0 });
        group.votes += 1;
        group.spent += share.spent_cycles;
    }
    let mut groups: Vec<Group<'a>> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.votes));
    groups
}

fn no_consensus(groups: &[Group<'_>], id: OutcallId) -> Reject {
    let hashes: Vec<String> =
        groups.iter().map(|group| format!("[{}: {}]", hex::encode(group.hash), group.votes)).collect();
    transient(format!(
        "No consensus could be reached. Replicas had different responses. Details: request_id: {}, hashes: {}",
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
mod tests;
