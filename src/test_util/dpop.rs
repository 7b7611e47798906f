//! Clients that prove whose a token is, and some that do not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::encode;
use super::signing_key::{SigningKey, mac_token};
use super::token::TokenBuilder;
use crate::clock::{Clock, SystemClock};
use crate::crypto;
use crate::error::AuthErrorKind;
use crate::token::Algorithm;

/// A client's key pair, which its tokens are bound to and which it makes proofs with ([RFC 9449]); its clones are one client.
///
/// # Examples
///
/// ```
/// use axum::body::Body;
/// use axum::http::{Request, StatusCode};
/// use axum::{Router, routing::get};
/// use tower::ServiceExt;
/// use tower_jwt_auth::binding::Dpop;
/// use tower_jwt_auth::test_util::{DpopKey, Issuer, ProofFlaw};
/// use tower_jwt_auth::{Jwks, JwtAuthLayer, Verifier};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::new("https://login.example.com", "my-api");
/// let verifier = Verifier::new(issuer.url(), issuer.audience(), Jwks::from_json(issuer.jwks())?)?;
/// let auth = JwtAuthLayer::new(verifier).with_dpop(Dpop::new("https://api.example.com")?);
/// let app = Router::new().route("/me", get("welcome")).layer(auth);
/// let status = async |scheme: &str, token: &str, proof: &str| {
///     let request = Request::get("/me").header("authorization", format!("{scheme} {token}")).header("dpop", proof);
///     app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
/// };
///
/// let client = DpopKey::generate();
/// let token = issuer.token().bound_to(&client).sign();
/// let proof = client.proof("GET", "https://api.example.com/me", &token);
/// assert_eq!(status("DPoP", &token, &proof).await, StatusCode::OK);
///
/// assert_eq!(status("DPoP", &token, &proof).await, StatusCode::UNAUTHORIZED, "a proof counts once");
/// let another = client.proof("GET", "https://api.example.com/me", &token);
/// assert_eq!(status("Bearer", &token, &another).await, StatusCode::UNAUTHORIZED, "it is bound");
/// for flaw in ProofFlaw::ALL {
///     let bad = client.proof_for("GET", "https://api.example.com/me", &token).flawed(*flaw);
///     assert_eq!(status("DPoP", &token, &bad).await, StatusCode::UNAUTHORIZED, "{flaw:?}");
/// }
/// # Ok(()) }
/// ```
///
/// [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
#[derive(Clone)]
pub struct DpopKey {
    key: SigningKey,
    clock: Arc<dyn Clock>,
}

impl DpopKey {
    /// A new ES256 pair.
    #[must_use]
    pub fn generate() -> Self {
        Self::of(SigningKey::generate(Algorithm::Es256, "client"))
    }

    /// A client that has this pair.
    #[must_use]
    pub fn of(key: SigningKey) -> Self {
        Self { key, clock: Arc::new(SystemClock) }
    }

    /// Reads `iat` off `clock`: the one that the verifier has too.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The pair.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What a token that is bound to it has as `jkt` ([RFC 7638 §3]).
    ///
    /// [RFC 7638 §3]: https://www.rfc-editor.org/rfc/rfc7638#section-3
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // Members of a map come in the order of their names.
        encode(crypto::sha256(bare_jwk(&self.key).to_string().as_bytes()))
    }

    /// A good proof for a request by `method` to `url` with `token`, and another each time.
    #[must_use]
    pub fn proof(&self, method: &str, url: &str, token: &str) -> String {
        self.proof_for(method, url, token).sign()
    }

    /// The same, to be changed before it is signed.
    pub fn proof_for(&self, method: &str, url: &str, token: &str) -> ProofBuilder {
        static MADE: AtomicU64 = AtomicU64::new(1);
        let jwk = bare_jwk(&self.key);
        let header = json!({ "typ": "dpop+jwt", "alg": self.key.algorithm().name(), "jwk": jwk });
        let claims = json!({
            "jti": format!("proof-{}", MADE.fetch_add(1, Ordering::Relaxed)),
            "htm": method,
            "htu": url,
            "iat": unix_seconds(self.clock.now()),
            "ath": encode(crypto::sha256(token.as_bytes())),
        });
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        ProofBuilder { key: self.key.clone(), header: object(header), claims: object(claims) }
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey").field("algorithm", &self.key.algorithm()).finish_non_exhaustive()
    }
}

impl TokenBuilder {
    /// Is bound to the key of `client`, and to nothing else.
    pub fn bound_to(self, client: &DpopKey) -> Self {
        self.claim("cnf", json!({ "jkt": client.thumbprint() }))
    }

    /// Is bound to the certificate `der`, and to nothing else ([RFC 8705 §3.1]).
    ///
    /// [RFC 8705 §3.1]: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
    pub fn bound_to_certificate(self, der: impl AsRef<[u8]>) -> Self {
        self.claim("cnf", json!({ "x5t#S256": encode(crypto::sha256(der.as_ref())) }))
    }
}

