//! Tokens that are bound to the certificate of a TLS client (RFC 8705 §3), and where that is read.

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::{ClientCertificate, ClientCertificates};
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::replay::{MemoryReplayStore, ReplayRule};

use super::{bound_by, encode, get_with};
use crate::support::app::{ACCEPTED, App, Place, request, verifier};
use crate::support::issuer::NOW;
use crate::support::record;
use crate::support::site::{NAVIGATION, Site, session_of, token_with};

/// Nobody looks into it here: TLS has.
const OURS: &[u8] = b"\x30\x82\x01\x0a the certificate of alice";
const THEIRS: &[u8] = b"\x30\x82\x01\x0a the certificate of eve!!";

fn hash(der: &[u8]) -> String {
    encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der))
}

pub(super) fn cnf_of(der: &[u8]) -> Value {
    json!({ "x5t#S256": hash(der) })
}

fn app_with(certificates: ClientCertificates) -> App {
    record::shown("settings of certificates", format_args!("{certificates:?} {certificates}"));
    App::behind(JwtAuthLayer::new(verifier()).with_client_certificates(certificates))
}

/// `Bearer token` over a connection whose client has shown `der`.
fn over(der: Option<&[u8]>, token: &str) -> Request<Body> {
    let mut request = get_with("Bearer", token, &[]);
    if let Some(der) = der {
        request.extensions_mut().insert(ClientCertificate::from_der(der));
    }
    request
}

#[tokio::test]
async fn a_token_counts_over_a_connection_with_the_certificate_that_it_is_bound_to() {
    let app = app_with(ClientCertificates::of_connection());
    let (bound, unbound) = (bound_by(cnf_of(OURS)), token_with(json!({})));
    // The second round is from the cache.
    for round in 0..2 {
        for (name, der, token, want) in [
            ("its own", Some(OURS), &bound, ACCEPTED),
            ("another's", Some(THEIRS), &bound, "token_bound"),
            ("none", None, &bound, "token_bound"),
            ("its own, but cut", Some(&OURS[1..]), &bound, "token_bound"),
            ("a token that is not bound", Some(OURS), &unbound, ACCEPTED),
            ("a token that is not bound, and none", None, &unbound, ACCEPTED),
        ] {
            assert_eq!(app.verdict(over(der, token)).await.1, want, "{name}, {round}");
        }
    }
    // It is the connection that counts, not the place.
    for place in Place::ALL {
        let mut request = place.carry(Method::GET, &bound);
        assert_eq!(app.verdict(place.carry(Method::GET, &bound)).await.1, "token_bound", "{place:?}");
        request.extensions_mut().insert(ClientCertificate::from_der(OURS));
        assert_eq!(app.verdict(request).await.1, ACCEPTED, "{place:?}");
    }
    assert_eq!(App::new().verdict(over(Some(OURS), &bound)).await.1, "token_bound", "where nobody looks");
}

#[tokio::test]
async fn where_a_certificate_is_required_no_other_token_counts() {
    let app = app_with(ClientCertificates::of_connection().required());
    let (bound, unbound) = (bound_by(cnf_of(OURS)), token_with(json!({})));
    for (der, token, want) in [
        (Some(OURS), &bound, ACCEPTED),
        (None, &bound, "token_bound"),
        (Some(THEIRS), &bound, "token_bound"),
        (Some(OURS), &unbound, "token_unbound"),
        (None, &unbound, "token_unbound"),
    ] {
        let answer = app.answer(over(der, token)).await;
        assert_eq!(answer.code, want);
        if want != ACCEPTED {
            let challenge = answer.header("www-authenticate").expect("one challenge");
            assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{challenge}");
        }
    }
}

#[tokio::test]
async fn a_binding_to_a_certificate_is_clear_or_refused() {
    let app = app_with(ClientCertificates::of_connection());
    let own = hash(OURS);
    for (name, cnf, want) in [
        ("its own", json!({ "x5t#S256": own }), ACCEPTED),
        ("and a key, which nobody looks at", json!({ "x5t#S256": own, "jkt": own }), "token_bound"),
        ("and another member", json!({ "x5t#S256": own, "x5t": "a" }), "token_bound"),
        ("SHA-1", json!({ "x5t": own }), "token_bound"),
        ("in hexadecimal", json!({ "x5t#S256": "ab".repeat(32) }), "token_bound"),
        ("padded", json!({ "x5t#S256": format!("{own}=") }), "token_bound"),
        ("null", json!({ "x5t#S256": null }), "token_bound"),
    ] {
        assert_eq!(app.verdict(over(Some(OURS), &bound_by(cnf))).await.1, want, "{name}");
    }
}

fn escaped_pem(der: &[u8]) -> String {
    let base64 = base64_simd::STANDARD.encode_to_string(der).replace('+', "%2B").replace('=', "%3D");
    format!("-----BEGIN%20CERTIFICATE-----%0A{base64}%0A-----END%20CERTIFICATE-----%0A")
}

pub(super) fn sequence(der: &[u8]) -> String {
    format!(":{}:", base64_simd::STANDARD.encode_to_string(der))
}

