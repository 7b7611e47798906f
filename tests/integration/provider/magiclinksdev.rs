//! magiclinksdev: as the real server was recorded, and as its stand-in does.

use std::path::Path;
use std::time::Duration;

use http::Method;
use http::header::CONTENT_TYPE;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::provider::MagicLinksDev;

use super::stand_in::magiclinksdev::{MagicLinksDevStandIn, Settings};
use super::stand_in::signing::{now, uuid};
use super::*;
use crate::support::app::{Place, get};
use crate::support::idp::{Answer, Idp, over_http};
use crate::support::issuer::{SigningKey, encode, jwks_of};
use tower_jwt_auth::token::Algorithm;

fn recording() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/magiclinksdev.json");
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is a text"))
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().expect("a number")).expect("a time")
}

/// The preset for the recorded server, whose part `idp` plays.
fn recorded(file: &Value, idp: &Idp, now: u32) -> MagicLinksDev {
    let preset = MagicLinksDev::new(&idp.url("/api/v2/"), text(file, "audience")).expect("good settings");
    preset.with_issuer(text(file, "issuer")).with_clock(FixedClock::at_unix(now))
}

#[tokio::test]
async fn with_the_recorded_keys_each_recorded_token_is_judged_as_recorded() {
    let file = recording();
    for (set, name) in [(&file, "first key set"), (&file["after_rotation"], "second key set")] {
        let idp = over_http(Answer::status(404)).await;
        let keys = Answer::of(set["jwks"].to_string())
            .with(CONTENT_TYPE, text(&set["recorded"], "jwks_content_type"));
        idp.serve_at("/api/v2/jwks.json", keys);
        let verifier = recorded(&file, &idp, number(&file["now"])).verifier().expect("a runtime");
        let cases = set["cases"].as_array().expect("cases");
        assert_eq!(cases.len(), 8);
        for case in cases {
            let want = case["reason"].as_str().unwrap_or(ACCEPTED);
            assert_eq!(outcome(&verifier, text(case, "token")).await, want, "{name}: {}", case["name"]);
        }
        // The server said the same of those that it was asked about.
        let answers = set["recorded"]["validate"].as_array().expect("answers");
        assert_eq!(answers.len(), 4);
        for answer in answers {
            let said_yes = answer["status"] == 200;
            let accepted = outcome(&verifier, text(answer, "token")).await == ACCEPTED;
            assert_eq!(accepted, said_yes, "{name}: {}", answer["body"]);
        }
    }
}

#[tokio::test]
async fn with_its_recorded_answers_each_recorded_token_is_judged_as_it_did() {
    let file = recording();
    for (set, name) in [(&file, "first key set"), (&file["after_rotation"], "second key set")] {
        for answer in set["recorded"]["validate"].as_array().expect("answers") {
            let (token, body) = (text(answer, "token"), answer["body"].to_string());
            let want = match answer["body"]["message"].as_str() {
                None => ACCEPTED,
                Some(message) if message.contains("incorrect audience") => "audience_mismatch",
                Some(message) if message.contains("token is expired") => "token_expired",
                Some(message) => panic!("{message}: no such answer was recorded"),
            };
            let status = answer["status"].as_u64().expect("a status").try_into().expect("a status");
            let idp = over_http(Answer::status(404)).await;
            idp.serve_at("/api/v2/jwt/validate", Answer::of(&body).with_status(status));
            let preset = |now| recorded(&file, &idp, now).validated_remotely(&uuid());
            // As a user of the preset has it: what can be seen here is not asked about.
            let verifier = preset(number(&file["now"])).verifier().expect("good settings");
            assert_eq!(outcome(&verifier, token).await, want, "{name}: {body}");
            assert_eq!(idp.requests(), usize::from(want == ACCEPTED), "{name}: {body}");
            // With nothing to be seen here, the server's word is understood to be the same.
            let created = crate::support::issuer::decode(token.split('.').nth(1).expect("claims"));
            let created: Value = serde_json::from_slice(&created).expect("claims");
            let verifier = preset(number(&created["iat"])).verifier().expect("good settings");
            let asked = idp.requests();
            let got = outcome(&verifier.insecure_accept_any_audience(), token).await;
            assert_eq!(got, want, "{name}: {body}, by the server");
            assert_eq!(idp.requests(), asked + 1, "{name}: {body}, by the server");
        }
    }
}

#[tokio::test]
async fn no_recorded_yes_is_one_for_another_recorded_token() {
    let file = recording();
    let answers = file["recorded"]["validate"].as_array().expect("answers");
    let good: Vec<_> = answers.iter().filter(|answer| answer["status"] == 200).collect();
    for asked in &good {
        for said in &good {
            let idp = over_http(Answer::of(said["body"].to_string())).await;
            let preset = recorded(&file, &idp, number(&file["now"])).validated_remotely(&uuid());
            let verifier = preset.verifier().expect("good settings");
            let is_its_own = asked["token"] == said["token"];
            let want = if is_its_own { ACCEPTED } else { "verifier_unavailable" };
            assert_eq!(outcome(&verifier, text(asked, "token")).await, want, "{}", said["body"]);
        }
    }
}

