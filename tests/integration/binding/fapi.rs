//! FAPI 2.0: few algorithms, one place, a sender who proves to be it, and clocks that are right.

use http::Method;
use serde_json::json;
use tower_jwt_auth::binding::{ClientCertificate, ClientCertificates};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::{Jwks, SharedSecret};
use tower_jwt_auth::test_util::{self, DpopKey};
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::Profile;
use tower_jwt_auth::{JwtAuthLayer, Verifier};

use super::{bound_to, challenges, client, dpop, encode, get_with, proof_for, verdict};
use crate::support::app::{ACCEPTED, App, Place, verifier, verifier_with};
use crate::support::issuer::{NOW, SigningKey, claims_with, jwks_of, shared_rsa_key};
use crate::support::site::token_with;

fn strict(verifier: Verifier) -> Verifier {
    verifier.with_profile(Profile::Fapi2).expect("algorithms in common")
}

fn app() -> App {
    App::behind(JwtAuthLayer::new(strict(verifier())).with_dpop(dpop()))
}

#[tokio::test]
async fn a_token_is_bound_and_its_sender_proves_it_whatever_the_layer_would_let_in_otherwise() {
    let (client, thief) = (client(), client());
    let token = bound_to(&client);
    let app = app();
    assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, ACCEPTED);
    assert_eq!(verdict(&app, &token, &proof_for(&thief, &token).sign()).await, "token_bound");
    assert_eq!(app.verdict(get_with("Bearer", &token, &[])).await.1, "token_bound");
    let unbound = token_with(json!({}));
    assert_eq!(app.verdict(get_with("Bearer", &unbound, &[])).await.1, "token_unbound");
    // Where nobody knows a sender, nobody gets in.
    let alone = App::behind(JwtAuthLayer::new(strict(verifier())));
    assert_eq!(alone.verdict(get_with("Bearer", &token, &[])).await.1, "token_bound");
    assert_eq!(alone.verdict(get_with("Bearer", &unbound, &[])).await.1, "token_unbound");
    let code = |token: &str| strict(verifier()).verify(token).map_err(|error| error.code()).err();
    assert_eq!((code(&token), code(&unbound)), (Some("token_bound"), Some("token_unbound")));
    let lax = App::behind(JwtAuthLayer::new(verifier()).with_dpop(dpop()));
    assert_eq!(lax.verdict(get_with("Bearer", &unbound, &[])).await.1, ACCEPTED);
}

#[tokio::test]
async fn a_token_comes_in_authorization_and_from_nowhere_else() {
    const DER: &[u8] = b"\x30\x82 a certificate";
    let certificates = ClientCertificates::of_connection();
    let layer = JwtAuthLayer::new(strict(verifier())).with_client_certificates(certificates.clone());
    let (app, lax) = (
        App::behind(layer),
        App::behind(JwtAuthLayer::new(verifier()).with_client_certificates(certificates)),
    );
    let x5t = encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, DER));
    let token = token_with(json!({ "cnf": { "x5t#S256": x5t } }));
    // The second round is from the cache.
    for round in 0..2 {
        for place in Place::ALL {
            let request = || {
                let mut request = place.carry(Method::GET, &token);
                request.extensions_mut().insert(ClientCertificate::from_der(DER));
                request
            };
            let want = if place == Place::Header { (200, ACCEPTED) } else { (400, "credentials_malformed") };
            let (status, code) = app.verdict(request()).await;
            assert_eq!((status, &*code), want, "{place:?}, {round}");
            assert_eq!(lax.verdict(request()).await.1, ACCEPTED, "{place:?}, {round}");
        }
    }
}

#[tokio::test]
async fn three_algorithms_are_accepted_and_no_other() {
    let client = client();
    for algorithm in Algorithm::ASYMMETRIC {
        let is_rsa = algorithm.name().starts_with(['R', 'P']);
        let key = if is_rsa {
            shared_rsa_key().with_algorithm(*algorithm)
        } else {
            SigningKey::generate(*algorithm, "key")
        };
        let keys = Jwks::from_json(jwks_of([&key])).expect("a key set");
        let app = App::behind(JwtAuthLayer::new(strict(verifier_with(keys))).with_dpop(dpop()));
        let token = key.token(&claims_with(json!({ "cnf": { "jkt": client.thumbprint() } })));
        let want = match algorithm {
            Algorithm::Ps256 | Algorithm::Es256 | Algorithm::EdDsa => ACCEPTED,
            _ => "algorithm_unsupported",
        };
        assert_eq!(verdict(&app, &token, &proof_for(&client, &token).sign()).await, want, "{algorithm}");
    }
    let secret = SharedSecret::new(Algorithm::Hs256, [7; 32]).expect("a secret");
    assert!(verifier_with(secret).with_profile(Profile::Fapi2).is_err());
    let rs256 = verifier().with_algorithms([Algorithm::Rs256]).expect("an algorithm");
    assert!(rs256.with_profile(Profile::Fapi2).is_err());
    let narrowed = verifier().with_algorithms([Algorithm::Rs256, Algorithm::Es256]).expect("algorithms");
    assert!(strict(narrowed).to_string().contains("alg is one of [ES256];"));
}

