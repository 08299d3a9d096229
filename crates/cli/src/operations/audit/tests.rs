use super::*;
use crate::failure::FailureKind;

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

fn tip_of(log: &[(u64, Value)]) -> Tip {
    let (index, block) = log.last().expect("has blocks");
    Tip { index: *index, hash: block.hash() }
}

#[test]
fn should_accept_a_whole_chain_that_ends_at_the_certified_tip() {
    let log = log();
    assert_eq!(check(&log, tip_of(&log)), Ok(tip_of(&log)));
}

#[test]
fn should_refuse_a_log_that_comes_without_a_certificate() {
    assert_eq!(required(None).expect_err("nothing is proven").kind, FailureKind::Refused);
}

#[test]
fn should_refuse_an_empty_log_because_an_installed_canister_has_one_block() {
    let certified = Tip { index: 0, hash: [0; 32] };
    let failure = check(&[], certified).expect_err("nothing is proven");
    assert_eq!(failure.kind, FailureKind::Refused);
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
}

#[test]
fn should_put_a_block_on_one_line() {
    let line = line(7, &block(None, 5), Times::Nanoseconds);
    assert_eq!((line.index, line.at_ns, line.operation.as_str()), (7, 5, "1countersign.vote"));
    assert_eq!(line.facts, [("Voted".to_string(), "{member: ab, power: 2}".to_string())]);
}

#[test]
fn should_tell_people_times_in_words_and_programs_nanoseconds() {
    let entries = vec![
        ("deadline_ns".to_string(), Value::Nat(1_000_000_000u64.into())),
        (
            "policy".into(),
            Value::Map(vec![("voting_period_ns".into(), Value::Nat(60_000_000_000u64.into()))]),
        ),
        ("power".into(), Value::Nat(2u8.into())),
    ];
    let block = Value::Map(vec![("tx".into(), Value::Map(entries))]);
    let facts = |times| {
        let facts = line(0, &block, times).facts.into_iter();
        facts.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let words = ["deadline=1970-01-01T00:00:01Z", "policy={voting_period: 1 minute}", "power=2"];
    assert_eq!(facts(Times::InWords), words);
    let numbers = ["deadline_ns=1000000000", "policy={voting_period_ns: 60000000000}", "power=2"];
    assert_eq!(facts(Times::Nanoseconds), numbers);
}
