//! From values back to serde types; the inverse of [`to_value`](crate::to_value).

use candid::{Int, Nat};
use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess,
        Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
};

use crate::{ConversionError, Value};

/// Turns a value back into the fact it was made from.
///
/// # Errors
/// If the value has not the fact's shape. Unknown entries of maps are ignored, as serde does by default.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ConversionError> {
    T::deserialize(value.into_deserializer())
}

impl de::Error for ConversionError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

/// Reads a value, or what a struct's field finds where there is none; named in the signature of `IntoDeserializer`, and
/// only there.
pub struct ValueDeserializer(Found);

enum Found {
    Value(Value),
    /// A field that was left out, because it was `None`.
    NoField(&'static str),
}

impl IntoDeserializer<'_, ConversionError> for Value {
    type Deserializer = ValueDeserializer;

    fn into_deserializer(self) -> ValueDeserializer {
        ValueDeserializer(Found::Value(self))
    }
}

impl ValueDeserializer {
    fn value(self) -> Result<Value, ConversionError> {
        match self.0 {
            Found::Value(value) => Ok(value),
            Found::NoField(name) => Err(de::Error::missing_field(name)),
        }
    }

    fn items(self) -> Result<Items, ConversionError> {
        match self.value()? {
            Value::Array(items) => Ok(SeqDeserializer::new(items.into_iter())),
            other => Err(mismatch(other.kind(), "an array")),
        }
    }

    fn fields(self, names: &'static [&'static str]) -> Result<Fields, ConversionError> {
        match self.value()? {
            Value::Map(entries) => Ok(Fields { names: names.iter(), entries }),
            other => Err(mismatch(other.kind(), "a map")),
        }
    }

    /// The entries of a map, in either of its two forms.
    fn pairs(self) -> Result<Pairs, ConversionError> {
        let pair = |item| match item {
            Value::Array(pair) => <[Value; 2]>::try_from(pair)
                .map(|[key, value]| (key, value))
                .map_err(|_| mismatch("an array", "a pair of key and value")),
            other => Err(mismatch(other.kind(), "a pair of key and value")),
        };
        let pairs: Vec<(Value, Value)> = match self.value()? {
            Value::Map(entries) => {
                entries.into_iter().map(|(key, value)| (Value::Text(key), value)).collect()
            }
            Value::Array(items) => items.into_iter().map(pair).collect::<Result<_, _>>()?,
            other => return Err(mismatch(other.kind(), "a map")),
        };
        Ok(MapDeserializer::new(pairs.into_iter()))
    }

    fn variant(self, variants: &'static [&'static str]) -> Result<Variant, ConversionError> {
        let (name, content) = match self.value()? {
            Value::Text(name) => (name, None),
            Value::Map(entries) => match <[(String, Value); 1]>::try_from(entries) {
                Ok([(name, content)]) => (name, Some(content)),
                Err(_) => return Err(mismatch("a map", "a map with one entry for a variant")),
            },
            other => return Err(mismatch(other.kind(), "a text or a map with one entry for a variant")),
        };
        match (0..).zip(variants).find(|(_, known)| **known == name) {
            Some((index, _)) => Ok(Variant { index, content }),
            None => Err(de::Error::unknown_variant(&name, variants)),
        }
    }

    fn deserialize_number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.value()? {
            Value::Nat(nat) => visit_nat(&nat, visitor),
            Value::Int(int) => visit_int(&int, visitor),
            other => Err(mismatch(other.kind(), "a number")),
        }
    }
}

type Items = SeqDeserializer<std::vec::IntoIter<Value>, ConversionError>;
type Pairs = MapDeserializer<'static, std::vec::IntoIter<(Value, Value)>, ConversionError>;

fn visit_nat<'de, V: Visitor<'de>>(nat: &Nat, visitor: V) -> Result<V::Value, ConversionError> {
    if let Ok(small) = u64::try_from(&nat.0) {
        return visitor.visit_u64(small);
    }
    match u128::try_from(&nat.0) {
        Ok(large) => visitor.visit_u128(large),
        Err(_) => Err(mismatch("a natural number above 128 bits", "a number of at most 128 bits")),
    }
}

