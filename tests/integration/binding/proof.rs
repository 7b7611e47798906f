//! The twelve checks of RFC 9449 §4.3, by their numbers: what each refuses, and beside it what it lets in.

use std::time::Duration;

use http::HeaderValue;
use serde_json::{Value, json};
use tower_jwt_auth::binding::{Dpop, MAX_PROOF_BYTES};
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::test_util::{self, DpopKey, ProofBuilder, ProofFlaw};
use tower_jwt_auth::token::Algorithm;

use super::{app, bound_to, challenges, client, dpop, get_with, layer_with, part, proof_for, verdict};
use crate::support::app::{ACCEPTED, App};
use crate::support::issuer::NOW;

const INVALID: &str = "dpop_proof_invalid";

/// What becomes of a good proof that was changed so.
type Change = fn(ProofBuilder) -> ProofBuilder;

async fn assert_verdicts(cases: &[(&str, Change, &str)]) {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    for (name, change, want) in cases {
        let proof = change(proof_for(&client, &token)).sign();
        assert_eq!(verdict(&app, &token, &proof).await, *want, "{name}");
    }
}

#[tokio::test]
async fn check_1_there_is_one_proof() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    let [one, other, third] = [(); 3].map(|()| proof_for(&client, &token).sign());
    for (name, proofs, want) in [
        ("none", &[][..], INVALID),
        ("empty", &[""], INVALID),
        ("two", &[&*one, &*other], INVALID),
        ("the same twice", &[&*one, &*one], INVALID),
        ("a good one and an empty one", &[&*one, ""], INVALID),
        ("two in one line", &[&*format!("{one}, {other}")], INVALID),
        ("one", &[&*one], ACCEPTED),
        ("another", &[&*third], ACCEPTED),
    ] {
        let (_, code) = app.verdict(get_with("DPoP", &token, proofs)).await;
        assert_eq!(code, want, "{name}");
    }
}

