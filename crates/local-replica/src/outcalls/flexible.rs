//! Flexible outcalls: the canister gets several nodes' answers one by one, the smallest first, or is
//! told why it cannot. Both are replies.

use std::collections::BTreeMap;

use candid::{Decode, Encode, Principal, Reserved};
use ic_management_canister_types::{
    FlexibleHttpGlobalError, FlexibleHttpNodeDetail, FlexibleHttpNodeError, FlexibleHttpRequestErr,
    FlexibleHttpRequestResult, HttpRequestResourceReport, HttpRequestResult,
};

use super::consensus::{Verdict, out_of_cycles};
use super::faults::NodeIndex;
use super::pricing::{
    FLEXIBLE_OVERHEAD_BYTES, Funding, delivery_fee, flexible_response_fee, with_separators,
};
use super::replication::FlexibleCounts;
use super::request::fatal;
use super::share::{Share, delivered_bytes};
use crate::message::CallResult;

/// All answers of one call together, in bytes.
const MAX_DELIVERED_BYTES: u64 = 2 * 1_024 * 1_024;

/// What a verdict depends on besides the shares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Committee<'a> {
    pub(super) counts: FlexibleCounts,
    /// Of all nodes of the subnet, by their index.
    pub(super) node_ids: &'a [Principal],
    pub(super) funding: &'a Funding,
}

/// One node's share, in the order in which shares are chosen.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    node: NodeIndex,
    share: &'a Share,
    bytes: u64,
}

/// What the reports so far make certain; `None` while further ones could decide it.
pub(super) fn decide(shares: &BTreeMap<NodeIndex, Share>, committee: Committee<'_>) -> Option<Verdict> {
    let candidates = |is_answer: bool| {
        let mut candidates: Vec<Candidate<'_>> = shares
            .iter()
            .filter(|(_, share)| share.content.is_ok() == is_answer)
            .map(|(node, share)| Candidate {
                node: *node,
                share,
                bytes: FLEXIBLE_OVERHEAD_BYTES + delivered_bytes(&share.content),
            })
            .collect();
        candidates.sort_by_key(|candidate| (candidate.bytes, candidate.share.spent_cycles, candidate.node));
        candidates
    };
    let (answers, rejects) = (candidates(true), candidates(false));
    let (min, max, total) = (
        committee.counts.min_responses as usize,
        committee.counts.max_responses as usize,
        committee.counts.total_requests as usize,
    );
    if answers.len() >= min && !shares.is_empty() {
        if let Some((chosen, delivery_cycles)) = committee.choose(shares, &answers, min, max) {
            return Some(Verdict { response: answers_reply(chosen), delivery_cycles });
        }
    } else if rejects.len() > total - min
        && let Some((chosen, delivery_cycles)) =
            committee.choose(shares, &rejects, total - min + 1, rejects.len())
    {
        let response = error_reply(
            FlexibleHttpGlobalError::TooManyRejects(Reserved),
            committee.details(chosen, |share| match &share.content {
                Ok(_) => (String::new(), String::new()),
                Err(reject) => (format!("{:?}", reject.code), reject.message.clone()),
            }),
            format!("Too many rejects: {} responses are rejects", chosen.len()),
        );
        return Some(Verdict { response, delivery_cycles });
    }
    committee.too_large(&answers, &rejects).or_else(|| committee.out_of_cycles(&answers, &rejects))
}

/// The reply when the time is over.
pub(super) fn timed_out() -> CallResult {
    error_reply(
        FlexibleHttpGlobalError::Timeout(Reserved),
        Vec::new(),
        "Flexible HTTP request timed out".to_string(),
    )
}

