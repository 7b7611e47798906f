//! Turning a refusal into an answer: a challenge, a problem document, and for gRPC a status.
//!
//! | status | challenge (`WWW-Authenticate`) | when |
//! |---|---|---|
//! | 401 | `Bearer realm="…"` | no token, or a provider that sent none |
//! | 401 | `… error="invalid_token", error_description="…"` | a token that is not good |
//! | 400 | `… error="invalid_request", error_description="…"` | a token that is carried wrongly |
//! | 401 | `… error="insufficient_user_authentication", …` | a user who has to be authenticated in another way, or again |
//! | 403 | `… error="insufficient_scope", …, scope="…"` | a good token that does not permit this |
//! | 403 | none: another token would change nothing | another site is behind the request |
//! | 503 | none, but `Retry-After` | it cannot be checked now |
//!
//! The body is `application/problem+json` ([RFC 9457]) with the stable `code` of the [`AuthErrorKind`]; the error itself
//! is in the response's extensions. A gRPC call, which is a `POST` with `content-type: application/grpc`, gets status 200 and
//! `grpc-status` 16, 7 or 14 instead, and one of gRPC-Web the same in its own content type: a proxy that asks the layer first
//! would take that for a yes, unless it is set to [`without_grpc_answers`]. Nothing in an answer comes from the token or the
//! keys.
//!
//! [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
//! [`AuthErrorKind`]: crate::error::AuthErrorKind
//! [`without_grpc_answers`]: crate::JwtAuthLayer::without_grpc_answers

mod challenge;
mod denial;
mod grpc;
mod problem;

use std::fmt;
use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Response, StatusCode};

use crate::error::{AuthError, AuthErrorKind, ConfigError};
use challenge::Challenges;
pub(crate) use challenge::Offer;
pub(crate) use denial::{Denial, Needs, Scheme};

/// How a layer answers to those it does not let in.
#[derive(Clone, Default)]
pub(crate) struct Refusals {
    challenges: Challenges,
    hook: Option<Arc<Hook>>,
    grpc: GrpcCalls,
}

/// How a gRPC call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum GrpcCalls {
    #[default]
    ByTheirStatus,
    AsHttp,
}

pub(crate) type Hook = dyn Fn(Refusal) -> Response<String> + Send + Sync;

/// A refusal on its way out, as a [hook](crate::JwtAuthLayer::with_refusal_hook) gets it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// Why.
    pub error: AuthError,
    /// The answer as it would be.
    pub response: Response<String>,
}

/// In the extensions of a request that an optional layer let pass without a token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anonymous;

/// In the extensions of a response that was made behind the layer and should be made by it.
#[derive(Debug, Clone)]
struct Pending(Denial);

/// The protocol that the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Http,
    /// With the content type that the answer has.
    Grpc(&'static str),
}

impl Caller {
    /// A gRPC call is a POST ([its protocol]). What asks by another method, as proxies do for their clients, takes the 200 that
    /// a call is refused with for a success.
    ///
    /// [its protocol]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let answer_type = if method == Method::POST { grpc::answer_type(headers) } else { None };
        answer_type.map_or(Self::Http, Self::Grpc)
    }
}

impl Refusals {
    pub(crate) fn set_realm(&mut self, realm: &str) -> Result<(), ConfigError> {
        self.challenges = self.challenges.with_realm(realm)?;
        Ok(())
    }

    /// Names the scopes to ask a token for in the first place.
    pub(crate) fn set_scope(&mut self, scope: &str) {
        self.challenges = self.challenges.with_scope(scope);
    }

    /// Tells where the resource describes itself.
    pub(crate) fn set_resource_metadata(&mut self, url: &str) {
        self.challenges = self.challenges.with_resource_metadata(url);
    }

    /// Under which schemes a token may be sent.
    pub(crate) fn offers(&self) -> &[Offer] {
        &self.challenges.0.offers
    }

    /// Under which schemes a token may be sent; one or more.
    pub(crate) fn set_offers(&mut self, offers: Vec<Offer>) {
        self.challenges = self.challenges.with_offers(offers);
    }

    pub(crate) fn set_hook(&mut self, hook: Arc<Hook>) {
        self.hook = Some(hook);
    }

