use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why a key set could not be fetched, addressed to the operator.
///
/// It names host and path, never userinfo, a query or a body.
#[derive(Debug, Clone)]
pub struct JwksError {
    kind: JwksErrorKind,
    endpoint: Arc<str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of failure to refresh a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwksErrorKind {
    /// No answer: name resolution, connection, TLS, or the client's own failure.
    Unreachable,
    /// No complete answer within the time limit.
    TimedOut,
    /// An answer with a status other than 200 (or 304 where a validator was sent).
    Status(u16),
    /// A redirect: these are never followed.
    Redirected,
    /// A body longer than the limit.
    TooLarge,
    /// A compressed body, which was not asked for.
    Encoded,
    /// A body that is not the JSON it should be.
    Unparsable,
    /// A key set without one usable key.
    NoUsableKey,
    /// A discovery document of another issuer.
    IssuerMismatch,
    /// A discovery document whose `jwks_uri` may not be fetched.
    InsecureUrl,
    /// The refresh task has ended, as it does when its runtime shuts down.
    Stopped,
}

impl JwksError {
    pub(crate) fn new(kind: JwksErrorKind, endpoint: &Arc<str>) -> Self {
        Self { kind, endpoint: Arc::clone(endpoint), source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What went wrong, to match on.
    #[must_use]
    pub fn kind(&self) -> JwksErrorKind {
        self.kind
    }

    /// The stable name of [`kind`](Self::kind), as it stands in logs, metrics and the readiness snapshot.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl JwksErrorKind {
    /// The stable name, as it stands in logs, metrics and the readiness snapshot: the kind's, in lower case with
    /// underscores.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Status(_) => "status",
            Self::Redirected => "redirected",
            Self::TooLarge => "too_large",
            Self::Encoded => "encoded",
            Self::Unparsable => "unparsable",
            Self::NoUsableKey => "no_usable_key",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::InsecureUrl => "insecure_url",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for JwksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.endpoint;
        match self.kind {
            JwksErrorKind::Unreachable => write!(f, "no answer from {endpoint}"),
            JwksErrorKind::TimedOut => write!(f, "no complete answer from {endpoint} in time"),
            JwksErrorKind::Status(status) => write!(f, "{endpoint} answered {status}"),
            JwksErrorKind::Redirected => write!(f, "{endpoint} redirects, which is not followed"),
            JwksErrorKind::TooLarge => write!(f, "the answer of {endpoint} is too large"),
            JwksErrorKind::Encoded => write!(f, "the answer of {endpoint} is compressed"),
            JwksErrorKind::Unparsable => write!(f, "the answer of {endpoint} is not the JSON expected"),
            JwksErrorKind::NoUsableKey => write!(f, "{endpoint} holds no usable key"),
            JwksErrorKind::IssuerMismatch => write!(
                f,
                "{endpoint} speaks for another issuer: compare its `issuer` with the one configured, to the last slash"
            ),
            JwksErrorKind::InsecureUrl => write!(f, "{endpoint} names a jwks_uri that may not be fetched"),
            JwksErrorKind::Stopped => write!(f, "the refresh of {endpoint} has ended"),
        }
    }
}

impl StdError for JwksError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
