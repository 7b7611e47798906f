//! A bound token whose issuer is asked: it says the same of the binding, or the token is refused, proof or not.

use serde_json::json;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::remote::{Credentials, ValidationEndpoint};

use super::{bound_to, client, dpop, get_with, proof_for, verdict};
use crate::support::app::{ACCEPTED, App, verifier_with};
use crate::support::idp::{Answer, over_http};

#[tokio::test]
async fn a_bound_token_is_accepted_with_its_proof_if_its_issuer_binds_it_to_the_same_key() {
    let (client, thief) = (client(), client());
    let token = bound_to(&client);
    let jkt = client.thumbprint();
    let bound = "token_bound";
    for (said, want) in [
        (json!({ "active": true, "cnf": { "jkt": jkt }, "token_type": "DPoP" }), ACCEPTED),
        (json!({ "active": true, "cnf": { "jkt": jkt } }), ACCEPTED),
        (json!({ "active": true }), ACCEPTED),
        (json!({ "active": true, "cnf": { "jkt": thief.thumbprint() } }), bound),
        (json!({ "active": true, "cnf": { "jkt": jkt, "x5t#S256": jkt } }), bound),
        (json!({ "active": true, "cnf": null }), bound),
        (json!({ "active": false, "cnf": { "jkt": jkt } }), "token_refused"),
    ] {
        let provider = over_http(Answer::of(said.to_string())).await;
        let url = provider.url("/introspect");
        let endpoint = ValidationEndpoint::introspection(&url, &Credentials::bearer("x")).expect("a URL");
        let app = App::behind(JwtAuthLayer::new(verifier_with(endpoint)).with_dpop(dpop()));
        // The second round is of what was remembered.
        for _ in 0..2 {
            let proof = proof_for(&client, &token).sign();
            assert_eq!(verdict(&app, &token, &proof).await, want, "{said}");
            let stolen = verdict(&app, &token, &proof_for(&thief, &token).sign()).await;
            assert_eq!(stolen, bound, "{said}");
            assert_eq!(app.verdict(get_with("Bearer", &token, &[])).await.1, bound, "{said}");
        }
    }
}