    /// Refuses gRPC calls as other requests.
    pub(crate) fn refuse_grpc_as_http(&mut self) {
        self.grpc = GrpcCalls::AsHttp;
    }

    pub(crate) fn refuses_grpc_as_http(&self) -> bool {
        self.grpc == GrpcCalls::AsHttp
    }

    /// The whole answer to `denial`.
    pub(crate) fn answer(&self, denial: impl Into<Denial>, caller: Caller) -> Response<String> {
        let denial = denial.into();
        let error = denial.error;
        if let Caller::Grpc(content_type) = caller
            && self.grpc == GrpcCalls::ByTheirStatus
        {
            return with_error(grpc::status(&error, content_type), error);
        }
        let plain = self.plain(&denial);
        let Some(hook) = &self.hook else { return with_error(plain, error) };
        let mut answer = hook(Refusal { error, response: plain });
        let status = answer.status();
        if !(status.is_redirection() || status.is_client_error() || status.is_server_error())
            || status == StatusCode::NOT_MODIFIED
        {
            // A response that was made anew says 200 until it is told otherwise.
            *answer.status_mut() = error.status();
        }
        self.complete(&mut answer, &denial);
        with_error(answer, error)
    }

    /// An answer from behind the layer, marked to be replaced by the layer's own.
    pub(crate) fn pending(denial: Denial) -> Response<String> {
        let mut response = Self::default().answer(denial.clone(), Caller::Http);
        response.extensions_mut().insert(Pending(denial));
        response
    }

    /// What is behind an answer that was [marked](Self::pending), if `response` is one.
    pub(crate) fn take_pending<B>(response: &mut Response<B>) -> Option<Denial> {
        // Most responses have no extensions at all.
        if response.extensions().is_empty() {
            return None;
        }
        response.extensions_mut().remove().map(|Pending(denial)| denial)
    }

    fn plain(&self, denial: &Denial) -> Response<String> {
        let mut response = Response::new(problem::document(&denial.error));
        *response.status_mut() = denial.error.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
        self.complete(&mut response, denial);
        response
    }

    /// Puts the fields that belong to the status where they are not, or back where a hook lost them: the challenge
    /// ([RFC 9110 §11.6.1]), when to come back, and that the answer is nobody else's.
    ///
    /// [RFC 9110 §11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
    fn complete(&self, response: &mut Response<String>, denial: &Denial) {
        let is_challenged = match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => true,
            StatusCode::FORBIDDEN => another_token_may_do(denial.error.kind()),
            _ => false,
        };
        let headers = response.headers_mut();
        if is_challenged && !headers.contains_key(header::WWW_AUTHENTICATE) {
            self.challenges.append_to(headers, denial);
        }
        if let Some(pause) = denial.error.retry_after() {
            headers.entry(header::RETRY_AFTER).or_insert(HeaderValue::from(pause.as_secs()));
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Of those that are forbidden something.
fn another_token_may_do(kind: AuthErrorKind) -> bool {
    matches!(kind, AuthErrorKind::ScopeInsufficient | AuthErrorKind::PermissionDenied)
}

fn with_error(mut response: Response<String>, error: AuthError) -> Response<String> {
    response.extensions_mut().insert(error);
    response
}

/// What refusals tell besides what is wrong, and to whom.
impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scope) = &self.challenges.0.scope {
            write!(f, "; scopes to ask for: {scope}")?;
        }
        if let Some(url) = &self.challenges.0.resource_metadata {
            write!(f, "; described at {url}")?;
        }
        match self.grpc {
            GrpcCalls::ByTheirStatus => Ok(()),
            GrpcCalls::AsHttp => f.write_str("; gRPC calls are refused as HTTP requests"),
        }
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("challenges", &self.challenges).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod any_realm;
    mod every_challenge;

