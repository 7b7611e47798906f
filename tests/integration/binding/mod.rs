//! Tokens that are bound to their sender: who has to prove what, by which proof, and what is said to those who do not.

mod certificate;
mod combined;
mod downgrade;
mod fapi;
mod introspected;
mod nonces;
mod proof;
mod replay;
mod tls;
mod url;

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::binding::Dpop;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::test_util::{DpopKey, ProofBuilder};

use crate::support::app::{App, Lines, request, verifier};
use crate::support::issuer::{NOW, encode};
use crate::support::record;
use crate::support::site::token_with;

/// Where clients reach the app.
const ORIGIN: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/";

fn dpop() -> Dpop {
    Dpop::new(ORIGIN).expect("an origin")
}

fn layer_with(dpop: Dpop) -> JwtAuthLayer {
    record::shown("settings of DPoP", format_args!("{dpop:?} {dpop}"));
    JwtAuthLayer::new(verifier()).with_dpop(dpop)
}

/// The default layer, for tokens with proofs too.
fn app() -> App {
    App::behind(layer_with(dpop()))
}

fn client() -> DpopKey {
    DpopKey::generate().with_clock(FixedClock::at_unix(NOW))
}

/// A good token, bound to the key of `client`.
fn bound_to(client: &DpopKey) -> String {
    bound_by(json!({ "jkt": client.thumbprint() }))
}

/// A good token with this `cnf`.
#[expect(clippy::needless_pass_by_value, reason = "it is written on the spot")]
fn bound_by(cnf: Value) -> String {
    record::shown("a client", format_args!("{:?}", client()));
    token_with(json!({ "cnf": cnf }))
}

/// A good proof for `GET /` with `token`, to be changed.
fn proof_for(client: &DpopKey, token: &str) -> ProofBuilder {
    client.proof_for("GET", URL, token)
}

/// `GET /` with `token` under `scheme`, and these proofs.
fn get_with(scheme: &str, token: &str, proofs: &[&str]) -> Request<Body> {
    let line = format!("{scheme} {token}");
    let proofs = proofs.iter().map(|proof| ("dpop", *proof));
    let lines: Vec<_> = [("authorization", &*line)].into_iter().chain(proofs).collect();
    request(Method::GET, "/", &lines)
}

/// What `GET /` with this token and this proof comes to.
async fn verdict(app: &App, token: &str, proof: &str) -> String {
    app.verdict(get_with("DPoP", token, &[proof])).await.1
}

/// The challenges of an answer, one for each scheme.
fn challenges(answer: &crate::support::app::Answer) -> Vec<String> {
    let values = answer.headers.get_all("www-authenticate").iter();
    values.map(|value| value.to_str().expect("text").to_owned()).collect()
}

/// `lines` with a token under `DPoP`, and its proof, before them.
fn with_lines(token: &str, proof: &str, lines: Lines<'_>) -> Request<Body> {
    let line = format!("DPoP {token}");
    let own = [("authorization", &*line), ("dpop", proof)];
    request(Method::GET, "/", &[&own[..], lines].concat())
}

/// The text of an object's value, as a part of a token.
fn part(value: &Value) -> String {
    encode(value.to_string())
}
