//! The header of a token.
//!
//! Input: the header, over fixed claims and under a good tag.
//!
//! What is accepted reads as serde_json and `jsonwebtoken::decode_header` read it; what is refused is refused for what the
//! model finds in it. A header that was seen before gets the same answer.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::token::{Algorithm, AlgorithmSet};
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth_fuzz::issuer::{self, sign};
use tower_jwt_auth_fuzz::json::{self, Json, Unread};

const PAYLOAD: &str = r#"{"iss":"https://issuer.example","aud":"api","exp":1800000300}"#;

fuzz_target!(|header: &[u8]| {
    let predicted = predict(header);
    for (algorithm, verifier) in verifiers() {
        let token = sign(*algorithm, header, PAYLOAD);
        let first = verifier.verify(&token);
        let code = first.as_ref().map_or_else(|error| error.code(), |_| "ok");
        let again = verifier.verify(&token);
        assert_eq!(again.as_ref().map_or_else(|error| error.code(), |_| "ok"), code);
        match predicted {
            Ok(named) if named == *algorithm => assert_eq!(code, "ok"),
            Ok(_) => assert_eq!(code, "algorithm_unsupported"),
            Err(Some(want)) => assert_eq!(code, want),
            Err(None) => {}
        }
        if let (Ok(Algorithm::Hs256), Algorithm::Hs256) = (predicted, *algorithm) {
            let of_type = of_type().verify(&token);
            let want = if is_access_token(header) { "ok" } else { "type_mismatch" };
            assert_eq!(of_type.map_or_else(|error| error.code(), |_| "ok"), want);
        }
        for verified in [first, again].into_iter().flatten() {
            reads_alike(&verified, header, &token);
        }
    }
});

/// One for each MAC.
fn verifiers() -> &'static [(Algorithm, Verifier); 3] {
    static VERIFIERS: OnceLock<[(Algorithm, Verifier); 3]> = OnceLock::new();
    VERIFIERS.get_or_init(|| {
        [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]
            .map(|algorithm| (algorithm, issuer::verifier(algorithm)))
    })
}

/// One that accepts access tokens only ([RFC 9068 §4]).
///
/// [RFC 9068 §4]: https://www.rfc-editor.org/rfc/rfc9068#section-4
fn of_type() -> &'static Verifier {
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    VERIFIER.get_or_init(|| issuer::verifier(Algorithm::Hs256).with_type("at+jwt"))
}

fn is_access_token(header: &[u8]) -> bool {
    let members = json::parse_object(header).unwrap_or_default();
    let typ = json::first(&members, "typ").and_then(Json::as_text).unwrap_or_default();
    ["at+jwt", "application/at+jwt"].iter().any(|kind| typ.eq_ignore_ascii_case(kind))
}

/// The algorithm of a header that is understood, or the code of its refusal, where the model knows it.
fn predict(header: &[u8]) -> Result<Algorithm, Option<&'static str>> {
    let malformed = Err(Some("token_malformed"));
    if header.len() > 4096 {
        return malformed;
    }
    let members = match json::parse(header) {
        Ok(Json::Object(members)) => members,
        Ok(_) | Err(Unread::NotJson) => return malformed,
        Err(Unread::HugeNumber) => return Err(None),
    };
    const READ: [&str; 4] = ["alg", "kid", "typ", "cty"];
    let is_repeated = |name: &String| members.iter().filter(|(other, _)| other == name).count() > 1;
    let others = members.iter().filter(|(name, _)| !READ.contains(&name.as_str())).count();
    if Json::Object(members.clone()).depth() > 16
        || others > 32
        || members.iter().any(|(name, value)| {
            is_repeated(name) || (READ.contains(&name.as_str()) && value.as_text().is_none())
        })
    {
        return malformed;
    }
    let text = |name: &str| json::first(&members, name).and_then(Json::as_text);
    let is_one_of = |name: &str, kinds: &[&str]| {
        let Some(kind) = text(name) else { return false };
        let kind = kind.split(';').next().unwrap_or_default();
        let kind = kind.trim_matches([' ', '\t', '\n', '\r', '\x0c']).to_ascii_lowercase();
        kinds.iter().any(|other| kind == *other || kind == format!("application/{other}"))
    };
    if ["crit", "b64", "zip"].iter().any(|name| json::first(&members, name).is_some())
        || is_one_of("cty", &["jwt"])
    {
        return Err(Some("header_unsupported"));
    }
    let Some(alg) = text("alg") else { return malformed };
    let known =
        AlgorithmSet::asymmetric().iter().chain([Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512]);
    let named = known.into_iter().find(|known| known.name() == alg);
    let Some(named) = named.or((alg == "Ed25519").then_some(Algorithm::EdDsa)) else {
        return Err(Some("algorithm_unsupported"));
    };
    if text("kid").is_some_and(|kid| kid.len() > 256) {
        return malformed;
    }
    let never = ["dpop+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt", "oauth-authz-req+jwt"];
    if is_one_of("typ", &never) { Err(Some("type_mismatch")) } else { Ok(named) }
}

fn reads_alike(verified: &VerifiedToken, header: &[u8], token: &str) {
    let ours = verified.header();
    let members = match json::parse_object(header) {
        Ok(members) => members,
        Err(unread) => return assert_eq!(unread, Unread::HugeNumber, "what is accepted is JSON"),
    };
    let text = |name: &str| json::first(&members, name).and_then(Json::as_text);
    assert_eq!(Some(ours.algorithm().name()), text("alg"));
    assert_eq!([ours.kid(), ours.typ()], [text("kid"), text("typ")]);
    assert_eq!(verified.kid(), text("kid"));

    if let Ok(theirs) = jsonwebtoken::decode_header(token) {
        assert_eq!([theirs.kid.as_deref(), theirs.typ.as_deref()], [ours.kid(), ours.typ()]);
        assert_eq!(Algorithm::try_from(theirs.alg), Ok(ours.algorithm()));
    }
}
