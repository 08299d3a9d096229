//! A canister's log as whoever downloads it reads it.

use audit_log::{
    Value, fact_of_block,
    icrc3::{BlockWithId, GetBlocksResult},
    verify_chain,
};
use fuzz_tests::Campaign;

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A block that follows `parent`.
fn block(parent: Option<&Value>, operation: &str, fact: &[(&str, Value)]) -> Value {
    let mut transaction = vec![("op", text(operation))];
    transaction.extend(fact.iter().cloned());
    let mut entries =
        vec![("btype", text(operation)), ("ts", Value::Nat(1_u8.into())), ("tx", map(&transaction))];
    if let Some(parent) = parent {
        entries.push(("phash", Value::Blob(parent.hash().to_vec())));
    }
    map(&entries)
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Int((-1).into()), |inner, _| Value::Array(vec![inner]))
}

/// A block of many levels, encoded where the stack is large enough for that.
fn deeply_nested() -> Vec<u8> {
    let encode = || encoded(vec![nested(20_000)]);
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(encode).expect("a thread");
    thread.join().expect("the stack is large enough")
}

fn encoded(blocks: Vec<Value>) -> Vec<u8> {
    let blocks = blocks.into_iter().enumerate().map(|(id, block)| BlockWithId { id: id.into(), block });
    let answer =
        GetBlocksResult { log_length: 9_u8.into(), blocks: blocks.collect(), archived_blocks: Vec::new() };
    candid::encode_one(answer).expect("these types always encode")
}

fn seeds() -> Vec<Vec<u8>> {
    let first = block(None, "installed", &[("authority", Value::Blob(vec![1, 2, 3]))]);
    let second =
        block(Some(&first), "frozen", &[("scope", text("Everything")), ("by", Value::Blob(vec![4]))]);
    let odd = map(&[("ts", Value::Nat(u64::MAX.into())), ("tx", map(&[("a", map(&[])), ("a", nested(3))]))]);
    vec![
        encoded(Vec::new()),
        encoded(vec![first.clone()]),
        encoded(vec![first, second]),
        encoded(vec![odd, Value::Array(Vec::new())]),
        encoded(vec![nested(40)]),
        deeply_nested(),
    ]
}

#[test]
fn should_stand_any_log() {
    Campaign::new("logs", seeds()).run(|bytes| {
        let Ok(GetBlocksResult { blocks, .. }) = candid::decode_one(bytes) else { return };
        let indexed = blocks.iter().enumerate().map(|(index, block)| (index as u64, &block.block));
        drop(verify_chain(indexed));
        for BlockWithId { block, .. } in blocks {
            drop(fact_of_block::<custody_canister::state::Event>(block.clone()));
            drop(fact_of_block::<dao_canister::state::Event>(block));
        }
    });
}