#[tokio::test]
async fn proofs_are_of_those_three_algorithms_too_whatever_the_layer_takes_otherwise() {
    let (strict, lax) = (app(), super::app());
    for algorithm in
        [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Es384]
    {
        let key = test_util::SigningKey::generate(algorithm, "key");
        let client = DpopKey::of(key).with_clock(FixedClock::at_unix(NOW));
        let token = bound_to(&client);
        let want = match algorithm {
            Algorithm::Rs256 | Algorithm::Es384 => "dpop_proof_invalid",
            _ => ACCEPTED,
        };
        // The second round is from the cache.
        for _ in 0..2 {
            assert_eq!(
                verdict(&strict, &token, &proof_for(&client, &token).sign()).await,
                want,
                "{algorithm}"
            );
            assert_eq!(
                verdict(&lax, &token, &proof_for(&client, &token).sign()).await,
                ACCEPTED,
                "{algorithm}"
            );
        }
    }
    let named = async |app: &App| challenges(&app.answer(get_with("DPoP", "x", &[])).await).concat();
    assert!(named(&strict).await.contains(r#"algs="PS256 ES256 EdDSA Ed25519""#), "{}", named(&strict).await);
    // Where none of the layer's will do, none is named, and no proof counts.
    let layer = JwtAuthLayer::new(self::strict(verifier()));
    let none = dpop().with_algorithms([Algorithm::Es384]).expect("an algorithm");
    assert!(!named(&App::behind(layer.with_dpop(none))).await.contains("algs"));
    assert!(named(&lax).await.contains(r#"algs="RS256 PS256 ES256 ES384 EdDSA Ed25519""#));
}

#[tokio::test]
async fn ten_seconds_of_the_future_are_accepted_whatever_the_leeway_and_no_more() {
    let client = client();
    let cnf = json!({ "jkt": client.thumbprint() });
    for leeway in [0, 30, 300] {
        let leeway = std::time::Duration::from_secs(leeway);
        let verifier = strict(verifier().with_leeway(leeway).expect("a leeway"));
        let app = App::behind(JwtAuthLayer::new(verifier).with_dpop(dpop()));
        for (ahead, want) in
            [(0, ACCEPTED), (10, ACCEPTED), (11, "token_not_yet_valid"), (61, "token_not_yet_valid")]
        {
            for claim in ["iat", "nbf"] {
                let token = token_with(json!({ claim: NOW + ahead, "cnf": cnf }));
                let code = verdict(&app, &token, &proof_for(&client, &token).sign()).await;
                assert_eq!(code, want, "{claim}, {ahead} s, with {leeway:?}");
            }
        }
    }
    let lax = App::behind(JwtAuthLayer::new(verifier()).with_dpop(dpop()));
    let token = token_with(json!({ "iat": NOW + 61, "cnf": cnf }));
    assert_eq!(verdict(&lax, &token, &proof_for(&client, &token).sign()).await, ACCEPTED);
}

#[test]
fn the_profile_says_what_it_checks_goes_with_access_tokens_and_not_with_what_turns_it_off() {
    const SAYS: &str = "profile FAPI 2.0 (alg is one of [PS256 ES256 EdDSA], of proofs too; the token is in Authorization, and \
                        its cnf is proven; iat and nbf are at most 10s ahead)";
    assert_eq!(Profile::Fapi2.to_string(), SAYS);
    let text = strict(verifier()).to_string();
    assert!(text.contains(SAYS) && text.contains("alg is one of [PS256 ES256 EdDSA];"), "{text}");
    assert!(text.contains("; cnf is proven;"), "{text}");
    assert!(text.contains("; exp holds within 30s, nbf within 10s; iat is at most 10s ahead;"), "{text}");
    let both = strict(verifier()).with_profile(Profile::AccessToken).expect("both");
    let other_way = strict(verifier().with_profile(Profile::AccessToken).expect("a profile"));
    for text in [both.to_string(), other_way.to_string()] {
        assert!(text.contains(SAYS) && text.contains("profile access token ("), "{text}");
    }
    assert!(verifier().insecure_ignore_binding().with_profile(Profile::Fapi2).is_err());
    assert_eq!(strict(verifier()).insecure_ignore_binding().to_string(), text);
    assert!(verifier().insecure_accept_any_audience().with_profile(Profile::Fapi2).is_err());
}
