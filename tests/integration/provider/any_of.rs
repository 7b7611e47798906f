//! All three providers at one door: each token goes to its own, and no key opens another's.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request};
use tower_jwt_auth::provider::{MagicLinksDev, PasskeyMe, Phonelink};

use super::stand_in::magiclinksdev::{MagicLinksDevStandIn, Settings as MagicLinksDevSettings};
use super::stand_in::passkeyme::{PasskeyMeStandIn, Settings as PasskeyMeSettings};
use super::stand_in::phonelink::{PhonelinkStandIn, Settings as PhonelinkSettings};
use super::stand_in::signing::{now, uuid};
use super::*;
use crate::support::app::{get, request};

const CLIENT: &str = "my-client-id";
const NONCE: &str = "5f2d7c9be04c1f7a";

/// The stand-ins of all three.
struct Providers {
    links: MagicLinksDevStandIn,
    phones: PhonelinkStandIn,
    passkeys: PasskeyMeStandIn,
}

impl Providers {
    async fn start() -> Self {
        Self {
            links: MagicLinksDevStandIn::start(MagicLinksDevSettings::default()).await.expect("a port"),
            phones: PhonelinkStandIn::start(PhonelinkSettings::default()).await.expect("a port"),
            passkeys: PasskeyMeStandIn::start(PasskeyMeSettings::default()).await.expect("a port"),
        }
    }

    fn layers(&self) -> [JwtAuthLayer; 3] {
        let links = MagicLinksDev::new(&self.links.base_url, &self.links.audience).expect("good settings");
        let phones = Phonelink::new(CLIENT).expect("a client").with_issuer(&self.phones.issuer);
        let phones = phones.with_jwks_url(&self.phones.jwks_url());
        let passkeys = PasskeyMe::new(&self.passkeys.app_id).expect("an app id");
        let passkeys = passkeys.with_verify_url(&self.passkeys.verify_token_url());
        let layers = [links.layer(), phones.layer(), passkeys.layer()];
        layers.map(|layer| layer.expect("good settings"))
    }

    fn door(&self) -> App {
        app(JwtAuthLayer::any_of(self.layers()).expect("three issuers"))
    }

    fn link(&self) -> String {
        self.links.jwt(json!({}), Duration::from_secs(300)).expect("a token")
    }

    fn phone(&self) -> String {
        self.phones.token(CLIENT, Some(NONCE))
    }

    /// Claims that provider `of` would sign, all of them good.
    fn claims(&self, of: usize) -> Value {
        let at = now();
        let (iss, aud) = match of {
            0 => (&self.links.issuer, json!([self.links.audience])),
            1 => (&self.phones.issuer, json!(CLIENT)),
            _ => (&self.passkeys.issuer, json!(self.passkeys.app_id)),
        };
        json!({
            "iss": iss, "aud": aud, "iat": at, "exp": at + 300, "jti": uuid(), "sub": "x", "nonce": NONCE,
            "verified": true, "phone_e164": "+14155550123",
        })
    }

    /// `claims` signed by provider `by`, with each of its keys.
    fn signed(&self, by: usize, claims: &str) -> Vec<String> {
        let keys = match by {
            0 => vec![self.links.key("EdDSA").expect("a key"), self.links.key("RS256").expect("a key")],
            1 => vec![self.phones.key()],
            _ => vec![self.passkeys.key()],
        };
        keys.into_iter().map(|key| key.sign(claims)).collect()
    }
}

const NAMES: [&str; 3] = ["magiclinksdev", "Phonelink", "PasskeyMe"];

/// Every place that any of the three reads, each with Phonelink's nonce beside it.
fn everywhere(token: &str) -> Vec<(&'static str, Request<Body>)> {
    let nonce = format!("__Host-nonce={NONCE}");
    let cookie = |name: &str| get("/", &[("cookie", &format!("{nonce}; {name}={token}"))]);
    vec![
        ("?jwt=", get(&format!("/?jwt={token}"), &[("cookie", &nonce)])),
        ("?token=", get(&format!("/?token={token}"), &[("cookie", &nonce)])),
        ("header", get("/", &[("cookie", &nonce), ("authorization", &format!("Bearer {token}"))])),
        ("cookie __Host-jwt", cookie("__Host-jwt")),
        ("cookie passkeyme_token", cookie("passkeyme_token")),
    ]
}

