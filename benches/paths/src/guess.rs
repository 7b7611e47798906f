//! Guesses at a secret that are wrong in one byte: what a comparison that stops at the first difference would tell apart.

use std::hint::black_box;

use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::replay::Nonce;
use tower_jwt_auth::token::Algorithm;
use tower_jwt_auth::verify::VerifiedToken;
use tower_jwt_auth::{Jwks, Verifier};

use crate::issuer::{AUDIENCE, ISSUER, Issuer, SECRET, Signed, Token, mac};

/// Which byte is wrong.
#[derive(Clone, Copy)]
pub enum Wrong {
    First,
    Middle,
    Last,
}

impl Wrong {
    fn spoil(self, secret: &mut [u8]) {
        let at = match self {
            Self::First => 0,
            Self::Middle => secret.len() / 2,
            Self::Last => secret.len() - 1,
        };
        secret[at] ^= 1;
    }
}

/// A token of `user` with a signature that is wrong in one byte: another one for each of `wrong`.
pub fn tokens<const N: usize>(
    issuer: &Issuer,
    algorithm: Algorithm,
    user: usize,
    wrong: [Wrong; N],
) -> [String; N] {
    let good = issuer.sign(&Token::good(algorithm, user));
    wrong.map(|wrong| {
        let mut signed = Signed { input: good.input.clone(), signature: good.signature.clone() };
        wrong.spoil(&mut signed.signature);
        signed.text()
    })
}

/// A verifier that remembers no tokens: where a cache puts them is another matter in each run.
pub fn verifier(issuer: &Issuer, algorithm: Algorithm) -> Verifier {
    let verifier = if algorithm.is_symmetric() {
        let secret = SharedSecret::new(algorithm, SECRET).expect("a secret");
        Verifier::new(ISSUER, AUDIENCE, secret)
    } else {
        Verifier::new(ISSUER, AUDIENCE, Jwks::from_json(issuer.jwks()).expect("a key set"))
    };
    verifier.expect("a policy").with_token_cache(0)
}

/// Has `verifier` refuse `token` for its signature.
pub fn refuse(verifier: &Verifier, token: &str) {
    let refused = black_box(verifier.verify(token)).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(AuthErrorKind::SignatureInvalid));
}

/// A token that is bound to a nonce, and that nonce with one byte wrong.
pub fn nonce(issuer: &Issuer, wrong: Wrong) -> (VerifiedToken, Nonce) {
    let mut nonce = *b"6f1c0b5e9d2a478831f7c6e0a4b95d127e3f8a60c1d2b4957a8e6f30d5c4b2a1";
    let text = std::str::from_utf8(&nonce).expect("text").to_owned();
    let header = BASE64URL.encode_to_string(r#"{"alg":"HS256"}"#);
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":4102444800,"nonce":"{text}"}}"#);
    let input = format!("{header}.{}", BASE64URL.encode_to_string(claims));
    let token = Signed { signature: mac(Algorithm::Hs256, input.as_bytes()), input }.text();
    let token = verifier(issuer, Algorithm::Hs256).verify(&token).expect("a good token");
    assert!(Nonce::expected(&text).is_ok_and(|nonce| nonce.check(&token).is_ok()), "the nonce itself");
    // Another digit, whichever it is.
    wrong.spoil(&mut nonce);
    let guess = Nonce::expected(std::str::from_utf8(&nonce).expect("text")).expect("a nonce");
    (token, guess)
}

/// Has `guess` turned away.
pub fn mismatch(token: &VerifiedToken, guess: &Nonce) {
    let checked = black_box(guess.check(token)).map_err(|error| error.kind());
    assert_eq!(checked.err(), Some(AuthErrorKind::NonceMismatch));
}
