use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::json::Text;
use super::{Algorithm, MAX_KID_BYTES, checked_text};
use crate::error::{AuthError, AuthErrorKind};

/// The header of a verified token ([RFC 7515 §4]).
///
/// Only what took part in the verification is kept: `jku`, `jwk`, `x5u` and `x5c` are never followed or used.
///
/// [RFC 7515 §4]: https://www.rfc-editor.org/rfc/rfc7515#section-4
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JoseHeader {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Box<str>>,
    pub(crate) typ: Option<Box<str>>,
}

impl JoseHeader {
    /// `alg`: the algorithm that the signature was verified with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`: the name of the key that the signature was verified with, where the token gives one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `typ`: the kind of token, as it was written.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

/// The algorithm alone: what else it says is the token's, and not for logs.
impl fmt::Debug for JoseHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoseHeader").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// A header before the signature: good for choosing a key and for refusing, for nothing else.
#[derive(Debug)]
pub(crate) struct UnverifiedHeader<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Cow<'a, str>>,
    pub(crate) typ: Option<Cow<'a, str>>,
}

const MAX_DEPTH: usize = 16;

/// More members than any profile defines; each is compared with those before it.
const MAX_MEMBERS: usize = 32;

/// Kinds of JWT that are defined never to be access tokens ([RFC 8725 §3.12]).
///
/// [RFC 8725 §3.12]: https://www.rfc-editor.org/rfc/rfc8725#section-3.12
const NEVER_ACCESS_TOKENS: [&str; 5] =
    ["dpop+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt", "oauth-authz-req+jwt"];

impl<'a> UnverifiedHeader<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, AuthError> {
        let text = checked_text(bytes, MAX_DEPTH).ok_or(AuthErrorKind::TokenMalformed)?;
        let members: Members<'a> = serde_json::from_str(text).map_err(|_| AuthErrorKind::TokenMalformed)?;
        if members.unsupported
            || members.cty.is_some_and(|cty| media_type(essence(&cty)).eq_ignore_ascii_case("jwt"))
        {
            return Err(AuthErrorKind::HeaderUnsupported.into());
        }
        let name = members.alg.ok_or(AuthErrorKind::TokenMalformed)?;
        let algorithm = Algorithm::from_name(&name).ok_or(AuthErrorKind::AlgorithmUnsupported)?;
        if members.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(AuthErrorKind::TokenMalformed.into());
        }
        let header = Self { algorithm, kid: members.kid, typ: members.typ };
        if header.typ.as_deref().is_some_and(is_never_an_access_token) {
            return Err(AuthErrorKind::TypeMismatch.into());
        }
        Ok(header)
    }

    /// To keep, once its token is accepted.
    pub(crate) fn to_owned(&self) -> JoseHeader {
        JoseHeader {
            algorithm: self.algorithm,
            kid: self.kid.as_deref().map(Box::from),
            typ: self.typ.as_deref().map(Box::from),
        }
    }

    /// Whether `typ` is `kind`, with parameters or without: for kinds that are refused.
    pub(crate) fn typ_is_with_any_parameters(&self, kind: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| media_type(essence(typ)).eq_ignore_ascii_case(kind))
    }

    /// Whether `typ` is `kind`.
    pub(crate) fn typ_is(&self, kind: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| is_same_type(typ, kind))
    }
}

/// Whether two types are the same, compared as media types are ([RFC 7515 §4.1.9]).
///
/// [RFC 7515 §4.1.9]: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
pub(crate) fn is_same_type(one: &str, other: &str) -> bool {
    media_type(one).eq_ignore_ascii_case(media_type(other))
}

/// What was read of it before.
impl<'a> From<&'a JoseHeader> for UnverifiedHeader<'a> {
    fn from(header: &'a JoseHeader) -> Self {
        Self {
            algorithm: header.algorithm,
            kid: header.kid.as_deref().map(Cow::Borrowed),
            typ: header.typ.as_deref().map(Cow::Borrowed),
        }
    }
}

/// Whether `typ` is one of those kinds, with or without parameters.
fn is_never_an_access_token(typ: &str) -> bool {
    NEVER_ACCESS_TOKENS.iter().any(|kind| media_type(essence(typ)).eq_ignore_ascii_case(kind))
}

/// A media type without parameters.
fn essence(name: &str) -> &str {
    name.split(';').next().unwrap_or_default().trim_ascii()
}

/// A media type without the `application/` that may be left out where no other slash follows.
fn media_type(name: &str) -> &str {
    const PREFIX: &str = "application/";
    match name.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => name,
    }
}

