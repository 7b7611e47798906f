use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::crypto::{self, KeyFault, PublicKey};
use crate::error::ConfigError;
use crate::token::{Algorithm, AlgorithmSet, MAX_KID_BYTES, Thumbprint, checked_text, is_object};

/// A public key that verifies signatures of exactly one algorithm, parsed and checked when it is made.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::jwks::VerifyingKey;
/// use tower_jwt_auth::token::Algorithm;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// let key = VerifyingKey::from_jwk_json(jwk)?.with_kid("2026-11");
/// assert_eq!((key.algorithm(), key.kid()), (Algorithm::EdDsa, Some("2026-11")));
///
/// let secret = r#"{"kty":"oct","k":"AAAA"}"#;
/// assert!(VerifyingKey::from_jwk_json(secret).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    kid: Option<Arc<str>>,
    key: PublicKey,
}

impl VerifyingKey {
    /// Reads a public key in PEM, which has no name: alone, it answers to every `kid`. `PUBLIC KEY` (SubjectPublicKeyInfo) or `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `pem` is no public key for `algorithm`, or one too weak to be trusted.
    pub fn from_pem(pem: impl AsRef<[u8]>, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let pem = pem.as_ref();
        let read = match algorithm {
            Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
            rsa if rsa.is_rsa() => DecodingKey::from_rsa_pem(pem),
            _ => DecodingKey::from_ec_pem(pem),
        };
        let key = read.map_err(|_| {
            ConfigError::new(format!(
                "the PEM holds no public key for {algorithm}, and a private key is none"
            ))
        })?;
        Self::from_decoding_key(&key, algorithm)
    }

    /// Takes over a key of jsonwebtoken.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the key is not for `algorithm`, is a secret, or is too weak to be trusted.
    pub fn from_decoding_key(key: &DecodingKey, algorithm: Algorithm) -> Result<Self, ConfigError> {
        let parsed = match (key.family(), key.kind()) {
            (AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                PublicKey::rsa(algorithm, n, e)
            }
            (AlgorithmFamily::Rsa, DecodingKeyKind::SecretOrDer(der)) => PublicKey::rsa_der(algorithm, der),
            (AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
                PublicKey::ec_point(algorithm, point)
            }
            (AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
                PublicKey::ed25519(algorithm, point)
            }
            _ => Err(KeyFault::WrongAlgorithm),
        };
        let key = parsed.map_err(|fault| {
            ConfigError::new(format!("no key for {algorithm}: {}", SkipReason::from(fault)))
        })?;
        Ok(Self { algorithm, kid: None, key })
    }

    /// Reads one JSON Web Key ([RFC 7517 §4]).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with the reason, if the key is none that a [key set](super::Jwks) would use.
    ///
    /// [RFC 7517 §4]: https://www.rfc-editor.org/rfc/rfc7517#section-4
    pub fn from_jwk_json(json: &str) -> Result<Self, ConfigError> {
        Self::from_jwk(json, AlgorithmSet::asymmetric())
            .map_err(|reason| ConfigError::new(format!("the JWK is not usable: {reason}")))
    }

    /// Answers to `kid` from here on: tokens name their key with it.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<Arc<str>>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The one algorithm that this key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of this key, where it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) fn shared_kid(&self) -> Option<Arc<str>> {
        self.kid.clone()
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(message, signature)
    }

    pub(super) fn from_jwk(json: &str, allowed: AlgorithmSet) -> Result<Self, SkipReason> {
        Self::from_members(Members::read(json)?, allowed)
    }

    /// A key that somebody has sent, for `algorithm` and no other, and what it is known by. Anybody can send one, so that one
    /// of RSA has at most 4,096 bits: to verify with 8,192 takes four times as long.
    pub(crate) fn of_sender(json: &str, algorithm: Algorithm) -> Result<(Self, Thumbprint), SkipReason> {
        let jwk = Members::read(json)?;
        if jwk.n.as_ref().is_some_and(|n| n.len() > MAX_SENT_MODULUS) {
            return Err(KeyFault::Modulus.into());
        }
        let canonical = jwk.canonical();
        let key = Self::from_members(jwk, [algorithm].into())?;
        Ok((key, crypto::sha256(canonical.as_bytes()).into()))
    }

    fn from_members(jwk: Members, allowed: AlgorithmSet) -> Result<Self, SkipReason> {
        jwk.check_purpose()?;
        let algorithm = jwk.algorithm(allowed)?;
        if !allowed.contains(algorithm) {
            return Err(SkipReason::AlgorithmNotAllowed);
        }
        let key = match &*jwk.kty {
            "RSA" => PublicKey::rsa(algorithm, &decoded(jwk.n.as_deref())?, &decoded(jwk.e.as_deref())?)?,
            "EC" => PublicKey::ec(algorithm, &decoded(jwk.x.as_deref())?, &decoded(jwk.y.as_deref())?)?,
            _ => PublicKey::ed25519(algorithm, &decoded(jwk.x.as_deref())?)?,
        };
        Ok(Self { algorithm, kid: jwk.kid.map(Arc::from), key })
    }
}

impl TryFrom<&Jwk> for VerifyingKey {
    type Error = ConfigError;

