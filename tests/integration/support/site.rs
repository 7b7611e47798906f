use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::{Method, header};
use serde_json::Value;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::verify::VerifiedToken;

use super::app::{ACCEPTED, Answer, App, Lines, request};
use super::issuer::{claims_with, shared_key};
use super::record;

/// What a browser says of itself when somebody follows a link from a mail.
pub const NAVIGATION: Lines<'static> = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-user", "?1"),
];

/// An app with a page at every path, which counts those who get in and says who they are.
#[derive(Clone)]
pub struct Site {
    router: Router,
    inside: Arc<AtomicUsize>,
}

impl Site {
    pub fn behind(layer: JwtAuthLayer) -> Self {
        record::shown("a layer", format_args!("{layer:?}"));
        Self::with(|page| page.layer(layer))
    }

    /// `arrange` puts a layer around the page, or the page into another router.
    pub fn with(arrange: impl FnOnce(Router) -> Router) -> Self {
        let inside = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&inside);
        let page = move |request: Request| {
            count.fetch_add(1, Ordering::SeqCst);
            let token = request.extensions().get::<VerifiedToken>();
            record::shown("a request behind the layer", format_args!("{request:?} {token:?}"));
            let whence = token.map_or("nobody", |token| token.source().code());
            std::future::ready(format!("{whence} {}", request.uri()))
        };
        Self { router: arrange(Router::new().fallback(page)), inside }
    }

    pub async fn answer(&self, request: http::Request<Body>) -> Answer {
        App::of(self.router.clone()).answer(request).await
    }

    /// Somebody follows a link to `uri`, in a browser that adds `lines`.
    pub async fn follow(&self, uri: &str, lines: Lines<'_>) -> Answer {
        self.answer(request(Method::GET, uri, &[NAVIGATION, lines].concat())).await
    }

    /// Somebody follows a link with `token`, in a browser that has nothing.
    pub async fn arrive(&self, token: &str) -> Answer {
        self.follow(&format!("/?jwt={token}"), &[]).await
    }

    /// What the header `Authorization` with `token` comes to.
    pub async fn bear(&self, token: &str) -> (u16, String) {
        let line = format!("Bearer {token}");
        let answer = self.answer(request(Method::GET, "/", &[("authorization", &line)])).await;
        (answer.status, answer.code)
    }

    /// What the cookie with `value` comes to.
    pub async fn show(&self, value: &str) -> (u16, String) {
        let answer = self.follow("/", &[("cookie", &format!("__Host-jwt={value}"))]).await;
        (answer.status, answer.code)
    }

    /// How many requests have come through.
    pub fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }
}

/// A token of the shared key: [`claims_with`] these changes.
pub fn token_with(changes: Value) -> String {
    shared_key().token(&claims_with(changes))
}

/// The values of all `Set-Cookie` fields.
pub fn cookies_of(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().expect("text")).collect()
}

/// The value of the cookie that an answer has set after a link was followed.
pub fn session_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let sessions: Vec<_> =
        cookies_of(answer).into_iter().filter_map(|cookie| cookie.strip_prefix("__Host-jwt=")).collect();
    let [session] = *sessions else { panic!("one session expected: {sessions:?}") };
    session.split(';').next().expect("a value").to_owned()
}

/// Status and code of a good request, and of some that are refused.
pub fn good() -> (u16, String) {
    (200, ACCEPTED.to_owned())
}

pub fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
