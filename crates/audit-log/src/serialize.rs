//! From serde types to values.
//!
//! Structs and maps with text keys become `Map`, other maps `Array` of pairs; unit variants become `Text`, variants
//! with content a `Map` of one entry. Fields that are `None` are left out. Truth values are the naturals 0 and 1.
//! Bytes become `Blob`, unsigned numbers `Nat`, signed ones `Int`. There are no fractions and no bare `None`: the
//! log holds facts, and two readers must never see different ones.

use serde::{
    Serialize,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use crate::Value;

/// Why a fact and a value do not correspond.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversionError {
    /// The type has no counterpart among values.
    #[error("a log value cannot hold {0}; use a type that has a counterpart")]
    Unsupported(&'static str),
    /// `None` elsewhere than in a field: it would be indistinguishable from no entry at all.
    #[error("a log value cannot hold `None` elsewhere than in a field; leave the entry out")]
    BareNone,
    /// The value is of another kind than the type needs.
    #[error("found {found}, expected {expected}")]
    Mismatch { found: &'static str, expected: &'static str },
    /// The type itself refused.
    #[error("{0}")]
    Custom(String),
}

impl ser::Error for ConversionError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// Carries a fact over to a value.
///
/// # Errors
/// If the fact holds a fraction, or `None` elsewhere than in a field.
pub fn to_value<T: Serialize + ?Sized>(fact: &T) -> Result<Value, ConversionError> {
    fact.serialize(ValueSerializer)
}

struct ValueSerializer;

impl ser::Serializer for ValueSerializer {
    type Ok = Value;
    type Error = ConversionError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Pairs;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, v: bool) -> Result<Value, ConversionError> {
        Ok(Value::Nat(u8::from(v).into()))
    }
    fn serialize_i8(self, v: i8) -> Result<Value, ConversionError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i16(self, v: i16) -> Result<Value, ConversionError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i32(self, v: i32) -> Result<Value, ConversionError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i64(self, v: i64) -> Result<Value, ConversionError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i128(self, v: i128) -> Result<Value, ConversionError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u8(self, v: u8) -> Result<Value, ConversionError> {
        Ok(Value::Nat(v.into()))
    }
    fn serialize_u16(self, v: u16) -> Result<Value, ConversionError> {
        Ok(Value::Nat(v.into()))
    }
    fn serialize_u32(self, v: u32) -> Result<Value, ConversionError> {
        Ok(Value::Nat(v.into()))
    }
    fn serialize_u64(self, v: u64) -> Result<Value, ConversionError> {
        Ok(Value::Nat(v.into()))
    }
    fn serialize_u128(self, v: u128) -> Result<Value, ConversionError> {
        Ok(Value::Nat(v.into()))
    }
    fn serialize_f32(self, _: f32) -> Result<Value, ConversionError> {
        Err(ConversionError::Unsupported("a fraction"))
    }
    fn serialize_f64(self, _: f64) -> Result<Value, ConversionError> {
        Err(ConversionError::Unsupported("a fraction"))
    }
    fn serialize_char(self, v: char) -> Result<Value, ConversionError> {
        Ok(Value::Text(v.into()))
    }
    fn serialize_str(self, v: &str) -> Result<Value, ConversionError> {
        Ok(Value::Text(v.into()))
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<Value, ConversionError> {
        Ok(Value::Blob(v.into()))
    }
    fn serialize_none(self) -> Result<Value, ConversionError> {
        Err(ConversionError::BareNone)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ConversionError> {
        nested(value)
    }
    fn serialize_unit(self) -> Result<Value, ConversionError> {
        Ok(Value::Array(Vec::new()))
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ConversionError> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ConversionError> {
        Ok(Value::Text(variant.into()))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, ConversionError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ConversionError> {
        Ok(within(Some(variant), nested(value)?))
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Items, ConversionError> {
        Ok(Items { variant: None, items: Vec::with_capacity(len.unwrap_or(0)) })
    }
    fn serialize_tuple(self, len: usize) -> Result<Items, ConversionError> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, ConversionError> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, ConversionError> {
        Ok(Items { variant: Some(variant), items: Vec::with_capacity(len) })
    }
    fn serialize_map(self, len: Option<usize>) -> Result<Pairs, ConversionError> {
        Ok(Pairs { key: None, pairs: Vec::with_capacity(len.unwrap_or(0)) })
    }
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields, ConversionError> {
        Ok(Fields { variant: None, fields: Vec::with_capacity(len) })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields, ConversionError> {
        Ok(Fields { variant: Some(variant), fields: Vec::with_capacity(len) })
    }
}

/// Converts what stands elsewhere than directly in a field, where `None` would be lost.
fn nested<T: Serialize + ?Sized>(value: &T) -> Result<Value, ConversionError> {
    to_value(value).map_err(|error| match error {
        ConversionError::BareNone => ConversionError::Unsupported("`None` within a list, map or variant"),
        other => other,
    })
}

fn within(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(vec![(variant.into(), content)]),
        None => content,
    }
}

/// A sequence or tuple under way.
struct Items {
    variant: Option<&'static str>,
    items: Vec<Value>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConversionError> {
        self.items.push(nested(value)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, ConversionError> {
        Ok(within(self.variant, Value::Array(self.items)))
    }
}

macro_rules! items {
    ($kind:ident, $method:ident) => {
        impl $kind for Items {
            type Ok = Value;
            type Error = ConversionError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConversionError> {
                self.push(value)
            }
            fn end(self) -> Result<Value, ConversionError> {
                self.finish()
            }
        }
    };
}

items!(SerializeSeq, serialize_element);
items!(SerializeTuple, serialize_element);
items!(SerializeTupleStruct, serialize_field);
items!(SerializeTupleVariant, serialize_field);

/// A map under way.
struct Pairs {
    key: Option<Value>,
    pairs: Vec<(Value, Value)>,
}

impl SerializeMap for Pairs {
    type Ok = Value;
    type Error = ConversionError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ConversionError> {
        self.key = Some(nested(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConversionError> {
        let key = self.key.take().ok_or(ConversionError::Unsupported("a map's value without its key"))?;
        self.pairs.push((key, nested(value)?));
        Ok(())
    }

    fn end(self) -> Result<Value, ConversionError> {
        if self.pairs.iter().all(|(key, _)| matches!(key, Value::Text(_))) {
            let entries = self.pairs.into_iter().filter_map(|(key, value)| match key {
                Value::Text(key) => Some((key, value)),
                _ => None,
            });
            return Ok(Value::Map(entries.collect()));
        }
        let pairs = self.pairs.into_iter().map(|(key, value)| Value::Array(vec![key, value]));
        Ok(Value::Array(pairs.collect()))
    }
}

/// A struct under way.
struct Fields {
    variant: Option<&'static str>,
    fields: Vec<(String, Value)>,
}

impl Fields {
    fn push<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), ConversionError> {
        match to_value(value) {
            Ok(value) => self.fields.push((key.into(), value)),
            Err(ConversionError::BareNone) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn finish(self) -> Result<Value, ConversionError> {
        Ok(within(self.variant, Value::Map(self.fields)))
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = ConversionError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ConversionError> {
        self.push(key, value)
    }
    fn end(self) -> Result<Value, ConversionError> {
        self.finish()
    }
}

impl SerializeStructVariant for Fields {
    type Ok = Value;
    type Error = ConversionError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), ConversionError> {
        self.push(key, value)
    }
    fn end(self) -> Result<Value, ConversionError> {
        self.finish()
    }
}
