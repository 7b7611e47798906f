use std::sync::Arc;

use crate::error::{AuthError, AuthErrorKind};

/// A refusal, with what its challenge has to say beyond the error.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    pub(crate) error: AuthError,
    pub(crate) scheme: Scheme,
    /// What would have been enough, where a route asks for more than a good token.
    pub(crate) needs: Option<Arc<Needs>>,
}

/// The authentication scheme whose challenge an error belongs to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    #[default]
    Bearer,
    Dpop,
}

/// What a route asks for, as a challenge writes it; each is of characters that need no escape.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Every scope that is needed ([RFC 6750 §3]).
    ///
    /// [RFC 6750 §3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    pub(crate) scope: Option<Box<str>>,
    /// How the user has to be authenticated ([RFC 9470 §3]).
    ///
    /// [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
    pub(crate) acr_values: Option<Box<str>>,
    /// How many seconds ago, at most ([RFC 9470 §3]).
    ///
    /// [RFC 9470 §3]: https://www.rfc-editor.org/rfc/rfc9470#section-3
    pub(crate) max_age: Option<u64>,
}

impl Denial {
    pub(crate) fn with_needs(mut self, needs: Arc<Needs>) -> Self {
        self.needs = Some(needs);
        self
    }

    pub(crate) fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }
}

impl From<AuthError> for Denial {
    fn from(error: AuthError) -> Self {
        Self { error, scheme: Scheme::default(), needs: None }
    }
}

impl From<AuthErrorKind> for Denial {
    fn from(kind: AuthErrorKind) -> Self {
        AuthError::from(kind).into()
    }
}
