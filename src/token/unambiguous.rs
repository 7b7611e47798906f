//! JSON that is read so that it can mean one thing only.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::is_sound;

/// A value in which no object has two members of one name: [RFC 8259 §4] leaves it to each reader which one counts.
///
/// [RFC 8259 §4]: https://www.rfc-editor.org/rfc/rfc8259#section-4
pub(crate) struct Unambiguous(pub(crate) Value);

impl Unambiguous {
    /// The object in `json`; none if it is not one, or says anything twice: `{"valid":false,"valid":true}` is no yes.
    pub(crate) fn object(json: &[u8]) -> Option<Map<String, Value>> {
        match serde_json::from_slice(json).ok()? {
            Self(Value::Object(members)) => Some(members),
            Self(_) => None,
        }
    }
}

/// Looked through first, and then read as every [`Value`] is: what that is to a number depends on the features of `serde_json`.
impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // How deep it nests is asked by those who read it.
        if !is_sound(raw.get(), usize::MAX) {
            return Err(D::Error::custom("it is something else to serde_json than it looks like"));
        }
        let Once = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        serde_json::from_str(raw.get()).map(Self).map_err(D::Error::custom)
    }
}

/// Says everything once.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_unit<E: Error>(self) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Once, A::Error> {
        while let Some(Once) = seq.next_element()? {}
        Ok(Once)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
        let mut names = HashSet::<String>::new();
        while let Some((name, Once)) = map.next_entry()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_it_is_unless_it_says_something_twice() {
        for text in [
            "{}",
            r#"{"a":"serde_json::private::RawValue"}"#,
            r#"{"a":null,"b":[true,-1,1,1.5,"\u00e9",{"a":{}}],"c":{"a":18446744073709551615}}"#,
        ] {
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
            // JSON in a string, which serde_json reads as if it were not in one.
            r#"{"$serde_json::private::RawValue":"{\"a\":1}"}"#,
            r#"{"a":{"$serde_json::private::RawValue":"true"}}"#,
            r#"{"a":[{"\u0024serde_json::private::RawValue":"{\"a\":0,\"a\":1}"}]}"#,
            r#"{"a":"\ud800"}"#,
        ] {
            assert_eq!(Unambiguous::object(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(Unambiguous::object(deep.as_bytes()), None);
    }
}