fn visit_int<'de, V: Visitor<'de>>(int: &Int, visitor: V) -> Result<V::Value, ConversionError> {
    if let Ok(small) = i64::try_from(&int.0) {
        return visitor.visit_i64(small);
    }
    match i128::try_from(&int.0) {
        Ok(large) => visitor.visit_i128(large),
        Err(_) => Err(mismatch("an integer above 128 bits", "a number of at most 128 bits")),
    }
}

fn mismatch(found: &'static str, expected: &'static str) -> ConversionError {
    ConversionError::Mismatch { found, expected }
}

macro_rules! deserialize_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
            self.deserialize_number(visitor)
        }
    )*};
}

/// Each kind visits with the one shape that it can have. Offering whatever is found would compile, for every type of
/// the log, the code for all the shapes that it cannot have.
impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = ConversionError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.value()? {
            Value::Blob(bytes) => visitor.visit_byte_buf(bytes),
            Value::Text(text) => visitor.visit_string(text),
            Value::Nat(nat) => visit_nat(&nat, visitor),
            Value::Int(int) => visit_int(&int, visitor),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Value::Map(entries) => visitor.visit_map(MapDeserializer::new(entries.into_iter())),
        }
    }

    deserialize_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        let value = self.value()?;
        match value.as_u64() {
            Some(0) => visitor.visit_bool(false),
            Some(1) => visitor.visit_bool(true),
            _ => Err(mismatch(value.kind(), "0 or 1 for a truth value")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.value()? {
            Value::Text(text) => visitor.visit_string(text),
            other => Err(mismatch(other.kind(), "a text")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.value()? {
            Value::Blob(bytes) => visitor.visit_byte_buf(bytes),
            other => Err(mismatch(other.kind(), "a blob")),
        }
    }

    // Who asks for borrowed bytes, such as a principal, may refuse an owned buffer.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.value()? {
            Value::Blob(bytes) => visitor.visit_bytes(&bytes),
            other => Err(mismatch(other.kind(), "a blob")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.0 {
            Found::Value(_) => visitor.visit_some(self),
            Found::NoField(_) => visitor.visit_none(),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        match self.value()? {
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

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ConversionError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        visitor.visit_map(self.pairs()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        visitor.visit_seq(self.fields(fields)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        visitor.visit_enum(self.variant(variants)?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConversionError> {
        visitor.visit_unit()
    }
}

/// The entries of a map as a struct's fields, in the order in which it declares them.
struct Fields {
    names: std::slice::Iter<'static, &'static str>,
    entries: Vec<(String, Value)>,
}

impl Fields {
    fn next(&mut self) -> Option<ValueDeserializer> {
        let wanted = *self.names.next()?;
        let found = match self.entries.iter().position(|(name, _)| name == wanted) {
            Some(position) => Found::Value(self.entries.swap_remove(position).1),
            None => Found::NoField(wanted),
        };
        Some(ValueDeserializer(found))
    }
}

impl<'de> SeqAccess<'de> for Fields {
    type Error = ConversionError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ConversionError> {
        self.next().map(|field| seed.deserialize(field)).transpose()
    }
}

/// A variant: its place among those declared and, unless it is a unit, its content.
struct Variant {
    index: u64,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = ConversionError;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), ConversionError> {
        let name = seed.deserialize(self.index.into_deserializer())?;
        Ok((name, Content(self.content)))
    }
}

/// The content of a variant.
struct Content(Option<Value>);

impl Content {
    fn required(self) -> Result<ValueDeserializer, ConversionError> {
        self.0
            .map(IntoDeserializer::into_deserializer)
            .ok_or_else(|| mismatch("a bare variant", "a variant with content"))
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
        self.required()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConversionError> {
        visitor.visit_seq(self.required()?.fields(fields)?)
    }
}
