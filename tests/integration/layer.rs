//! The layer among other Tower services.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{Method, Request, Response};
use serde_json::json;
use tokio::time::timeout;
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt};
use tower_jwt_auth::error::{AuthErrorKind, ConfigError};
use tower_jwt_auth::source::{RequestHead, TokenSource, TokenSources};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{AuthError, Claims, Jwks, JwtAuthLayer};

use crate::support::app::{self, App, Hanging, Lines, Place, User, cold_jwks, verifier, verifier_with};
use crate::support::issuer::{
    NOW, SigningKey, claims_with, good_claims, jwks_of, shared_key, shared_rsa_key,
};
use crate::support::log::Log;
use crate::support::record;

fn good_token() -> String {
    shared_key().token(&good_claims())
}

fn bad_token() -> String {
    SigningKey::generate(Algorithm::Es256, "unknown").token(&good_claims())
}

/// A request without axum: its body is a text.
fn request(token: Option<&str>) -> Request<String> {
    let mut request = Request::new("the body".to_owned());
    if let Some(token) = token {
        record::secret("a token", token);
        let value = format!("Bearer {token}").parse().expect("a value");
        request.headers_mut().insert("authorization", value);
    }
    request
}

/// A service that has to be asked whether it is ready before every call, as a limited one has; its clones were not.
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Strict {
    fn new() -> Self {
        Self { ready: false, calls: Arc::default() }
    }

    fn calls(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.calls)
    }
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<String>) -> Self::Future {
        assert!(mem::take(&mut self.ready), "called without having been asked");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new("inside".to_owned())))
    }
}

/// A layer whose keys are fetched from now on.
fn cold_layer() -> JwtAuthLayer {
    JwtAuthLayer::new(verifier_with(cold_jwks(jwks_of([shared_key()]))))
}

type MakeLayer = fn() -> JwtAuthLayer;

/// Makes layers whose keys are here, whose keys are still to come, and that need no token.
const LAYERS: [(&str, MakeLayer); 3] = [
    ("keys at hand", || JwtAuthLayer::new(verifier())),
    ("keys to come", cold_layer),
    ("optional, keys to come", || cold_layer().optional()),
];

