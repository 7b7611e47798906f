//! A request for each kind of refusal, and an app that refuses it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::provider::Phonelink;
use tower_jwt_auth::remote::{Credentials, ValidationEndpoint};
use tower_jwt_auth::replay::{
    Mark, MemoryReplayStore, NonceRule, ReplayRule, ReplayStore, StoreError, StoreFuture, TokenId,
};
use tower_jwt_auth::test_util::jwks_of;
use tower_jwt_auth::token::{Algorithm, MAX_TOKEN_BYTES};
use tower_jwt_auth::{AuthError, Claims, JwtAuthLayer, Verifier};

use super::app;
use super::tokens::{AUDIENCE, ISSUER, Mint, bearer, changed, claims, verifier_over};

/// An app, and a request that it refuses.
pub struct Case {
    pub app: Router,
    pub request: Template,
}

/// What requests are made from.
pub struct Template {
    method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Template {
    pub fn make(&self) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().extend(self.headers.iter().cloned());
        request
    }
}

impl Case {
    /// The code that the request is refused with.
    pub fn code(&mut self) -> Option<&'static str> {
        app::answer(&mut self.app, self.request.make()).extensions().get().map(AuthError::code)
    }

    /// `GET /me` without a token.
    fn of(layer: JwtAuthLayer) -> Self {
        Self::of_app(app::guarded(layer))
    }

    fn of_app(app: Router) -> Self {
        let request = Template { method: Method::GET, uri: Uri::from_static("/me"), headers: Vec::new() };
        Self { app, request }
    }

    fn bearing(self, token: &str) -> Self {
        self.with(AUTHORIZATION, bearer(token))
    }

    fn at(mut self, uri: &str) -> Self {
        self.request.uri = uri.parse().expect("a URI");
        self
    }

    fn with_cookie(self, cookie: &str) -> Self {
        self.with(COOKIE, HeaderValue::from_str(cookie).expect("a header value"))
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request.headers.push((name, value));
        self
    }

    /// Sent once already, with whatever that changes.
    fn again(mut self, runtime: &Runtime) -> Self {
        let _inside = runtime.enter();
        self.code();
        self
    }
}

/// Whether a request is to be answered inside of a runtime, as all are but those that would wait in there.
pub fn is_asked_inside(kind: AuthErrorKind) -> bool {
    kind != AuthErrorKind::KeysPending
}