/// The members of a header, each allowed once ([RFC 7515 §4]).
#[derive(Default)]
struct Members<'a> {
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    cty: Option<Cow<'a, str>>,
    /// `crit`, `b64` or `zip` is there: no extension is understood, so none may be critical, and a payload is
    /// taken as it stands.
    unsupported: bool,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        let mut others: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            let slot = match &*name {
                "alg" => &mut members.alg,
                "kid" => &mut members.kid,
                "typ" => &mut members.typ,
                "cty" => &mut members.cty,
                _ => {
                    members.unsupported |= matches!(&*name, "crit" | "b64" | "zip");
                    if others.contains(&name) || others.len() >= MAX_MEMBERS {
                        return Err(Error::custom("repeated or too many members"));
                    }
                    others.push(name);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let Text(value) = map.next_value()?;
            if slot.replace(value).is_some() {
                return Err(Error::custom("repeated member"));
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(header: &str) -> Option<AuthErrorKind> {
        UnverifiedHeader::parse(header.as_bytes()).err().map(|error| error.kind())
    }

    #[test]
    fn a_header_is_one_json_object_with_a_known_alg() {
        use AuthErrorKind::{AlgorithmUnsupported, TokenMalformed};
        for (header, want) in [
            (r#"{"alg":"RS256"}"#, None),
            (r#" {"alg":"RS256","kid":"a","typ":"JWT","x":{"y":[1]}} "#, None),
            (r#"{"\u0061lg":"RS256"}"#, None),
            ("[]", Some(TokenMalformed)),
            ("7", Some(TokenMalformed)),
            ("null", Some(TokenMalformed)),
            ("{}", Some(TokenMalformed)),
            (r#"{"alg":"RS256"}x"#, Some(TokenMalformed)),
            ("\u{feff}{\"alg\":\"RS256\"}", Some(TokenMalformed)),
            (r#"{"alg":null}"#, Some(TokenMalformed)),
            (r#"{"alg":256}"#, Some(TokenMalformed)),
            (r#"{"alg":["RS256"]}"#, Some(TokenMalformed)),
            (r#"{"alg":""}"#, Some(AlgorithmUnsupported)),
            (r#"{"alg":"none"}"#, Some(AlgorithmUnsupported)),
            (r#"{"alg":"rs256"}"#, Some(AlgorithmUnsupported)),
        ] {
            assert_eq!(kind_of(header), want, "{header}");
        }
    }

    #[test]
    fn a_member_given_twice_is_malformed_even_in_disguise() {
        for header in [
            r#"{"alg":"RS256","alg":"RS256"}"#,
            r#"{"alg":"RS256","\u0061lg":"ES256"}"#,
            r#"{"alg":"RS256","kid":"a","kid":"b"}"#,
            r#"{"alg":"RS256","x":1,"x":2}"#,
            r#"{"alg":"RS256","x":1,"\u0078":2}"#,
        ] {
            assert_eq!(kind_of(header), Some(AuthErrorKind::TokenMalformed), "{header}");
        }
        let many: Vec<_> = (0..=MAX_MEMBERS).map(|n| format!(r#""m{n}":0"#)).collect();
        assert_eq!(
            kind_of(&format!(r#"{{"alg":"RS256",{}}}"#, many.join(","))),
            Some(AuthErrorKind::TokenMalformed)
        );
    }

    #[test]
    fn what_would_change_the_meaning_of_the_token_is_refused_in_any_form() {
        for member in [
            r#""crit":["bork"]"#,
            r#""crit":[]"#,
            r#""crit":"exp""#,
            r#""crit":null"#,
            r#""crit":["b64"],"b64":true"#,
            r#""b64":false"#,
            r#""zip":"DEF""#,
            r#""cty":"JWT""#,
            r#""cty":"application/jwt""#,
            r#""cty":" JWT;x=y""#,
        ] {
            let header = format!(r#"{{"alg":"RS256",{member}}}"#);
            assert_eq!(kind_of(&header), Some(AuthErrorKind::HeaderUnsupported), "{header}");
        }
        assert_eq!(kind_of(r#"{"alg":"RS256","cty":"json"}"#), None);
    }

    #[test]
    fn kid_is_a_string_of_bounded_length() {
        let header = |kid: &str| format!(r#"{{"alg":"RS256","kid":{kid}}}"#);
        for kid in ["1", "null", "{}", "[]", "true"] {
            assert_eq!(kind_of(&header(kid)), Some(AuthErrorKind::TokenMalformed), "{kid}");
        }
        assert_eq!(kind_of(&header(r#""../../dev/null\r\n""#)), None);
        assert_eq!(kind_of(&header(&format!("\"{}\"", "k".repeat(256)))), None);
        assert_eq!(
            kind_of(&header(&format!("\"{}\"", "k".repeat(257)))),
            Some(AuthErrorKind::TokenMalformed)
        );
    }

    #[test]
    fn kinds_that_are_never_access_tokens_are_refused_however_they_are_written() {
        for typ in NEVER_ACCESS_TOKENS {
            for written in
                [typ.to_owned(), typ.to_uppercase(), format!("application/{typ}"), format!(" {typ};x=y")]
            {
                let header = format!(r#"{{"alg":"RS256","typ":"{written}"}}"#);
                assert_eq!(kind_of(&header), Some(AuthErrorKind::TypeMismatch), "{written}");
            }
        }
        for typ in ["JWT", "at+jwt", "application/at+jwt", "x/dpop+jwt"] {
            assert_eq!(kind_of(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)), None, "{typ}");
        }
    }

    #[test]
    fn depth_is_bounded_even_in_members_that_nobody_reads() {
        let header =
            |levels: usize| format!(r#"{{"alg":"RS256","x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert_eq!(kind_of(&header(15)), None);
        assert_eq!(kind_of(&header(16)), Some(AuthErrorKind::TokenMalformed));
        assert_eq!(kind_of(&header(10_000)), Some(AuthErrorKind::TokenMalformed));
    }
}