/// A proof before it is signed, made by [`DpopKey::proof_for`]: good as it is, and free to be changed.
#[derive(Clone)]
#[must_use]
pub struct ProofBuilder {
    key: SigningKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl ProofBuilder {
    /// Has the nonce that the service has given out.
    pub fn nonce(self, nonce: &str) -> Self {
        self.claim("nonce", nonce)
    }

    /// Has this claim, in place of any of the same name.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Does not have this claim.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Was made this much earlier.
    pub fn issued_before(self, age: Duration) -> Self {
        let iat = self.claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
        self.claim("iat", iat.saturating_sub(age.as_secs()))
    }

    /// Has this header parameter, in place of any of the same name.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Does not have this header parameter.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// The proof, signed by the client's key whatever the header says.
    #[must_use]
    pub fn sign(self) -> String {
        let (header, payload) = self.texts();
        self.key.token_of(header, payload)
    }

    /// The proof with `flaw`.
    #[must_use]
    pub fn flawed(self, flaw: ProofFlaw) -> String {
        let hour = Duration::from_secs(3600);
        match flaw {
            ProofFlaw::WrongType => self.header("typ", "JWT").sign(),
            ProofFlaw::AlgNone => {
                let (header, payload) = self.header("alg", "none").texts();
                format!("{}.{}.", encode(header), encode(payload))
            }
            ProofFlaw::Symmetric => {
                let (header, payload) = self.clone().header("alg", "HS256").texts();
                mac_token(Algorithm::Hs256, self.key.public_pem().as_bytes(), &header, &payload)
            }
            ProofFlaw::Forged => self.by_a_stranger().sign(),
            ProofFlaw::OthersKey => {
                let stranger = self.by_a_stranger();
                let jwk = bare_jwk(&stranger.key);
                stranger.header("jwk", jwk).sign()
            }
            ProofFlaw::PrivateKey => {
                let mut jwk = bare_jwk(&self.key);
                jwk["d"] = encode([7; 32]).into();
                self.header("jwk", jwk).sign()
            }
            ProofFlaw::NoKey => self.without_header("jwk").sign(),
            ProofFlaw::Critical => self.header("crit", json!(["exp"])).sign(),
            ProofFlaw::WrongMethod => {
                let other = if self.claims.get("htm") == Some(&"POST".into()) { "GET" } else { "POST" };
                self.claim("htm", other).sign()
            }
            ProofFlaw::WrongUrl => {
                let url = self.claims.get("htu").and_then(Value::as_str).unwrap_or_default();
                let other = format!("{url}/elsewhere");
                self.claim("htu", other).sign()
            }
            ProofFlaw::WrongToken => self.claim("ath", encode(crypto::sha256(b"another token"))).sign(),
            ProofFlaw::NoToken => self.without_claim("ath").sign(),
            ProofFlaw::NoId => self.without_claim("jti").sign(),
            ProofFlaw::TooOld => self.issued_before(hour).sign(),
            ProofFlaw::TooEarly => {
                let iat = self.claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
                self.claim("iat", iat + hour.as_secs()).sign()
            }
        }
    }

    /// The same with the signature of a key that its header does not name.
    fn by_a_stranger(mut self) -> Self {
        self.key = SigningKey::generate(self.key.algorithm(), "stranger");
        self
    }

    fn texts(&self) -> (String, String) {
        (Value::from(self.header.clone()).to_string(), Value::from(self.claims.clone()).to_string())
    }
}

impl fmt::Debug for ProofBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofBuilder").finish_non_exhaustive()
    }
}

macro_rules! proof_flaws {
    ($($(#[$doc:meta])* $flaw:ident => $kind:ident;)+) => {
        /// The one thing that is wrong with a proof of [`ProofBuilder::flawed`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ProofFlaw {
            $($(#[$doc])* $flaw,)+
        }

        impl ProofFlaw {
            /// Every flaw there is.
            pub const ALL: &'static [Self] = &[$(Self::$flaw),+];

            /// What a layer that takes proofs refuses it as.
            #[must_use]
            pub const fn refused_as(self) -> AuthErrorKind {
                match self {
                    $(Self::$flaw => AuthErrorKind::$kind,)+
                }
            }
        }
    };
}

proof_flaws! {
    /// Its `typ` is that of any token.
    WrongType => ProofInvalid;
    /// Its `alg` is `none`, and it has no signature.
    AlgNone => ProofInvalid;
    /// Its `alg` is HS256, and the secret is its public key in PEM.
    Symmetric => ProofInvalid;
    /// Another key has signed it.
    Forged => ProofInvalid;
    /// It is a good proof, of another key than the token is bound to.
    OthersKey => TokenBound;
    /// There is more than a public key in its header.
    PrivateKey => ProofInvalid;
    /// There is no key in its header.
    NoKey => ProofInvalid;
    /// Its header has an extension that must be understood (`crit`).
    Critical => ProofInvalid;
    /// It is for another method.
    WrongMethod => ProofInvalid;
    /// It is for another URL.
    WrongUrl => ProofInvalid;
    /// It is for another token.
    WrongToken => ProofInvalid;
    /// It does not say for which token it is.
    NoToken => ProofInvalid;
    /// It has no `jti`.
    NoId => ProofInvalid;
    /// It was made an hour ago.
    TooOld => ProofInvalid;
    /// It says that it is made in an hour.
    TooEarly => ProofInvalid;
}

/// The public key, and nothing about it.
fn bare_jwk(key: &SigningKey) -> Value {
    let mut jwk = key.public_jwk();
    if let Some(members) = jwk.as_object_mut() {
        members.retain(|name, _| name != "kid" && name != "alg");
    }
    jwk
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
