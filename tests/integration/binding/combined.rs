//! A token that is bound to a key and to a certificate needs both; and what a layer says of all this, and of a proof.

use serde_json::{Value, json};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::{ClientCertificate, ClientCertificates};
use tower_jwt_auth::test_util::ProofBuilder;

use super::{app, bound_by, bound_to, challenges, client, dpop, encode, get_with, proof_for};
use crate::support::app::{ACCEPTED, App, get, verifier};
use crate::support::issuer::NOW;
use crate::support::log::Log;
use crate::support::site::token_with;

const CERTIFICATE: &[u8] = b"\x30\x82 a certificate";

#[tokio::test]
async fn what_is_bound_twice_is_proven_twice() {
    let layer = || JwtAuthLayer::new(verifier()).with_dpop(dpop());
    let either = App::behind(layer().with_client_certificates(ClientCertificates::of_connection()));
    let both = JwtAuthLayer::new(verifier())
        .with_client_certificates(ClientCertificates::of_connection().required())
        .with_dpop(dpop().required());
    let both = App::behind(both);
    let client = client();
    let jkt = client.thumbprint();
    let x5t = encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, CERTIFICATE));
    let twice = bound_by(json!({ "jkt": jkt, "x5t#S256": x5t }));
    let (key, certificate) = (bound_by(json!({ "jkt": jkt })), bound_by(json!({ "x5t#S256": x5t })));
    let other = bound_by(json!({ "jkt": jkt, "x5t#S256": jkt }));
    let (bound, unbound) = ("token_bound", "token_unbound");
    for (name, token, with_proof, with_certificate, at_either, at_both) in [
        ("both, by both", &twice, true, true, ACCEPTED, ACCEPTED),
        ("both, by the key", &twice, true, false, bound, bound),
        ("both, by the certificate", &twice, false, true, bound, bound),
        ("both, by neither", &twice, false, false, bound, bound),
        ("the key, by both", &key, true, true, ACCEPTED, unbound),
        ("the key, by the key", &key, true, false, ACCEPTED, bound),
        ("the certificate, by the certificate", &certificate, false, true, ACCEPTED, bound),
        ("the certificate, by both", &certificate, true, true, unbound, unbound),
        ("another certificate, by both", &other, true, true, bound, bound),
        ("nothing, by neither", &token_with(json!({})), false, false, ACCEPTED, unbound),
    ] {
        for (app, want) in [(&either, at_either), (&both, at_both)] {
            let proof = proof_for(&client, token).sign();
            let mut request =
                if with_proof { get_with("DPoP", token, &[&proof]) } else { get_with("Bearer", token, &[]) };
            if with_certificate {
                request.extensions_mut().insert(ClientCertificate::from_der(CERTIFICATE));
            }
            assert_eq!(app.verdict(request).await.1, want, "{name}");
        }
    }
}

#[test]
fn a_layer_says_how_it_checks_bindings_and_in_capitals_what_it_does_not() {
    let said = |layer: JwtAuthLayer| format!("{layer:?}");
    let places = "tokens from: bearer, dpop, query jwt, cookie __Host-jwt; ";
    let proofs = "DPoP proofs are for https://api.example.com, of one of [RS256 PS256 ES256 ES384 EdDSA], up to 60s old";
    for (layer, want) in [
        (JwtAuthLayer::new(verifier()).with_dpop(dpop()), format!("{places}{proofs}; each proof counts once)")),
        (
            JwtAuthLayer::new(verifier()).with_dpop(dpop().required().with_nonces()),
            format!("{places}{proofs}, with a nonce; every token is bound to a key; each proof counts once)"),
        ),
        (
            JwtAuthLayer::new(verifier()).with_dpop(dpop().insecure_accept_repeated_proofs()),
            format!("{places}{proofs}; PROOFS COUNT MORE THAN ONCE)"),
        ),
        (
            JwtAuthLayer::new(verifier())
                .with_client_certificates(ClientCertificates::of_pem_header("X-Cert").expect("a name").required()),
            "cookie __Host-jwt; client certificates are those of header x-cert, in PEM; every token is bound to one)"
                .to_owned(),
        ),
        (
            JwtAuthLayer::new(verifier()).with_client_certificates(ClientCertificates::of_connection()),
            "cookie __Host-jwt; client certificates are those of the connection)".to_owned(),
        ),
    ] {
        let text = said(layer);
        assert!(text.ends_with(&want), "{text}");
        assert!(text.contains("; cnf is absent or proven; "), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_claim_that_was_wrong_and_none_of_its_values() {
    type Change = fn(ProofBuilder) -> ProofBuilder;
    let (app, client) = (app(), client());
    let token = bound_to(&client);
    let cases: [(&str, Change); 6] = [
        ("htm", |proof| proof.claim("htm", "POST")),
        ("htu", |proof| proof.claim("htu", "https://other.example/")),
        ("iat", |proof| proof.claim("iat", NOW - 3_600)),
        ("ath", |proof| proof.claim("ath", "other")),
        ("jti", |proof| proof.claim("jti", "")),
        ("", |proof| proof.header("typ", "jwt")),
    ];
    for (claim, change) in cases {
        let proof = change(proof_for(&client, &token)).sign();
        let (log, _guard) = Log::at_trace_level();
        let answer = app.answer(get_with("DPoP", &token, &[&proof])).await;
        let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(problem["claim"].as_str().unwrap_or_default(), claim);
        assert_eq!((&*answer.code, answer.status), ("dpop_proof_invalid", 401), "{claim}");
        let log = log.take();
        assert!(
            log.contains(&format!("code=\"dpop_proof_invalid\" source=\"dpop\" claim=\"{claim}\"")),
            "{log}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_blamed_on_the_scheme_that_it_came_under() {
    let app = app();
    for (line, blamed) in [
        ("Bearer not!a!token", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer\tx", "Bearer"),
        ("DPoP not!a!token", "DPoP"),
        ("dpop", "DPoP"),
    ] {
        let answer = app.answer(get("/", &[("authorization", line)])).await;
        assert_eq!(answer.status, 400, "{line}");
        for challenge in challenges(&answer) {
            assert_eq!(challenge.contains("error="), challenge.starts_with(blamed), "{line}: {challenge}");
        }
    }
}
