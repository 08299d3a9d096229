//! What a proposal said and how it was voted on, read from its blocks.

use std::collections::BTreeSet;

use audit_log::{BlockIndex, fact_of_block};
use release_types::{AmendmentStatus, OrderStatus, ProposalAction, voting::Ballot};

use crate::{
    state::{Event, Proposal, ReleaseFacts},
    storage,
};

/// A proposal's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    pub title: String,
    pub summary: String,
    pub action: ProposalAction,
    pub release: Option<ReleaseFacts>,
}

pub fn submission(proposal: &Proposal) -> Submission {
    match fact(proposal.submission) {
        (_, Event::ProposalSubmitted { title, summary, action, release, .. }) => {
            Submission { title, summary, action, release }
        }
        (_, other) => panic!("BUG: block {} is no submission but {}", proposal.submission, other.operation()),
    }
}

/// The ballots that count, first cast first.
pub fn ballots(proposal: &Proposal) -> Vec<Ballot> {
    let mut ballots = Vec::new();
    // From the last to the first: what a member did last counts, and hides what they did before.
    let mut seen = BTreeSet::new();
    let mut next = proposal.last_ballot;
    while let Some(block) = next {
        match fact(block) {
            (cast_at_ns, Event::BallotCast { member, key, choice, voting_power, checked, previous, .. }) => {
                if seen.insert(member) {
                    ballots.push(Ballot { member, key, choice, voting_power, checked, cast_at_ns });
                }
                next = previous;
            }
            (_, Event::BallotVoided { member, previous, .. }) => {
                seen.insert(member);
                next = previous;
            }
            (_, other) => panic!("BUG: block {block} is no ballot but {}", other.operation()),
        }
    }
    ballots.reverse();
    ballots
}

/// What custody reported last of its order, if it is a release, or of its amendment.
pub fn last_reports(proposal: &Proposal) -> (Option<OrderStatus>, Option<AmendmentStatus>) {
    let Some(block) = proposal.last_report else { return (None, None) };
    match fact(block) {
        (_, Event::OrderReported { status, .. }) => (Some(status), None),
        (_, Event::AmendmentReported { status, .. }) => (None, Some(status)),
        (_, other) => panic!("BUG: block {block} is no report but {}", other.operation()),
    }
}

fn fact(block: BlockIndex) -> (u64, Event) {
    let blocks = storage::read_log(|log| log.blocks(block, 1));
    let (_, value) = blocks.into_iter().next().unwrap_or_else(|| panic!("BUG: block {block} is missing"));
    fact_of_block(value).unwrap_or_else(|error| panic!("BUG: block {block} is no fact: {error}"))
}