#[tokio::test]
async fn a_header_of_a_proxy_is_read_where_it_is_named_and_has_one_certificate() {
    let client_cert = app_with(ClientCertificates::of_client_cert_header());
    let pem = app_with(ClientCertificates::of_pem_header("x-client-cert").expect("a name"));
    let extension = app_with(ClientCertificates::of_connection());
    let token = bound_by(cnf_of(OURS));
    let line = format!("Bearer {token}");
    let (ours, theirs) = (sequence(OURS), sequence(THEIRS));
    let (our_pem, their_pem) = (escaped_pem(OURS), escaped_pem(THEIRS));
    let refused = (401, "token_bound");
    let malformed = (400, "credentials_malformed");
    let good = (200, ACCEPTED);
    for (name, app, lines, want) in [
        ("its own", &client_cert, vec![("client-cert", &ours)], good),
        ("another's", &client_cert, vec![("client-cert", &theirs)], refused),
        ("none", &client_cert, vec![], refused),
        ("its own twice", &client_cert, vec![("client-cert", &ours), ("client-cert", &ours)], malformed),
        ("and another", &client_cert, vec![("client-cert", &ours), ("client-cert", &theirs)], malformed),
        ("in PEM", &client_cert, vec![("client-cert", &our_pem)], malformed),
        ("in another header", &client_cert, vec![("x-client-cert", &our_pem)], refused),
        ("its own, in PEM", &pem, vec![("x-client-cert", &our_pem)], good),
        ("another's, in PEM", &pem, vec![("x-client-cert", &their_pem)], refused),
        ("twice, in PEM", &pem, vec![("x-client-cert", &our_pem), ("x-client-cert", &their_pem)], malformed),
        ("bare", &pem, vec![("x-client-cert", &ours)], malformed),
        ("in a header that is not named", &pem, vec![("client-cert", &ours)], refused),
        ("where the connection counts", &extension, vec![("client-cert", &ours)], refused),
    ] {
        let lines: Vec<_> = lines.into_iter().map(|(name, value)| (name, &**value)).collect();
        let all = [&[("authorization", &*line)][..], &lines].concat();
        let (status, code) = app.verdict(request(Method::GET, "/", &all)).await;
        assert_eq!((status, &*code), want, "{name}");
        // A certificate of the connection is that of the proxy, where a header counts.
        let mut with_extension = request(Method::GET, "/", &all);
        with_extension.extensions_mut().insert(ClientCertificate::from_der(OURS));
        let (_, code) = app.verdict(with_extension).await;
        assert_eq!(code, if std::ptr::eq(app, &raw const extension) { ACCEPTED } else { want.1 }, "{name}");
    }
}

/// A browser with a certificate of its own follows a link.
fn followed(token: &str, der: Option<&[u8]>, session: Option<&str>) -> Request<Body> {
    let cookie = session.map(|session| format!("__Host-jwt={session}"));
    let lines: Vec<_> = cookie.iter().map(|cookie| ("cookie", &**cookie)).collect();
    let mut request = request(Method::GET, &format!("/?jwt={token}"), &[NAVIGATION, &lines].concat());
    if let Some(der) = der {
        request.extensions_mut().insert(ClientCertificate::from_der(der));
    }
    request
}

#[tokio::test]
async fn a_session_that_is_bound_is_a_session_and_ends_when_its_owner_signs_out() {
    let layer = JwtAuthLayer::new(verifier())
        .with_client_certificates(ClientCertificates::of_connection())
        .with_replay_rule(ReplayRule::deny_list(
            MemoryReplayStore::new().with_clock(FixedClock::at_unix(NOW)),
        ))
        .hand_off()
        .expect("a query and a cookie");
    let site = Site::behind(layer.clone());
    let token = |sub: &str, jti: &str, cnf: Value| token_with(json!({ "sub": sub, "jti": jti, "cnf": cnf }));
    let arrival = site.answer(followed(&token("alice", "1", cnf_of(OURS)), Some(OURS), None)).await;
    let session = session_of(&arrival);

    let shown = async |der: Option<&[u8]>| {
        let mut request = request(Method::GET, "/", &[("cookie", &format!("__Host-jwt={session}"))]);
        if let Some(der) = der {
            request.extensions_mut().insert(ClientCertificate::from_der(der));
        }
        site.answer(request).await.code
    };
    assert_eq!(shown(Some(OURS)).await, ACCEPTED);
    assert_eq!(shown(Some(THEIRS)).await, "token_bound");

    // A link of somebody else does not go before it, whether the certificate is there or not.
    let stranger = token_with(json!({ "sub": "mallory", "jti": "2" }));
    for der in [None, Some(OURS), Some(THEIRS)] {
        let answer = site.answer(followed(&stranger, der, Some(&session))).await;
        assert_eq!((answer.status, &*answer.code), (403, "session_conflict"), "{}", der.is_some());
    }
    assert_eq!(site.answer(followed(&stranger, None, None)).await.status, 303, "where there is no session");
    let own = token_with(json!({ "jti": "3" }));
    assert_eq!(site.answer(followed(&own, None, Some(&session))).await.status, 303, "for the same subject");

    // The service that signs out sees no certificate.
    let out = App::of(Router::new().route_service("/sign-out", layer.logout().expect("a cookie")));
    let cookie = [("cookie", &*format!("__Host-jwt={session}"))];
    assert_eq!(out.answer(request(Method::POST, "/sign-out", &cookie)).await.status, 303);
    assert_eq!(shown(Some(OURS)).await, "token_revoked");
}
