//! The two messages that carry a session, in CBOR: ISO/IEC 18013-5, clause 9.1.1.4.

use ciborium::Value;

use crate::{PublicKey, envelopes::Malformed};

/// CBOR inside CBOR.
const ENCODED_CBOR_TAG: u64 = 24;
const READER_KEY: &str = "eReaderKey";
const DATA: &str = "data";
const STATUS: &str = "status";
/// More members than either message has, so that looking for a repeated one stays cheap.
const MAX_MEMBERS: usize = 8;

/// A reader's first message.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionEstablishment {
    pub reader_key: PublicKey,
    /// Encrypted.
    pub data: Vec<u8>,
}

impl SessionEstablishment {
    /// Reads the message.
    ///
    /// # Errors
    /// [`Malformed`] for other structures and for a reader's key that is none.
    pub fn parse(cbor: &[u8]) -> Result<Self, Malformed> {
        let mut members = members(cbor)?;
        let key = take(&mut members, READER_KEY)
            .and_then(|value| match value {
                Value::Tag(ENCODED_CBOR_TAG, inner) => inner.into_bytes().ok(),
                _ => None,
            })
            .ok_or_else(|| Malformed::missing(READER_KEY, "a COSE_Key as encoded CBOR (tag 24)"))?;
        Ok(Self {
            reader_key: PublicKey::from_cose_key(&key)?,
            data: data(&mut members)?.ok_or_else(no_data)?,
        })
    }

    /// The message as it is sent.
    pub fn to_cbor(&self) -> Vec<u8> {
        let key = Value::Tag(ENCODED_CBOR_TAG, Box::new(Value::Bytes(self.reader_key.to_cose_key())));
        encode(vec![(READER_KEY, key), (DATA, Value::Bytes(self.data.clone()))])
    }
}

/// Every further message of either side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionData {
    /// Encrypted.
    pub data: Option<Vec<u8>>,
    /// 10: session encryption error; 11: CBOR error; 20: session termination.
    pub status: Option<u64>,
}

impl SessionData {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Malformed`] for other structures, and for neither data nor status.
    pub fn parse(cbor: &[u8]) -> Result<Self, Malformed> {
        let mut members = members(cbor)?;
        let data = data(&mut members)?;
        let status = take(&mut members, STATUS)
            .map(|value| value.as_integer().and_then(|status| u64::try_from(status).ok()).ok_or_else(no_data))
            .transpose()?;
        if data.is_none() && status.is_none() {
            return Err(no_data());
        }
        Ok(Self { data, status })
    }

    /// The message as it is sent.
    pub fn to_cbor(&self) -> Vec<u8> {
        let data = self.data.clone().map(|data| (DATA, Value::Bytes(data)));
        let status = self.status.map(|status| (STATUS, Value::from(status)));
        encode(data.into_iter().chain(status).collect())
    }
}

fn no_data() -> Malformed {
    Malformed::new(
        "session message",
        "another structure",
        "a map with data in bytes, or a status of 0 or more",
    )
}

fn members(cbor: &[u8]) -> Result<Vec<(Value, Value)>, Malformed> {
    let mut rest = cbor;
    let value: Value = ciborium::from_reader(&mut rest).map_err(|_| no_data())?;
    if !rest.is_empty() {
        return Err(no_data());
    }
    let members = value.into_map().map_err(|_| no_data())?;
    let repeated =
        |(index, (key, _)): (usize, &(Value, Value))| members[..index].iter().any(|(other, _)| other == key);
    if members.len() > MAX_MEMBERS || members.iter().enumerate().any(repeated) {
        return Err(no_data());
    }
    Ok(members)
}

fn take(members: &mut Vec<(Value, Value)>, name: &str) -> Option<Value> {
    let index = members.iter().position(|(key, _)| key.as_text() == Some(name))?;
    Some(members.swap_remove(index).1)
}

fn data(members: &mut Vec<(Value, Value)>) -> Result<Option<Vec<u8>>, Malformed> {
    take(members, DATA).map(|value| value.into_bytes().map_err(|_| no_data())).transpose()
}

fn encode(members: Vec<(&str, Value)>) -> Vec<u8> {
    let members = members.into_iter().map(|(name, value)| (Value::from(name), value)).collect();
    let mut cbor = Vec::new();
    ciborium::into_writer(&Value::Map(members), &mut cbor).expect("memory takes every byte");
    cbor
}
