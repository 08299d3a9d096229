//! Reading a canister's log and proving it: the chain of hashes, and the tip that the network certifies.

use audit_log::{
    Tip, Value,
    icrc3::{BlockWithId, DataCertificate, GetBlocksArgs, GetBlocksResult},
    verify_chain,
};
use candid::{Nat, Principal};
use ic_agent::{
    Agent, Certificate,
    hash_tree::{HashTree, LookupResult},
};

use super::{call::query, moment, period};
use crate::failure::{Failure, Outcome};

/// Blocks asked for in one query.
const PAGE: u64 = 2_000;

/// A whole log, proven. It has at least one block.
#[derive(Clone, Debug)]
pub struct ProvenLog {
    pub blocks: Vec<(u64, Value)>,
    pub tip: Tip,
}

/// Downloads a canister's whole log, checks that each block names the hash of the one before it, and that the last
/// one is the tip that the network certifies.
///
/// # Errors
/// When the canister does not answer, the chain is broken, or no certificate covers its tip. An empty log is such a
/// failure: a canister writes the first block when it is installed.
pub async fn fetch(agent: &Agent, canister: Principal, mut received: impl FnMut(u64)) -> Outcome<ProvenLog> {
    // The certificate first: the log only grows, so the blocks read afterwards reach at least its tip.
    let (certificate,): (Option<DataCertificate>,) =
        query(agent, canister, "icrc3_get_tip_certificate", ()).await?;
    let certified = certified_tip(agent, canister, &required(certificate)?)?;
    let mut blocks = Vec::new();
    loop {
        let start = blocks.len() as u64;
        let range = GetBlocksArgs { start: start.into(), length: PAGE.into() };
        let (page,): (GetBlocksResult,) = query(agent, canister, "icrc3_get_blocks", (vec![range],)).await?;
        if page.blocks.is_empty() {
            break;
        }
        received(page.blocks.len() as u64);
        for BlockWithId { id, block } in page.blocks {
            blocks.push((number(&id)?, block));
        }
    }
    // Blocks added since are not proven by this certificate, so they are left out.
    blocks.truncate(usize::try_from(certified.index).map_or(usize::MAX, |index| index.saturating_add(1)));
    let tip = check(&blocks, certified)?;
    Ok(ProvenLog { blocks, tip })
}

/// The certificate, without which nothing is proven.
fn required(certificate: Option<DataCertificate>) -> Outcome<DataCertificate> {
    certificate.ok_or_else(|| unproven("the log comes without a certificate"))
}

/// Checks the chain, and that it ends at the certified tip.
fn check(blocks: &[(u64, Value)], certified: Tip) -> Outcome<Tip> {
    let tip = verify_chain(blocks.iter().map(|(index, block)| (*index, block))).map_err(|error| {
        Failure::refused(format!("the log is not whole: {error}")).hint(
            "the canister, or the node that answered, shows a changed log; ask again, then raise the alarm",
        )
    })?;
    if tip != Some(certified) {
        return Err(unproven("the log does not end at the tip that the network certifies"));
    }
    Ok(certified)
}

fn unproven(what: &str) -> Failure {
    Failure::refused(what).hint("the node that answered shows another log; ask again, then raise the alarm")
}

/// The tip that a certificate proves.
fn certified_tip(agent: &Agent, canister: Principal, proof: &DataCertificate) -> Outcome<Tip> {
    let failed = |what: &str| Failure::refused(format!("the certificate of the log of {canister} {what}"));
    let certificate: Certificate =
        serde_cbor::from_slice(&proof.certificate).map_err(|_| failed("cannot be read"))?;
    let tree: HashTree<Vec<u8>> =
        serde_cbor::from_slice(&proof.hash_tree).map_err(|_| failed("has an unreadable tree"))?;
    agent.verify(&certificate, canister).map_err(|error| failed(&format!("proves nothing: {error}")))?;
    let path: [&[u8]; 3] = [b"canister", canister.as_slice(), b"certified_data"];
    match certificate.tree.lookup_path(path) {
        LookupResult::Found(root) if root == tree.digest() => {}
        LookupResult::Found(_) => return Err(failed("covers another tree")),
        _ => return Err(failed("has no certified data")),
    }
    let leaf = |name: &str| match tree.lookup_path([name.as_bytes()]) {
        LookupResult::Found(value) => Ok(value),
        _ => Err(failed(&format!("has no {name}"))),
    };
    let hash = leaf("last_block_hash")?.try_into().map_err(|_| failed("has a hash of another length"))?;
    let mut index = leaf("last_block_index")?;
    let index = Nat::decode(&mut index).map_err(|_| failed("has no readable index"))?;
    Ok(Tip { index: number(&index)?, hash })
}

fn number(nat: &Nat) -> Outcome<u64> {
    u64::try_from(&nat.0).map_err(|_| Failure::refused(format!("block number {nat} is beyond all logs")))
}

/// A block as one line: its number, moment, operation and facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub index: u64,
    pub at_ns: u64,
    pub operation: String,
    pub facts: Vec<(String, String)>,
}

/// How a line shows moments and lengths of time, which blocks hold in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// As they are, for programs.
    Nanoseconds,
    /// For people; the name's unit goes.
    InWords,
}

/// Makes a block readable.
pub fn line(index: u64, block: &Value, times: Times) -> LogLine {
    let text = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let facts = match block.get("tx") {
        Some(Value::Map(entries)) => {
            let facts = entries.iter().filter(|(key, _)| key != "op");
            facts.map(|(key, value)| fact(key, value, times)).collect()
        }
        _ => Vec::new(),
    };
    LogLine {
        index,
        at_ns: block.get("ts").and_then(Value::as_u64).unwrap_or(0),
        operation: text(block.get("btype")),
        facts,
    }
}

/// A named value in brief.
fn fact(name: &str, value: &Value, times: Times) -> (String, String) {
    match (times, name.strip_suffix("_ns"), value.as_u64()) {
        (Times::InWords, Some(length), Some(length_ns)) if length.ends_with("period") => {
            (length.to_string(), period(length_ns))
        }
        (Times::InWords, Some(name), Some(at_ns)) => (name.to_string(), moment(at_ns)),
        _ => (name.to_string(), short(value, times)),
    }
}

/// A value in brief. Blobs with the form of a principal are shown as one.
fn short(value: &Value, times: Times) -> String {
    match value {
        Value::Blob(bytes) if matches!(bytes.as_slice(), [.., 1, 1] if bytes.len() == 10) => principal(bytes),
        Value::Blob(bytes) if bytes.len() == 29 && bytes.ends_with(&[2]) => principal(bytes),
        Value::Blob(bytes) => hex::encode(bytes),
        Value::Text(text) => text.clone(),
        Value::Nat(nat) => nat.0.to_string(),
        Value::Int(int) => int.0.to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| short(item, times)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let facts = entries.iter().map(|(name, value)| fact(name, value, times));
            let entries: Vec<_> = facts.map(|(name, value)| format!("{name}: {value}")).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn principal(bytes: &[u8]) -> String {
    Principal::try_from_slice(bytes).map_or_else(|_| hex::encode(bytes), |principal| principal.to_text())
}

#[cfg(test)]
mod tests;
