//! Finding the one token of a request: the `Authorization` header, the query, or a cookie.
//!
//! By default all three are read: `Authorization: Bearer …`, the cookie `__Host-jwt`, and on GET and HEAD the query
//! parameter `jwt`. A request carries one token. Two that were put there on purpose, or one put there twice, are a
//! conflict, even if one of them is good; a cookie, which a browser adds by itself, gives way to either.
//!
//! A browser opens a WebSocket by a GET, with the cookie or the query; over HTTP/2 by CONNECT, whose query is not read.
//!
//! # Security
//!
//! A token in a URL ends up in logs and histories. The query parameter is therefore taken out of the request before
//! anything behind the layer sees it, and answers forbid caching and referrers; what stands *before* the layer, a
//! tracing middleware for one, still sees it. [`TokenSources::bearer_only`] is what OAuth 2.1, FAPI 2.0 and MCP ask for.
//!
//! # Examples
//!
//! ```
//! use tower_jwt_auth::source::TokenSources;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sources = TokenSources::default().with_cookie("session")?.without_query();
//! assert_eq!(sources.to_string(), "bearer, cookie session");
//! # Ok(()) }
//! ```

mod bearer;
mod cookie;
mod cross_site;
mod described;
mod found;
mod query;
mod request_head;
mod set_cookie;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Request, Uri};

use crate::error::{AuthError, AuthErrorKind, ConfigError};
use bearer::Schemes;
pub(crate) use cookie::CookieName;
pub(crate) use cross_site::CrossSiteRule;
pub(crate) use found::Found;
use query::QueryName;
pub(crate) use query::original_uri;
pub use request_head::RequestHead;
pub use set_cookie::{MAX_COOKIE_BYTES, SameSite};
pub(crate) use set_cookie::{cookie_that_ends, is_cookie_octet, set_cookie};

/// Where to look for a token.
///
/// See the [module docs](self).
#[derive(Clone)]
#[must_use]
pub struct TokenSources {
    schemes: Schemes,
    query: Option<QueryName>,
    others: Vec<Arc<dyn TokenSource>>,
    cookie: Option<CookieName>,
}

impl Default for TokenSources {
    fn default() -> Self {
        Self {
            schemes: Schemes { bearer: true, dpop: false },
            query: Some(QueryName::default()),
            others: Vec::new(),
            cookie: Some(CookieName::default()),
        }
    }
}

impl TokenSources {
    /// The `Authorization` header and nothing else: what OAuth 2.1, FAPI 2.0 and MCP ask for.
    pub fn bearer_only() -> Self {
        Self { query: None, cookie: None, ..Self::default() }
    }

    /// The query parameter `name` and nothing else.
    pub(crate) fn query_only(name: &'static str) -> Self {
        let query = Some(QueryName::of_provider(name));
        Self { query, cookie: None, ..Self::default() }.without_bearer()
    }

    /// Reads the cookie `name`, case-sensitively.
    ///
    /// A name that begins with `__Host-` can be set by this host only; any other may have been set by a sibling.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `name` is no cookie name ([RFC 6265 §4.1.1]).
    ///
    /// [RFC 6265 §4.1.1]: https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1
    pub fn with_cookie(mut self, name: &str) -> Result<Self, ConfigError> {
        self.cookie = Some(CookieName::new(name)?);
        Ok(self)
    }

    /// Reads no cookie.
    pub fn without_cookie(mut self) -> Self {
        self.cookie = None;
        self
    }

    /// Reads the query parameter `name` of GET and HEAD requests, case-sensitively.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `name` is empty.
    pub fn with_query(mut self, name: &str) -> Result<Self, ConfigError> {
        self.query = Some(QueryName::new(name)?);
        Ok(self)
    }

    /// Where the query parameter is there more than once, reads the last one: for a provider that appends its own.
    pub(crate) fn taking_the_last_in_the_query(mut self) -> Self {
        self.query = self.query.map(QueryName::taking_the_last);
        self
    }

    /// Reads no query parameter.
    pub fn without_query(mut self) -> Self {
        self.query = None;
        self
    }

    /// Does not read `Authorization: Bearer …`.
    pub fn without_bearer(mut self) -> Self {
        self.schemes.bearer = false;
        self
    }

    /// Reads `Authorization: DPoP …` too, or does not.
    pub(crate) fn with_dpop(mut self, dpop: bool) -> Self {
        self.schemes.dpop = dpop;
        self
    }

    /// Whether a line of `Authorization` says `DPoP`, where that is read.
    pub(crate) fn finds_dpop(&self, headers: &HeaderMap) -> bool {
        self.schemes.dpop && bearer::is_dpop(headers)
    }

    /// Reads another place too.
    pub fn with_source(mut self, source: impl TokenSource) -> Self {
        self.others.push(Arc::new(source));
        self
    }

    /// Whether these are the same as `others`, read in the same way.
    pub(crate) fn are(&self, others: &Self) -> bool {
        let Self { schemes, query, others: own, cookie } = self;
        (schemes, query, cookie) == (&others.schemes, &others.query, &others.cookie)
            && own.len() == others.others.len()
            && own.iter().zip(&others.others).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The cookie that is read, if one is.
    pub(crate) fn cookie(&self) -> Option<&CookieName> {
        self.cookie.as_ref()
    }

    /// What the place is called that `source` stands for: the same name at the same source is the same place.
    pub(crate) fn place(&self, source: Source) -> (Source, Option<String>) {
        let name = match source {
            Source::Query => self.query_name().map(str::to_owned),
            Source::Cookie => self.cookie.as_ref().map(ToString::to_string),
            _ => None,
        };
        (source, name)
    }

    /// `uri` without the token.
    pub(crate) fn without_token(&self, uri: &Uri) -> Uri {
        let scrubbed = self.query.as_ref().and_then(|query| query.without_token(uri));
        scrubbed.unwrap_or_else(|| uri.clone())
    }

    /// The one token of `request`, if it has one.
    pub(crate) fn find<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Found<'r>>, AuthError> {
        match self.find_explicit(request)? {
            None => self.find_cookie(request),
            explicit => Ok(explicit),
        }
    }

