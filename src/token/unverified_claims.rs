use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json::Text;
use super::{Confirmation, NumericDate, is_sound, plain_claims};
use crate::error::{AuthError, AuthErrorKind};

/// The registered claims before the signature ([RFC 7519 §4.1]), read in one pass that allocates nothing, unless the token is
/// bound to its sender.
///
/// They can refuse a token and choose where to look for its key; nothing is accepted on their word.
///
/// [RFC 7519 §4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1
#[derive(Debug, Default, PartialEq)]
pub(crate) struct UnverifiedClaims<'a> {
    pub(crate) iss: Option<Cow<'a, str>>,
    pub(crate) sub: Option<Cow<'a, str>>,
    pub(crate) aud: Audience,
    pub(crate) exp: Option<NumericDate>,
    pub(crate) nbf: Option<NumericDate>,
    pub(crate) iat: Option<NumericDate>,
    /// There if `cnf` is ([RFC 7800 §3]), whatever it says: the token is bound to its sender. Few are, and need a box.
    ///
    /// [RFC 7800 §3]: https://www.rfc-editor.org/rfc/rfc7800#section-3
    pub(crate) cnf: Option<Box<Confirmation>>,
    /// Bit `n` is set if the `n`th required claim is there and is not null.
    pub(crate) present: u64,
}

/// Whom a token is meant for, seen from here ([RFC 7519 §4.1.3]).
///
/// [RFC 7519 §4.1.3]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    #[default]
    Missing,
    Ours,
    Others,
}

const MAX_DEPTH: usize = 64;

impl<'a> UnverifiedClaims<'a> {
    /// Reads `text`, looking for one of `audiences` in `aud` and for the presence of the claims `required`.
    pub(crate) fn parse(
        text: &'a str,
        audiences: &[String],
        required: &[&'static str],
    ) -> Result<Self, AuthError> {
        match plain_claims::read(text, audiences, required) {
            Some(claims) => {
                // In a test, every token of every vector compares the two readers.
                debug_assert!(
                    Self::parse_any(text, audiences, required).as_ref() == Ok(&claims),
                    "the two readers of claims disagree"
                );
                Ok(claims)
            }
            None => Self::parse_any(text, audiences, required),
        }
    }

    /// Whatever it is written like.
    pub(super) fn parse_any(
        text: &'a str,
        audiences: &[String],
        required: &[&'static str],
    ) -> Result<Self, AuthError> {
        if !is_sound(text, MAX_DEPTH) {
            return Err(AuthErrorKind::TokenMalformed.into());
        }
        let mut invalid = None;
        let mut json = serde_json::Deserializer::from_str(text);
        ClaimsSeed { audiences, required, invalid: &mut invalid }
            .deserialize(&mut json)
            .and_then(|claims| json.end().map(|()| claims))
            .map_err(|_| match invalid {
                Some(claim) => AuthError::about(AuthErrorKind::ClaimInvalid, claim),
                None => AuthErrorKind::TokenMalformed.into(),
            })
    }
}

struct ClaimsSeed<'s> {
    audiences: &'s [String],
    required: &'s [&'static str],
    /// The claim whose value stopped the reading.
    invalid: &'s mut Option<&'static str>,
}

impl<'de> DeserializeSeed<'de> for ClaimsSeed<'_> {
    type Value = UnverifiedClaims<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ClaimsSeed<'_> {
    type Value = UnverifiedClaims<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut claims = UnverifiedClaims::default();
        let (mut seen, mut seen_required) = (0_u16, 0_u64);
        while let Some(Text(name)) = map.next_key()? {
            let Some(claim) = Claim::named(&name) else {
                self.note_presence(&mut claims, &mut seen_required, &name, &mut map)?;
                continue;
            };
            if seen & claim.bit() != 0 {
                return Err(Error::custom("repeated claim"));
            }
            seen |= claim.bit();
            let read = claim.read_into(&mut claims, self.audiences, &mut map);
            if read.inspect_err(|_| *self.invalid = Some(claim.name()))?
                && let Some(bit) = required_bit(self.required, &name)
            {
                claims.present |= bit;
            }
        }
        Ok(claims)
    }
}

