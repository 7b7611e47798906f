//! A link must not put somebody into a stranger's account: the session that is there stays.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::handoff::HandOff;
use tower_jwt_auth::jwks::Jwks;
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule, ReplayStore};
use tower_jwt_auth::source::TokenSources;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use super::{layer, site_of_single_use};
use crate::support::app::{verifier, verifier_with};
use crate::support::idp::{Answer, in_memory};
use crate::support::issuer::{
    AUDIENCE, ISSUER, NOW, SigningKey, claims_with, good_claims, jwks_of, shared_key,
};
use crate::support::site::{Site, cookies_of, good, session_of, token_with};

async fn follow(site: &Site, token: &str, session: &str) -> crate::support::app::Answer {
    site.follow(&format!("/?jwt={token}"), &[("cookie", &format!("__Host-jwt={session}"))]).await
}

#[tokio::test]
async fn a_link_for_another_subject_replaces_no_session_and_uses_nothing_up() {
    struct Case {
        name: &'static str,
        session: Value,
        link: Value,
        hand_off: HandOff,
        replaces: bool,
    }
    let case = |name, session, link, hand_off, replaces| Case { name, session, link, hand_off, replaces };
    let plain = HandOff::default;
    let by_mail = || HandOff::default().with_subject_claim("email");
    let no_sub = |changes: Value| {
        let mut claims = json!({ "sub": null });
        claims.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        claims
    };
    for (index, Case { name, session, link, hand_off, replaces }) in [
        case("the same", json!({}), json!({}), plain(), true),
        case("another", json!({}), json!({ "sub": "mallory" }), plain(), false),
        case(
            "another, by choice",
            json!({}),
            json!({ "sub": "mallory" }),
            plain().insecure_replace_sessions(),
            true,
        ),
        case("another case", json!({}), json!({ "sub": "Alice" }), plain(), false),
        case("a longer one", json!({}), json!({ "sub": "alice2" }), plain(), false),
        case("none", json!({}), json!({ "sub": null }), plain(), false),
        case("an empty one", json!({}), json!({ "sub": "" }), plain(), false),
        case("one where there was none", json!({ "sub": null }), json!({}), plain(), false),
        case("the same, other claims", json!({ "a": 1 }), json!({ "a": 2 }), plain(), true),
        case(
            "no sub, the same claims",
            no_sub(json!({ "email": "a@x" })),
            no_sub(json!({ "email": "a@x" })),
            plain(),
            true,
        ),
        case(
            "no sub, other claims",
            no_sub(json!({ "email": "a@x" })),
            no_sub(json!({ "email": "b@x" })),
            plain(),
            false,
        ),
        case(
            "no sub, more claims",
            no_sub(json!({ "email": "a@x" })),
            no_sub(json!({ "email": "a@x", "admin": true })),
            plain(),
            false,
        ),
        case("nothing says who", no_sub(json!({})), no_sub(json!({})), plain(), false),
        case(
            "the same by e-mail",
            json!({ "email": "a@x", "sub": "1" }),
            json!({ "email": "a@x", "sub": "2" }),
            by_mail(),
            true,
        ),
        case("another by e-mail", json!({ "email": "a@x" }), json!({ "email": "b@x" }), by_mail(), false),
        case("no e-mail in either", json!({}), json!({}), by_mail(), false),
        case("no e-mail in the link", json!({ "email": "a@x" }), json!({}), by_mail(), false),
    ]
    .into_iter()
    .enumerate()
    {
        let layer =
            JwtAuthLayer::new(verifier()).with_hand_off(hand_off).expect("both are read").single_use();
        let site = Site::behind(layer);
        let named = |mut claims: Value, jti: String| {
            claims["jti"] = jti.into();
            token_with(claims)
        };
        let session = session_of(&site.arrive(&named(session, format!("session {index}"))).await);
        let link = named(link, format!("link {index}"));
        let answer = follow(&site, &link, &session).await;
        if replaces {
            assert_ne!(session_of(&answer), session, "{name}");
        } else {
            assert_eq!((answer.status, &*answer.code), (403, "session_conflict"), "{name}");
            assert!(cookies_of(&answer).is_empty(), "{name}");
            assert_eq!(answer.header("www-authenticate"), None, "{name}: another token would change nothing");
            assert_eq!(site.show(&session).await, good(), "{name}: the session stays");
            assert_eq!(site.arrive(&link).await.status, 303, "{name}: nothing was used up");
        }
    }
}