    fn challenge_of(response: &Response<String>) -> Option<&str> {
        response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().expect("text"))
    }

    #[test]
    fn every_kind_is_answered_with_its_status_its_challenge_and_its_code() {
        use AuthErrorKind::{SignInDenied, SignInFailed, TokenMissing};
        for kind in AuthErrorKind::ALL {
            let error = AuthError::from(*kind);
            let response = Refusals::default().answer(error, Caller::Http);
            assert_eq!(response.status(), error.status(), "{kind:?}");
            assert!(response.body().contains(&format!("\"code\":\"{}\"", error.code())), "{kind:?}");
            assert_eq!(response.extensions().get::<AuthError>(), Some(&error));
            let code = match (kind, error.status()) {
                (TokenMissing | SignInDenied | SignInFailed, _) => Some(None),
                (AuthErrorKind::AuthenticationInsufficient, _) => {
                    Some(Some("insufficient_user_authentication"))
                }
                (AuthErrorKind::ProofInvalid | AuthErrorKind::ProofReplayed, _) => {
                    Some(Some("invalid_dpop_proof"))
                }
                (AuthErrorKind::ProofNonceRequired, _) => Some(Some("use_dpop_nonce")),
                (AuthErrorKind::ScopeInsufficient | AuthErrorKind::PermissionDenied, _) => {
                    Some(Some("insufficient_scope"))
                }
                (_, StatusCode::UNAUTHORIZED) => Some(Some("invalid_token")),
                (_, StatusCode::BAD_REQUEST) => Some(Some("invalid_request")),
                _ => None,
            };
            let want = code.map(|code| match code {
                None => "Bearer realm=\"api\"".to_owned(),
                Some(code) => {
                    let description = error.description();
                    format!("Bearer realm=\"api\", error=\"{code}\", error_description=\"{description}\"")
                }
            });
            assert_eq!(challenge_of(&response), want.as_deref(), "{kind:?}");
            let unavailable = error.status() == StatusCode::SERVICE_UNAVAILABLE;
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), unavailable, "{kind:?}");
        }
    }

    #[test]
    fn an_answer_that_was_written_before_still_says_what_differs() {
        let kind = AuthErrorKind::VerifierUnavailable;
        let pause_of = |error| {
            let response = Refusals::default().answer(error, Caller::Http);
            response.headers()[header::RETRY_AFTER].to_str().expect("text").to_owned()
        };
        let until = |seconds| AuthError::until(kind, std::time::Duration::from_secs(seconds));
        assert_eq!([until(7), kind.into(), until(9)].map(pause_of), ["7", "5", "9"]);

        let of_realm = |realm: &str| {
            let mut refusals = Refusals::default();
            refusals.set_realm(realm).expect("a realm");
            refusals
        };
        let (one, other) = (of_realm("one"), of_realm("other"));
        for (refusals, want) in
            [(&one, "one"), (&other, "other"), (&one, "one"), (&Refusals::default(), "api")]
        {
            let response = refusals.answer(AuthErrorKind::TokenMissing, Caller::Http);
            assert_eq!(challenge_of(&response), Some(&*format!("Bearer realm=\"{want}\"")));
        }
        let claim = |claim| {
            Refusals::default().answer(AuthError::about(AuthErrorKind::ClaimMissing, claim), Caller::Http)
        };
        for name in ["sub", "a \"claim\"", "sub"] {
            let body: serde_json::Value = serde_json::from_str(claim(name).body()).expect("JSON");
            assert_eq!(body["claim"], name);
        }
    }

    #[test]
    fn a_hook_can_replace_the_answer_but_not_lose_the_challenge() {
        let mut refusals = Refusals::default();
        refusals
            .set_hook(Arc::new(|refusal: Refusal| Response::new(format!("sorry: {}", refusal.error.code()))));
        let response = refusals.answer(AuthErrorKind::TokenExpired, Caller::Http);
        assert_eq!(response.body(), "sorry: token_expired");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "a refusal never looks like a success");
        assert!(challenge_of(&response).is_some_and(|challenge| challenge.contains("invalid_token")));
        assert!(response.extensions().get::<AuthError>().is_some());

        let mut refusals = Refusals::default();
        refusals.set_hook(Arc::new(|_| {
            let mut response = Response::new(String::new());
            *response.status_mut() = StatusCode::SEE_OTHER;
            response
        }));
        let response = refusals.answer(AuthErrorKind::TokenExpired, Caller::Http);
        assert_eq!(challenge_of(&response), None, "a redirect to a login page needs none");
    }
}
