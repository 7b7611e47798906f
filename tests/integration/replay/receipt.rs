//! A link that counts once leaves a cookie that counts many times: for the browser that followed it, and nobody else.

use http::Method;
use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::source::TokenSources;

use super::{layer_over, named, store};
use crate::support::app::{Place, verifier};
use crate::support::site::{Site, good, refused, session_of, token_with};

fn site() -> Site {
    Site::behind(JwtAuthLayer::new(verifier()).single_use().hand_off().expect("both are read"))
}

fn replayed() -> (u16, String) {
    refused(401, "token_replayed")
}

#[tokio::test]
async fn after_the_hand_off_the_cookie_counts_many_times_and_the_token_alone_not_once() {
    let site = site();
    let token = named("1");
    let session = session_of(&site.arrive(&token).await);
    let (before, receipt) = session.split_once('~').expect("a receipt");
    assert_eq!(before, token);
    assert_eq!(receipt.len(), 32);
    assert!(receipt.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for round in 0..3 {
        assert_eq!(site.show(&session).await, good(), "round {round}");
        for place in Place::ALL {
            let answer = site.answer(place.carry(Method::GET, &token)).await;
            assert_eq!((answer.status, answer.code), replayed(), "{place:?}, round {round}");
        }
    }
    assert_eq!(site.bear(&session).await.0, 401, "a receipt counts in a cookie only");
    assert_eq!(site.follow(&format!("/?jwt={session}"), &[]).await.status, 401, "and in no link");
    assert_eq!(site.inside(), 3);
}

#[tokio::test]
async fn a_receipt_is_good_for_its_own_token_and_as_it_was_given() {
    let site = site();
    let (one, other) = (named("1"), named("2"));
    let session = session_of(&site.arrive(&one).await);
    let others = session_of(&site.arrive(&other).await);
    let receipt = session.strip_prefix(&format!("{one}~")).expect("a receipt");
    let strange = others.strip_prefix(&format!("{other}~")).expect("a receipt");
    let mut bent = receipt.to_owned();
    bent.replace_range(31.., if bent.ends_with('0') { "1" } else { "0" });
    let made_up = "0123456789abcdef0123456789abcdef";
    for (name, value) in [
        ("none", one.clone()),
        ("an empty one", format!("{one}~")),
        ("a made-up one", format!("{one}~{made_up}")),
        ("one letter changed", format!("{one}~{bent}")),
        ("one letter less", format!("{one}~{}", &receipt[..31])),
        ("one letter more", format!("{one}~{receipt}0")),
        ("in capitals", format!("{one}~{}", receipt.to_uppercase())),
        ("that of another token", format!("{one}~{strange}")),
        ("another one and its own", format!("{one}~{strange}~{receipt}")),
        ("its own twice", format!("{one}~{receipt}~{receipt}")),
        ("two separators", format!("{one}~~{receipt}")),
        ("a separator behind it", format!("{one}~{receipt}~")),
        ("in quotes", format!("\"{one}~{receipt}\"")),
        ("encoded", format!("{one}%7E{receipt}")),
        ("before the token", format!("{receipt}~{one}")),
    ] {
        let (status, code) = site.show(&value).await;
        assert_eq!(status, 401, "{name}: {code}");
        assert!(["token_replayed", "token_malformed"].contains(&&*code), "{name}: {code}");
    }
    assert_eq!(site.inside(), 0);
    assert_eq!(site.show(&format!("{one}~{receipt}")).await, good());
    // Another token of the same name is the same token, so that its receipt goes with it.
    assert_eq!(site.show(&format!("{}~{receipt}", named("1"))).await, good());
    assert_eq!(site.show(&format!("{}~{receipt}", token_with(json!({ "jti": "3", "exp": 1 })))).await.0, 401);
}

#[tokio::test]
async fn before_the_hand_off_a_token_counts_once_in_any_place_and_then_its_link_is_spent() {
    for place in [Place::Header, Place::Cookie] {
        let site = site();
        let token = named("1");
        let answer = site.answer(place.carry(Method::GET, &token)).await;
        assert_eq!((answer.status, answer.code), good(), "{place:?}");
        let answer = site.answer(place.carry(Method::GET, &token)).await;
        assert_eq!((answer.status, answer.code), replayed(), "{place:?}");
        assert_eq!(site.arrive(&token).await.code, "token_replayed", "{place:?}");
        let made_up = format!("{token}~0123456789abcdef0123456789abcdef");
        assert_eq!(site.show(&made_up).await, replayed(), "{place:?}");
    }
}

/// Whoever has an unused token could follow its link instead: one receipt is good, whoever was first.
#[tokio::test]
async fn a_cookie_with_a_receipt_that_nobody_gave_uses_an_unused_token_up_for_everybody_else() {
    for (name, receipt) in [("well made", "0123456789abcdef0123456789abcdef"), ("empty", ""), ("two", "a~b")]
    {
        let site = site();
        let token = named("1");
        let value = format!("{token}~{receipt}");
        assert_eq!(site.show(&value).await, good(), "{name}");
        assert_eq!(site.arrive(&token).await.code, "token_replayed", "{name}: the link");
        assert_eq!(site.bear(&token).await, replayed(), "{name}: the token alone");
        assert_eq!(site.show(&token).await, replayed(), "{name}: the token alone, in a cookie");
        assert_eq!(site.show(&format!("{token}~f{receipt}")).await, replayed(), "{name}: another receipt");
        assert_eq!(site.show(&value).await, good(), "{name}: its own");
    }
}

#[tokio::test]
async fn a_session_of_one_instance_is_one_at_another_that_shares_its_store() {
    let store = store();
    let instance = || Site::behind(layer_over(&store).hand_off().expect("both are read"));
    let (first, second) = (instance(), instance());
    let token = named("1");
    let session = session_of(&first.arrive(&token).await);
    for _ in 0..2 {
        assert_eq!(second.show(&session).await, good());
        assert_eq!(first.show(&session).await, good());
        assert_eq!(second.show(&token).await, replayed());
        assert_eq!(second.arrive(&token).await.code, "token_replayed");
    }
}

#[tokio::test]
async fn without_a_hand_off_or_single_use_nothing_behind_a_token_is_a_receipt() {
    let once = Site::behind(JwtAuthLayer::new(verifier()).single_use());
    let many = Site::behind(JwtAuthLayer::new(verifier()).hand_off().expect("both are read"));
    for (name, site) in [("single use only", once), ("hand-off only", many)] {
        let value = format!("{}~0123456789abcdef0123456789abcdef", named("1"));
        assert_eq!(site.show(&value).await, refused(401, "token_malformed"), "{name}");
        assert_eq!(site.show(&named("1")).await, good(), "{name}");
    }
}

/// Sources that are set later are not what the hand-off was checked with.
#[tokio::test]
async fn where_no_link_is_read_any_more_nothing_behind_a_token_is_a_receipt() {
    let handing_off = || JwtAuthLayer::new(verifier()).hand_off().expect("both are read").single_use();
    let without_query = || handing_off().with_sources(TokenSources::default().without_query());
    let of_several = JwtAuthLayer::any_of([without_query()]).expect("one issuer");
    for (name, layer) in [("alone", without_query()), ("of several", of_several)] {
        let site = Site::behind(layer);
        let token = named("1");
        for receipt in ["0123456789abcdef0123456789abcdef", "anything", ""] {
            let value = format!("{token}~{receipt}");
            assert_eq!(site.show(&value).await, refused(401, "token_malformed"), "{name}, {receipt:?}");
        }
        assert_eq!(site.show(&token).await, good(), "{name}: nothing was used up");
        assert_eq!(site.show(&token).await, replayed(), "{name}");
    }
    let both = Site::behind(handing_off().with_sources(TokenSources::default()));
    let session = session_of(&both.arrive(&named("1")).await);
    assert_eq!([both.show(&session).await, both.show(&session).await], [good(), good()]);
}