#[tokio::test]
async fn what_lets_nobody_in_is_no_session_and_blocks_no_link() {
    let stranger = SigningKey::generate(shared_key().algorithm(), shared_key().kid());
    let bob = |changes: Value| {
        let mut claims = json!({ "sub": "bob", "jti": "session" });
        claims.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        token_with(claims)
    };
    for (name, session, replaces) in [
        ("valid", bob(json!({})), false),
        ("valid, with a receipt", bob(json!({})) + "~0123456789abcdef0123456789abcdef", false),
        ("expired", bob(json!({ "exp": NOW - 31 })), true),
        ("expired, within the leeway", bob(json!({ "exp": NOW - 29 })), false),
        ("forged", stranger.token(&good_claims()), true),
        ("for another audience", bob(json!({ "aud": "other" })), true),
        ("garbage", "garbage".to_owned(), true),
        ("nothing", String::new(), true),
        ("not even text", "\u{fc}".to_owned(), true),
        ("a receipt only", "~0123".to_owned(), true),
    ] {
        let link = token_with(json!({ "jti": "link" }));
        let answer = follow(&site_of_single_use(), &link, &session).await;
        assert_eq!(answer.status, if replaces { 303 } else { 403 }, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_session_is_found_in_cookies_that_http_2_has_split_and_two_are_a_conflict() {
    let site = site_of_single_use();
    let link = token_with(json!({ "jti": "link" }));
    let uri = format!("/?jwt={link}");
    let bobs = format!("__Host-jwt={}", token_with(json!({ "sub": "bob" })));
    let twice = format!("{bobs}; {bobs}");
    for (name, lines, status) in [
        ("in one field", &[("cookie", &*format!("a=1; {bobs}; b=2"))][..], 403),
        ("split", &[("cookie", "a=1"), ("cookie", &bobs), ("cookie", "b=2")], 403),
        ("twice", &[("cookie", &bobs), ("cookie", &bobs)], 400),
        ("twice in one field", &[("cookie", &twice)], 400),
        ("good and garbage", &[("cookie", &bobs), ("cookie", "__Host-jwt=x")], 400),
        ("of another name", &[("cookie", &*bobs.replace("__Host-jwt", "__host-jwt"))], 303),
    ] {
        let answer = site.follow(&uri, lines).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert_eq!(cookies_of(&answer).len(), usize::from(status == 303), "{name}");
    }
}

/// Another issuer, with a key of its own.
fn other_issuer() -> (SigningKey, Verifier) {
    let key = SigningKey::generate(shared_key().algorithm(), "other-1");
    let keys = Jwks::from_json(jwks_of([&key])).expect("a key set");
    let verifier = Verifier::new("https://other.example", AUDIENCE, keys).expect("a policy");
    (key, verifier.with_clock(FixedClock::at_unix(NOW)))
}

#[tokio::test]
async fn a_link_of_one_issuer_does_not_replace_the_session_of_another() {
    let sources = |cookie: &str| TokenSources::default().with_cookie(cookie).expect("a name");
    let plain = HandOff::default;
    for (name, cookies, hand_off, status) in [
        ("one cookie for both", ["__Host-jwt", "__Host-jwt"], plain(), 403),
        ("a cookie for each", ["__Host-a", "__Host-b"], plain(), 403),
        (
            "one cookie for both, by choice",
            ["__Host-jwt", "__Host-jwt"],
            plain().insecure_replace_sessions(),
            303,
        ),
        ("a cookie for each, by choice", ["__Host-a", "__Host-b"], plain().insecure_replace_sessions(), 303),
    ] {
        let (key, other) = other_issuer();
        let first = JwtAuthLayer::new(verifier()).with_sources(sources(cookies[0])).with_hand_off(hand_off);
        let second = JwtAuthLayer::new(other).with_sources(sources(cookies[1])).with_hand_off(hand_off);
        let layer = JwtAuthLayer::any_of([first.expect("both are read"), second.expect("both are read")]);
        let site = Site::behind(layer.expect("two issuers").single_use());
        let mut claims = good_claims();
        claims["iss"] = "https://other.example".into();
        claims["jti"] = "session".into();
        let answer = site.arrive(&key.token(&claims)).await;
        assert_eq!(answer.status, 303, "{name}: {answer:?}");
        let set = cookies_of(&answer)[0].split(';').next().expect("a pair").to_owned();
        assert!(set.starts_with(cookies[1]), "{name}: {set}");
        let visit = site.follow("/", &[("cookie", &set)]).await;
        assert_eq!((visit.status, &*visit.code), (200, "accepted"), "{name}: the session is one");
        // The same `sub`, which says nothing across issuers.
        let link = token_with(json!({ "jti": "link" }));
        let answer = site.follow(&format!("/?jwt={link}"), &[("cookie", &set)]).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert_eq!(cookies_of(&answer).len(), usize::from(status == 303), "{name}");
        if status == 403 {
            assert_eq!(site.arrive(&link).await.status, 303, "{name}: nothing was used up");
        }
    }
}

#[tokio::test]
async fn a_session_is_replaced_by_choice_of_its_own_layer_too() {
    let by_choice = HandOff::default().insecure_replace_sessions();
    let never = HandOff::default();
    for (name, of_the_link, of_the_session, status) in [
        ("by both", by_choice, by_choice, 303),
        ("by the link's", by_choice, never, 403),
        ("by its own", never, by_choice, 403),
        ("by none", never, never, 403),
    ] {
        let (key, other) = other_issuer();
        let first = JwtAuthLayer::new(verifier()).with_hand_off(of_the_link).expect("both are read");
        let second = JwtAuthLayer::new(other).with_hand_off(of_the_session).expect("both are read");
        let site = Site::behind(JwtAuthLayer::any_of([first, second]).expect("two issuers"));
        let mut claims = good_claims();
        claims["iss"] = "https://other.example".into();
        let session = session_of(&site.arrive(&key.token(&claims)).await);
        let answer = follow(&site, &token_with(json!({ "jti": "link" })), &session).await;
        assert_eq!(answer.status, status, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_checked_now_is_replaced_by_no_link() {
    let (key, _) = other_issuer();
    let provider = in_memory(Answer::hanging());
    let jwks = Jwks::builder("https://other.example/keys").expect("a URL").with_fetch(provider.clone());
    let jwks = jwks.spawn().expect("a runtime");
    let other = Verifier::new("https://other.example", AUDIENCE, jwks.clone()).expect("a policy");
    let other = JwtAuthLayer::new(other.with_clock(FixedClock::at_unix(NOW)));
    let site = Site::behind(JwtAuthLayer::any_of([layer(), other]).expect("two issuers"));
    let session = key.token(&claims_with(json!({ "iss": "https://other.example" })));
    let link = token_with(json!({}));
    let answer = follow(&site, &link, &session).await;
    assert_eq!((answer.status, &*answer.code), (503, "keys_pending"));
    assert!(cookies_of(&answer).is_empty());
    assert_eq!(session_of(&site.arrive(&link).await), link, "where there is none");

    provider.serve(Answer::of(jwks_of([&key])));
    jwks.ready().await.expect("a first set");
    assert_eq!(follow(&site, &link, &session).await.code, "session_conflict", "it is one");
    let expired = key.token(&claims_with(json!({ "iss": "https://other.example", "exp": NOW - 31 })));
    assert_eq!(follow(&site, &link, &expired).await.status, 303, "it is none");
}

#[tokio::test]
async fn where_any_issuer_is_accepted_the_same_sub_of_another_issuer_is_another_subject() {
    let site = Site::behind(
        JwtAuthLayer::new(verifier().insecure_accept_any_issuer()).hand_off().expect("both are read"),
    );
    let session = session_of(&site.arrive(&token_with(json!({}))).await);
    let same = token_with(json!({ "exp": NOW + 99 }));
    let others = token_with(json!({ "iss": "https://other.example" }));
    let nobodys = token_with(json!({ "iss": null }));
    assert_eq!(session_of(&follow(&site, &same, &session).await), same);
    for link in [others, nobodys] {
        assert_eq!(follow(&site, &link, &session).await.code, "session_conflict");
        assert_eq!(session_of(&site.arrive(&link).await), link);
    }
}

#[tokio::test]
async fn a_good_link_counts_whatever_cookie_is_beside_it_unless_it_is_a_session() {
    let site = Site::behind(layer());
    let link = token_with(json!({}));
    for cookie in ["a=1", "__Host-jwt=expired.or.not", "jwt=x", "__Host-nonce=x"] {
        let answer = site.follow(&format!("/?jwt={link}"), &[("cookie", cookie)]).await;
        assert_eq!(session_of(&answer), link, "{cookie}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_key_is_not_here_yet_gives_way_to_its_own_subject_only() {
    let [here, new] = ["here", "new"].map(|kid| SigningKey::generate(Algorithm::EdDsa, kid));
    let provider = in_memory(Answer::of(jwks_of([&here])));
    let jwks = Jwks::builder("https://issuer.example/keys").expect("a URL").with_fetch(provider);
    let jwks = jwks.spawn().expect("a runtime");
    jwks.ready().await.expect("a key set");
    let layer = JwtAuthLayer::new(verifier_with(jwks)).hand_off().expect("both are read");
    for (kind, layer, receipt) in
        [("many uses", layer.clone(), ""), ("single use", layer.single_use(), "~0123456789abcdef")]
    {
        let site = Site::behind(layer);
        let session = new.token(&claims_with(json!({ "jti": "session" }))) + receipt;
        for (name, sub, want) in
            [("another", "bob", (403, "session_conflict")), ("the same", "alice", (303, ""))]
        {
            let link = here.token(&claims_with(json!({ "sub": sub, "jti": name })));
            let answer = follow(&site, &link, &session).await;
            assert_eq!((answer.status, &*answer.code), want, "{kind}, {name}");
            assert_eq!(
                site.arrive(&link).await.status == 303,
                sub == "bob" || receipt.is_empty(),
                "{kind}, {name}"
            );
        }
        // What could be nobody's session, whoever has signed it.
        let expired = new.token(&claims_with(json!({ "exp": NOW - 31 }))) + receipt;
        let link = here.token(&claims_with(json!({ "sub": "bob", "jti": "beside an expired one" })));
        assert_eq!(follow(&site, &link, &expired).await.status, 303, "{kind}, expired");
    }
}

#[tokio::test]
async fn a_session_that_was_revoked_blocks_no_link() {
    for once in [true, false] {
        let store = Arc::new(MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)));
        let rule = ReplayRule::deny_list(Arc::clone(&store));
        let rule = if once { ReplayRule::single_use(Arc::clone(&store)) } else { rule };
        let site = Site::behind(layer().with_replay_rule(rule));
        let session = session_of(&site.arrive(&token_with(json!({ "sub": "bob", "jti": "session" }))).await);
        let link = token_with(json!({ "jti": "link" }));
        assert_eq!(follow(&site, &link, &session).await.code, "session_conflict", "single use: {once}");
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(NOW) + 3_600);
        store.revoke(ISSUER, "session", later).await.expect("room");
        assert_eq!(follow(&site, &link, &session).await.status, 303, "single use: {once}");
    }
}
