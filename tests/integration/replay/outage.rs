//! A store that gives no answer lets nobody in.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use std::{fmt, io};

use tokio::time::Instant;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::replay::{
    Mark, ReplayRule, ReplayStore, STORE_TIMEOUT, StoreError, StoreFuture, TokenId,
};

use super::named;
use crate::support::app::{request, verifier};
use crate::support::log::Log;
use crate::support::site::{Site, cookies_of, good, refused};

/// What a broken store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Fails,
    Hangs,
    /// It answers, after this many milliseconds.
    Dawdles(u64),
    Full,
}

struct BrokenStore {
    manner: Broken,
    asked: Arc<AtomicUsize>,
}

impl BrokenStore {
    fn answer<T: Send + 'static>(&self, answer: T) -> StoreFuture<'_, T> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let manner = self.manner;
        Box::pin(async move {
            match manner {
                Broken::Fails => Err(refused_connection()),
                Broken::Hangs => std::future::pending().await,
                Broken::Dawdles(millis) => {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    Ok(answer)
                }
                Broken::Full => Err(StoreError::Full),
            }
        })
    }
}

impl ReplayStore for BrokenStore {
    fn insert(&self, _id: TokenId, _mark: Mark, _until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        self.answer(None)
    }

    fn find(&self, _id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        self.answer(None)
    }

    fn deny(&self, _id: TokenId, _until: SystemTime) -> StoreFuture<'_, ()> {
        self.answer(())
    }
}

const MANNERS: [Broken; 5] =
    [Broken::Fails, Broken::Hangs, Broken::Dawdles(1_100), Broken::Dawdles(900), Broken::Full];

/// Who passes a store that is broken in this manner, where that is refused, and where it is accepted.
fn passes(manner: Broken) -> [bool; 2] {
    match manner {
        Broken::Dawdles(..1_000) => [true, true],
        Broken::Full => [false, false],
        _ => [false, true],
    }
}