/// A request that is refused with `kind`. All tokens are RS256's, whose signatures are the cheapest to verify: what is
/// saved by not verifying them is at least what it seems.
#[expect(clippy::too_many_lines, reason = "a row for each kind")]
pub fn of_kind(kind: AuthErrorKind, runtime: &Runtime) -> Case {
    use AuthErrorKind as Kind;

    let mint = Mint::of(Algorithm::Rs256);
    let good = mint.token(&claims(0));
    let with = |changes: Value| mint.token(&changed(claims(0), changes));
    let headed = |changes: Value| {
        let header = changed(mint.key().header(), changes);
        mint.key().token_with_header(&header, &claims(0))
    };
    let layer = || JwtAuthLayer::new(mint.verifier());
    let plain = || Case::of(layer());
    let judged = |verifier: Verifier| Case::of(JwtAuthLayer::new(verifier));
    let links = || layer().hand_off().expect("both places are read");
    let past = 1_700_000_300;

    match kind {
        Kind::TokenMissing => plain(),
        Kind::CredentialsMalformed => plain().bearing("two words"),
        Kind::CredentialsConflict => plain().bearing(&good).at(&format!("/me?jwt={good}")),
        Kind::CrossSiteRequest => {
            let site = (HeaderName::from_static("sec-fetch-site"), HeaderValue::from_static("cross-site"));
            let mut case = plain().with_cookie(&format!("__Host-jwt={good}")).with(site.0, site.1);
            case.request.method = Method::POST;
            case
        }
        Kind::TokenTooLarge => plain().bearing(&"A".repeat(MAX_TOKEN_BYTES + 1)),
        Kind::TokenMalformed => plain().bearing("not.a.token"),
        Kind::TokenEncrypted => plain().bearing("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.dGV4dA.dGFn"),
        Kind::HeaderUnsupported => plain().bearing(&headed(json!({ "crit": ["exp"] }))),
        Kind::AlgorithmUnsupported => plain().bearing(&headed(json!({ "alg": "none" }))),
        Kind::TypeMismatch => judged(mint.verifier().with_type("at+jwt")).bearing(&good),
        Kind::KeyUnknown => plain().bearing(&headed(json!({ "kid": "2026-12" }))),
        Kind::SignatureInvalid => {
            let other = mint.token(&claims(1));
            let (signed, _) = good.rsplit_once('.').expect("three parts");
            let (_, signature) = other.rsplit_once('.').expect("three parts");
            plain().bearing(&format!("{signed}.{signature}"))
        }
        Kind::TokenExpired => plain().bearing(&with(json!({ "exp": past }))),
        Kind::LinkExpired => judged(mint.verifier().distinguish_late_links())
            .at(&format!("/me?jwt={}", with(json!({ "exp": past })))),
        Kind::TokenNotYetValid => plain().bearing(&with(json!({ "nbf": 4_102_444_000_u64 }))),
        Kind::TokenTooOld => judged(mint.verifier().with_max_age(Duration::from_secs(60))).bearing(&good),
        Kind::IssuerMismatch => plain().bearing(&with(json!({ "iss": "https://other.example" }))),
        Kind::AudienceMismatch => plain().bearing(&with(json!({ "aud": ["others", "only"] }))),
        Kind::ClaimMissing => {
            judged(mint.verifier().require_claim("groups").expect("one claim")).bearing(&good)
        }
        Kind::ClaimInvalid => plain().bearing(&with(json!({ "exp": "tomorrow" }))),
        Kind::ClaimRefused => judged(mint.verifier().with_rule("nobody", |_| false)).bearing(&good),
        Kind::ClaimsMismatch => {
            let handler = async |_: Claims<Vec<String>>| StatusCode::NO_CONTENT;
            Case::of_app(Router::new().route("/me", get(handler)).layer(layer())).bearing(&good)
        }
        Kind::TokenBound => plain().bearing(&with(json!({ "cnf": { "jkt": "thumbprint" } }))),
        Kind::TokenRefused => judged(asking(&mint, Provider::says(r#"{"active":false}"#))).bearing(&good),
        Kind::TokenReplayed => Case::of(layer().single_use()).bearing(&good).again(runtime),
        Kind::TokenRevoked => {
            let store = MemoryReplayStore::new();
            let until = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
            let jti = claims(0)["jti"].as_str().expect("a name").to_owned();
            runtime.block_on(store.revoke(ISSUER, &jti, until)).expect("a place");
            Case::of(layer().with_replay_rule(ReplayRule::deny_list(store))).bearing(&good)
        }
        Kind::NonceMissing => Case::of(layer().with_nonce(NonceRule::from_cookie())).bearing(&good),
        Kind::NonceMismatch => Case::of(layer().with_nonce(NonceRule::from_cookie()))
            .bearing(&with(json!({ "nonce": "one" })))
            .with_cookie("__Host-nonce=other"),
        Kind::PhoneNotVerified => {
            let changes =
                json!({ "iss": "https://phone.link", "phone_e164": "+14155550123", "verified": false });
            let phonelink = Phonelink::new(AUDIENCE).expect("a client id").insecure_without_nonce();
            let phonelink = phonelink.with_fetch(Provider::says(&jwks_of([mint.key()])));
            let _inside = runtime.enter();
            runtime.block_on(phonelink.jwks().expect("a key set").ready()).expect("keys");
            Case::of(phonelink.layer().expect("a layer")).at(&format!("/me?token={}", with(changes)))
        }
        Kind::NavigationRequired => Case::of(links())
            .at(&format!("/me?jwt={good}"))
            .with(HeaderName::from_static("sec-fetch-dest"), HeaderValue::from_static("iframe")),
        Kind::SessionConflict => Case::of(links())
            .at(&format!("/me?jwt={}", with(json!({ "sub": "another" }))))
            .with_cookie(&format!("__Host-jwt={good}")),
        Kind::CookieTooLarge => {
            Case::of(links()).at(&format!("/me?jwt={}", with(json!({ "groups": "A".repeat(4_096) }))))
        }
        Kind::SignInDenied => Case::of(links()).at("/me?error=access_denied"),
        Kind::SignInFailed => Case::of(links()).at("/me?error=invalid_request"),
        Kind::SignInUnavailable => Case::of(links()).at("/me?error=temporarily_unavailable"),
        Kind::VerifierUnavailable => judged(asking(&mint, Provider::Gone)).bearing(&good),
        Kind::ReplayUnavailable => {
            Case::of(layer().with_replay_rule(ReplayRule::single_use(BrokenStore))).bearing(&good)
        }
        Kind::KeysPending => judged(verifier_over(remote(Provider::Silent, runtime))).bearing(&good),
        Kind::KeysUnavailable => {
            let token = headed(json!({ "kid": "2026-12" }));
            let document = jwks_of([mint.key()]).into();
            let jwks = remote(Provider::SaysOnce(Mutex::new(Some(document))), runtime);
            let verifier = Arc::new(verifier_over(jwks.clone()));
            runtime.block_on(async {
                jwks.ready().await.expect("keys");
                jwks.refresh_now().await.expect_err("nobody answers");
                // The one attempt in 30 s: who comes after it is refused at once.
                verifier.verify_or_ask(&token).await.expect_err("nobody answers");
            });
            Case::of(JwtAuthLayer::new(verifier)).bearing(&token)
        }
        other => panic!("no request for {}", other.code()),
    }
}

/// A verifier that asks `provider` about each token of `mint`.
fn asking(mint: &Mint, provider: Provider) -> Verifier {
    let credentials = Credentials::bearer("secret");
    let endpoint = ValidationEndpoint::introspection("https://issuer.example/introspect", &credentials);
    verifier_over(endpoint.expect("a URL").with_fetch(provider))
        .with_algorithms([mint.key().algorithm()])
        .expect("one of all")
}

fn remote(provider: Provider, runtime: &Runtime) -> Jwks {
    let _inside = runtime.enter();
    let builder = Jwks::builder("https://issuer.example/keys").expect("a URL");
    builder.with_fetch(provider).spawn().expect("a runtime")
}

/// A provider in memory.
enum Provider {
    Says(Vec<u8>),
    SaysOnce(Mutex<Option<Vec<u8>>>),
    /// Its connections break.
    Gone,
    /// It never answers.
    Silent,
}

impl Provider {
    fn says(body: &str) -> Self {
        Self::Says(body.into())
    }
}

impl Fetch for Provider {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let body = match self {
            Self::Says(body) => Some(body.clone()),
            Self::SaysOnce(body) => body.lock().expect("nobody panics in here").take(),
            Self::Gone => None,
            Self::Silent => return Box::pin(std::future::pending()),
        };
        let gone = || FetchError::Failed("connection refused".into());
        Box::pin(std::future::ready(body.map(http::Response::new).ok_or_else(gone)))
    }
}

/// A store whose connections break.
struct BrokenStore;

impl BrokenStore {
    fn answer<T: Send + 'static>() -> StoreFuture<'static, T> {
        Box::pin(std::future::ready(Err(StoreError::Failed("connection refused".into()))))
    }
}

impl ReplayStore for BrokenStore {
    fn insert(&self, _id: TokenId, _mark: Mark, _until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        Self::answer()
    }

    fn find(&self, _id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        Self::answer()
    }

    fn deny(&self, _id: TokenId, _until: SystemTime) -> StoreFuture<'_, ()> {
        Self::answer()
    }
}
