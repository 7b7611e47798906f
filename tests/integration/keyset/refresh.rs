//! Refreshes: when, how often, and with which validators.

use http::header::{CACHE_CONTROL, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use tower_jwt_auth::jwks::{MIN_REFRESH_INTERVAL, REFRESH_INTERVAL};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_set_is_fetched_every_hour_give_or_take_a_tenth() {
    let provider = provider_of(&key("one"));
    let _jwks = loaded(&provider).await;
    pass(100 * HOUR).await;
    let gaps = gaps(&provider);
    assert!((90..=112).contains(&gaps.len()), "{} refreshes in 100 h", gaps.len());
    let (first, gaps) = gaps.split_first().expect("refreshes");
    assert!((12 * MINUTE..=66 * MINUTE + SECOND).contains(first), "{first:?}");
    for gap in gaps {
        assert!((54 * MINUTE..=66 * MINUTE + SECOND).contains(gap), "{gap:?}");
    }
    let spread = gaps.iter().max().unwrap().abs_diff(*gaps.iter().min().unwrap());
    assert!(spread > 5 * MINUTE, "replicas that start together drift apart: {spread:?}");
}

/// With 54 to 66 minutes from the first pause on, all would come in the same 12 minutes, hour after hour.
#[tokio::test(start_paused = true)]
async fn replicas_that_start_or_recover_together_come_apart_within_the_hour() {
    let one = key("one");
    let provider = provider_of(&one);
    let replicas: Vec<_> = (0..500).map(|_| remote(&provider)).collect();
    for name in ["after the start", "after an outage"] {
        if name == "after an outage" {
            provider.serve(Answer::broken());
            pass(70 * MINUTE).await;
            provider.serve(set_of([&one]));
        }
        pass(MINUTE + SECOND).await;
        assert!(replicas.iter().all(|replica| replica.status().keys == 1), "{name}");
        assert!(replicas.iter().all(|replica| replica.status().failures == 0), "{name}");
        let (before, mut quarters) = (provider.requests(), Vec::new());
        for _ in 0..3 {
            pass(15 * MINUTE).await;
            quarters.push(provider.requests() - before - quarters.iter().sum::<usize>());
        }
        // Of the 54 minutes that they are spread over, 3 to 4, 15 and 15.
        let [first, second, third] = quarters[..] else { unreachable!("three quarters") };
        assert!((5..80).contains(&first), "{name}: {quarters:?}");
        assert!((80..200).contains(&second) && (80..200).contains(&third), "{name}: {quarters:?}");
    }
}

/// After a rotation all replicas are asked for the new key within moments: were the hour counted from there, they would be
/// in step.
#[tokio::test(start_paused = true)]
async fn a_fetch_that_was_asked_for_does_not_put_off_the_next_refresh() {
    let (one, two) = (key("one"), key("two"));
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let mut changes = jwks.changes();
    for asks_for in ["a refresh", "a token's key"] {
        changes.changed().await.expect("a scheduled refresh");
        let scheduled = Instant::now();
        pass(50 * MINUTE).await;
        if asks_for == "a refresh" {
            jwks.refresh_now().await.expect("a good refresh");
        } else {
            provider.serve(set_of([&one, &two]));
            assert_eq!(outcome(&verifier(&jwks), &two.token(&good_claims())).await, Ok(()));
        }
        changes.changed().await.expect("what was asked for");
        assert_eq!(scheduled.elapsed(), 50 * MINUTE, "{asks_for} at once");
        changes.changed().await.expect("a scheduled refresh");
        assert!(scheduled.elapsed() <= 66 * MINUTE + SECOND, "{asks_for}: {:?}", scheduled.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn max_age_shortens_the_interval_and_never_lengthens_it() {
    for (directive, least, most) in [
        ("max-age=300", 270 * SECOND, 330 * SECOND),
        ("public, max-age=600, must-revalidate", 9 * MINUTE, 11 * MINUTE),
        ("max-age=3600", 54 * MINUTE, 66 * MINUTE),
        ("max-age=86400", 54 * MINUTE, 66 * MINUTE),
        ("max-age=31536000", 54 * MINUTE, 66 * MINUTE),
        ("no-store", 54 * MINUTE, 66 * MINUTE),
        ("max-age=99999999999999999999999", 54 * MINUTE, 66 * MINUTE),
    ] {
        let provider = in_memory(set_of([&key("one")]).with(CACHE_CONTROL, directive));
        let _jwks = loaded(&provider).await;
        pass(20 * HOUR).await;
        assert!(provider.requests() > 15, "{directive}");
        let gaps = gaps(&provider);
        assert!((MINUTE..=most + SECOND).contains(&gaps[0]), "{directive}: {:?}", gaps[0]);
        for gap in &gaps[1..] {
            assert!((least..=most + SECOND).contains(gap), "{directive}: {gap:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_max_age_under_a_minute_makes_no_refresh_sooner_than_a_minute() {
    for directive in ["max-age=0", "max-age=1", "max-age=60"] {
        let provider = in_memory(set_of([&key("one")]).with(CACHE_CONTROL, directive));
        let _jwks = loaded(&provider).await;
        pass(HOUR).await;
        let gaps = gaps(&provider);
        assert!(gaps.len() > 50, "{directive} does shorten: {}", gaps.len());
        let shortest = *gaps.iter().min().unwrap();
        assert!(shortest >= MIN_REFRESH_INTERVAL, "{directive}: {shortest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_interval_of_ones_own_is_a_minute_to_an_hour() {
    let builder = || Jwks::builder(URL).expect("a good URL");
    for (interval, good) in [
        (MIN_REFRESH_INTERVAL.abs_diff(SECOND), false),
        (MIN_REFRESH_INTERVAL, true),
        (REFRESH_INTERVAL, true),
        (REFRESH_INTERVAL + SECOND, false),
    ] {
        assert_eq!(builder().with_refresh_interval(interval).is_ok(), good, "{interval:?}");
    }
    let provider = provider_of(&key("one"));
    let builder = builder().with_refresh_interval(10 * MINUTE).expect("a good interval");
    let _jwks = builder.with_fetch(provider.clone()).spawn().expect("a runtime");
    pass(10 * HOUR).await;
    for gap in gaps(&provider).into_iter().skip(1) {
        assert!((9 * MINUTE..=11 * MINUTE + SECOND).contains(&gap), "{gap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_validator_is_sent_back_and_304_keeps_the_generation_and_renews_the_age() {
    let (one, two) = (key("one"), key("two"));
    let date = "Sun, 22 Nov 2026 10:00:00 GMT";
    for (name, validator, value, condition) in [
        ("etag", ETAG, "\"v1\"", IF_NONE_MATCH),
        ("weak etag", ETAG, "W/\"v1\"", IF_NONE_MATCH),
        ("last-modified", LAST_MODIFIED, date, IF_MODIFIED_SINCE),
    ] {
        let provider = in_memory(set_of([&one]).with(validator.clone(), value));
        let jwks = loaded(&provider).await;
        assert_eq!(provider.seen()[0].header(condition.clone()), None, "{name}");

        pass(67 * MINUTE).await;
        let seen = provider.seen();
        assert_eq!(seen[1].header(condition.clone()), Some(value), "{name}");
        let status = jwks.status();
        assert_eq!((status.generation, status.keys, status.failures), (1, 1, 0), "{name}");
        assert!(status.age_seconds < Some(56 * 60), "{name}: {status:?}");
        assert_eq!(outcome(&verifier(&jwks), &one.token(&good_claims())).await, Ok(()), "{name}");

        provider.serve(set_of([&two]).with(validator, "\"v2\""));
        let status = jwks.refresh_now().await.expect("a good refresh");
        assert_eq!((status.generation, status.keys), (2, 1), "{name}");
        assert_eq!(outcome(&verifier(&jwks), &two.token(&good_claims())).await, Ok(()), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_304_that_was_not_asked_for_is_a_failed_refresh() {
    let provider = provider_of(&key("one"));
    let jwks = loaded(&provider).await;
    provider.serve(Answer::status(304));
    let error = jwks.refresh_now().await.expect_err("no validator was sent");
    assert_eq!(error.kind(), tower_jwt_auth::error::JwksErrorKind::Status(304));
    assert_eq!((jwks.status().failures, jwks.status().keys), (1, 1));

    let provider = in_memory(set_of([&key("one")]).with(ETAG, "\"v1\""));
    let jwks = loaded(&provider).await;
    provider.serve(Answer::status(304));
    assert!(jwks.refresh_now().await.is_ok(), "one was sent");
}

#[tokio::test(start_paused = true)]
async fn a_304_says_as_a_200_does_how_soon_to_ask_again() {
    let answer = set_of([&key("one")]).with(ETAG, "\"v1\"").with(CACHE_CONTROL, "max-age=300");
    let provider = in_memory(answer);
    let _jwks = loaded(&provider).await;
    pass(20 * MINUTE).await;
    assert!(provider.requests() >= 4, "{}", provider.requests());
}

#[tokio::test(start_paused = true)]
async fn the_generation_moves_only_when_keys_change() {
    let (one, two) = (key("one"), key("two"));
    let provider = in_memory(set_of([&one, &two]));
    let jwks = loaded(&provider).await;
    let junk = json!({ "kty": "AKP", "alg": "ML-DSA-44" });
    let (first, second) = (one.public_jwk(), two.public_jwk());
    for (name, keys, generation) in [
        ("the same", json!([first, second]), 1),
        ("another order", json!([second, first]), 1),
        ("an unusable entry more", json!([first, junk, second]), 1),
        ("one twice", json!([first, first, second]), 1),
        ("one fewer", json!([first]), 2),
        ("another name", json!([one.with_kid("uno").public_jwk()]), 3),
        ("another key of that name", json!([two.with_kid("uno").public_jwk()]), 4),
    ] {
        provider.serve(Answer::of(json!({ "keys": keys }).to_string()));
        let status = jwks.refresh_now().await.expect(name);
        assert_eq!(status.generation, generation, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_an_hour_disturbs_no_refresh() {
    let one = key("one");
    let provider = provider_of(&one);
    let jwks = loaded(&provider).await;
    let clock = FixedClock::at_unix(NOW);
    let verifier = verifier_with_clock(&jwks, clock.clone());
    let token = one.token(&good_claims());
    assert_eq!(outcome(&verifier, &token).await, Ok(()));
    for (unix, want) in [
        (NOW + 3600, refused(AuthErrorKind::TokenExpired)),
        (NOW - 3600, refused(AuthErrorKind::TokenNotYetValid)),
        (NOW, Ok(())),
    ] {
        clock.set(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(unix.into()));
        let before = jwks.status();
        assert_eq!(outcome(&verifier, &token).await, want, "at {unix}");
        assert_eq!(jwks.status(), before, "at {unix}");
        assert_eq!(provider.requests(), 1, "at {unix}");
    }
    pass(11 * MINUTE).await;
    assert_eq!(provider.requests(), 1);
    pass(56 * MINUTE).await;
    assert!(provider.requests() > 1, "at its own time");
}