impl Committee<'_> {
    /// As many of the candidates as can be paid for and fit, with the price of their delivery. The
    /// budgets of others who reported help to pay.
    fn choose<'c, 's>(
        &self,
        shares: &BTreeMap<NodeIndex, Share>,
        candidates: &'c [Candidate<'s>],
        least: usize,
        most: usize,
    ) -> Option<(&'c [Candidate<'s>], u128)> {
        let spent: u128 = shares.values().map(|share| share.spent_cycles).sum();
        (least..=most.min(candidates.len())).rev().map(|count| &candidates[..count]).find_map(|chosen| {
            let bytes: u64 = chosen.iter().map(|candidate| candidate.bytes).sum();
            let delivery = self.delivery_cycles(bytes, chosen.len());
            let is_possible =
                bytes < MAX_DELIVERED_BYTES && self.funding.affords(shares.len(), spent, delivery);
            is_possible.then_some((chosen, delivery))
        })
    }

    fn delivery_cycles(&self, bytes: u64, responses: usize) -> u128 {
        let nodes = self.node_ids.len() as u32;
        let further = (responses as u32).saturating_sub(self.counts.min_responses);
        delivery_fee(nodes, bytes) + flexible_response_fee(nodes, further)
    }

    /// How many of the known answers a result needs even if all who are silent answered.
    fn known_answers_needed(&self, reported: usize) -> (usize, usize) {
        let unseen = (self.counts.total_requests as usize).saturating_sub(reported);
        ((self.counts.min_responses as usize).saturating_sub(unseen), unseen)
    }

    fn too_large(&self, answers: &[Candidate<'_>], rejects: &[Candidate<'_>]) -> Option<Verdict> {
        let (needed, unseen) = self.known_answers_needed(answers.len() + rejects.len());
        let smallest = answers.get(..needed)?;
        if smallest.iter().map(|candidate| candidate.bytes).sum::<u64>() <= MAX_DELIVERED_BYTES {
            return None;
        }
        let sizes: Vec<String> =
            smallest.iter().map(|candidate| delivered_bytes(&candidate.share.content).to_string()).collect();
        let FlexibleCounts { min_responses, total_requests, .. } = self.counts;
        let (ok, reject) = (answers.len(), rejects.len());
        let message = format!(
            "Responses too large: need at least {min_responses} OK responses to fit within {MAX_DELIVERED_BYTES} bytes, but even the smallest {needed} (= {min_responses} min_responses - {unseen} unseen) of {ok} OK responses have sizes [{}] bytes ({ok} ok + {reject} reject + {unseen} unseen = {total_requests} total_requests)",
            sizes.join(", ")
        );
        let details = self.details(&[answers, rejects].concat(), |share| {
            (kind(share), format!("{} bytes", delivered_bytes(&share.content)))
        });
        let error = FlexibleHttpGlobalError::ResponsesTooLarge(Reserved);
        Some(Verdict::without_delivery(error_reply(error, details, message)))
    }

    fn out_of_cycles(&self, answers: &[Candidate<'_>], rejects: &[Candidate<'_>]) -> Option<Verdict> {
        let all = [answers, rejects].concat();
        let spent: u128 = all.iter().map(|candidate| candidate.share.spent_cycles).sum();
        let unspent = self.funding.unspent(spent)?;
        let min = self.counts.min_responses as usize;
        let min_rejects = (self.counts.total_requests as usize) - min + 1;
        let unseen = (self.counts.total_requests as usize).saturating_sub(all.len());
        // Those who are silent may still answer with next to nothing.
        let cheapest = [(answers, min), (rejects, min_rejects)]
            .into_iter()
            .filter(|(known, required)| known.len() + unseen >= *required)
            .map(|(known, required)| {
                let from_known = required.saturating_sub(unseen).min(known.len());
                let known_bytes: u64 = known[..from_known].iter().map(|candidate| candidate.bytes).sum();
                let empty_bytes = FLEXIBLE_OVERHEAD_BYTES * (required - from_known) as u64;
                self.delivery_cycles(known_bytes + empty_bytes, required)
            })
            .min()?;
        if unspent >= cheapest {
            return None;
        }
        let details = self.details(&all, |share| {
            (kind(share), format!("{} cycles spent", with_separators(share.spent_cycles)))
        });
        let message = out_of_cycles(all.len(), spent, unspent, cheapest);
        let error = FlexibleHttpGlobalError::OutOfCycles(Reserved);
        Some(Verdict::without_delivery(error_reply(error, details, message)))
    }

    fn details(
        &self,
        candidates: &[Candidate<'_>],
        describe: impl Fn(&Share) -> (String, String),
    ) -> Vec<FlexibleHttpNodeDetail> {
        candidates
            .iter()
            .filter_map(|candidate| {
                let (code, message) = describe(candidate.share);
                Some(FlexibleHttpNodeDetail {
                    node_id: *self.node_ids.get(candidate.node as usize)?,
                    report: HttpRequestResourceReport::default(),
                    error: Some(FlexibleHttpNodeError { code, message }),
                })
            })
            .collect()
    }
}

fn kind(share: &Share) -> String {
    if share.content.is_ok() { "ok" } else { "reject" }.to_string()
}

fn answers_reply(chosen: &[Candidate<'_>]) -> CallResult {
    let decoded: Result<Vec<HttpRequestResult>, _> = chosen
        .iter()
        .filter_map(|candidate| candidate.share.content.as_ref().ok())
        .map(|bytes| Decode!(bytes, HttpRequestResult))
        .collect();
    let answers = decoded.map_err(|error| fatal(format!("Failed to decode a node's response: {error}")))?;
    reply(&FlexibleHttpRequestResult::Ok(answers))
}

fn error_reply(
    error: FlexibleHttpGlobalError,
    node_details: Vec<FlexibleHttpNodeDetail>,
    message: String,
) -> CallResult {
    let error = FlexibleHttpRequestErr { global_error: Some(error), node_details, message };
    reply(&FlexibleHttpRequestResult::Err(error))
}

fn reply(result: &FlexibleHttpRequestResult) -> CallResult {
    Encode!(result).map_err(|error| fatal(format!("Failed to encode the responses: {error}")))
}
