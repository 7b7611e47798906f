//! A server that is gone, hangs, or says something else: nobody passes.

use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinSet;
use tower_jwt_auth::replay::{RedisReplayStore, ReplayRule, ReplayStore};

use crate::server::Server;
use crate::support::issuer::ISSUER;
use crate::support::log::Log;
use crate::support::site::{Site, good};
use crate::{key, layer, named, replayed, unavailable};

/// Longer than a store may take, with room for a machine that has other work.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1_500);

/// What each of `sites` answers to a token of its own, and that it does so in time.
async fn outcomes(sites: &[Site; 2], round: &str) -> Vec<(u16, String)> {
    let mut visits = JoinSet::new();
    for (index, site) in sites.iter().cycle().take(20).enumerate() {
        let (site, token) = (site.clone(), named(&format!("{round} {index}")));
        visits.spawn(async move {
            let started = Instant::now();
            let outcome = site.bear(&token).await;
            assert!(started.elapsed() < ANSWERED_WITHIN, "{:?}", started.elapsed());
            outcome
        });
    }
    visits.join_all().await
}

/// Waits until both of `sites` let somebody in again.
async fn recovery(sites: &[Site; 2]) -> Duration {
    let started = Instant::now();
    for (index, site) in sites.iter().enumerate() {
        let mut attempt = 0;
        while site.bear(&named(&format!("recovery {index} {attempt}"))).await != good() {
            attempt += 1;
            assert!(started.elapsed() < Duration::from_secs(10), "no recovery");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    started.elapsed()
}

/// A server that comes back empty has forgotten which tokens were used: that is what the docs of the store warn of.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_server_is_gone_nobody_passes_and_afterwards_all_is_well_without_a_restart() {
    let mut server = Server::start();
    let sites = [server.instance(), server.instance()];
    for outage in 0..3 {
        assert_eq!(outcomes(&sites, &format!("before {outage}")).await, vec![good(); 20]);
        // In the middle of it all.
        let token = named(&format!("during {outage}"));
        let mut visits = JoinSet::new();
        for visitor in 0..200 {
            let (site, token) = (sites[visitor % 2].clone(), token.clone());
            visits.spawn(async move {
                tokio::time::sleep(Duration::from_micros(visitor as u64 * 50)).await;
                let started = Instant::now();
                let outcome = site.bear(&token).await;
                assert!(started.elapsed() < ANSWERED_WITHIN, "{:?}", started.elapsed());
                outcome
            });
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
        server.kill();
        let during = visits.join_all().await;
        assert!(during.iter().filter(|outcome| **outcome == good()).count() <= 1, "{during:?}");
        let known = [good(), replayed(), unavailable()];
        assert!(during.iter().all(|outcome| known.contains(outcome)), "{during:?}");

        let inside = sites.iter().map(Site::inside).sum::<usize>();
        for round in 0..3 {
            let outcomes = outcomes(&sites, &format!("down {outage} {round}")).await;
            assert_eq!(outcomes, vec![unavailable(); 20], "outage {outage}, round {round}");
        }
        assert_eq!(sites.iter().map(Site::inside).sum::<usize>(), inside, "nobody came in");
        assert!(server.start_again());
        let took = recovery(&sites).await;
        assert!(took < Duration::from_secs(5), "outage {outage}: {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_server_hangs_nobody_passes_and_what_it_was_asked_meanwhile_passes_at_most_once() {
    let server = Server::start();
    let sites = [server.instance(), server.instance()];
    assert_eq!(outcomes(&sites, "before").await, vec![good(); 20]);
    server.signal("-STOP");
    for round in 0..2 {
        let hanging = outcomes(&sites, &format!("hanging {round}")).await;
        assert_eq!(hanging, vec![unavailable(); 20], "round {round}");
    }
    let token = named("asked meanwhile");
    assert_eq!(sites[0].bear(&token).await, unavailable());
    // An instance that has never been connected.
    assert_eq!(server.instance().bear(&named("new")).await, unavailable());
    server.signal("-CONT");
    let took = recovery(&sites).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let mut passed = 0;
    for visitor in 0..10 {
        passed += usize::from(sites[visitor % 2].bear(&token).await == good());
    }
    assert!(passed <= 1, "{passed}");
}

#[tokio::test]
async fn what_a_token_is_remembered_as_must_be_a_mark() {
    let server = Server::start();
    let once = server.instance();
    let many = Site::behind(layer(ReplayRule::deny_list(server.store())));
    let key = key("1");
    for command in [
        &["SET", &*key, "garbage"][..],
        &["SET", &key, ""],
        &["SET", &key, "USED"],
        &["SET", &key, "handed over:short"],
        &["LPUSH", &key, "used"],
        &["HSET", &key, "used", "used"],
        &["SADD", &key, "used"],
    ] {
        server.ask(&["FLUSHALL"]);
        server.ask(command);
        for site in [&once, &many] {
            assert_eq!(site.bear(&named("1")).await, unavailable(), "{command:?}");
        }
        assert_eq!(once.bear(&named("2")).await, good(), "{command:?}: others are not concerned");
        server.store().revoke(ISSUER, "1", SystemTime::now()).await.expect("an answer");
    }
    server.ask(&["FLUSHALL"]);
    assert_eq!(once.bear(&named("1")).await, good());
}

#[tokio::test]
async fn a_server_that_may_not_write_or_is_out_of_memory_lets_nobody_in() {
    let server = Server::start();
    let site = server.instance();
    for (name, broken, mended) in [
        ("a replica", &["REPLICAOF", "127.0.0.1", "1"][..], &["REPLICAOF", "NO", "ONE"][..]),
        (
            "too few replicas",
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
        ("full", &["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]),
        (
            "a right taken away",
            &["ACL", "SETUSER", "default", "-set"],
            &["ACL", "SETUSER", "default", "+set"],
        ),
    ] {
        assert_eq!(site.bear(&named(&format!("{name}, before"))).await, good(), "{name}");
        assert_eq!(server.ask(broken), "OK", "{name}");
        for _ in 0..2 {
            assert_eq!(site.bear(&named(name)).await, unavailable(), "{name}");
        }
        assert_eq!(server.ask(mended), "OK", "{name}");
        assert_eq!(site.bear(&named(name)).await, good(), "{name}: nothing was used up");
    }
}

#[tokio::test]
async fn only_by_choice_does_anybody_pass_while_the_server_is_gone() {
    let mut server = Server::start();
    let rule = ReplayRule::single_use(server.store()).insecure_accept_when_the_store_fails();
    let site = Site::behind(layer(rule));
    assert_eq!(site.bear(&named("1")).await, good());
    assert_eq!(site.bear(&named("1")).await, replayed(), "the server is there");
    server.kill();
    assert_eq!(site.bear(&named("1")).await, good());
    assert_eq!(site.bear(&(named("1") + "x")).await.0, 401, "a bad token is bad all the same");
}

#[tokio::test]
async fn a_password_is_used_and_is_in_no_log_error_or_debug() {
    let (log, _guard) = Log::at_trace_level();
    let mut server = Server::start_with(&["--requirepass", "p4ssw0rd"]);
    let at = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
    let mut shown = Vec::new();
    for (name, url, want) in [
        ("the right one", at("p4ssw0rd"), good()),
        ("a wrong one", at("wr0ng"), unavailable()),
        ("none", server.url(), unavailable()),
        ("a user that is not there", at("p4ssw0rd").replace("://:", "://us3r:"), unavailable()),
    ] {
        let store = RedisReplayStore::connect(&url).expect("a URL");
        shown.push(format!("{store:?} {store:#?}"));
        let started = Instant::now();
        assert_eq!(
            Site::behind(layer(ReplayRule::single_use(store))).bear(&named(name)).await,
            want,
            "{name}"
        );
        assert!(started.elapsed() < ANSWERED_WITHIN, "{name}: {:?}", started.elapsed());
    }
    let store = RedisReplayStore::connect(&at("p4ssw0rd")).expect("a URL");
    let site = Site::behind(layer(ReplayRule::single_use(store.clone())));
    assert_eq!(site.bear(&named("1")).await, good());
    server.kill();
    assert_eq!(site.bear(&named("2")).await, unavailable());
    let failed = store.revoke(ISSUER, "1", SystemTime::now()).await.expect_err("no server");
    shown.push(format!(
        "{failed:?} {failed} {:?}",
        std::error::Error::source(&failed).map(ToString::to_string)
    ));
    for url in [
        "redis://us3r:p4ssw0rd@host:port",
        "redis://us3r:p4ssw0rd@/x/y",
        "http://us3r:p4ssw0rd@127.0.0.1",
        "us3r:p4ssw0rd",
        "rediss://us3r:p4ssw0rd@127.0.0.1:1",
        "redis://us3r:p4ssw0rd@127.0.0.1/database",
    ] {
        let error = RedisReplayStore::connect(url).expect_err("no URL of a server that can be used");
        shown.push(format!("{error:?} {error}"));
    }
    let logged = log.take();
    assert!(logged.contains("no answer from the replay store"), "it is logged: {logged}");
    for secret in ["p4ssw0rd", "wr0ng", "us3r"] {
        assert!(!logged.contains(secret), "{logged}");
        assert!(!shown.iter().any(|text| text.contains(secret)), "{shown:?}");
    }
}

#[tokio::test]
async fn a_password_that_is_mended_on_the_server_needs_no_restart_of_the_app() {
    let server = Server::start_with(&["--requirepass", "old"]);
    let url = format!("redis://:new@127.0.0.1:{}", server.port);
    let site = Site::behind(layer(ReplayRule::single_use(RedisReplayStore::connect(&url).expect("a URL"))));
    assert_eq!(site.bear(&named("1")).await, unavailable());
    assert_eq!(server.ask(&["-a", "old", "--no-auth-warning", "CONFIG", "SET", "requirepass", "new"]), "OK");
    recovery(&[site.clone(), site]).await;
}
