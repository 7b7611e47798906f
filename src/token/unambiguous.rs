//! JSON that is read so that it can mean one thing only.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A value in which no object has two members of one name: [RFC 8259 §4] leaves it to each reader which one counts.
///
/// [RFC 8259 §4]: https://www.rfc-editor.org/rfc/rfc8259#section-4
pub(crate) struct Unambiguous(pub(crate) Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnambiguousVisitor).map(Self)
    }
}

impl Unambiguous {
    /// The object in `json`; none if it is not one, or says anything twice: `{"valid":false,"valid":true}` is no yes.
    pub(crate) fn object(json: &[u8]) -> Option<Map<String, Value>> {
        match serde_json::from_slice(json).ok()? {
            Self(Value::Object(members)) => Some(members),
            Self(_) => None,
        }
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Unambiguous(value))) = map.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_it_is_unless_it_says_something_twice() {
        for text in
            ["{}", r#"{"a":null,"b":[true,-1,1,1.5,"\u00e9",{"a":{}}],"c":{"a":18446744073709551615}}"#]
        {
            assert_eq!(
                Unambiguous::object(text.as_bytes()).map(Value::from),
                serde_json::from_str(text).ok(),
                "{text}"
            );
        }
        for text in [
            "",
            "null",
            "[]",
            "{} {}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"b":{"a":1,"a":1}}"#,
            r#"{"b":[{"a":1,"a":1}]}"#,
        ] {
            assert_eq!(Unambiguous::object(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(Unambiguous::object(deep.as_bytes()), None);
    }
}