#[tokio::test]
async fn check_2_it_is_a_well_formed_jwt() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    let good = || proof_for(&client, &token).sign();
    let padding = |bytes: usize| proof_for(&client, &token).claim("padding", "a".repeat(bytes)).sign();
    let (header, claims, signature) = {
        let good = good();
        let mut parts = good.split('.').map(str::to_owned);
        (parts.next().expect("one"), parts.next().expect("two"), parts.next().expect("three"))
    };
    let raw = |header: &str, claims: &str| client.key().token_of(header, claims);
    let header_text = |extra: &str| {
        let jwk = bare(&client);
        format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}{extra}}}"#)
    };
    let claims_text = |jti: &str, extra: &str| {
        let (ath, url) = (super::encode(digest(&token)), super::URL);
        format!(r#"{{"jti":"{jti}","htm":"GET","htu":"{url}","iat":{NOW},"ath":"{ath}"{extra}}}"#)
    };
    let claims_text_of = |jti: &str| claims_text(jti, "");
    let longest = MAX_PROOF_BYTES - good().len();
    for (name, proof, want) in [
        ("garbage", "x".to_owned(), INVALID),
        ("two parts", format!("{header}.{claims}"), INVALID),
        ("no signature", format!("{header}.{claims}."), INVALID),
        ("four parts", format!("{header}.{claims}.{signature}.x"), INVALID),
        ("five parts", format!("{header}.{claims}.{signature}.x.x"), INVALID),
        ("padded", format!("{}=", good()), INVALID),
        ("a space behind", format!("{} x", good()), INVALID),
        ("other base64", format!("{header}.{claims}.+{}", &signature[1..]), INVALID),
        ("a header that is an array", raw("[]", &claims_text_of("1")), INVALID),
        ("claims that are an array", raw(&header_text(""), "[]"), INVALID),
        ("a header member twice", raw(&header_text(r#","x":1,"x":2"#), &claims_text_of("2")), INVALID),
        ("alg twice", raw(&header_text(r#","alg":"ES256""#), &claims_text_of("3")), INVALID),
        ("htm twice", raw(&header_text(""), &claims_text("4", r#","htm":"GET""#)), INVALID),
        (
            "a claim twice that nobody reads",
            raw(&header_text(""), &claims_text("5", r#","x":1,"x":1"#)),
            INVALID,
        ),
        ("more members", raw(&header_text(r#","x":1"#), &claims_text("6", r#","y":2"#)), ACCEPTED),
        ("no more than that", raw(&header_text(""), &claims_text_of("7")), ACCEPTED),
        ("crit", proof_for(&client, &token).header("crit", json!(["x"])).sign(), INVALID),
        ("b64", proof_for(&client, &token).header("b64", false).sign(), INVALID),
        ("zip", proof_for(&client, &token).header("zip", "DEF").sign(), INVALID),
        ("too long", padding(longest), INVALID),
        ("not too long", padding(longest / 2), ACCEPTED),
        ("nested too deep", proof_for(&client, &token).claim("x", nested(17)).sign(), INVALID),
        ("nested", proof_for(&client, &token).claim("x", nested(10)).sign(), ACCEPTED),
    ] {
        assert_eq!(verdict(&app, &token, &proof).await, want, "{name}: {proof}");
    }
    // What is no text at all.
    let mut request = get_with("DPoP", &token, &[]);
    request.headers_mut().insert("dpop", HeaderValue::from_bytes(b"\xff.\xff.\xff").expect("a value"));
    assert_eq!(app.verdict(request).await, (401, INVALID.to_owned()));
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

fn bare(client: &DpopKey) -> Value {
    let mut jwk = client.key().public_jwk();
    jwk.as_object_mut().expect("an object").retain(|name, _| name != "kid" && name != "alg");
    jwk
}

fn digest(token: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

#[tokio::test]
async fn check_3_every_claim_is_there_and_of_its_type() {
    assert_verdicts(&[
        ("all", |proof| proof, ACCEPTED),
        ("no jti", |proof| proof.without_claim("jti"), INVALID),
        ("an empty jti", |proof| proof.claim("jti", ""), INVALID),
        ("jti is a number", |proof| proof.claim("jti", 1), INVALID),
        ("no htm", |proof| proof.without_claim("htm"), INVALID),
        ("htm is null", |proof| proof.claim("htm", Value::Null), INVALID),
        ("no htu", |proof| proof.without_claim("htu"), INVALID),
        ("htu is an array", |proof| proof.claim("htu", json!([super::URL])), INVALID),
        ("no iat", |proof| proof.without_claim("iat"), INVALID),
        ("iat is text", |proof| proof.claim("iat", NOW.to_string()), INVALID),
        ("iat is a fraction", |proof| proof.claim("iat", f64::from(NOW) + 0.5), ACCEPTED),
        ("iat is beyond all times", |proof| proof.claim("iat", 1e300), INVALID),
        ("no ath", |proof| proof.without_claim("ath"), INVALID),
        ("ath is a bool", |proof| proof.claim("ath", true), INVALID),
        ("claims of others", |proof| proof.claim("exp", 1).claim("iss", "x"), ACCEPTED),
    ])
    .await;
}

#[tokio::test]
async fn check_4_its_type_is_that_of_a_proof() {
    assert_verdicts(&[
        ("dpop+jwt", |proof| proof, ACCEPTED),
        ("as a whole media type", |proof| proof.header("typ", "application/DPoP+JWT"), ACCEPTED),
        ("JWT", |proof| proof.header("typ", "JWT"), INVALID),
        ("at+jwt", |proof| proof.header("typ", "at+jwt"), INVALID),
        ("none", |proof| proof.without_header("typ"), INVALID),
        ("null", |proof| proof.header("typ", Value::Null), INVALID),
        ("another tree", |proof| proof.header("typ", "x/dpop+jwt"), INVALID),
    ])
    .await;
}

#[tokio::test]
async fn check_5_its_algorithm_has_a_public_key_and_is_accepted() {
    let every = dpop().with_algorithms(
        Algorithm::ASYMMETRIC.iter().copied().collect::<tower_jwt_auth::token::AlgorithmSet>(),
    );
    let every = App::behind(layer_with(every.expect("algorithms")));
    let default = app();
    let one = App::behind(layer_with(dpop().with_algorithms([Algorithm::EdDsa]).expect("algorithms")));
    let rsa = test_util::SigningKey::generate(Algorithm::Rs256, "rsa");
    let by_default =
        [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256];
    for algorithm in Algorithm::ASYMMETRIC {
        let is_rsa = algorithm.name().starts_with(['R', 'P']);
        let key = if is_rsa {
            rsa.with_algorithm(*algorithm)
        } else {
            test_util::SigningKey::generate(*algorithm, "client")
        };
        let client = DpopKey::of(key).with_clock(tower_jwt_auth::clock::FixedClock::at_unix(NOW));
        let token = bound_to(&client);
        let good = async |app: &App| verdict(app, &token, &proof_for(&client, &token).sign()).await;
        let want = |accepted: bool| if accepted { ACCEPTED } else { INVALID };
        assert_eq!(good(&every).await, ACCEPTED, "{algorithm}");
        assert_eq!(good(&default).await, want(by_default.contains(algorithm)), "{algorithm} by default");
        assert_eq!(good(&one).await, want(*algorithm == Algorithm::EdDsa), "{algorithm} at a choosy app");
        // Its key verifies no signature under another's name.
        for other in Algorithm::ASYMMETRIC.iter().filter(|other| *other != algorithm) {
            let proof = proof_for(&client, &token).header("alg", other.name()).sign();
            assert_eq!(verdict(&every, &token, &proof).await, INVALID, "{algorithm} as {other}");
        }
        for name in ["none", "None", "HS256", "HS512", "", "es256"] {
            let proof = proof_for(&client, &token).header("alg", name).sign();
            assert_eq!(verdict(&every, &token, &proof).await, INVALID, "{algorithm} as {name:?}");
        }
        let jwk = client.key().public_jwk();
        let named = proof_for(&client, &token).header("jwk", jwk.clone()).sign();
        assert_eq!(verdict(&every, &token, &named).await, ACCEPTED, "a key that says {algorithm}");
    }
    for algorithms in [&[][..], &[Algorithm::Hs256], &[Algorithm::Es256, Algorithm::Hs512]] {
        let set: tower_jwt_auth::token::AlgorithmSet = algorithms.iter().copied().collect();
        assert!(dpop().with_algorithms(set).is_err(), "{algorithms:?}");
    }
}

#[tokio::test]
async fn check_6_the_key_in_its_header_has_signed_it() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    let good = proof_for(&client, &token).sign();
    let (input, signature) = good.rsplit_once('.').expect("a signature");
    let zeros = super::encode([0; 64]);
    let others = client_signature(&client, input);
    for (name, proof, want) in [
        ("another's signature", proof_for(&client, &token).flawed(ProofFlaw::Forged), INVALID),
        ("zeros", format!("{input}.{zeros}"), INVALID),
        ("cut", format!("{input}.{}", &signature[..80]), INVALID),
        ("that of other claims", format!("{}.{signature}", other_input(&client, &token)), INVALID),
        ("its own", format!("{input}.{others}"), ACCEPTED),
    ] {
        assert_eq!(verdict(&app, &token, &proof).await, want, "{name}");
    }
}

/// ECDSA makes another signature each time.
fn client_signature(client: &DpopKey, input: &str) -> String {
    super::encode(client.key().sign(input.as_bytes()))
}

fn other_input(client: &DpopKey, token: &str) -> String {
    let other = proof_for(client, token).sign();
    other.rsplit_once('.').expect("a signature").0.to_owned()
}

#[tokio::test]
async fn check_7_the_key_is_a_public_one_and_good() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    let jwk = |change: fn(&mut Value)| {
        let mut jwk = bare(&client);
        change(&mut jwk);
        jwk
    };
    for (name, jwk, want) in [
        ("as it is", jwk(|_| ()), ACCEPTED),
        ("with what says nothing", jwk(|jwk| jwk["ext"] = true.into()), ACCEPTED),
        ("for verifying", jwk(|jwk| jwk["key_ops"] = json!(["verify"])), ACCEPTED),
        ("for signatures", jwk(|jwk| jwk["use"] = "sig".into()), ACCEPTED),
        ("for encryption", jwk(|jwk| jwk["use"] = "enc".into()), INVALID),
        ("for signing", jwk(|jwk| jwk["key_ops"] = json!(["sign"])), INVALID),
        ("d", jwk(|jwk| jwk["d"] = super::encode([7; 32]).into()), INVALID),
        ("an empty d", jwk(|jwk| jwk["d"] = "".into()), INVALID),
        ("a null d", jwk(|jwk| jwk["d"] = Value::Null), INVALID),
        ("k", jwk(|jwk| jwk["k"] = "AAAA".into()), INVALID),
        ("priv", jwk(|jwk| jwk["priv"] = "AAAA".into()), INVALID),
        ("another curve", jwk(|jwk| jwk["crv"] = "P-384".into()), INVALID),
        ("another alg", jwk(|jwk| jwk["alg"] = "ES384".into()), INVALID),
        ("off the curve", jwk(|jwk| jwk["y"] = jwk["x"].clone()), INVALID),
        ("no y", jwk(|jwk| _ = jwk.as_object_mut().and_then(|jwk| jwk.remove("y"))), INVALID),
        ("a secret", json!({ "kty": "oct", "k": "AAAA" }), INVALID),
        ("text", json!("key"), INVALID),
        ("null", Value::Null, INVALID),
    ] {
        let proof = proof_for(&client, &token).header("jwk", jwk).sign();
        assert_eq!(verdict(&app, &token, &proof).await, want, "{name}");
    }
    assert_eq!(verdict(&app, &token, &proof_for(&client, &token).flawed(ProofFlaw::NoKey)).await, INVALID);
    // A key that is named and not brought is not looked for, and one from the token's issuer is none of a client's.
    for name in ["kid", "jku", "x5u"] {
        let proof =
            proof_for(&client, &token).without_header("jwk").header(name, "https://issuer.example/keys");
        assert_eq!(verdict(&app, &token, &proof.sign()).await, INVALID, "{name}");
    }
    // An Ed25519 key of small order would have signed anything.
    let neutral = {
        let mut y = [0; 32];
        y[0] = 1;
        y
    };
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": super::encode(neutral) });
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk });
    let (_, rest) = good_input(&client, &token);
    let forged = format!("{}.{rest}.{}", part(&header), super::encode([neutral, [0; 32]].concat()));
    assert_eq!(verdict(&app, &token, &forged).await, INVALID);
}

fn good_input(client: &DpopKey, token: &str) -> (String, String) {
    let proof = proof_for(client, token).sign();
    let mut parts = proof.split('.').map(str::to_owned);
    (parts.next().expect("a header"), parts.next().expect("claims"))
}

#[tokio::test]
async fn check_8_it_is_for_this_method_to_the_letter() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    for (method, htm, want) in [
        ("GET", "GET", ACCEPTED),
        ("POST", "POST", ACCEPTED),
        ("GET", "POST", INVALID),
        ("POST", "GET", INVALID),
        ("HEAD", "GET", INVALID),
        ("GET", "get", INVALID),
        ("GET", "", INVALID),
        ("GET", "GET ", INVALID),
    ] {
        let proof = proof_for(&client, &token).claim("htm", htm).sign();
        let mut request = get_with("DPoP", &token, &[&proof]);
        *request.method_mut() = method.parse().expect("a method");
        let answer = app.answer(request).await;
        // An answer to HEAD has no body to read a code from.
        let code = answer.error.map_or(ACCEPTED, |error| error.code());
        assert_eq!(code, want, "{method} with {htm:?}");
    }
}

// Check 9 is in url.rs, check 10 in nonces.rs.

#[tokio::test]
async fn check_11_it_was_made_of_late() {
    let default = app();
    let short = App::behind(layer_with(dpop().with_proof_age(Duration::from_secs(5)).expect("an age")));
    let client = client();
    let token = bound_to(&client);
    // The leeway of 30 s comes on top, on both sides.
    for (app, age) in [(&default, 60), (&short, 5)] {
        for (iat, want) in [
            (i64::from(NOW), ACCEPTED),
            (i64::from(NOW) + 30, ACCEPTED),
            (i64::from(NOW) + 31, INVALID),
            (i64::from(NOW) - age - 29, ACCEPTED),
            (i64::from(NOW) - age - 30, INVALID),
            (0, INVALID),
            (-1, INVALID),
        ] {
            let proof = proof_for(&client, &token).claim("iat", iat).sign();
            assert_eq!(verdict(app, &token, &proof).await, want, "{iat} within {age}");
        }
    }
    assert!(dpop().with_proof_age(Duration::from_secs(600)).is_ok());
    assert!(dpop().with_proof_age(Duration::from_secs(601)).is_err());
}

#[tokio::test]
async fn check_12_it_is_for_this_token_by_the_key_that_the_token_is_bound_to() {
    let (app, client, stranger) = (app(), client(), client());
    let (token, same_key, strangers) = (bound_to(&client), bound_to(&client), bound_to(&stranger));
    assert_ne!(token, same_key, "signatures differ");
    for (name, token, proof, want) in [
        ("its own", &token, proof_for(&client, &token), ACCEPTED),
        ("another token of the same key", &same_key, proof_for(&client, &token), INVALID),
        ("another's key", &token, proof_for(&stranger, &token), "token_bound"),
        ("another's token", &strangers, proof_for(&client, &strangers), "token_bound"),
        ("another's token and a proof for one's own", &strangers, proof_for(&client, &token), INVALID),
        ("the stranger's own", &strangers, proof_for(&stranger, &strangers), ACCEPTED),
    ] {
        assert_eq!(verdict(&app, token, &proof.sign()).await, want, "{name}");
    }
}

#[tokio::test]
async fn every_flaw_of_a_proof_is_refused_as_it_says_in_the_challenge_of_dpop() {
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    for flaw in ProofFlaw::ALL {
        let proof = proof_for(&client, &token).flawed(*flaw);
        let answer = app.answer(get_with("DPoP", &token, &[&proof])).await;
        assert_eq!((answer.status, &*answer.code), (401, flaw.refused_as().code()), "{flaw:?}");
        let error = match flaw.refused_as() {
            AuthErrorKind::ProofInvalid => "error=\"invalid_dpop_proof\"",
            _ => "error=\"invalid_token\"",
        };
        let challenges = challenges(&answer);
        let [bearer, dpop] = &*challenges else { panic!("two challenges: {challenges:?}") };
        assert_eq!(bearer, "Bearer realm=\"api\"", "{flaw:?}");
        assert!(dpop.starts_with("DPoP realm=\"api\"") && dpop.contains(error), "{flaw:?}: {dpop}");
        assert!(dpop.ends_with("algs=\"RS256 PS256 ES256 ES384 EdDSA Ed25519\""), "{flaw:?}: {dpop}");
        assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, ACCEPTED, "{flaw:?}");
    }
}

#[test]
fn a_dpop_without_a_url_cannot_be_had() {
    for origin in ["", "api.example.com", "https://", "https://a/?", "ftp://a", "https://u@a"] {
        assert!(Dpop::new(origin).is_err(), "{origin:?}");
    }
}
