use ic_management_canister_types::HttpRequestArgs;

use super::*;
use crate::outcalls::replication::Replication;

/// Of a subnet of 13, with prices of version 1: nothing is metered.
fn unmetered() -> Funding {
    let args = HttpRequestArgs { max_response_bytes: Some(0), ..Default::default() };
    Funding::new(13, Replication::Full, &args, 1_000_000_000).expect("enough")
}

fn crowd(counts: &[(&str, usize)]) -> Vec<Share> {
    counts
        .iter()
        .flat_map(|(text, count)| {
            let share = Share { content: Ok(text.as_bytes().to_vec()), spent_cycles: 0 };
            vec![share; *count]
        })
        .collect()
}

fn verdict(shares: &[Share]) -> Option<CallResult> {
    let quorum = Quorum { nodes: 13, senders: 13, threshold: threshold(13) };
    decide(shares.iter(), quorum, &unmetered(), OutcallId(7)).map(|verdict| verdict.response)
}

#[test]
fn should_need_all_but_a_third_of_the_nodes() {
    let cases = [(1, 1), (3, 3), (4, 3), (7, 5), (13, 9), (34, 23)];
    for (nodes, needed) in cases {
        assert_eq!(threshold(nodes), needed, "{nodes} nodes");
    }
}

#[test]
fn should_agree_as_soon_as_enough_nodes_say_the_same() {
    assert_eq!(verdict(&crowd(&[("truth", 9)])), Some(Ok(b"truth".to_vec())));
    assert_eq!(verdict(&crowd(&[("lie", 4), ("truth", 9)])), Some(Ok(b"truth".to_vec())));
}

#[test]
fn should_wait_while_those_who_are_silent_could_decide() {
    for shares in [crowd(&[]), crowd(&[("truth", 8)]), crowd(&[("truth", 5), ("lie", 4)])] {
        assert_eq!(verdict(&shares), None, "{} shares", shares.len());
    }
}

#[test]
fn should_diverge_as_soon_as_one_more_node_differs_than_is_tolerated() {
    let Some(Err(reject)) = verdict(&crowd(&[("lie", 5), ("truth", 6)])) else { panic!("no divergence") };
    assert!(reject.message.starts_with(
        "No consensus could be reached. Replicas had different responses. Details: request_id: 7, hashes: ["
    ));
    let (six, five) = (reject.message.find(": 6]"), reject.message.find(": 5]"));
    assert!(six.is_some() && six < five, "largest group first: {}", reject.message);
}

#[test]
fn should_agree_on_a_reject_when_the_nodes_report_the_same_one() {
    let refused = Share { content: Err(transient("refused".to_string())), spent_cycles: 0 };
    let Some(Err(reject)) = verdict(&vec![refused; 9]) else { panic!("no agreement") };
    assert_eq!(reject.message, "refused");
}

#[test]
fn should_tell_an_answer_from_a_reject_of_the_same_text() {
    let reject = transient("same".to_string());
    assert_ne!(content_hash(&Ok(b"same".to_vec())), content_hash(&Err(reject)));
}
