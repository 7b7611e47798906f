//! The paths, by name: what comes, and how it has to end.

use std::hint::black_box;
use std::ops::Range;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use http::StatusCode;
use tower_jwt_auth::token::Algorithm::{self, EdDsa, Es256, Hs256, Hs512, Rs256};

use crate::guess::{self, Wrong};
use crate::issuer::{Issuer, LONG_AGO, Signed, Token};
use crate::server::Server;

/// One way through the layer, or past it.
pub struct Path {
    pub name: &'static str,
    way: Way,
}

enum Way {
    /// The references: a router without a layer, and one with a layer that does nothing.
    Unguarded(fn() -> Server),
    /// The signature alone: what no layer can do without.
    Raw(Algorithm),
    /// Accepted, and never seen before.
    New(Algorithm),
    /// Accepted before: so many tokens, in turn.
    Repeated(usize),
    /// Refused with this code.
    Refused(&'static str, fn(&Issuer, user: usize) -> Option<String>),
    /// Refused by the verifier alone for a signature, or by a nonce, that is wrong in one byte.
    WrongMac(Algorithm, Wrong),
    WrongNonce(Wrong),
}

pub const PATHS: [Path; 27] = [
    Path { name: "bare", way: Way::Unguarded(Server::bare) },
    Path { name: "nothing", way: Way::Unguarded(Server::with_a_layer_that_does_nothing) },
    Path { name: "raw-rs256", way: Way::Raw(Rs256) },
    Path { name: "raw-es256", way: Way::Raw(Es256) },
    Path { name: "raw-eddsa", way: Way::Raw(EdDsa) },
    Path { name: "new-rs256", way: Way::New(Rs256) },
    Path { name: "new-es256", way: Way::New(Es256) },
    Path { name: "new-eddsa", way: Way::New(EdDsa) },
    Path { name: "new-hs256", way: Way::New(Hs256) },
    Path { name: "repeated", way: Way::Repeated(1) },
    Path { name: "repeated-of-1000", way: Way::Repeated(1_000) },
    Path { name: "missing", way: Way::Refused("token_missing", |_, _| None) },
    Path {
        name: "garbage",
        way: Way::Refused("token_malformed", |_, user| Some(format!("garbage-{user:06}"))),
    },
    Path {
        name: "unknown-kid",
        way: Way::Refused("key_unknown", |_, user| {
            Some(Token { kid: "test-nobody", ..Token::good(Rs256, user) }.unsigned())
        }),
    },
    Path {
        name: "expired",
        way: Way::Refused("token_expired", |_, user| {
            Some(Token { exp: LONG_AGO, ..Token::good(Rs256, user) }.unsigned())
        }),
    },
    Path {
        name: "wrong-iss",
        way: Way::Refused("issuer_mismatch", |_, user| {
            Some(Token { iss: "https://another.example", ..Token::good(Rs256, user) }.unsigned())
        }),
    },
    Path {
        name: "wrong-aud",
        way: Way::Refused("audience_mismatch", |_, user| {
            Some(Token { aud: "another", ..Token::good(Rs256, user) }.unsigned())
        }),
    },
    Path {
        name: "bad-signature",
        way: Way::Refused("signature_invalid", |issuer, user| {
            let [one, other] = [user, user + 1].map(|user| issuer.sign(&Token::good(Rs256, user)));
            Some(Signed { signature: other.signature, ..one }.text())
        }),
    },
    Path { name: "mac-first", way: Way::WrongMac(Hs256, Wrong::First) },
    Path { name: "mac-middle", way: Way::WrongMac(Hs256, Wrong::Middle) },
    Path { name: "mac-last", way: Way::WrongMac(Hs256, Wrong::Last) },
    Path { name: "long-mac-first", way: Way::WrongMac(Hs512, Wrong::First) },
    Path { name: "long-mac-middle", way: Way::WrongMac(Hs512, Wrong::Middle) },
    Path { name: "long-mac-last", way: Way::WrongMac(Hs512, Wrong::Last) },
    Path { name: "nonce-first", way: Way::WrongNonce(Wrong::First) },
    Path { name: "nonce-middle", way: Way::WrongNonce(Wrong::Middle) },
    Path { name: "nonce-last", way: Way::WrongNonce(Wrong::Last) },
];

/// Requests that come before those that count: whatever is set up on first use is set up then.
const WARM_UP: usize = 8;

/// A cache that no path fills. In the default one, a thousand tokens fill some shards more than others: a few are
/// forgotten, and other ones in another run.
const ROOMY: usize = 8_192;

/// A cache that is full before anything counts. One that is filling grows now and then, which a few requests pay for.
const FULL: usize = 32;

/// The first user whose request counts.
const FIRST: usize = 1_000;

impl Path {
    /// Readies everything for `requests` requests, and returns what sends them.
    pub fn prepare(&self, requests: usize) -> Box<dyn FnMut()> {
        let issuer = Issuer::new();
        let users = FIRST..FIRST + requests;
        let good = |algorithm, user| Some(issuer.text(&Token::good(algorithm, user)));
        match self.way {
            Way::Unguarded(server) => {
                let mut server = server();
                server.expect_accepted((0..WARM_UP).map(|user| good(EdDsa, user)));
                server.prepare(users.map(|user| good(EdDsa, user)), StatusCode::NO_CONTENT)
            }
            Way::Raw(algorithm) => raw(&issuer, algorithm, users),
            Way::New(algorithm) => {
                let mut server = Server::guarded(&issuer, algorithm, FULL);
                let quick = if algorithm.is_symmetric() { algorithm } else { EdDsa };
                server.expect_accepted((0..4 * FULL).map(|user| good(quick, user)));
                server.expect_accepted((4 * FULL..4 * FULL + WARM_UP).map(|user| good(algorithm, user)));
                server.prepare(users.map(|user| good(algorithm, user)), StatusCode::NO_CONTENT)
            }
            Way::Repeated(live) => {
                let mut server = Server::guarded(&issuer, EdDsa, ROOMY);
                let tokens: Vec<_> = (0..live).map(|user| good(EdDsa, user)).collect();
                server.expect_accepted(tokens.iter().cloned());
                server.prepare(tokens.into_iter().cycle().take(requests), StatusCode::NO_CONTENT)
            }
            Way::Refused(code, token) => {
                let mut server = Server::guarded(&issuer, Rs256, ROOMY);
                // It has let somebody in, as any server that is in use, and so knows the header of its issuer's tokens.
                server.expect_accepted((0..1).map(|user| good(Rs256, user)));
                server.expect_refused((0..WARM_UP).map(|user| token(&issuer, user)), code);
                server.prepare(users.map(|user| token(&issuer, user)), StatusCode::UNAUTHORIZED)
            }
            Way::WrongMac(algorithm, wrong) => {
                let verifier = guess::verifier(&issuer, algorithm);
                let token = |user| {
                    let [token] = guess::tokens(&issuer, algorithm, user, [wrong]);
                    token
                };
                (0..WARM_UP).for_each(|user| guess::refuse(&verifier, &token(user)));
                let tokens: Vec<_> = users.map(token).collect();
                Box::new(move || tokens.iter().for_each(|token| guess::refuse(&verifier, token)))
            }
            Way::WrongNonce(wrong) => {
                let (token, nonce) = guess::nonce(&issuer, wrong);
                (0..WARM_UP).for_each(|_| guess::mismatch(&token, &nonce));
                Box::new(move || (0..requests).for_each(|_| guess::mismatch(&token, &nonce)))
            }
        }
    }
}

fn raw(issuer: &Issuer, algorithm: Algorithm, users: Range<usize>) -> Box<dyn FnMut()> {
    let verification: &'static dyn VerificationAlgorithm = match algorithm {
        Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        _ => &signature::ED25519,
    };
    let key = ParsedPublicKey::new(verification, issuer.public_key(algorithm)).expect("a public key");
    let verify = move |signed: &Signed| {
        let verified = key.verify_sig(signed.input.as_bytes(), &signed.signature);
        assert!(black_box(verified).is_ok(), "a good signature");
    };
    let sign = |user| issuer.sign(&Token::good(algorithm, user));
    (0..WARM_UP).for_each(|user| verify(&sign(user)));
    let signed: Vec<_> = users.map(sign).collect();
    Box::new(move || signed.iter().for_each(&verify))
}
