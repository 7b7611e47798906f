//! A JSON tree that keeps what a map would lose: repeated members, and their order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Why a text gave no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    NotJson,
    /// It may be JSON, with a number that no tree here can hold.
    HugeNumber,
}

pub fn parse(bytes: &[u8]) -> Result<Json, Unread> {
    serde_json::from_slice(bytes).map_err(|error| {
        if error.to_string().contains("number out of range") { Unread::HugeNumber } else { Unread::NotJson }
    })
}

/// The members of a text that is an object.
pub fn parse_object(bytes: &[u8]) -> Result<Vec<(String, Json)>, Unread> {
    match parse(bytes)? {
        Json::Object(members) => Ok(members),
        _ => Err(Unread::NotJson),
    }
}

/// Every value that `members` gives to `name`.
pub fn all<'m>(members: &'m [(String, Json)], name: &str) -> Vec<&'m Json> {
    members.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect()
}

/// The first value that `members` gives to `name`.
pub fn first<'m>(members: &'m [(String, Json)], name: &str) -> Option<&'m Json> {
    members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

impl Json {
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// How deep arrays and objects nest in it.
    pub fn depth(&self) -> usize {
        let below = match self {
            Self::Array(values) => values.iter().map(Self::depth).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.depth()).max(),
            _ => return 0,
        };
        1 + below.unwrap_or(0)
    }

    /// As serde_json has it: of repeated members, the last.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
            Self::Array(values) => Value::Array(values.iter().map(Self::to_value).collect()),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), value.to_value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, bool: bool) -> Result<Json, E> {
        Ok(Json::Bool(bool))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Number::from_f64(number).map(Json::Number).ok_or(E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Json::Object(object))
    }
}