    fn try_from(jwk: &Jwk) -> Result<Self, ConfigError> {
        let json = serde_json::to_string(jwk).map_err(|error| ConfigError::new(error.to_string()))?;
        Self::from_jwk_json(&json)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for VerifyingKey {}

/// By name first: a set is searched by it.
impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = self.kid.cmp(&other.kid);
        let by_algorithm = || self.algorithm.cmp(&other.algorithm);
        by_name.then_with(by_algorithm).then_with(|| self.key.as_bytes().cmp(other.key.as_bytes()))
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Why an entry of a key set is not used; it never spoils the rest ([RFC 7517 §5]).
///
/// [RFC 7517 §5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// Not a JSON Web Key: members missing, repeated, of the wrong type or not base64url.
    Malformed,
    /// It holds private or symmetric members: it is refused whole, and whoever published it has been careless.
    SecretMaterial,
    /// `kty` or `crv` is not one that is supported.
    UnsupportedType,
    /// `alg` is unknown, is for encryption, or does not fit `kty` and `crv`.
    UnsupportedAlgorithm,
    /// The algorithm is not among those allowed.
    AlgorithmNotAllowed,
    /// `use` or `key_ops` reserve it for something other than verifying signatures.
    OtherPurpose,
    /// RSA with fewer than 2,048 or more than 8,192 bits.
    ModulusSize,
    /// RSA with an even exponent, or one below 3 or above 33 bits.
    Exponent,
    /// Not a point of the curve in full length, or one of small order.
    Point,
    /// More keys than the set may hold.
    TooMany,
}

impl SkipReason {
    /// The stable name, as it stands in logs, metrics and the readiness snapshot: the reason's, in lower case with
    /// underscores.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::SecretMaterial => "secret_material",
            Self::UnsupportedType => "unsupported_type",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::OtherPurpose => "other_purpose",
            Self::ModulusSize => "modulus_size",
            Self::Exponent => "exponent",
            Self::Point => "point",
            Self::TooMany => "too_many",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<KeyFault> for SkipReason {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::WrongAlgorithm => Self::UnsupportedAlgorithm,
            KeyFault::Modulus => Self::ModulusSize,
            KeyFault::Exponent => Self::Exponent,
            KeyFault::Point => Self::Point,
        }
    }
}

/// The characters that 4,096 bits take in base64url.
const MAX_SENT_MODULUS: usize = 683;

/// Deeper than any JWK nests.
const MAX_DEPTH: usize = 16;

/// The members that matter here; serde refuses a second one of the same name.
#[derive(Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each says whether a member is there")]
struct Members {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    p: bool,
    #[serde(default, deserialize_with = "present")]
    q: bool,
    #[serde(default, deserialize_with = "present")]
    dp: bool,
    #[serde(default, deserialize_with = "present")]
    dq: bool,
    #[serde(default, deserialize_with = "present")]
    qi: bool,
    #[serde(default, deserialize_with = "present")]
    oth: bool,
    #[serde(default, deserialize_with = "present")]
    k: bool,
    #[serde(rename = "priv", default, deserialize_with = "present")]
    private: bool,
}

impl Members {
    fn read(json: &str) -> Result<Self, SkipReason> {
        let text = checked_text(json.as_bytes(), MAX_DEPTH).filter(|text| is_object(text));
        serde_json::from_str(text.ok_or(SkipReason::Malformed)?).map_err(|_| SkipReason::Malformed)
    }

    /// What a key is, and nothing about it, in the form that is hashed ([RFC 7638 §3]). Of a key that is good, none of these
    /// needs an escape: they are base64url and known names.
    ///
    /// [RFC 7638 §3]: https://www.rfc-editor.org/rfc/rfc7638#section-3
    fn canonical(&self) -> String {
        let member =
            |name: &str, value: Option<&str>| format!("\"{name}\":\"{}\"", value.unwrap_or_default());
        let [crv, e, n, x, y] =
            [("crv", &self.crv), ("e", &self.e), ("n", &self.n), ("x", &self.x), ("y", &self.y)]
                .map(|(name, value)| member(name, value.as_deref()));
        let kty = member("kty", Some(&self.kty));
        let members = match &*self.kty {
            "RSA" => vec![e, kty, n],
            "EC" => vec![crv, kty, x, y],
            _ => vec![crv, kty, x],
        };
        format!("{{{}}}", members.join(","))
    }

    /// Refuses what is secret or meant for something else ([RFC 7517 §4.2], [RFC 7517 §4.3]).
    ///
    /// [RFC 7517 §4.2]: https://www.rfc-editor.org/rfc/rfc7517#section-4.2
    /// [RFC 7517 §4.3]: https://www.rfc-editor.org/rfc/rfc7517#section-4.3
    fn check_purpose(&self) -> Result<(), SkipReason> {
        let secrets = [self.d, self.p, self.q, self.dp, self.dq, self.qi, self.oth, self.k, self.private];
        if self.kty == "oct" || secrets.contains(&true) {
            return Err(SkipReason::SecretMaterial);
        }
        if self.purpose.as_ref().is_some_and(|purpose| purpose != "sig")
            || self.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|op| op == "verify"))
        {
            return Err(SkipReason::OtherPurpose);
        }
        if self.kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(SkipReason::Malformed);
        }
        Ok(())
    }

    /// The one algorithm of this key: its `alg`, if that fits its type, or the only one that its type leaves.
    fn algorithm(&self, allowed: AlgorithmSet) -> Result<Algorithm, SkipReason> {
        let by_type = match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => allowed.rsa_default(),
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("EC", Some("P-384")) => Algorithm::Es384,
            ("EC", Some("P-521")) => Algorithm::Es512,
            ("EC", Some("secp256k1")) => Algorithm::Es256K,
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            _ => return Err(SkipReason::UnsupportedType),
        };
        let Some(name) = &self.alg else { return Ok(by_type) };
        match Algorithm::from_name(name) {
            Some(named) if named == by_type || (named.is_rsa() && by_type.is_rsa()) => Ok(named),
            _ => Err(SkipReason::UnsupportedAlgorithm),
        }
    }
}

/// A member is there, whatever its value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|IgnoredAny| true)
}

fn decoded(member: Option<&str>) -> Result<Vec<u8>, SkipReason> {
    let text = member.ok_or(SkipReason::Malformed)?;
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| SkipReason::Malformed)
}
