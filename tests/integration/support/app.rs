use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use tower::ServiceExt;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::verify::{Authority, VerifiedToken};
use tower_jwt_auth::{AuthError, Claims, JwtAuthLayer, Verifier};

use super::issuer::{AUDIENCE, ISSUER, NOW, jwks_of, shared_key};
use super::record;

/// What [`outcome`] and [`Answer::code`] say of a token that got in.
pub const ACCEPTED: &str = "accepted";

/// The policy of most tests: the issuer's shared key, at [`NOW`].
pub fn verifier() -> Verifier {
    verifier_with(Jwks::from_json(jwks_of([shared_key()])).expect("a key set"))
}

pub fn verifier_with(keys: impl Into<Authority>) -> Verifier {
    let authority = keys.into();
    record::shown("an authority", format_args!("{authority:?} {authority}"));
    let verifier = Verifier::new(ISSUER, AUDIENCE, authority).expect("a policy");
    record::shown("a verifier", format_args!("{verifier:?} {verifier}"));
    verifier.with_clock(FixedClock::at_unix(NOW))
}

/// [`ACCEPTED`], or the code of the refusal.
pub fn outcome(verifier: &Verifier, token: &str) -> &'static str {
    judged(token, verifier.verify(token))
}

/// The same of an answer that is there.
pub fn judged(token: &str, answer: Result<VerifiedToken, AuthError>) -> &'static str {
    record::secret("a token", token);
    record::shown(
        "a verdict",
        format_args!("{answer:?} {}", answer.as_ref().map_or_else(ToString::to_string, |_| String::new())),
    );
    answer.map_or_else(|error| error.code(), |_| ACCEPTED)
}

#[derive(Deserialize)]
pub struct User {
    pub sub: String,
}

/// A router to send requests to, one after the other.
pub struct App {
    router: Router,
}

impl App {
    /// The default layer over [`verifier`].
    pub fn new() -> Self {
        Self::behind(JwtAuthLayer::new(verifier()))
    }

    /// One route, `/`, that says who came.
    pub fn behind(layer: JwtAuthLayer) -> Self {
        record::shown("a layer", format_args!("{layer:?}"));
        let whoami = async |user: Claims<User>| {
            record::shown("claims", format_args!("{user:?}"));
            user.sub.clone()
        };
        Self::of(Router::new().route("/", any(whoami)).layer(layer))
    }

    pub fn of(router: Router) -> Self {
        Self { router }
    }

    pub async fn answer(&self, request: Request<Body>) -> Answer {
        record::sent(&request);
        let response = self.router.clone().oneshot(request).await;
        Answer::read(response.expect("axum services do not fail")).await
    }

    /// The status and the [`code`](Answer::code) that `request` is answered with.
    pub async fn verdict(&self, request: Request<Body>) -> (u16, String) {
        let answer = self.answer(request).await;
        (answer.status, answer.code)
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    /// The `code` of a problem document, [`ACCEPTED`] with status 200, or nothing.
    pub code: String,
    /// What the layer left for loggers outside of it.
    pub error: Option<AuthError>,
}

impl Answer {
    pub async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let response = Response::from_parts(parts, bytes);
        record::answered(&response);
        let (parts, bytes) = response.into_parts();
        let body = String::from_utf8(bytes.to_vec()).expect("text");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        let code = match (parts.status.as_u16(), problem["code"].as_str()) {
            (_, Some(code)) => code,
            (200, None) => ACCEPTED,
            _ => "",
        };
        Self {
            status: parts.status.as_u16(),
            code: code.to_owned(),
            error: parts.extensions.get().copied(),
            headers: parts.headers,
            body,
        }
    }

    /// The one value of the header `name`, if there is one.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().expect("text"));
        assert!(values.next().is_none(), "one value expected: {:?}", self.headers);
        value
    }
}

/// The places that are looked into by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Header,
    Cookie,
    Query,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::Header, Self::Cookie, Self::Query];

    /// A request with `token` in this place, under the default names.
    pub fn carry(self, method: Method, token: &str) -> Request<Body> {
        let request = Request::builder().method(method);
        let request = match self {
            Self::Header => request.uri("/").header("authorization", format!("Bearer {token}")),
            Self::Cookie => request.uri("/").header("cookie", format!("__Host-jwt={token}")),
            Self::Query => request.uri(format!("/?jwt={token}")),
        };
        request.body(Body::empty()).expect("a request")
    }
}

/// Header lines: a name may stand there more than once.
pub type Lines<'a> = &'a [(&'a str, &'a str)];

/// `GET` on `uri` with these header lines.
pub fn get(uri: &str, lines: Lines<'_>) -> Request<Body> {
    request(Method::GET, uri, lines)
}

pub fn request(method: Method, uri: &str, lines: Lines<'_>) -> Request<Body> {
    let request = Request::builder().method(method).uri(uri);
    let request = lines.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).expect("a request")
}

/// Answers every fetch of a key set with one document.
pub struct Canned(pub String);

impl Fetch for Canned {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        let body = self.0.clone().into_bytes();
        Box::pin(async { Ok(Response::new(body)) })
    }
}

/// Never answers a fetch.
pub struct Hanging;

impl Fetch for Hanging {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(std::future::pending())
    }
}

/// A remote key set that nothing was fetched for yet; it arrives as soon as somebody waits.
pub fn cold_jwks(document: String) -> Jwks {
    let builder = Jwks::builder("https://issuer.example/keys").expect("a URL");
    let jwks = builder.with_fetch(Canned(document)).spawn().expect("a runtime");
    assert!(!jwks.status().state.is_ready());
    jwks
}
