use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{Method, Request, Uri};
use percent_encoding::percent_decode_str;

use super::RequestHead;
use crate::error::{AuthError, AuthErrorKind, ConfigError};

/// The name of the query parameter that holds the token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct QueryName {
    name: Arc<str>,
    repeated: Repeated,
}

/// What a parameter that is there twice means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeated {
    Conflict,
    /// The last one counts: the provider appends it to whatever was there.
    Last,
}

impl Default for QueryName {
    fn default() -> Self {
        Self { name: "jwt".into(), repeated: Repeated::Conflict }
    }
}

impl QueryName {
    pub(super) fn new(name: &str) -> Result<Self, ConfigError> {
        if name.is_empty() {
            return Err(ConfigError::new("a query parameter needs a name: write one like \"jwt\""));
        }
        Ok(Self { name: name.into(), repeated: Repeated::Conflict })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where a provider says that it puts the token.
    pub(super) fn of_provider(name: &'static str) -> Self {
        Self { name: name.into(), repeated: Repeated::Conflict }
    }

    /// The last of several counts, instead of none.
    pub(super) fn taking_the_last(self) -> Self {
        Self { repeated: Repeated::Last, ..self }
    }

    /// The value of the one parameter of this name, form-decoded once, on GET and HEAD.
    pub(super) fn find<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Cow<'r, str>>, AuthError> {
        let Some(query) = request.uri.query() else {
            return Ok(None);
        };
        if !matches!(*request.method, Method::GET | Method::HEAD) {
            return Ok(None);
        }
        let mut values = query.split('&').filter(|pair| self.names(pair)).map(value);
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value,
            (Some(_), Some(second)) if self.repeated == Repeated::Last => {
                values.next_back().unwrap_or(second)
            }
            (Some(_), Some(_)) => return Err(AuthErrorKind::CredentialsConflict.into()),
        };
        if value.is_empty() {
            return Err(AuthErrorKind::CredentialsMalformed.into());
        }
        // A plus sign means a space here. Neither belongs in a token, so it is left for the token to be refused.
        percent_decode_str(value).decode_utf8().map(Some).map_err(|_| AuthErrorKind::TokenMalformed.into())
    }

    pub(super) fn is_in(&self, uri: &Uri) -> bool {
        uri.query().is_some_and(|query| query.split('&').any(|pair| self.names(pair)))
    }

    /// Takes every parameter of this name out of the request's URI, and out of the copy that axum keeps.
    pub(super) fn scrub<B>(&self, request: &mut Request<B>) {
        if let Some(scrubbed) = self.without_token(request.uri()) {
            *request.uri_mut() = scrubbed;
        }
        #[cfg(feature = "axum")]
        if let Some(axum::extract::OriginalUri(original)) = request.extensions_mut().get_mut()
            && let Some(scrubbed) = self.without_token(original)
        {
            *original = scrubbed;
        }
    }

    /// `uri` without the parameter, every other byte as it was; none if the parameter is not there.
    pub(super) fn without_token(&self, uri: &Uri) -> Option<Uri> {
        let query = uri.query().filter(|_| self.is_in(uri))?;
        let kept: Vec<_> = query.split('&').filter(|pair| !self.names(pair)).collect();
        let path_and_query = match kept.as_slice() {
            [] => uri.path().to_owned(),
            kept => format!("{}?{}", uri.path(), kept.join("&")),
        };
        let mut parts = uri.clone().into_parts();
        // A part of what was a URI is one still; should that ever fail, the whole query goes.
        parts.path_and_query = path_and_query.parse().or_else(|_| uri.path().parse()).ok();
        Some(Uri::from_parts(parts).unwrap_or_default())
    }

    /// Whether `pair` is a parameter of this name: decoded, as whoever reads it behind us would.
    fn names(&self, pair: &str) -> bool {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !name.contains(['%', '+']) {
            return name == &*self.name;
        }
        percent_decode_str(&name.replace('+', " ")).eq(self.name.bytes())
    }
}

/// The URI as it came in, before axum's routers took their parts off.
#[cfg(feature = "axum")]
pub(crate) fn original_uri<B>(request: &Request<B>) -> Option<&Uri> {
    request.extensions().get().map(|axum::extract::OriginalUri(original)| original)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri<B>(_request: &Request<B>) -> Option<&Uri> {
    None
}

fn value(pair: &str) -> &str {
    pair.split_once('=').map_or("", |(_, value)| value)
}

impl fmt::Display for QueryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.repeated {
            Repeated::Conflict => Ok(()),
            Repeated::Last => f.write_str(" (the last one)"),
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test may stop at the first thing that is not as it says"
)]
mod tests {
    use std::fmt::Write as _;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample;

