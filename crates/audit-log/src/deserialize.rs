//! From values back to serde types; the inverse of [`to_value`](crate::to_value).

use candid::Nat;
use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
};

use crate::{ConversionError, Value};

/// Turns a value back into the fact it was made from.
///
/// # Errors
/// If the value has not the fact's shape. Unknown entries of maps are ignored, as serde does by default.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ConversionError> {
    T::deserialize(ValueDeserializer(value))
}

impl de::Error for ConversionError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// Reads a value; named in the signature of `IntoDeserializer`, and only there.
pub struct ValueDeserializer(Value);

impl IntoDeserializer<'_, ConversionError> for Value {
    type Deserializer = ValueDeserializer;

    fn into_deserializer(self) -> ValueDeserializer {
        ValueDeserializer(self)
    }
}

fn visit_nat<'de, V: Visitor<'de>>(nat: &Nat, visitor: V) -> Result<V::Value, ConversionError> {
    if let Ok(small) = u64::try_from(&nat.0) {
        return visitor.visit_u64(small);
    }
    match u128::try_from(&nat.0) {
        Ok(large) => visitor.visit_u128(large),
        Err(_) => Err(mismatch("a natural number above 128 bits", "a number of at most 128 bits")),
    }
}

fn mismatch(found: &'static str, expected: &'static str) -> ConversionError {
    ConversionError::Mismatch { found, expected }
}

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = ConversionError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Blob(bytes) => visitor.visit_byte_buf(bytes),
            Value::Text(text) => visitor.visit_string(text),
            Value::Nat(nat) => visit_nat(&nat, visitor),
            Value::Int(int) => match i64::try_from(&int.0) {
                Ok(small) => visitor.visit_i64(small),
                Err(_) => match i128::try_from(&int.0) {
                    Ok(large) => visitor.visit_i128(large),
                    Err(_) => Err(mismatch("an integer above 128 bits", "a number of at most 128 bits")),
                },
            },
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Value::Map(entries) => visitor.visit_map(MapDeserializer::new(entries.into_iter())),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0.as_u64() {
            Some(0) => visitor.visit_bool(false),
            Some(1) => visitor.visit_bool(true),
            _ => Err(mismatch(self.0.kind(), "0 or 1 for a truth value")),
        }
    }

    // Who asks for borrowed bytes, such as a principal, may refuse an owned buffer.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Blob(bytes) => visitor.visit_bytes(&bytes),
            other => Err(mismatch(other.kind(), "a blob")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Array(items) if items.is_empty() => visitor.visit_unit(),
            other => Err(mismatch(other.kind(), "an empty array for a unit")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        let items = match self.0 {
            Value::Array(items) => items,
            other => return ValueDeserializer(other).deserialize_any(visitor),
        };
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
                    Ok([key, value]) => pairs.push((key, value)),
                    Err(_) => return Err(mismatch("an array", "a pair of key and value")),
                },
                other => return Err(mismatch(other.kind(), "a pair of key and value")),
            }
        }
        visitor.visit_map(MapDeserializer::new(pairs.into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        match self.0 {
            Value::Text(variant) => visitor.visit_enum(Variant { name: variant, content: None }),
            Value::Map(entries) => match <[(String, Value); 1]>::try_from(entries) {
                Ok([(name, content)]) => visitor.visit_enum(Variant { name, content: Some(content) }),
                Err(_) => Err(mismatch("a map", "a map with one entry for a variant")),
            },
            other => Err(mismatch(other.kind(), "a text or a map with one entry for a variant")),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string byte_buf seq tuple tuple_struct
        struct identifier ignored_any
    }
}

/// A variant: its name and, unless it is a unit, its content.
struct Variant {
    name: String,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ConversionError;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), ConversionError> {
        let name = seed.deserialize(ValueDeserializer(Value::Text(self.name)))?;
        Ok((name, Content(self.content)))
    }
}

/// The content of a variant.
struct Content(Option<Value>);

impl Content {
    fn required(self) -> Result<ValueDeserializer, ConversionError> {
        self.0.map(ValueDeserializer).ok_or_else(|| mismatch("a bare variant", "a variant with content"))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = ConversionError;

    fn unit_variant(self) -> Result<(), ConversionError> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(mismatch("a variant with content", "a bare variant")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ConversionError> {
        seed.deserialize(self.required()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ConversionError> {
        self.required()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        self.required()?.deserialize_any(visitor)
    }
}
