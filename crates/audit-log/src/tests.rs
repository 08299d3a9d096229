use std::collections::BTreeMap;

use candid::{Decode, Encode, Int, Nat, Principal};
use ic_stable_structures::{DefaultMemoryImpl, VectorMemory};
use serde::{Deserialize, Serialize};

use crate::{
    encoding::{decode, encode},
    icrc3::{GetBlocksArgs, GetBlocksResult, get_blocks},
    *,
};

fn hex_hash(value: &Value) -> String {
    hex::encode(value.hash())
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(entries.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
}

mod hashing {
    use super::*;

    // The vectors of the standard, ICRC-3 HASHINGVALUES.
    #[test]
    fn should_equal_the_vectors_of_the_standard() {
        let nat = |n: u64| Value::Nat(n.into());
        let blob = |text| Value::Blob(hex::decode(text).expect("hexadecimal"));
        let vectors = [
            (nat(42), "684888c0ebb17f374298b65ee2807526c066094c701bcc7ebbe1c1095f494fc1"),
            (Value::Int(Int::from(-42)), "de5a6f78116eca62d7fc5ce159d23ae6b889b365a1739ad2cf36f925a140d0cc"),
            (
                Value::Text("Hello, World!".into()),
                "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f",
            ),
            (blob("01020304"), "9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a"),
            (
                Value::Array(vec![nat(3), Value::Text("foo".into()), blob("0506")]),
                "514a04011caa503990d446b7dec5d79e19c221ae607fb08b2848c67734d468d6",
            ),
            (
                map(&[
                    ("from", blob("00abcdef0012340056789a00bcdef000012345678900abcdef01")),
                    ("to", blob("00ab0def0012340056789a00bcdef000012345678900abcdef01")),
                    ("amount", nat(42)),
                    ("created_at", nat(1_699_218_263)),
                    ("memo", nat(0)),
                ]),
                "c56ece650e1de4269c5bdeff7875949e3e2033f85b2d193c2ff4f7f78bdcfc75",
            ),
        ];
        for (value, expected) in vectors {
            assert_eq!(hex_hash(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn should_not_depend_on_the_order_of_entries() {
        let (a, b) = (("a", Value::Nat(1u8.into())), ("b", Value::Nat(2u8.into())));
        assert_eq!(map(&[a.clone(), b.clone()]).hash(), map(&[b, a]).hash());
    }

    #[test]
    fn should_tell_a_natural_from_an_integer() {
        assert_ne!(Value::Nat(64u8.into()).hash(), Value::Int(64.into()).hash());
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Fact {
    Unit,
    Newtype(u64),
    Tuple(u8, i16),
    Struct { name: String, maybe: Option<u32>, flag: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    facts: Vec<Fact>,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    principal: Principal,
    large: u128,
    small: i64,
    by_name: BTreeMap<String, u8>,
    by_pair: BTreeMap<(u8, Principal), String>,
    unit: (),
    letter: char,
    absent: Option<Principal>,
    list: Option<Vec<u8>>,
    newtype: Wrapper,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapper(u64);

fn everything() -> Everything {
    let someone = Principal::from_slice(&[1, 2, 3]);
    Everything {
        facts: vec![
            Fact::Unit,
            Fact::Newtype(u64::MAX),
            Fact::Tuple(7, -8),
            Fact::Struct { name: "a".into(), maybe: None, flag: true },
            Fact::Struct { name: String::new(), maybe: Some(0), flag: false },
        ],
        bytes: vec![0, 255],
        principal: someone,
        large: u128::MAX,
        small: i64::MIN,
        by_name: [("x".into(), 1)].into(),
        by_pair: [((1, someone), "y".into())].into(),
        unit: (),
        letter: 'ß',
        absent: None,
        list: Some(vec![]),
        newtype: Wrapper(3),
    }
}

mod conversion {
    use super::*;

    #[test]
    fn should_give_back_every_fact() {
        let value = to_value(&everything()).expect("converts");
        assert_eq!(from_value::<Everything>(value), Ok(everything()));
    }

    #[test]
    fn should_give_back_every_fact_after_storage_and_candid() {
        let value = to_value(&everything()).expect("converts");
        assert_eq!(decode(&encode(value.clone())), Ok(value.clone()));
        let bytes = Encode!(&value).expect("encodes");
        assert_eq!(Decode!(&bytes, Value).expect("decodes"), value);
    }

    #[test]
    fn should_use_the_kinds_of_the_standard() {
        let value = to_value(&Fact::Struct { name: "n".into(), maybe: None, flag: true });
        let fields = map(&[("name", Value::Text("n".into())), ("flag", Value::Nat(1u8.into()))]);
        assert_eq!(value, Ok(map(&[("Struct", fields)])));
        assert_eq!(to_value(&Fact::Unit), Ok(Value::Text("Unit".into())));
        assert_eq!(to_value(&-1i8), Ok(Value::Int(Int::from(-1))));
    }

    #[test]
    fn should_refuse_what_would_be_lost() {
        assert!(to_value(&1.5f64).is_err());
        assert!(to_value(&vec![Some(1), None]).is_err());
        #[derive(Serialize)]
        struct Nested {
            list: Vec<Option<u8>>,
            twice: Option<Option<u8>>,
        }
        assert!(to_value(&Nested { list: vec![None], twice: None }).is_err());
        assert!(to_value(&Nested { list: vec![], twice: Some(None) }).is_err());
    }

    #[test]
    fn should_name_what_it_found_when_the_shape_differs() {
        let error = from_value::<bool>(Value::Nat(2u8.into())).expect_err("2 is no truth value");
        assert!(error.to_string().contains("0 or 1"), "{error}");
        assert!(from_value::<Fact>(Value::Blob(vec![1])).is_err());
        assert!(from_value::<Fact>(Value::Text("Other".into())).is_err());
        assert!(from_value::<u8>(Value::Nat(256u32.into())).is_err());
    }

    #[test]
    fn should_find_fields_by_name_when_entries_stand_in_another_order() {
        let fields = map(&[
            ("flag", Value::Nat(1u8.into())),
            ("unknown", Value::Text("ignored".into())),
            ("maybe", Value::Nat(7u8.into())),
            ("name", Value::Text("n".into())),
        ]);
        let fact = Fact::Struct { name: "n".into(), maybe: Some(7), flag: true };
        assert_eq!(from_value(map(&[("Struct", fields)])), Ok(fact));
    }

    #[test]
    fn should_name_the_field_that_is_missing() {
        let fields = map(&[("name", Value::Text("n".into()))]);
        let error = from_value::<Fact>(map(&[("Struct", fields)])).expect_err("`flag` is missing");
        assert_eq!(error.to_string(), "missing field `flag`");
    }

    #[test]
    fn should_not_panic_when_stored_bytes_are_damaged() {
        let bytes = encode(to_value(&everything()).expect("converts"));
        for position in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] ^= flip;
                if let Ok(value) = decode(&damaged) {
                    let _outcome = from_value::<Everything>(value);
                }
            }
            assert!(decode(&bytes[..position]).is_err(), "truncated at {position}");
        }
    }
}

#[test]
fn should_digest_equal_states_alike_and_different_ones_differently() {
    assert_eq!(digest_of_state(&everything()), digest_of_state(&everything()));
    let other = Everything { absent: Some(Principal::anonymous()), ..everything() };
    assert_ne!(digest_of_state(&other), digest_of_state(&everything()));
}

type TestLog = AuditLog<VectorMemory, VectorMemory>;

fn new_log() -> (TestLog, VectorMemory, VectorMemory) {
    let (index, data) = (DefaultMemoryImpl::default(), DefaultMemoryImpl::default());
    (AuditLog::init(index.clone(), data.clone()), index, data)
}

fn fact(n: u64) -> Fact {
    Fact::Newtype(n)
}

fn filled(blocks: u64) -> TestLog {
    let (mut log, _, _) = new_log();
    for n in 0..blocks {
        log.append(n, "1test.fact", &fact(n));
    }
    log
}

mod logging {
    use super::*;

    #[test]
    fn should_replay_what_was_appended() {
        let log = filled(3);
        let replayed: Vec<_> = log.replay::<Fact>().collect();
        assert_eq!(replayed, (0..3).map(|n| Ok((n, fact(n)))).collect::<Vec<_>>());
    }

    #[test]
    fn should_continue_the_chain_when_opened_again() {
        let (mut log, index, data) = new_log();
        log.append(1, "1test.fact", &fact(1));
        let tip = log.tip();
        let mut again = AuditLog::init(index, data);
        assert_eq!(again.tip(), tip);
        again.append(2, "1test.fact", &fact(2));
        let blocks = again.blocks(0, 10);
        let chain = verify_chain(blocks.iter().map(|(index, block)| (*index, block)));
        assert_eq!(chain, Ok(again.tip()));
    }

    #[test]
    fn should_write_blocks_in_the_form_of_the_standard() {
        let log = filled(2);
        let (_, block) = &log.blocks(1, 1)[0];
        let (_, parent) = &log.blocks(0, 1)[0];
        assert_eq!(parent.get("phash"), None);
        assert_eq!(block.get("phash"), Some(&Value::Blob(parent.hash().into())));
        assert_eq!(block.get("btype"), Some(&Value::Text("1test.fact".into())));
        assert_eq!(block.get("ts"), Some(&Value::Nat(1u8.into())));
        let transaction = block.get("tx").expect("has a transaction");
        assert_eq!(transaction.get("op"), Some(&Value::Text("1test.fact".into())));
    }

    #[test]
    #[should_panic(expected = "BUG: a fact must be a map")]
    fn should_refuse_a_fact_without_content() {
        let (mut log, _, _) = new_log();
        log.append(0, "1test.fact", &Fact::Unit);
    }
}

mod chain {
    use super::*;

    fn verify(blocks: &[(u64, Value)]) -> Result<Option<Tip>, ChainError> {
        verify_chain(blocks.iter().map(|(index, block)| (*index, block)))
    }

    #[test]
    fn should_notice_any_change_omission_or_exchange() {
        let log = filled(4);
        let blocks = log.blocks(0, 4);
        assert_eq!(verify(&blocks), Ok(log.tip()));

        let mut changed = blocks.clone();
        changed[1].1 = filled(1).blocks(0, 1)[0].1.clone();
        assert!(matches!(verify(&changed), Err(ChainError::Broken { index: 1, .. })));

        let mut without = blocks.clone();
        without.remove(2);
        assert_eq!(verify(&without), Err(ChainError::Gap { expected: 2, found: 3 }));
        assert_eq!(verify(&blocks[1..]), Err(ChainError::Gap { expected: 0, found: 1 }));

        let mut renumbered = blocks.clone();
        renumbered.remove(2);
        renumbered[2].0 = 2;
        assert!(matches!(verify(&renumbered), Err(ChainError::Broken { index: 2, .. })));
    }

    #[test]
    fn should_certify_the_tip_under_the_labels_of_the_standard() {
        let log = filled(200);
        let bytes = log.tip_hash_tree();
        let tree: ic_certification::HashTree = ciborium::from_reader(bytes.as_slice()).expect("is a tree");
        assert_eq!(tree.digest(), log.certified_root());
        let leaf = |path: &str| match tree.lookup_path([path.as_bytes()]) {
            ic_certification::LookupResult::Found(bytes) => bytes.to_vec(),
            other => panic!("{path} is not in the tree: {other:?}"),
        };
        assert_eq!(leaf("last_block_hash"), log.tip_hash().expect("not empty"));
        assert_eq!(leaf("last_block_index"), [0xc7, 0x01]);
        assert_ne!(filled(1).certified_root(), new_log().0.certified_root());
    }
}

mod answers {
    use super::*;

    fn range(start: u64, length: u64) -> GetBlocksArgs {
        GetBlocksArgs { start: start.into(), length: length.into() }
    }

    fn ids(answer: &GetBlocksResult) -> Vec<u64> {
        answer.blocks.iter().map(|block| u64::try_from(&block.id.0).expect("small")).collect()
    }

    #[test]
    fn should_serve_ranges_and_ignore_what_is_beyond_the_log() {
        let log = filled(5);
        let answer = get_blocks(&log, &[range(3, 10), range(0, 1), range(7, 1), range(u64::MAX, u64::MAX)]);
        assert_eq!(ids(&answer), [3, 4, 0]);
        assert_eq!(answer.log_length, Nat::from(5u8));
        let beyond = Nat::from(u128::MAX);
        let answer = get_blocks(&log, &[GetBlocksArgs { start: beyond.clone(), length: beyond.clone() }]);
        assert!(answer.blocks.is_empty());
        let answer = get_blocks(&log, &[GetBlocksArgs { start: 4u8.into(), length: beyond }]);
        assert_eq!(ids(&answer), [4]);
    }

    #[test]
    fn should_keep_an_answer_within_a_reply() {
        let (mut log, _, _) = new_log();
        for _ in 0..8 {
            log.append(0, "1test.fact", &map_of_bytes(300_000));
        }
        let answer = get_blocks(&log, &[range(0, 8)]);
        assert_eq!(ids(&answer), [0, 1, 2]);
        assert!(Encode!(&answer).expect("encodes").len() < 2_000_000);
        let (mut log, _, _) = new_log();
        log.append(0, "1test.fact", &map_of_bytes(1_500_000));
        assert_eq!(ids(&get_blocks(&log, &[range(0, 8)])), [0], "one block always fits");
        assert_eq!(get_blocks(&filled(2_100), &[range(0, 2_100)]).blocks.len(), 2_000);
    }

    fn map_of_bytes(length: usize) -> BTreeMap<String, serde_bytes::ByteBuf> {
        [("bytes".into(), vec![7; length].into())].into()
    }
}