#[tokio::test]
async fn the_recorded_redirect_lets_its_browser_in() {
    let file = recording();
    let visit = &file["recorded"]["magic_link_visits"][0];
    let target = text(visit, "location").strip_prefix("http://127.0.0.1:3000/auth/callback").expect("a path");
    let idp = over_http(Answer::of(file["jwks"].to_string())).await;
    let app = app(recorded(&file, &idp, number(&file["now"])).layer().expect("a runtime"));
    let answer = app.answer(get(&format!("/{target}"), &[])).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (query, claims) = answer.body.split_once(' ').expect("two parts");
    assert_eq!(query, "a=1&next=%2Fdash", "the token is gone, the rest is as it was");
    assert!(claims.contains(r#""email_hash":"abc""#) && !claims.contains("\"sub\""), "{claims}");
}

/// The stand-in, and the preset for it in both ways.
async fn stand_in() -> (MagicLinksDevStandIn, [(&'static str, MagicLinksDev); 2]) {
    let server = MagicLinksDevStandIn::start(Settings::default()).await.expect("a port");
    // Its issuer is its origin, which is what the preset takes it to be.
    let preset = MagicLinksDev::new(&server.base_url, &server.audience).expect("good settings");
    let remotely = preset.clone().validated_remotely(&server.api_key);
    (server, [("by its keys", preset), ("by its word", remotely)])
}

#[tokio::test]
async fn both_ways_judge_alike_and_as_the_server_does() {
    let (server, ways) = stand_in().await;
    let good = server.jwt(json!({ "email": "ada@example.com" }), Duration::from_secs(300)).expect("a token");
    let eddsa = server.key("EdDSA").expect("a key");
    let rs256 = server.key("RS256").expect("a key");
    let at = now();
    let claims = |changes| {
        let claims = json!({ "iss": server.issuer, "aud": [server.audience], "exp": at + 300, "nbf": at, "iat": at, "jti": uuid() });
        changed(claims, changes).to_string()
    };
    let stranger = SigningKey::generate(Algorithm::EdDsa, eddsa.kid().expect("a kid"));
    let renamed = SigningKey::generate(Algorithm::EdDsa, "another");
    let good_claims: Value = serde_json::from_str(&claims(json!({}))).expect("claims");
    let other = [server.other_account.audience.as_str()];
    for (name, token, by_keys, by_word) in [
        ("made by the API", good.clone(), ACCEPTED, ACCEPTED),
        ("RS256", rs256.sign(&claims(json!({}))), ACCEPTED, ACCEPTED),
        ("an empty sub", eddsa.sign(&claims(json!({ "sub": "" }))), ACCEPTED, ACCEPTED),
        ("a sub", eddsa.sign(&claims(json!({ "sub": "ada" }))), ACCEPTED, ACCEPTED),
        ("aud a string", eddsa.sign(&claims(json!({ "aud": server.audience }))), ACCEPTED, ACCEPTED),
        (
            "another account",
            eddsa.sign(&claims(json!({ "aud": other }))),
            "audience_mismatch",
            "audience_mismatch",
        ),
        ("another issuer", eddsa.sign(&claims(json!({ "iss": "x" }))), "issuer_mismatch", "issuer_mismatch"),
        (
            "issuer with a slash",
            eddsa.sign(&claims(json!({ "iss": format!("{}/", server.issuer) }))),
            "issuer_mismatch",
            "issuer_mismatch",
        ),
        ("expired", eddsa.sign(&claims(json!({ "exp": at - 31 }))), "token_expired", "token_expired"),
        ("no exp", eddsa.sign(&claims(json!({ "exp": null }))), "claim_missing", "claim_missing"),
        ("forged", forged(&good), "signature_invalid", "signature_invalid"),
        (
            "of a key with the same name",
            stranger.token(&good_claims),
            "signature_invalid",
            "signature_invalid",
        ),
        ("of an unknown key", renamed.token(&good_claims), "key_unknown", "key_unknown"),
        ("malformed", "x.y.z".to_owned(), "token_malformed", "token_malformed"),
    ] {
        for ((way, preset), want) in ways.iter().zip([by_keys, by_word]) {
            let verifier = preset.verifier().expect("a runtime");
            assert_eq!(outcome(&verifier, &token).await, want, "{name}, {way}");
        }
    }
    let wrong_key = ways[0].1.clone().validated_remotely(&server.other_account.api_key);
    let verifier = wrong_key.verifier().expect("good settings");
    assert_eq!(outcome(&verifier, &good).await, "audience_mismatch", "the key of another account");
    let no_key = ways[0].1.clone().validated_remotely(&uuid()).verifier().expect("good settings");
    assert_eq!(outcome(&no_key, &good).await, "verifier_unavailable", "the key of nobody");
}

#[tokio::test]
async fn a_link_leads_to_its_page_and_its_token_is_the_last_of_its_name() {
    let (server, ways) = stand_in().await;
    let good = server.jwt(json!({}), Duration::from_secs(300)).expect("a token");
    let evil = forged(&good);
    let twice = format!("/?jwt={evil}&a=%2B&jwt={good}");
    for (way, preset) in &ways {
        let app = app(preset.layer().expect("a runtime"));
        let answer = app.answer(get(&twice, &[])).await;
        assert_eq!(
            (answer.status, answer.body.split(' ').next()),
            (200, Some("a=%2B")),
            "{way}: both are gone"
        );
        for (name, uri, want) in [
            ("the last is bad", format!("/?jwt={good}&jwt={evil}"), 401),
            ("the last is empty", format!("/?jwt={good}&jwt="), 400),
            ("its name in another case", format!("/?JWT={good}"), 401),
            ("Phonelink's name", format!("/?token={good}"), 401),
        ] {
            assert_eq!(app.verdict(get(&uri, &[])).await.0, want, "{way}: {name}");
        }
        // Elsewhere, two are a conflict in this preset too.
        let bearer = format!("Bearer {good}");
        let lines = [("authorization", &*bearer), ("authorization", &*bearer)];
        assert_eq!(app.verdict(get("/", &lines)).await.0, 400, "{way}: two headers");
        let cookies = format!("__Host-jwt={good}; __Host-jwt={good}");
        assert_eq!(app.verdict(get("/", &[("cookie", &cookies)])).await.0, 400, "{way}: two cookies");
        let both = get(&format!("/?jwt={good}"), &[("authorization", &*bearer)]);
        assert_eq!(app.verdict(both).await.0, 400, "{way}: header and query");
        // The same verifier in a layer of its own takes none of two.
        let plain = super::app(JwtAuthLayer::new(preset.verifier().expect("a runtime")));
        assert_eq!(plain.verdict(get(&twice, &[])).await.0, 400, "{way}: without the preset's sources");
        assert_eq!(plain.verdict(get(&format!("/?jwt={good}"), &[])).await.0, 200, "{way}: one");
    }
    let renamed = ways[0].1.clone().with_query("t").layer().expect("a runtime");
    let app = app(renamed);
    assert_eq!(app.verdict(get(&format!("/?t=x&t={good}"), &[])).await.0, 200);
    assert_eq!(app.verdict(get(&format!("/?jwt={good}"), &[])).await.0, 401);
}

#[tokio::test]
async fn a_link_is_called_expired_only_if_all_else_about_it_is_good() {
    let key = SigningKey::generate(Algorithm::EdDsa, "mld");
    let idp = over_http(Answer::of(jwks_of([&key]))).await;
    let preset = MagicLinksDev::new(&idp.url("/api/v2/"), "account").expect("good settings");
    let verifier = preset.with_issuer("mld").with_clock(FixedClock::at_unix(NOW));
    let app = app(verifier.layer().expect("a runtime"));
    let claims = |changes| {
        changed(
            json!({ "iss": "mld", "aud": ["account"], "iat": NOW - 400, "nbf": NOW - 400, "exp": NOW - 100, "jti": "x" }),
            changes,
        )
    };
    let late = key.token(&claims(json!({})));
    let strange = SigningKey::generate(Algorithm::EdDsa, "other").token(&claims(json!({})));
    let unkeyed = key.token_with_header(&json!({ "alg": "ES256", "kid": "mld" }), &claims(json!({})));
    // Before there is any key, nobody can say, and nobody is asked on its account.
    assert_eq!(app.verdict(Place::Query.carry(Method::GET, &late)).await, (401, "token_expired".to_owned()));
    assert_eq!(
        app.verdict(Place::Query.carry(Method::GET, &key.token(&claims(json!({ "exp": NOW + 9 }))))).await.0,
        200
    );
    let fetched = idp.requests();
    for (name, token, in_query, elsewhere) in [
        ("late", late.clone(), "link_expired", "token_expired"),
        ("late and forged", forged(&late), "token_expired", "token_expired"),
        ("late and of an unknown key", strange, "token_expired", "token_expired"),
        ("late and of another algorithm", unkeyed, "token_expired", "token_expired"),
        (
            "late and unsigned",
            format!("{}.{}", late.rsplit_once('.').expect("parts").0, encode([0; 64])),
            "token_expired",
            "token_expired",
        ),
        (
            "late, for another",
            key.token(&claims(json!({ "aud": ["x"] }))),
            "audience_mismatch",
            "audience_mismatch",
        ),
        ("late, of another", key.token(&claims(json!({ "iss": "x" }))), "issuer_mismatch", "issuer_mismatch"),
        ("late by a second", key.token(&claims(json!({ "exp": NOW - 30 }))), "link_expired", "token_expired"),
        ("in time by a second", key.token(&claims(json!({ "exp": NOW - 29 }))), ACCEPTED, ACCEPTED),
    ] {
        for place in Place::ALL {
            let want = if place == Place::Query { in_query } else { elsewhere };
            let (status, code) = app.verdict(place.carry(Method::GET, &token)).await;
            assert_eq!(
                (status, &*code),
                (if want == ACCEPTED { 200 } else { 401 }, want),
                "{name}, {place:?}"
            );
        }
    }
    assert_eq!(idp.requests(), fetched, "no expired token caused a fetch");
}

#[tokio::test]
async fn a_link_that_the_server_was_not_asked_about_is_only_expired() {
    let key = SigningKey::generate(Algorithm::EdDsa, "mld");
    let idp = over_http(Answer::status(500)).await;
    let preset = MagicLinksDev::new(&idp.url("/api/v2/"), "account").expect("good settings");
    let preset = preset.with_issuer("mld").with_clock(FixedClock::at_unix(NOW)).validated_remotely(&uuid());
    let app = app(preset.layer().expect("good settings"));
    let claims = |exp| json!({ "iss": "mld", "aud": ["account"], "iat": 1, "exp": exp, "jti": "x" });
    let late = key.token(&claims(NOW - 30));
    assert_eq!(app.verdict(Place::Query.carry(Method::GET, &late)).await, (401, "token_expired".to_owned()));
    assert_eq!(idp.requests(), 0, "an expired token costs no call");
    // One that the server has vouched for, and that was clicked again too late.
    let clock = FixedClock::at_unix(NOW);
    let claims_of = claims(NOW + 10);
    let again = key.token(&claims_of);
    let app_with = super::app(preset.clone().with_clock(clock.clone()).layer().expect("good settings"));
    idp.serve(Answer::of(json!({ "jwtValidateResults": { "claims": claims_of } }).to_string()));
    assert_eq!(app_with.verdict(Place::Query.carry(Method::GET, &again)).await.0, 200);
    clock.set(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(NOW) + 40));
    for (place, want) in
        [(Place::Query, "link_expired"), (Place::Header, "token_expired"), (Place::Cookie, "token_expired")]
    {
        assert_eq!(
            app_with.verdict(place.carry(Method::GET, &again)).await,
            (401, want.to_owned()),
            "{place:?}"
        );
    }
    let asked = idp.requests();
    assert_eq!(asked, 1, "the yes of before was enough");
    // In the leeway, which the server has not: it has checked the signature before it says so.
    let parser = r#"{"code":500,"message":"Failed to handle request: failed to parse JWT: token has invalid claims: token is expired"}"#;
    idp.serve(Answer::of(parser).with_status(500));
    let barely = key.token(&claims(NOW - 29));
    assert_eq!(app.verdict(Place::Query.carry(Method::GET, &barely)).await, (401, "link_expired".to_owned()));
    assert_eq!(
        app.verdict(Place::Header.carry(Method::GET, &barely)).await,
        (401, "token_expired".to_owned())
    );
}

#[tokio::test]
async fn a_preset_that_would_accept_too_much_cannot_be_made() {
    for (base_url, audience, is_good) in [
        ("https://magiclinks.example.com/api/v2/", "account", true),
        ("http://localhost:8080/api/v2/", "account", true),
        ("https://magiclinks.example.com/", "account", true),
        ("https://magiclinks.example.com/api/v2/", "", false),
        ("https://magiclinks.example.com/api/v2", "account", false),
        ("https://magiclinks.example.com", "account", false),
        ("https://magiclinks.example.com/api/v2/?x=/", "account", false),
        ("http://magiclinks.example.com/api/v2/", "account", false),
        ("/api/v2/", "account", false),
    ] {
        assert_eq!(MagicLinksDev::new(base_url, audience).is_ok(), is_good, "{base_url} {audience}");
    }
    let preset =
        MagicLinksDev::new("https://magiclinks.example.com/api/v2/", "account").expect("good settings");
    assert!(preset.clone().with_issuer("").verifier().is_err());
    assert!(preset.clone().validated_remotely("").verifier().is_err());
    let shown = format!("{preset:?} {:?}", preset.clone().validated_remotely("k4n4ry"));
    assert!(!shown.contains("k4n4ry"), "{shown}");
    let verifier = preset.verifier().expect("a runtime").to_string();
    assert!(verifier.contains(r#"iss is "https://magiclinks.example.com";"#), "{verifier}");
}
