use super::*;

fn block(parent: Option<[u8; 32]>, at_ns: u64) -> Value {
    let mut entries = Vec::new();
    if let Some(parent) = parent {
        entries.push(("phash".to_string(), Value::Blob(parent.to_vec())));
    }
    entries.push(("btype".into(), Value::Text("1countersign.vote".into())));
    entries.push(("ts".into(), Value::Nat(at_ns.into())));
    let fact = Value::Map(vec![
        ("member".into(), Value::Blob(vec![0xab])),
        ("power".into(), Value::Nat(2u8.into())),
    ]);
    let tx = vec![("op".into(), Value::Text("1countersign.vote".into())), ("Voted".into(), fact)];
    entries.push(("tx".into(), Value::Map(tx)));
    Value::Map(entries)
}

fn log() -> Vec<(u64, Value)> {
    let first = block(None, 1);
    let second = block(Some(first.hash()), 2);
    vec![(0, first), (1, second)]
}

fn tip_of(log: &[(u64, Value)]) -> Option<Tip> {
    log.last().map(|(index, block)| Tip { index: *index, hash: block.hash() })
}

#[test]
fn should_accept_a_whole_chain_that_ends_at_the_certified_tip() {
    let log = log();
    assert_eq!(check(&log, tip_of(&log)), Ok(tip_of(&log)));
    assert_eq!(check(&[], None), Ok(None));
}

#[test]
fn should_refuse_a_log_whose_past_was_changed() {
    let mut log = log();
    let certified = tip_of(&log);
    log[0].1 = block(None, 99);
    assert!(check(&log, certified).expect_err("broken").message.contains("not whole"));
}

#[test]
fn should_refuse_a_log_whose_end_was_cut_off_or_changed() {
    let whole = log();
    let certified = tip_of(&whole);
    assert!(check(&whole[..1], certified).expect_err("cut").message.contains("certifies"));
    let mut forged = whole.clone();
    forged[1].1 = block(Some(whole[0].1.hash()), 99);
    assert!(check(&forged, certified).is_err());
    assert!(check(&whole, None).is_err(), "nothing is proven without a certificate");
}

#[test]
fn should_put_a_block_on_one_line() {
    let line = line(7, &block(None, 5));
    assert_eq!((line.index, line.at_ns, line.operation.as_str()), (7, 5, "1countersign.vote"));
    assert_eq!(line.facts, [("Voted".to_string(), "{member: ab, power: 2}".to_string())]);
}