#[tokio::test]
async fn a_token_gets_in_where_its_own_provider_puts_it_and_nowhere_else() {
    let providers = Providers::start().await;
    let door = providers.door();
    for (of, name, places) in [
        (0, NAMES[0], &["?jwt=", "header", "cookie __Host-jwt"][..]),
        (1, NAMES[1], &["?token="][..]),
        (2, NAMES[2], &["?token=", "header", "cookie passkeyme_token"][..]),
    ] {
        for place in 0..5 {
            // One of its own each time: Phonelink's counts once.
            let claims = providers.claims(of).to_string();
            for token in providers.signed(of, &claims) {
                let (place, request) = everywhere(&token).swap_remove(place);
                let want = if places.contains(&place) { (200, ACCEPTED) } else { (401, "issuer_mismatch") };
                let answer = door.answer(request).await;
                assert_eq!((answer.status, &*answer.code), want, "{name} in {place}");
                assert!(!answer.body.contains(&token), "{name} in {place}: it is scrubbed");
            }
        }
    }
}

#[tokio::test]
async fn no_key_signs_for_another_provider_wherever_the_token_is_put() {
    let providers = Providers::start().await;
    let door = providers.door();
    // Before and after the keys of all are here, and their yeses kept.
    for round in ["first", "second"] {
        for (by, by_name) in NAMES.iter().enumerate() {
            for named in (0..3).filter(|named| *named != by) {
                let claims = providers.claims(named).to_string();
                for token in providers.signed(by, &claims) {
                    for (place, request) in everywhere(&token) {
                        let name = format!("{round}: signed by {by_name}, for {}, in {place}", NAMES[named]);
                        let (status, code) = door.verdict(request).await;
                        assert_eq!(status, 401, "{name}: {code}");
                    }
                }
            }
        }
        for (of, name) in NAMES.iter().enumerate() {
            let place = usize::from(of != 0);
            for token in providers.signed(of, &providers.claims(of).to_string()) {
                let (_, request) = everywhere(&token).swap_remove(place);
                assert_eq!(door.verdict(request).await.0, 200, "{round}: {name} by itself");
            }
        }
    }
}