    use super::*;
    use crate::tests::for_all;

    fn request(method: Method, uri: &str) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri.parse().expect("a URI");
        request
    }

    fn found(method: Method, uri: &str) -> Result<Option<String>, AuthErrorKind> {
        let request = request(method, uri);
        let found = QueryName::default().find(&RequestHead::of(&request));
        found.map(|token| token.map(Cow::into_owned)).map_err(|error| error.kind())
    }

    #[test]
    fn one_parameter_of_the_exact_name_decoded_once() {
        use AuthErrorKind::{CredentialsConflict, CredentialsMalformed, TokenMalformed};
        let token = |text: &str| Ok(Some(text.to_owned()));
        for (uri, want) in [
            ("/", Ok(None)),
            ("/?a=1", Ok(None)),
            ("/?jwt=a.b.c", token("a.b.c")),
            ("/?x=1&jwt=a.b.c&y=2", token("a.b.c")),
            ("/?jwt=%61.b%2Ec", token("a.b.c")),
            ("/?%6Awt=a.b.c", token("a.b.c")),
            ("/?jwt=%2561.b.c", token("%61.b.c")),
            ("/?jwt=a+b", token("a+b")),
            ("/?jwt=a%0A", token("a\n")),
            ("/?jwt=a=b", token("a=b")),
            ("/?JWT=a.b.c", Ok(None)),
            ("/?x=1;jwt=a.b.c", Ok(None)),
            ("/?jwt2=a&xjwt=b", Ok(None)),
            ("/?jwt=", Err(CredentialsMalformed)),
            ("/?jwt", Err(CredentialsMalformed)),
            ("/?jwt=%FF", Err(TokenMalformed)),
            ("/?jwt=a&jwt=a", Err(CredentialsConflict)),
            ("/?jwt=a&%6awt=b", Err(CredentialsConflict)),
            ("/?jwt=&jwt=a", Err(CredentialsConflict)),
        ] {
            assert_eq!(found(Method::GET, uri), want, "{uri}");
        }
    }

    #[test]
    fn where_the_provider_appends_it_the_last_of_several_counts_and_all_are_scrubbed() {
        let name = QueryName::default().taking_the_last();
        for (uri, want) in [
            ("/?jwt=a", Some("a")),
            ("/?jwt=evil&jwt=a", Some("a")),
            ("/?jwt=x&b=1&jwt=y&jwt=a&c", Some("a")),
            ("/?jwt=a&jwt=", None),
        ] {
            let mut request = request(Method::GET, uri);
            let found = name.find(&RequestHead::of(&request)).ok().flatten().map(Cow::into_owned);
            assert_eq!(found.as_deref(), want, "{uri}");
            name.scrub(&mut request);
            assert!(!name.is_in(request.uri()), "{uri}");
        }
    }

    #[test]
    fn only_get_and_head_carry_a_token_in_their_query() {
        assert!(matches!(found(Method::HEAD, "/?jwt=a"), Ok(Some(_))));
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            assert_eq!(found(method, "/?jwt=a"), Ok(None));
        }
    }

    #[test]
    fn scrubbing_takes_the_parameter_and_leaves_every_other_byte() {
        for (uri, want) in [
            ("/p?jwt=a", "/p"),
            ("/p?a=1&jwt=x&b=%20+c", "/p?a=1&b=%20+c"),
            ("/p?jwt=x&&b", "/p?&b"),
            ("/p?%6Awt=x&a", "/p?a"),
            ("/p?jwt&jwt=&jwt=y", "/p"),
            ("http://example.com:80/p%2F/q?jwt=x&c=/?d", "http://example.com:80/p%2F/q?c=/?d"),
            ("/p?JWT=x", "/p?JWT=x"),
            ("/p?", "/p?"),
            ("//evil.example/?jwt=x", "//evil.example/"),
            ("/?jwt=x", "/"),
        ] {
            let mut request = request(Method::POST, uri);
            QueryName::default().scrub(&mut request);
            assert_eq!(request.uri().to_string(), want, "{uri}");
        }
    }

    /// A name for the parameter, and a URI, of which some of the query's pairs go by that name, spelled in any way.
    fn named_uri() -> impl Strategy<Value = (String, String)> {
        let name = prop_oneof![Just("jwt".to_owned()), "[jt+ &=%é/?a]{1,4}"];
        let start = sample::select(
            &["/", "/a%2Fb/c", "//evil.example/", "http://example.com:80/p", "http://a.example"][..],
        );
        (name, start).prop_flat_map(|(name, start)| {
            let spelled = vec(any::<(bool, bool)>(), name.len()).prop_map({
                let name = name.clone();
                move |choices| spelling(&name, &choices)
            });
            let key = prop_oneof![spelled, "[jwtJ%+26A7é;a]{0,5}".prop_map(|text| text)];
            let value = option::of("[a=.%+2F?/é]{0,5}");
            let pair = (key, value).prop_map(|(key, value)| match value {
                Some(value) => format!("{key}={value}"),
                None => key,
            });
            (Just(name), vec(pair, 0..5))
                .prop_map(move |(name, pairs)| (name, format!("{start}?{}", pairs.join("&"))))
        })
    }

    /// `name` with some of its bytes percent-encoded, as they may be, and others because they have to be.
    fn spelling(name: &str, choices: &[(bool, bool)]) -> String {
        let mut spelled = String::new();
        for (byte, (encode, lower)) in name.bytes().zip(choices) {
            match byte {
                b' ' if !encode => spelled.push('+'),
                _ if byte.is_ascii_alphanumeric() && !encode => spelled.push(byte.into()),
                _ if *lower => _ = write!(spelled, "%{byte:02x}"),
                _ => _ = write!(spelled, "%{byte:02X}"),
            }
        }
        spelled
    }

    /// `text` without its percent-encoding, by hand.
    fn decoded(text: &str) -> Vec<u8> {
        let digit =
            |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match (first, digit(after.first()), digit(after.get(1))) {
                (b'%', Some(high), Some(low)) => {
                    bytes.push(high * 16 + low);
                    rest = &after[2..];
                }
                _ => bytes.push(*first),
            }
        }
        bytes
    }

    /// The pairs of `query` of this name, and the others.
    fn parted<'q>(name: &str, query: &'q str) -> (Vec<&'q str>, Vec<&'q str>) {
        query.split('&').partition(|pair| {
            let key = &pair[..pair.find('=').unwrap_or(pair.len())];
            decoded(&key.replace('+', " ")) == name.as_bytes()
        })
    }

    #[test]
    fn scrubbing_takes_what_a_model_takes_and_no_other_byte_and_nothing_the_second_time() {
        for_all(named_uri(), |(name, uri)| {
            // Not every text is a URI, and `Uri` writes a missing path out.
            let Ok(parsed) = uri.parse::<Uri>() else { return Err(TestCaseError::reject("no URI")) };
            let uri = parsed.to_string();
            let (start, query) = uri.split_once('?').unwrap_or((&uri, ""));
            let (taken, kept) = parted(&name, query);
            let want = match (taken.is_empty(), kept.is_empty()) {
                (true, _) => uri.clone(),
                (false, true) => start.to_owned(),
                (false, false) => format!("{start}?{}", kept.join("&")),
            };
            let name = QueryName::new(&name).expect("a name");
            prop_assert_eq!(name.is_in(&parsed), !taken.is_empty());
            let mut request = request(Method::POST, &uri);
            #[cfg(feature = "axum")]
            request.extensions_mut().insert(axum::extract::OriginalUri(parsed));
            for round in ["once", "twice"] {
                name.scrub(&mut request);
                prop_assert_eq!(request.uri().to_string(), want.clone(), "{}", round);
                #[cfg(feature = "axum")]
                prop_assert_eq!(original_uri(&request).map(Uri::to_string), Some(want.clone()), "{}", round);
            }
            prop_assert!(!name.is_in(request.uri()));
            prop_assert_eq!(want.parse::<Uri>().map(|uri| uri.to_string()).ok(), Some(want));
            Ok(())
        });
    }

    #[test]
    fn what_is_found_is_the_one_value_that_a_model_finds_or_its_complaint() {
        for_all((named_uri(), any::<bool>()), |((name, uri), last)| {
            let Ok(parsed) = uri.parse::<Uri>() else { return Err(TestCaseError::reject("no URI")) };
            let (named, _) = parted(&name, parsed.query().unwrap_or_default());
            let value =
                |pair: &&str| pair.find('=').map_or(String::new(), |equals| pair[equals + 1..].to_owned());
            let values: Vec<_> = named.iter().map(value).collect();
            let want = match values.as_slice() {
                [] => Ok(None),
                [_, _, ..] if !last => Err(AuthErrorKind::CredentialsConflict),
                [.., value] if value.is_empty() => Err(AuthErrorKind::CredentialsMalformed),
                [.., value] => {
                    String::from_utf8(decoded(value)).map(Some).map_err(|_| AuthErrorKind::TokenMalformed)
                }
            };
            let name = QueryName::new(&name).expect("a name");
            let name = if last { name.taking_the_last() } else { name };
            let request = request(Method::GET, &uri);
            let found = name.find(&RequestHead::of(&request));
            prop_assert_eq!(
                found.map(|token| token.map(Cow::into_owned)).map_err(|error| error.kind()),
                want
            );
            Ok(())
        });
    }
}
