//! An issuer with one secret, and base64url by hand, so that it is not compared with itself.

use std::time::Duration;

use aws_lc_rs::hmac;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::jwks::SharedSecret;
use tower_jwt_auth::token::Algorithm;

const SECRET: [u8; 32] = [7; 32];

/// The time of all these tests.
pub(crate) const NOW: u32 = 1_800_000_000;

/// What [`verdict`] says of a token that got in.
pub(crate) const ACCEPTED: &str = "accepted";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Accepts the tokens of [`signed`].
pub(crate) fn verifier() -> Verifier {
    let secret = SharedSecret::new(Algorithm::Hs256, SECRET).expect("a secret");
    let verifier = Verifier::new("https://issuer.example", "api", secret).expect("a policy");
    verifier.with_leeway(Duration::ZERO).expect("a leeway").with_clock(FixedClock::at_unix(NOW))
}

/// Header and payload, whatever they are, under a good MAC.
pub(crate) fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", encoded(header), encoded(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), input.as_bytes());
    format!("{input}.{}", encoded(tag))
}

/// A good token but for what `more` says, which begins with a comma if it says something.
pub(crate) fn token_with(more: &str) -> String {
    signed(r#"{"alg":"HS256"}"#, format!(r#"{{"iss":"https://issuer.example","aud":"api"{more}}}"#))
}

/// [`ACCEPTED`], or the code of the refusal.
pub(crate) fn verdict(verifier: &Verifier, token: &str) -> &'static str {
    verifier.verify(token).map_or_else(|error| error.code(), |_| ACCEPTED)
}

/// Three bytes are four characters; what is left at the end is filled up with zero bits ([RFC 4648 §5]).
///
/// [RFC 4648 §5]: https://www.rfc-editor.org/rfc/rfc4648#section-5
pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for three in bytes.as_ref().chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            let index = bits >> (18 - 6 * place) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

/// The bytes that `text` is the [encoding](encoded) of, if it is one.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for char in four {
            bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|known| known == char)?).ok()?;
        }
        bits <<= 6 * (4 - four.len());
        bytes.extend(&bits.to_be_bytes()[1..four.len()]);
    }
    (encoded(&bytes) == text).then_some(bytes)
}
