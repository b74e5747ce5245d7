//! JSON from outside: bounded, and refused when an object names a member twice.
//!
//! It does not know what the members mean, and it does not write JSON.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Longer than the caller's bound.
    #[error("longer than the bound")]
    TooLong,
    /// Not JSON, nested too deeply, or an object with a member named twice.
    #[error("not JSON in which every member is named once")]
    Malformed,
}

/// The object in `bytes`, at most `length_max` bytes long, with every member named once at every
/// depth. Two parsers that disagree about which of two equal names counts are how signed claims are
/// forged (RFC 8725 §2.4), so such an object has no meaning at all.
pub fn parse_object(bytes: &[u8], length_max: usize) -> Result<Map<String, Value>, JsonError> {
    if bytes.len() > length_max {
        return Err(JsonError::TooLong);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Once.deserialize(&mut deserializer).map_err(|_| JsonError::Malformed)?;
    deserializer.end().map_err(|_| JsonError::Malformed)?;
    match value {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(JsonError::Malformed)
        }
    }
}

/// Reads any value and refuses a name that comes twice.
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which every member is named once")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Once)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Once)?;
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is named twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_taken_only_when_every_member_is_named_once() {
        for (text, good) in [
            (r"{}", true),
            (r#"{"a":1,"b":[null,true,-2,0.5,"x",{"a":1}]}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":2}"#, false),
            (r#"{"a":{"b":1,"b":2}}"#, false),
            (r#"{"a":[{"b":1,"b":2}]}"#, false),
            (r#"{"a":1}x"#, false),
            (r#"{"a":1"#, false),
            ("[]", false),
            ("null", false),
            ("", false),
            ("{\"a\":\"\u{1}\"}", false),
        ] {
            assert_eq!(parse_object(text.as_bytes(), 1024).is_ok(), good, "{text}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}", 1024), Err(JsonError::Malformed));
    }

    #[test]
    fn length_and_depth_are_bounded() {
        assert_eq!(parse_object(b"{} ", 2), Err(JsonError::TooLong));
        let deep = [r#"{"a":"#.repeat(100_000), "1".into(), "}".repeat(100_000)].concat();
        assert_eq!(parse_object(deep.as_bytes(), usize::MAX), Err(JsonError::Malformed));
    }
}
