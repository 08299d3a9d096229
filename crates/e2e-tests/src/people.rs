//! Who appears in the tests. Principals are fixed, so that logs and digests are repeatable.

use candid::Principal;

/// A principal that stands for a person or key, made from a small number.
pub fn person(number: u32) -> Principal {
    let mut bytes = vec![0xAA; 28];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes.push(0x02); // class of self-authenticating principals
    Principal::from_slice(&bytes)
}

/// Voting members, one vote each, numbered from 0.
pub fn member(number: u32) -> Principal {
    person(1_000 + number)
}

/// The CI job that may propose and nothing else.
pub fn proposer() -> Principal {
    person(1)
}

/// Somebody with no role.
pub fn stranger() -> Principal {
    person(2)
}

/// Who installed the canisters and controls them.
pub fn controller() -> Principal {
    person(3)
}