impl ClaimsSeed<'_> {
    /// Passes over a claim that is not registered, noting it if it is required.
    fn note_presence<'de, A: MapAccess<'de>>(
        &self,
        claims: &mut UnverifiedClaims<'de>,
        seen: &mut u64,
        name: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let Some(bit) = required_bit(self.required, name) else {
            return map.next_value::<IgnoredAny>().map(drop);
        };
        if *seen & bit != 0 {
            return Err(Error::custom("repeated claim"));
        }
        *seen |= bit;
        if map.next_value::<Option<IgnoredAny>>()?.is_some() {
            claims.present |= bit;
        }
        Ok(())
    }
}

/// The bit that says that the claim `name` is there, if it is required.
pub(super) fn required_bit(required: &[&'static str], name: &str) -> Option<u64> {
    let index = required.iter().position(|required| *required == name)?;
    1_u64.checked_shl(u32::try_from(index).ok()?)
}

#[derive(Clone, Copy)]
pub(super) enum Claim {
    Iss,
    Sub,
    Aud,
    Exp,
    Nbf,
    Iat,
    Jti,
    Cnf,
}

impl Claim {
    /// The claim of this name. The compiler makes one comparison of it, where a search would make eight.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "iss" => Self::Iss,
            "sub" => Self::Sub,
            "aud" => Self::Aud,
            "exp" => Self::Exp,
            "nbf" => Self::Nbf,
            "iat" => Self::Iat,
            "jti" => Self::Jti,
            "cnf" => Self::Cnf,
            _ => return None,
        })
    }

    /// Its place among those that were seen.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Sub => "sub",
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Nbf => "nbf",
            Self::Iat => "iat",
            Self::Jti => "jti",
            Self::Cnf => "cnf",
        }
    }

    /// Returns whether it holds anything: all but one of them have to.
    fn read_into<'de, A: MapAccess<'de>>(
        self,
        claims: &mut UnverifiedClaims<'de>,
        audiences: &[String],
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match self {
            Self::Iss => claims.iss = Some(map.next_value::<Text<'de>>()?.0),
            Self::Sub => claims.sub = Some(map.next_value::<Text<'de>>()?.0),
            Self::Aud => claims.aud = map.next_value_seed(AudienceSeed(audiences))?,
            Self::Exp => claims.exp = Some(map.next_value()?),
            Self::Nbf => claims.nbf = Some(map.next_value()?),
            Self::Iat => claims.iat = Some(map.next_value()?),
            Self::Jti => drop(map.next_value::<Text<'de>>()?),
            Self::Cnf => {
                let json = map.next_value::<&RawValue>()?.get();
                claims.cnf = Some(Box::new(Confirmation::read(json)));
                return Ok(json != "null");
            }
        }
        Ok(true)
    }
}

/// Reads a string or an array of strings; anything else in it, even beside a match, is invalid.
struct AudienceSeed<'s>(&'s [String]);

/// Whether `name` is one of `audiences`.
pub(super) fn judge_audience(audiences: &[String], name: &str) -> Audience {
    if audiences.iter().any(|ours| ours == name) { Audience::Ours } else { Audience::Others }
}

impl<'de> DeserializeSeed<'de> for AudienceSeed<'_> {
    type Value = Audience;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AudienceSeed<'_> {
    type Value = Audience;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(judge_audience(self.0, name))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
        let mut audience = Audience::Others;
        while let Some(Text(name)) = names.next_element()? {
            if judge_audience(self.0, &name) == Audience::Ours {
                audience = Audience::Ours;
            }
        }
        Ok(audience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<UnverifiedClaims<'_>, AuthError> {
        UnverifiedClaims::parse(json, &["api".to_owned()], &["email"])
    }

    #[test]
    fn aud_is_a_string_or_an_array_of_strings_with_one_of_ours() {
        for (json, want) in [
            ("{}", Some(Audience::Missing)),
            (r#"{"aud":"api"}"#, Some(Audience::Ours)),
            (r#"{"aud":["x","api"]}"#, Some(Audience::Ours)),
            (r#"{"aud":["x","a\u0070i"]}"#, Some(Audience::Ours)),
            (r#"{"aud":""}"#, Some(Audience::Others)),
            (r#"{"aud":[]}"#, Some(Audience::Others)),
            (r#"{"aud":[""]}"#, Some(Audience::Others)),
            (r#"{"aud":"api "}"#, Some(Audience::Others)),
            (r#"{"aud":"API"}"#, Some(Audience::Others)),
            (r#"{"aud":"api2"}"#, Some(Audience::Others)),
            (r#"{"aud":["api",1]}"#, None),
            (r#"{"aud":[["api"]]}"#, None),
            (r#"{"aud":{"0":"api"}}"#, None),
            (r#"{"aud":5}"#, None),
            (r#"{"aud":null}"#, None),
        ] {
            assert_eq!(parse(json).ok().map(|claims| claims.aud), want, "{json}");
        }
    }

    #[test]
    fn a_registered_claim_of_the_wrong_type_is_invalid_and_named() {
        for claim in ["iss", "sub", "jti", "exp", "nbf", "iat", "aud"] {
            for value in ["true", "null", "{}", "[[]]"] {
                let json = format!(r#"{{"{claim}":{value}}}"#);
                let error = parse(&json).expect_err(&json);
                assert_eq!(
                    (error.kind(), error.claim()),
                    (AuthErrorKind::ClaimInvalid, Some(claim)),
                    "{json}"
                );
            }
        }
    }

    #[test]
    fn a_registered_or_required_claim_given_twice_is_malformed_even_in_disguise() {
        for json in [
            r#"{"exp":1,"exp":2}"#,
            r#"{"exp":1,"\u0065xp":2}"#,
            r#"{"cnf":{},"cnf":{}}"#,
            r#"{"email":"a","email":"b"}"#,
            r#"{"email":null,"email":"b"}"#,
        ] {
            assert_eq!(
                parse(json).map_err(|error| error.kind()).err(),
                Some(AuthErrorKind::TokenMalformed),
                "{json}"
            );
        }
        assert!(parse(r#"{"x":1,"x":2}"#).is_ok(), "a claim that nobody here reads");
    }

    #[test]
    fn claims_are_one_object_with_nothing_around_it() {
        for json in ["", "[]", "null", "\"x\"", "{", r#"{"a":1,}"#, "{}{}", "{} x", "\u{feff}{}"] {
            assert_eq!(
                parse(json).map_err(|error| error.kind()).err(),
                Some(AuthErrorKind::TokenMalformed),
                "{json}"
            );
        }
        assert!(parse(" {} ").is_ok());
    }

    #[test]
    fn a_registered_claim_can_be_required_and_a_null_binding_binds_but_is_not_there() {
        let parse = |json| UnverifiedClaims::parse(json, &[], &["cnf", "sub"]).expect("claims");
        assert_eq!(parse(r#"{"sub":"a","cnf":{}}"#).present, 0b11);
        let null = parse(r#"{"sub":"a","cnf":null}"#);
        assert_eq!((null.present, null.cnf.as_deref()), (0b10, Some(&Confirmation::Unclear)));
    }

    #[test]
    fn a_required_claim_that_is_null_is_not_there() {
        assert_eq!(parse(r#"{"email":"a"}"#).map(|claims| claims.present).ok(), Some(1));
        assert_eq!(parse(r#"{"email":null}"#).map(|claims| claims.present).ok(), Some(0));
        assert_eq!(parse("{}").map(|claims| claims.present).ok(), Some(0));
    }
}
