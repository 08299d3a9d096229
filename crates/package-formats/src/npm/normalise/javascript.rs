//! The few rules of JavaScript that npm's normalisation depends on.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// An object as JavaScript would hold it after parsing: keys that are array indices first, in rising order;
/// numbers as doubles.
pub(super) fn as_javascript_orders(object: Map<String, Value>) -> Map<String, Value> {
    let (mut indices, names): (Vec<_>, Vec<_>) =
        object.into_iter().partition(|(key, _)| array_index(key).is_some());
    indices.sort_by_key(|(key, _)| array_index(key));
    indices.into_iter().chain(names).map(|(key, value)| (key, as_javascript(value))).collect()
}

fn as_javascript(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(as_javascript_orders(object)),
        Value::Array(items) => items.into_iter().map(as_javascript).collect(),
        Value::Number(number) => Value::Number(as_double(&number)),
        other => other,
    }
}

fn as_double(number: &Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let double = number.as_f64().unwrap_or_default();
    if double.fract() == 0.0 && double.abs() <= EXACT {
        Number::from(double as i64)
    } else {
        Number::from_f64(double).unwrap_or_else(|| number.clone())
    }
}

fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    (index != u32::MAX && index.to_string() == key).then_some(index)
}

/// Whether a condition takes the value for true.
pub(in crate::npm) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// The field if it is there and true in a condition.
pub(super) fn truthy<'a>(data: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    data.get(field).filter(|value| is_truthy(value))
}

/// The value joined to a text.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Array(items) => {
            let texts = items.iter().map(|item| if item.is_null() { String::new() } else { as_text(item) });
            texts.collect::<Vec<_>>().join(",")
        }
        scalar => scalar.to_string(),
    }
}

/// `Object.keys` of an object, an array or a text; nothing else has any.
pub(super) fn object_keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
        Value::String(text) => (0..text.encode_utf16().count()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// `\s` of a regular expression.
pub(super) fn is_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

/// `String.prototype.trim`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `encodeURIComponent`.
pub(in crate::npm) fn encode_uri_component(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

/// `decodeURIComponent`; nothing where it would throw.
pub(super) fn decode_uri_component(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = tail.get(..2)?;
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok()?;
            decoded.push(byte[0]);
            rest = &tail[2..];
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(decoded).ok()
}