    /// The one that was put there on purpose.
    pub(crate) fn find_explicit<'r>(
        &self,
        request: &RequestHead<'r>,
    ) -> Result<Option<Found<'r>>, AuthError> {
        let header = if self.schemes.is_none() { None } else { bearer::find(request.headers, self.schemes)? };
        self.find_beside(header, request).map_err(|error| match header {
            Some((_, token)) => found::or_malformed(token, error),
            None => error,
        })
    }

    fn find_beside<'r>(
        &self,
        header: Option<(Source, &'r [u8])>,
        request: &RequestHead<'r>,
    ) -> Result<Option<Found<'r>>, AuthError> {
        let mut explicit = header.map(|(source, token)| Found { token: token.into(), source });
        if let Some(query) = &self.query {
            keep_only(&mut explicit, query.find(request)?.map(bytes), Source::Query)?;
        }
        for other in &self.others {
            keep_only(&mut explicit, other.find(request)?.map(bytes), Source::Other(other.name()))?;
        }
        Ok(explicit)
    }

    /// The one that the browser adds by itself.
    pub(crate) fn find_cookie<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Found<'r>>, AuthError> {
        let Some(cookie) = &self.cookie else { return Ok(None) };
        let token = cookie.find(request.headers)?;
        Ok(token.map(|token| Found { token: bytes(token), source: Source::Cookie }))
    }

    /// Whether the URI of `request` holds a token, to be read or not.
    pub(crate) fn exposed_in<B>(&self, request: &Request<B>) -> bool {
        self.query.as_ref().is_some_and(|query| query.is_in(request.uri()))
    }

    /// Takes the token out of the URI of `request`, whether it was read or not.
    pub(crate) fn scrub<B>(&self, request: &mut Request<B>) {
        if let Some(query) = &self.query {
            query.scrub(request);
        }
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// Keeps the first token found; a second one is a conflict ([RFC 6750 §2]).
///
/// [RFC 6750 §2]: https://www.rfc-editor.org/rfc/rfc6750#section-2
fn keep_only<'r>(
    kept: &mut Option<Found<'r>>,
    found: Option<Cow<'r, [u8]>>,
    source: Source,
) -> Result<(), AuthError> {
    match found {
        Some(_) if kept.is_some() => Err(AuthErrorKind::CredentialsConflict.into()),
        Some(token) => {
            *kept = Some(Found { token, source });
            Ok(())
        }
        None => Ok(()),
    }
}

/// Names the places, in the order they are read.
impl fmt::Display for TokenSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        if self.schemes.bearer {
            names.push("bearer".into());
        }
        if self.schemes.dpop {
            names.push("dpop".into());
        }
        if let Some(query) = &self.query {
            names.push(format!("query {query}").into());
        }
        names.extend(self.others.iter().map(|other| other.name().into()));
        if let Some(cookie) = &self.cookie {
            names.push(format!("cookie {cookie}").into());
        }
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for TokenSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSources({self})")
    }
}

/// A place of your own to find a token in, such as a header that a gateway sets.
///
/// What it finds was put there on purpose: it conflicts with a bearer or query token, and makes a cookie irrelevant.
///
/// # Security
///
/// It is not for cookies or URLs: those have sources of their own, with the rule against cross-site requests, the scrubbing
/// and the headers that belong to them, none of which a custom source gets.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
/// use tower_jwt_auth::source::{RequestHead, TokenSource, TokenSources};
/// use tower_jwt_auth::AuthError;
/// use tower_jwt_auth::error::AuthErrorKind;
///
/// struct AccessHeader;
///
/// impl TokenSource for AccessHeader {
///     fn name(&self) -> &'static str {
///         "access_header"
///     }
///
///     fn find<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Cow<'r, str>>, AuthError> {
///         let mut values = request.headers.get_all("x-access-token").iter();
///         match (values.next(), values.next()) {
///             (None, _) => Ok(None),
///             (Some(value), None) => match value.to_str() {
///                 Ok(token) => Ok(Some(token.into())),
///                 Err(_) => Err(AuthErrorKind::CredentialsMalformed.into()),
///             },
///             (Some(_), Some(_)) => Err(AuthErrorKind::CredentialsConflict.into()),
///         }
///     }
/// }
///
/// let sources = TokenSources::bearer_only().with_source(AccessHeader);
/// assert_eq!(sources.to_string(), "bearer, access_header");
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// A short, constant name for logs and metrics. Places of one name in several layers of
    /// [`any_of`](crate::JwtAuthLayer::any_of) are a conflict where there are two different tokens in them.
    fn name(&self) -> &'static str;

    /// The token, if it is here.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::CredentialsMalformed`] or [`AuthErrorKind::CredentialsConflict`], where that is what it is.
    fn find<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Cow<'r, str>>, AuthError>;
}

/// Where a token was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The `Authorization` header, as a bearer token.
    Bearer,
    /// The `Authorization` header, with a [proof](crate::binding) of its sender's key beside it.
    Dpop,
    /// The query of the URI.
    Query,
    /// A cookie.
    Cookie,
    /// A [`TokenSource`] of your own, by its name.
    Other(&'static str),
    /// It was handed to the verifier, not found in a request.
    Direct,
}

impl Source {
    /// The stable name, as it stands in logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
            Self::Query => "query",
            Self::Cookie => "cookie",
            Self::Other(name) => name,
            Self::Direct => "direct",
        }
    }
}
