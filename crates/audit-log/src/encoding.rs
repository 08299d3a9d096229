//! How values lie in stable memory: CBOR, with naturals as unsigned integers and integers under a tag of their own.

use candid::{Int, Nat};
use ciborium::value::Value as Cbor;

use crate::Value;

/// Marks an `Int`, whose hash differs from that of the `Nat` with the same value. The content is signed LEB128.
const INT_TAG: u64 = 0x0049_4E54;
/// Marks a `Nat` above 64 bits. The content is LEB128.
const LARGE_NAT_TAG: u64 = 0x004E_4154;

/// Stored bytes that are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an encoded log value: {reason}")]
pub struct DecodeError {
    reason: String,
}

impl DecodeError {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

pub(crate) fn encode(value: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&to_cbor(value), &mut bytes).expect("writing to a vector cannot fail");
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    from_cbor(ciborium::from_reader(bytes).map_err(|error| DecodeError::new(error.to_string()))?)
}

fn to_cbor(value: Value) -> Cbor {
    match value {
        Value::Blob(bytes) => Cbor::Bytes(bytes),
        Value::Text(text) => Cbor::Text(text),
        Value::Nat(nat) => match u64::try_from(&nat.0) {
            Ok(small) => Cbor::Integer(small.into()),
            Err(_) => {
                let mut leb = Vec::new();
                nat.encode(&mut leb).expect("writing to a vector cannot fail");
                Cbor::Tag(LARGE_NAT_TAG, Cbor::Bytes(leb).into())
            }
        },
        Value::Int(int) => {
            let mut leb = Vec::new();
            int.encode(&mut leb).expect("writing to a vector cannot fail");
            Cbor::Tag(INT_TAG, Cbor::Bytes(leb).into())
        }
        Value::Array(items) => Cbor::Array(items.into_iter().map(to_cbor).collect()),
        Value::Map(entries) => {
            Cbor::Map(entries.into_iter().map(|(key, value)| (Cbor::Text(key), to_cbor(value))).collect())
        }
    }
}

fn from_cbor(cbor: Cbor) -> Result<Value, DecodeError> {
    match cbor {
        Cbor::Bytes(bytes) => Ok(Value::Blob(bytes)),
        Cbor::Text(text) => Ok(Value::Text(text)),
        Cbor::Integer(integer) => u64::try_from(integer)
            .map(|small| Value::Nat(small.into()))
            .map_err(|_| DecodeError::new("a negative number outside of its tag")),
        Cbor::Tag(LARGE_NAT_TAG, content) => match *content {
            Cbor::Bytes(bytes) => Nat::decode(&mut bytes.as_slice())
                .map(Value::Nat)
                .map_err(|error| DecodeError::new(error.to_string())),
            _ => Err(DecodeError::new("a large natural that is not bytes")),
        },
        Cbor::Tag(INT_TAG, content) => match *content {
            Cbor::Bytes(bytes) => Int::decode(&mut bytes.as_slice())
                .map(Value::Int)
                .map_err(|error| DecodeError::new(error.to_string())),
            _ => Err(DecodeError::new("an integer that is not bytes")),
        },
        Cbor::Array(items) => items.into_iter().map(from_cbor).collect::<Result<_, _>>().map(Value::Array),
        Cbor::Map(entries) => entries
            .into_iter()
            .map(|(key, value)| match key {
                Cbor::Text(key) => Ok((key, from_cbor(value)?)),
                _ => Err(DecodeError::new("a map key that is not a text")),
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        _ => Err(DecodeError::new("a CBOR type that values do not have")),
    }
}
