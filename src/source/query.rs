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
mod tests {
    use super::*;

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
}
