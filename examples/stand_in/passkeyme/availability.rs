//! Whether the service answers at all: it can be down, and it can have a limit.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::api::failure;
use super::{Service, now};

/// Authentication requests in a window of a minute, by the documentation.
const LIMIT: u64 = 100;
const WINDOW: u64 = 60;

#[derive(Default)]
pub(super) struct Availability {
    pub(super) is_down: AtomicBool,
    pub(super) is_limited: AtomicBool,
    window: Mutex<Window>,
}

/// It begins with its first request, not with a minute of the clock, so that a test cannot fall between two.
#[derive(Default)]
struct Window {
    begins: u64,
    requests: u64,
}

/// 503 for every request, as long as the service is down.
pub(super) async fn or_down(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    if service.availability.is_down.load(Relaxed) {
        return failure(StatusCode::SERVICE_UNAVAILABLE, "SERVER_ERROR", "Service unavailable");
    }
    next.run(request).await
}

/// 429 once the window's requests are used up, all callers together. The form of `X-RateLimit-Reset` is documented
/// nowhere: here it is in unix seconds.
pub(super) async fn or_too_many(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if !service.availability.is_limited.load(Relaxed) {
        return next.run(request).await;
    }
    let now = now();
    let (resets, requests) = {
        let mut window = service.availability.window.lock().expect("no holder of the lock panics");
        if now >= window.begins + WINDOW {
            *window = Window { begins: now, requests: 0 };
        }
        window.requests += 1;
        (window.begins + WINDOW, window.requests)
    };
    let mut response = if requests <= LIMIT {
        next.run(request).await
    } else {
        let mut refusal = failure(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "Too many requests");
        refusal.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(resets.saturating_sub(now)));
        refusal
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from(LIMIT));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(LIMIT.saturating_sub(requests)));
    headers.insert("x-ratelimit-reset", HeaderValue::from(resets));
    response
}