fn rules(manner: Broken) -> Vec<(String, ReplayRule, bool)> {
    let store = || BrokenStore { manner, asked: Arc::default() };
    let [refusing, accepting] = passes(manner);
    let single = || ReplayRule::single_use(store());
    let deny = || ReplayRule::deny_list(store());
    vec![
        (format!("{manner:?}, single use"), single(), refusing),
        (format!("{manner:?}, deny list"), deny(), refusing),
        (
            format!("{manner:?}, single use, accepted"),
            single().insecure_accept_when_the_store_fails(),
            accepting,
        ),
        (
            format!("{manner:?}, deny list, accepted"),
            deny().insecure_accept_when_the_store_fails(),
            accepting,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_store_without_an_answer_within_a_second_lets_nobody_in_unless_that_is_asked_for() {
    for (name, rule, passes) in MANNERS.into_iter().flat_map(rules) {
        let site = Site::behind(JwtAuthLayer::new(verifier()).with_replay_rule(rule));
        let started = Instant::now();
        let bearer = format!("Bearer {}", named("1"));
        let answer = site.answer(request(http::Method::GET, "/", &[("authorization", &bearer)])).await;
        assert!(started.elapsed() <= STORE_TIMEOUT + Duration::from_millis(10), "{name}");
        let want = if passes { good() } else { refused(503, "replay_unavailable") };
        assert_eq!(answer.header("retry-after"), (!passes).then_some("1"), "{name}");
        assert_eq!(answer.header("www-authenticate"), None, "{name}");
        assert_eq!((answer.status, answer.code), want, "{name}");
        assert_eq!(site.inside(), usize::from(passes), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_sets_no_cookie_while_the_store_gives_no_answer() {
    for (name, rule, passes) in MANNERS.into_iter().flat_map(rules) {
        let layer = JwtAuthLayer::new(verifier()).with_replay_rule(rule).hand_off().expect("both are read");
        let answer = Site::behind(layer).arrive(&named("1")).await;
        assert_eq!(answer.status, if passes { 303 } else { 503 }, "{name}");
        assert_eq!(cookies_of(&answer).len(), usize::from(passes), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_token_never_reaches_the_store() {
    for manner in MANNERS {
        let asked = Arc::new(AtomicUsize::new(0));
        let store = BrokenStore { manner, asked: Arc::clone(&asked) };
        let rule = ReplayRule::single_use(store).insecure_accept_when_the_store_fails();
        let site = Site::behind(JwtAuthLayer::new(verifier()).with_replay_rule(rule));
        for token in [named("1") + "x", "x.y.z".to_owned()] {
            assert_eq!(site.bear(&token).await.0, 401, "{manner:?}");
        }
        assert_eq!((asked.load(Ordering::SeqCst), site.inside()), (0, 0), "{manner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn signing_out_takes_the_cookie_back_and_says_that_the_token_was_not_revoked() {
    for manner in [Broken::Fails, Broken::Hangs, Broken::Full] {
        for rule in [
            ReplayRule::deny_list(BrokenStore { manner, asked: Arc::default() }),
            ReplayRule::deny_list(BrokenStore { manner, asked: Arc::default() })
                .insecure_accept_when_the_store_fails(),
        ] {
            let layer = JwtAuthLayer::new(verifier()).with_replay_rule(rule);
            let out = axum::Router::new().route_service("/", layer.logout().expect("a cookie"));
            let cookie = format!("__Host-jwt={}", named("1"));
            let request = request(http::Method::POST, "/", &[("cookie", &cookie)]);
            let started = Instant::now();
            let out = crate::support::app::App::of(out);
            let answer = tokio::time::timeout(10 * STORE_TIMEOUT, out.answer(request)).await.expect("an end");
            assert!(started.elapsed() <= STORE_TIMEOUT + Duration::from_millis(10), "{manner:?}");
            assert_eq!((answer.status, &*answer.code), (503, "replay_unavailable"), "{manner:?}");
            let [cookie] = *cookies_of(&answer) else { panic!("{manner:?}: {answer:?}") };
            assert!(cookie.starts_with("__Host-jwt=; ") && cookie.ends_with("Max-Age=0"), "{manner:?}");
        }
    }
}

/// A connection that was refused, as the client of a store may wrap it.
fn refused_connection() -> StoreError {
    let source = io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens");
    StoreError::Failed(Box::new(Wrapping(source)))
}

#[derive(Debug)]
struct Wrapping(io::Error);

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client has failed")
    }
}

impl std::error::Error for Wrapping {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn the_log_says_why_a_store_has_failed_down_to_the_connection() {
    let (log, _guard) = Log::at_trace_level();
    let store = BrokenStore { manner: Broken::Fails, asked: Arc::default() };
    let site = Site::behind(JwtAuthLayer::new(verifier()).with_replay_rule(ReplayRule::single_use(store)));
    assert_eq!(site.bear(&named("1")).await, refused(503, "replay_unavailable"));
    let log = log.take();
    let event = log.lines().find(|line| line.contains("no answer from the replay store")).expect("an event");
    assert!(event.contains("the client has failed") && event.contains("nobody listens"), "{event}");
}

struct Panicking;

impl ReplayStore for Panicking {
    fn insert(&self, _id: TokenId, _mark: Mark, _until: SystemTime) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(async { panic!("a store that panics, as it was told to") })
    }

    fn find(&self, _id: TokenId) -> StoreFuture<'_, Option<Mark>> {
        Box::pin(async { panic!("a store that panics, as it was told to") })
    }

    fn deny(&self, _id: TokenId, _until: SystemTime) -> StoreFuture<'_, ()> {
        Box::pin(async { panic!("a store that panics, as it was told to") })
    }
}

#[tokio::test]
async fn a_store_that_panics_takes_its_request_with_it_and_lets_nobody_in() {
    let rule = ReplayRule::single_use(Panicking).insecure_accept_when_the_store_fails();
    let site = Site::behind(JwtAuthLayer::new(verifier()).with_replay_rule(rule));
    let visitor = site.clone();
    let visit = tokio::spawn(async move { visitor.bear(&named("1")).await });
    assert!(visit.await.expect_err("a panic").is_panic());
    assert_eq!(site.inside(), 0);
}

#[test]
fn outside_of_a_tokio_runtime_no_store_is_asked_and_nobody_let_in_and_nothing_panics() {
    let (site, store) = (Site::behind(super::layer()), super::store());
    let over_store = Site::behind(super::layer_over(&store));
    let rule = ReplayRule::single_use(Arc::clone(&store)).insecure_accept_when_the_store_fails();
    let lenient = Site::behind(JwtAuthLayer::new(verifier()).with_replay_rule(rule));
    let token = named("1");
    for (name, site) in [("its own", &site), ("a shared one", &over_store), ("by choice", &lenient)] {
        let mut answer = pin!(site.bear(&token));
        let polled = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Ready(refused(503, "replay_unavailable")), "{name}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        assert_eq!(over_store.bear(&token).await, good(), "nothing was used up");
        assert_eq!(over_store.bear(&token).await, refused(401, "token_replayed"));
    });
}