#[tokio::test]
async fn an_issuer_that_is_there_twice_or_is_none_is_nobodys() {
    let providers = Providers::start().await;
    let door = providers.door();
    for (by, name) in NAMES.iter().enumerate() {
        let own = providers.claims(by);
        for other in (0..3).filter(|other| *other != by) {
            let own_iss = format!("\"iss\":{}", own["iss"]);
            let other_iss = format!("\"iss\":{}", providers.claims(other)["iss"]);
            let rest = changed(own.clone(), json!({ "iss": null })).to_string();
            let payloads = [
                format!("{{{own_iss},{other_iss},{}", &rest[1..]),
                format!("{{{other_iss},{own_iss},{}", &rest[1..]),
                format!("{{{own_iss},{}", other_iss.replace("iss", "\\u0069ss") + "," + &rest[1..]),
                rest.clone(),
                changed(own.clone(), json!({ "iss": [own["iss"]] })).to_string(),
                changed(own.clone(), json!({ "iss": format!("{}/", own["iss"].as_str().expect("text")) }))
                    .to_string(),
                changed(own.clone(), json!({ "iss": "" })).to_string(),
            ];
            for payload in payloads {
                for token in providers.signed(by, &payload) {
                    for (place, request) in everywhere(&token) {
                        let status = door.verdict(request).await.0;
                        assert_eq!(status, 401, "{name} in {place}: {payload}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn two_tokens_that_were_put_there_on_purpose_are_a_conflict() {
    let providers = Providers::start().await;
    let door = providers.door();
    let (link, phone, passkey) = (providers.link(), providers.phone(), providers.passkeys.token());
    let nonce = format!("__Host-nonce={NONCE}");
    let bearer = format!("Bearer {passkey}");
    for (name, uri, lines) in [
        ("a link and a phone", format!("/?jwt={link}&token={phone}"), vec![("cookie", &*nonce)]),
        ("a link and a passkey", format!("/?jwt={link}&token={passkey}"), vec![]),
        (
            "a phone, and a passkey in the header",
            format!("/?token={phone}"),
            vec![("cookie", &*nonce), ("authorization", &*bearer)],
        ),
        ("a link, and a passkey in the header", format!("/?jwt={link}"), vec![("authorization", &*bearer)]),
        ("a link, and rubbish", format!("/?jwt={link}&token=x"), vec![]),
        ("two in ?token=", format!("/?token={phone}&token={passkey}"), vec![("cookie", &*nonce)]),
    ] {
        let (status, code) = door.verdict(get(&uri, &lines)).await;
        assert_eq!((status, &*code), (400, "credentials_conflict"), "{name}");
    }
    // The same phone, alone: nothing above has used it up.
    let alone = get(&format!("/?token={phone}"), &[("cookie", &nonce)]);
    assert_eq!(door.verdict(alone).await, (200, ACCEPTED.to_owned()));
}

#[tokio::test]
async fn a_token_that_was_put_there_outweighs_the_cookies_and_never_falls_back_to_them() {
    let providers = Providers::start().await;
    let door = providers.door();
    let passkey = providers.passkeys.token();
    let session = format!("passkeyme_token={passkey}; __Host-jwt={}", providers.link());
    let good = format!("Bearer {}", providers.link());
    let bad = format!("Bearer {}", forged(&providers.link()));
    let nobodys = "Bearer eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA";
    for (name, authorization, want) in [
        ("good", Some(&*good), (200, ACCEPTED)),
        ("bad", Some(&*bad), (401, "signature_invalid")),
        ("nobody's", Some(nobodys), (401, "issuer_mismatch")),
        ("none", None, (200, ACCEPTED)),
    ] {
        let mut lines = vec![("cookie", &*session)];
        lines.extend(authorization.map(|value| ("authorization", value)));
        let (status, code) = door.verdict(get("/", &lines)).await;
        assert_eq!((status, &*code), want, "{name}");
        let mut crossed = lines.clone();
        crossed.push(("sec-fetch-site", "cross-site"));
        let (_, code) = door.verdict(request(Method::POST, "/", &crossed)).await;
        let want = if authorization.is_none() { "cross_site_request" } else { want.1 };
        assert_eq!(code, want, "{name}, from another site");
    }
}

#[tokio::test]
async fn a_phone_needs_its_nonce_and_counts_once_beside_others_that_do_not() {
    let providers = Providers::start().await;
    let door = providers.door();
    let phone = providers.phone();
    let uri = format!("/?token={phone}");
    let nonce = format!("__Host-nonce={NONCE}");
    assert_eq!(door.verdict(get(&uri, &[])).await, (400, "nonce_missing".to_owned()));
    assert_eq!(
        door.verdict(get(&uri, &[("cookie", "__Host-nonce=x")])).await,
        (401, "nonce_mismatch".to_owned())
    );
    let head = door.answer(request(Method::HEAD, &uri, &[("cookie", &nonce)])).await;
    assert_eq!(head.status, 400);
    let answer = door.answer(get(&uri, &[("cookie", &nonce)])).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("set-cookie").is_some_and(|cookie| cookie.starts_with("__Host-nonce=;")),
        "{answer:?}"
    );
    assert_eq!(door.verdict(get(&uri, &[("cookie", &nonce)])).await, (401, "token_replayed".to_owned()));
    // The same parameter, of the provider that wants neither; and the link in its own.
    for (name, uri) in [
        ("a passkey", format!("/?token={}", providers.passkeys.token())),
        ("a link", format!("/?jwt={}", providers.link())),
    ] {
        for time in ["once", "twice"] {
            let answer = door.answer(get(&uri, &[])).await;
            assert_eq!(answer.status, 200, "{name}, {time}: {answer:?}");
            assert_eq!(answer.header("set-cookie"), None, "{name}, {time}");
        }
    }
}

#[tokio::test]
async fn one_provider_that_is_down_shuts_out_its_own_only() {
    let providers = Providers::start().await;
    let door = providers.door();
    providers.passkeys.set_down(true);
    let bearer = |token: &str| get("/", &[("authorization", &format!("Bearer {token}"))]);
    assert_eq!(
        door.verdict(bearer(&providers.passkeys.token())).await,
        (503, "verifier_unavailable".to_owned())
    );
    assert_eq!(door.verdict(bearer(&providers.link())).await, (200, ACCEPTED.to_owned()));
    // An optional door lets nobody pass whose token is not good.
    let optional = app(JwtAuthLayer::any_of(providers.layers()).expect("three").optional());
    assert_eq!(optional.verdict(bearer(&providers.passkeys.token())).await.0, 503);
    assert_eq!(optional.verdict(bearer(&forged(&providers.link()))).await.0, 401);
}

#[tokio::test]
async fn a_door_has_one_entrance_for_each_issuer() {
    let providers = Providers::start().await;
    let [links, phones, passkeys] = providers.layers();
    assert!(JwtAuthLayer::any_of([links.clone(), phones.clone(), passkeys.clone()]).is_ok());
    assert!(JwtAuthLayer::any_of([]).is_err());
    assert!(JwtAuthLayer::any_of([links.clone(), phones, links]).is_err());
    let preset = PasskeyMe::new("app").expect("an app id");
    let any = JwtAuthLayer::new(preset.verifier().expect("good settings").insecure_accept_any_issuer());
    assert!(JwtAuthLayer::any_of([passkeys, any]).is_err());
}