#[tokio::test(start_paused = true)]
async fn the_service_that_was_asked_is_the_one_that_is_called() {
    let (good, bad) = (good_token(), bad_token());
    for (name, layer) in LAYERS {
        let layer = layer();
        let inner = Strict::new();
        let calls = inner.calls();
        let mut service = layer.layer(inner);
        for (token, anonymous_too) in [
            (Some(&good), false),
            (Some(&bad), false),
            (Some(&good), false),
            (None, true),
            (Some(&good), false),
        ] {
            let before = calls.load(Ordering::Relaxed);
            let service = service.ready().await.expect("ready");
            let response = service.call(request(token.map(String::as_str))).await.expect("an answer");
            let let_in = token == Some(&good) || (anonymous_too && name.starts_with("optional"));
            assert_eq!(response.status() == 200, let_in, "{name}: {:?}", response.body());
            let called = calls.load(Ordering::Relaxed) - before;
            assert_eq!(called, usize::from(let_in), "{name}: nobody inside hears of the refused");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limited_service_below_the_layer_serves_everybody_in_turn() {
    let (good, bad) = (good_token(), bad_token());
    for (name, layer) in LAYERS {
        let layer = layer();
        let service = layer.layer(ConcurrencyLimit::new(Strict::new(), 2));
        let answers = (0..16).map(|n| {
            let token = if n % 4 == 3 { &bad } else { &good };
            let answer = service.clone().oneshot(request(Some(token)));
            async move { (n, answer.await.expect("an answer").status()) }
        });
        let answers: Vec<_> = answers.map(tokio::spawn).collect();
        for answer in answers {
            let (n, status) =
                timeout(Duration::from_secs(60), answer).await.expect("in time").expect("no panic");
            assert_eq!(status, if n % 4 == 3 { 401 } else { 200 }, "{name}: {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_buffered_service_below_the_layer_is_never_called_unasked() {
    let (good, bad) = (good_token(), bad_token());
    for (name, layer) in LAYERS {
        let layer = layer();
        let mut service = layer.layer(Buffer::new(Strict::new(), 1));
        for token in [&good, &bad, &good, &good] {
            let service = service.ready().await.expect("ready");
            let response = service.call(request(Some(token))).await.expect("an answer");
            assert_eq!(response.status() == 200, *token == good, "{name}");
        }
        drop(service.ready().await.expect("ready").call(request(Some(&good))));
        let response = service.clone().oneshot(request(Some(&good)));
        drop(service);
        let response = timeout(Duration::from_secs(60), response).await.expect("in time");
        assert_eq!(response.expect("an answer").status(), 200, "{name}");
    }
}

/// Or else whoever has no token can use up a limit by holding connections whose one request was refused.
#[tokio::test(start_paused = true)]
async fn a_refused_request_gives_back_what_readiness_had_reserved() {
    let mut service = JwtAuthLayer::new(verifier()).layer(ConcurrencyLimit::new(Strict::new(), 1));
    let another = service.clone();
    let refused = service.ready().await.expect("ready").call(request(None)).await;
    assert_eq!(refused.expect("an answer").status(), 401);
    let good = good_token();
    let answer = timeout(Duration::from_secs(60), another.oneshot(request(Some(&good)))).await;
    let answer = answer.expect("the refused one still holds the only place");
    assert_eq!(answer.expect("an answer").status(), 200);
    drop(service);
}

/// Or else forged tokens that wait for a hanging provider keep out those whose keys are here.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_keys_holds_no_place_meanwhile() {
    let never = Jwks::builder("https://issuer.example/keys").expect("a URL").with_fetch(Hanging);
    let layer = JwtAuthLayer::new(verifier_with(never.spawn().expect("a runtime"))).optional();
    let service = layer.layer(ConcurrencyLimit::new(Strict::new(), 1));
    let token = good_token();
    let mut waiting = tokio::spawn(service.clone().oneshot(request(Some(&token))));
    assert!(timeout(Duration::from_millis(500), &mut waiting).await.is_err(), "it waits for the first set");
    let answer = timeout(Duration::ZERO, service.oneshot(request(None))).await;
    assert_eq!(answer.expect("the waiting one holds the only place").expect("an answer").status(), 200);
    let late = waiting.await.expect("a task").expect("an answer");
    assert_eq!(late.status(), 503);
}

#[tokio::test]
async fn bodies_may_be_of_any_type_that_a_text_can_become() {
    struct Opaque;
    #[derive(Debug, PartialEq)]
    struct Page(String);
    impl From<String> for Page {
        fn from(text: String) -> Self {
            Self(text)
        }
    }
    let inner = tower::service_fn(async |_: Request<Opaque>| {
        Ok::<_, Infallible>(Response::new(Page("inside".to_owned())))
    });
    let service = JwtAuthLayer::new(verifier()).layer(inner);
    let mut with_token = Request::new(Opaque);
    let bearer = format!("Bearer {}", good_token()).parse().expect("a value");
    with_token.headers_mut().insert("authorization", bearer);
    let response = service.clone().oneshot(with_token).await.expect("an answer");
    assert_eq!(*response.body(), Page("inside".to_owned()));
    let response = service.oneshot(Request::new(Opaque)).await.expect("an answer");
    assert_eq!(response.status(), 401);
    assert!(response.body().0.contains("token_missing"), "{:?}", response.body());
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_as_it_is() {
    let inner = tower::service_fn(async |_: Request<String>| Err::<Response<String>, _>("out of order"));
    let service = JwtAuthLayer::new(verifier()).layer(inner);
    let token = good_token();
    let error = service.clone().oneshot(request(Some(&token))).await;
    assert_eq!(error.expect_err("an error"), "out of order");
    let refused = service.oneshot(request(None)).await;
    assert_eq!(refused.expect("an answer").status(), 401);
}

#[tokio::test]
async fn behind_an_optional_layer_no_token_is_none_and_a_bad_one_is_refused() {
    let who = async |user: Option<Claims<User>>| user.map_or("nobody".to_owned(), |user| user.sub.clone());
    let router = Router::new().route("/", get(who));
    let app = App::of(router.layer(JwtAuthLayer::new(verifier()).optional()));
    let answer = app.answer(app::get("/", &[])).await;
    assert_eq!((answer.status, &*answer.body), (200, "nobody"));
    for place in Place::ALL {
        let answer = app.answer(place.carry(Method::GET, &good_token())).await;
        assert_eq!((answer.status, &*answer.body), (200, "alice"), "{place:?}");
        let answer = app.answer(place.carry(Method::GET, &bad_token())).await;
        assert_eq!((answer.status, &*answer.code), (401, "key_unknown"), "{place:?}");
    }
    let answer = app.answer(app::get("/", &[("authorization", "Bearer")])).await;
    assert_eq!(answer.status, 400);
    let nameless = shared_key().token(&claims_with(json!({ "sub": null })));
    let answer = app.answer(Place::Header.carry(Method::GET, &nameless)).await;
    assert_eq!((answer.status, &*answer.code), (401, "claims_mismatch"));
}

#[tokio::test]
async fn what_an_outer_layer_verified_is_not_the_word_of_an_inner_one() -> Result<(), ConfigError> {
    let rsa = shared_rsa_key();
    let inner_keys = tower_jwt_auth::Jwks::from_json(jwks_of([rsa]))?;
    let from_cookie = TokenSources::default().without_bearer().without_query().with_cookie("inner")?;
    let inner = JwtAuthLayer::new(verifier_with(inner_keys)).with_sources(from_cookie);
    let outer = JwtAuthLayer::new(verifier()).with_sources(TokenSources::bearer_only());
    let who = async |user: Option<Claims<User>>| user.map_or("nobody".to_owned(), |user| user.sub.clone());
    let app =
        |inner: JwtAuthLayer| App::of(Router::new().route("/", get(who)).layer(inner).layer(outer.clone()));
    let (required, optional) = (app(inner.clone()), app(inner.optional()));
    let bearer = format!("Bearer {}", good_token());
    let cookie = format!("inner={}", rsa.token(&claims_with(json!({ "sub": "bob" }))));
    let only_outer = || app::get("/", &[("authorization", &bearer)]);
    let both = || app::get("/", &[("authorization", &bearer), ("cookie", &cookie)]);
    for (name, app, request, want) in [
        ("optional, outer only", &optional, only_outer(), (200, "nobody")),
        ("optional, both", &optional, both(), (200, "bob")),
        ("required, both", &required, both(), (200, "bob")),
    ] {
        let answer = app.answer(request).await;
        assert_eq!((answer.status, &*answer.body), want, "{name}");
    }
    let answer = required.answer(only_outer()).await;
    assert_eq!((answer.status, &*answer.code), (401, "token_missing"));
    let answer = optional.answer(app::get("/", &[("cookie", &cookie)])).await;
    assert_eq!((answer.status, &*answer.code), (401, "token_missing"), "the outer one asks first");
    Ok(())
}

#[tokio::test]
async fn a_verified_token_says_what_was_verified() {
    let claims = claims_with(json!({ "exp": NOW + 90 }));
    let token = shared_key().token(&claims);
    let verified = verifier().verify(&token).expect("a good token");
    assert_eq!(verified.algorithm(), Algorithm::Es256);
    assert_eq!(verified.kid(), Some("es256-1"));
    assert_eq!(verified.header().algorithm(), Algorithm::Es256);
    assert_eq!(verified.header().kid(), Some("es256-1"));
    assert_eq!(verified.header().typ(), Some("JWT"));
    assert_eq!(verified.source().code(), "direct");
    assert_eq!(verified.payload(), claims.to_string());
    assert_eq!(verified.expires_in(), Some(Duration::from_secs(90)));
    let since_epoch = verified.expires_at().and_then(|exp| exp.duration_since(std::time::UNIX_EPOCH).ok());
    assert_eq!(since_epoch, Some(Duration::from_secs(u64::from(NOW + 90))));

    let header = json!({ "alg": "ES256" });
    let nameless = shared_key().token_with_header(&header, &good_claims());
    let verified = verifier().verify(&nameless).expect("a good token");
    assert_eq!(verified.kid(), Some("es256-1"), "the key has a name where the token gives none");
    assert_eq!((verified.header().kid(), verified.header().typ()), (None, None));

    let within_leeway = shared_key().token(&claims_with(json!({ "exp": NOW - 5 })));
    let verified = verifier().verify(&within_leeway).expect("good within leeway");
    assert_eq!(verified.expires_in(), Some(Duration::ZERO));
    let endless = shared_key().token(&claims_with(json!({ "exp": null })));
    let verified = verifier().insecure_accept_without_expiry().verify(&endless).expect("a good token");
    assert_eq!((verified.expires_at(), verified.expires_in()), (None, None));
}

/// A header of a gateway's own.
struct Gateway;

impl TokenSource for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn find<'r>(&self, request: &RequestHead<'r>) -> Result<Option<Cow<'r, str>>, AuthError> {
        let value = request.headers.get("x-access-token").map(|value| value.to_str());
        match value {
            None => Ok(None),
            Some(Ok(token)) => Ok(Some(token.into())),
            Some(Err(_)) => Err(AuthErrorKind::CredentialsMalformed.into()),
        }
    }
}

#[tokio::test]
async fn a_source_of_ones_own_is_as_explicit_as_a_header() {
    let whence = async |token: VerifiedToken| token.source().code();
    let sources = TokenSources::default().with_source(Gateway);
    let layer = JwtAuthLayer::new(verifier()).with_sources(sources);
    let app = App::of(Router::new().route("/", get(whence)).layer(layer));
    let (good, bad) = (good_token(), bad_token());
    let bearer = format!("Bearer {good}");
    let (cookie, bad_cookie) = (format!("__Host-jwt={good}"), format!("__Host-jwt={bad}"));
    let own = "x-access-token";
    let cases: [(&str, Lines<'_>, u16, &str); 6] = [
        ("alone", &[(own, &good)], 200, "gateway"),
        ("a bad one", &[(own, &bad)], 401, ""),
        ("beside a bad cookie", &[(own, &good), ("cookie", &bad_cookie)], 200, "gateway"),
        ("bad beside a good cookie", &[(own, &bad), ("cookie", &cookie)], 401, ""),
        ("beside a header", &[(own, &good), ("authorization", &bearer)], 400, ""),
        ("absent", &[("cookie", &cookie)], 200, "cookie"),
    ];
    for (name, lines, status, body) in cases {
        let answer = app.answer(app::get("/", lines)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
        if status == 200 {
            assert_eq!(answer.body, body, "{name}");
        }
    }
}

#[tokio::test]
async fn claims_that_do_not_fit_name_the_field_that_is_missing_and_no_value() {
    #[derive(serde::Deserialize)]
    struct Staff {
        level: u8,
    }

    let (log, _guard) = Log::at_trace_level();
    let level = async |staff: Claims<Staff>| staff.level.to_string();
    let app = App::of(Router::new().route("/", get(level)).layer(JwtAuthLayer::new(verifier())));
    for (claims, missing) in [
        (json!({}), "level"),
        (json!({ "level": 4_223_091 }), ""),
        (json!({ "level": "4223091" }), ""),
        (json!({ "level": ["4223091"] }), ""),
    ] {
        let token = shared_key().token(&claims_with(claims.clone()));
        assert_eq!(app.answer(Place::Header.carry(Method::GET, &token)).await.code, "claims_mismatch");
        let logged = log.take();
        let event = logged.lines().find(|line| line.contains("claims do not fit")).expect("an event");
        assert!(event.contains(&format!("missing=\"{missing}\" column=")), "{event}");
        assert!(!event.contains("4223091"), "{event}");
    }
}
