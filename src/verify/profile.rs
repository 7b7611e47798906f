use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::policy::{Binding, Demand, Policy, Strictness};
use super::{VerifiedToken, Verifier};
use crate::crypto;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::token::{Algorithm, AlgorithmSet, UnverifiedHeader};

/// A kind of token, as a standard says how it is to be checked; for
/// [`Verifier::with_profile`](super::Verifier::with_profile).
///
/// Whatever a profile asks comes on top of what a [`Verifier`](super::Verifier) asks of every token. Its
/// [`Display`](fmt::Display) is the list of that.
///
/// # Examples
///
/// ```
/// # use tower_jwt_auth::jwks::SharedSecret;
/// # use tower_jwt_auth::token::Algorithm;
/// # use tower_jwt_auth::Verifier;
/// use tower_jwt_auth::verify::Profile;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let keys = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
/// let verifier = Verifier::new("https://login.example.com", "my-api", keys)?.with_profile(Profile::AccessToken)?;
///
/// // A good token, but of no kind that it would say: `typ` is "JWT".
/// let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
///     eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoibXktYXBpIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.\
///     s3-InWBpIjbe79O4AeduBf3C7_0UG7faSxBgkdIpi0c";
/// assert_eq!(verifier.verify(token).unwrap_err().code(), "type_mismatch");
/// assert!(verifier.to_string().contains("profile access token (typ is at+jwt; "));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// An access token for an API ([RFC 9068 §4]): it says so in its `typ`, and has all the claims that such a token has.
    /// ID tokens, and whatever else the issuer signs, are refused.
    ///
    /// [RFC 9068 §4]: https://www.rfc-editor.org/rfc/rfc9068#section-4
    AccessToken,
    /// An ID token, which tells a client who has signed in ([OpenID Connect Core §3.1.3.7]): the audience is the client's
    /// id. Access tokens that say in their `typ` what they are ([RFC 9068 §2.1]) are refused, and so are logout tokens and
    /// whatever else tells of events ([RFC 8417 §2.2]). An issuer that calls both `JWT` leaves it to the audience, and to the
    /// nonce, to tell one from the other.
    ///
    /// Two of the checks take what only the client has: the nonce of the sign-in, which
    /// [`Nonce::check`](crate::replay::Nonce::check) or a layer's [`NonceRule`](crate::replay::NonceRule) compares, and the
    /// access token that came along, for
    /// [`VerifiedToken::check_access_token_hash`](super::VerifiedToken::check_access_token_hash).
    ///
    /// [OpenID Connect Core §3.1.3.7]: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
    /// [RFC 8417 §2.2]: https://www.rfc-editor.org/rfc/rfc8417#section-2.2
    /// [RFC 9068 §2.1]: https://www.rfc-editor.org/rfc/rfc9068#section-2.1
    IdToken,
    /// A token of any kind, of a service that follows [FAPI 2.0 §5.3.4]: signed by PS256, ES256 or Ed25519, as a proof of DPoP
    /// is; sent in `Authorization`, not in a query or a cookie; bound to its sender, who proves it; and neither issued nor to
    /// begin more than [10 s](FAPI2_SKEW) in the future. It goes together with [`AccessToken`](Self::AccessToken).
    ///
    /// Only a layer knows senders: it needs [DPoP or client certificates](crate::binding) set, or refuses every token, as
    /// [`Verifier::verify`](super::Verifier::verify) does. Who asks for FAPI 2.0 is also asked whether a token was revoked: a
    /// [deny list](crate::replay::ReplayRule::deny_list) says so, or an [endpoint](crate::remote) of RFC 7662.
    ///
    /// [FAPI 2.0 §5.3.4]: https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.4
    Fapi2,
}

/// How far `iat` and `nbf` may lie in the future in [FAPI 2.0](Profile::Fapi2): 10 s have to be accepted, and more than 60 s
/// refused.
pub const FAPI2_SKEW: Duration = Duration::from_secs(10);

/// The type that an access token says it is of ([RFC 9068 §2.1]).
///
/// [RFC 9068 §2.1]: https://www.rfc-editor.org/rfc/rfc9068#section-2.1
const ACCESS_TOKEN: &str = "at+jwt";

impl Profile {
    /// The claims that have to be there.
    pub(super) const fn claims(self) -> &'static [&'static str] {
        match self {
            // RFC 9068 §2.2
            Self::AccessToken => &["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
            // OpenID Connect Core §2
            Self::IdToken => &["iss", "sub", "aud", "exp", "iat"],
            Self::Fapi2 => &[],
        }
    }

    pub(super) fn check_header(self, header: &UnverifiedHeader<'_>) -> Result<(), AuthError> {
        let is_of_its_type = match self {
            Self::AccessToken => header.typ_is(ACCESS_TOKEN),
            Self::IdToken => !header.typ_is_with_any_parameters(ACCESS_TOKEN),
            Self::Fapi2 => true,
        };
        if is_of_its_type { Ok(()) } else { Err(AuthErrorKind::TypeMismatch.into()) }
    }

    /// What is asked of `payload`, which is that of sound claims for one of `audiences`, besides their presence.
    pub(super) fn check_claims(self, payload: &str, audiences: &[String]) -> Result<(), AuthError> {
        match self {
            Self::AccessToken => read::<Client>(payload, "client_id").map(drop),
            Self::Fapi2 => Ok(()),
            Self::IdToken => {
                let party = read::<Party>(payload, "azp")?;
                if party.events.is_some() {
                    return Err(AuthError::about(AuthErrorKind::ClaimRefused, "events"));
                }
                match party.azp {
                    Some(azp) if !audiences.contains(&azp) => {
                        Err(AuthError::about(AuthErrorKind::ClaimRefused, "azp"))
                    }
                    None if party.aud.0 > 1 => Err(AuthError::about(AuthErrorKind::ClaimMissing, "azp")),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// The checks, in words.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, typ, last) = match self {
            Self::AccessToken => ("access token", "is", "client_id is a string"),
            Self::IdToken => (
                "ID token",
                "is not",
                "azp, if there, is one of our audiences, and it is there if aud has several; events is not there",
            ),
            Self::Fapi2 => {
                return write!(
                    f,
                    "profile FAPI 2.0 (alg is one of [{}], of proofs too; the token is in Authorization, and its cnf is \
                     proven; iat and nbf are at most {FAPI2_SKEW:?} ahead)",
                    Strictness::fapi2_algorithms()
                );
            }
        };
        let claims = self.claims().join(", ");
        write!(f, "profile {name} (typ {typ} {ACCESS_TOKEN}; {claims} are present; {last})")
    }
}

impl Policy {
    /// Asks for what `profile` asks for, too.
    pub(super) fn add_profile(&mut self, profile: Profile) -> Result<(), ConfigError> {
        if let Some(other) = self.profile
            && other != profile
            && profile != Profile::Fapi2
        {
            return Err(ConfigError::new(format!("a token is of one kind, and not of two: {other} is set")));
        }
        if self.issuer.is_none() || self.audiences.is_none() || self.expiry == Demand::Optional {
            return Err(ConfigError::new(format!(
                "{profile} is about tokens of one issuer, for us and for a time: leave the `insecure_` call out"
            )));
        }
        if profile == Profile::Fapi2 {
            return self.follow_fapi2();
        }
        self.profile = Some(profile);
        profile.claims().iter().try_for_each(|claim| self.require(claim))
    }

    /// Does without a check, unless a profile has asked for it.
    pub(super) fn loosen(&mut self, loosen: impl FnOnce(&mut Self)) {
        if self.profile.is_none() && self.strictness == Strictness::Usual {
            loosen(self);
        }
    }

    /// Lets anybody use a bound token, unless bound tokens are what was asked for.
    pub(super) fn ignore_binding(&mut self) {
        if self.strictness == Strictness::Usual {
            self.binding = Binding::Ignore;
        }
    }

    fn follow_fapi2(&mut self) -> Result<(), ConfigError> {
        if self.binding == Binding::Ignore {
            return Err(ConfigError::new(
                "FAPI 2.0 is about bound tokens: leave `insecure_ignore_binding` out",
            ));
        }
        let fit = Strictness::fapi2_algorithms();
        let of_both = fit.iter().filter(|algorithm| self.algorithms.contains(*algorithm));
        self.narrow(of_both.collect())?;
        self.binding = Binding::Demand;
        self.strictness = Strictness::Fapi2;
        Ok(())
    }
}

impl Strictness {
    /// What a proof of possession may be signed by.
    pub(super) fn takes_proofs_of(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Usual => true,
            Self::Fapi2 => Self::fapi2_algorithms().contains(algorithm),
        }
    }

    /// Of those that there are, the ones that FAPI 2.0 §5.4 names.
    fn fapi2_algorithms() -> AlgorithmSet {
        [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa].into()
    }
}

impl Verifier {
    /// Accepts only tokens of one kind, checked as its standard says: an [access token](Profile::AccessToken) or an
    /// [ID token](Profile::IdToken); or only tokens that are fit for [FAPI 2.0](Profile::Fapi2).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if another kind is set, if an `insecure_` call has turned off what the profile asks for, if none of its
    /// algorithms is accepted, or if more than 64 claims are required.
    pub fn with_profile(self, profile: Profile) -> Result<Self, ConfigError> {
        self.try_change(|policy| policy.add_profile(profile))
    }
}

impl VerifiedToken {
    /// Checks that this is the ID token that `access_token` came with: its `at_hash` is the hash of that
    /// ([OpenID Connect Core §3.1.3.8]), by the hash function of its own algorithm, or SHA-512 for Ed25519.
    ///
    /// # Errors
    ///
    /// [`ClaimMissing`](AuthErrorKind::ClaimMissing) or [`ClaimInvalid`](AuthErrorKind::ClaimInvalid) for want of an
    /// `at_hash`; [`ClaimRefused`](AuthErrorKind::ClaimRefused) if it is that of another access token.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_jwt_auth::{AuthError, Verifier};
    ///
    /// /// What a token endpoint has answered, to a client whose `verifier` has the profile of ID tokens.
    /// fn sign_in(verifier: &Verifier, id_token: &str, access_token: &str) -> Result<String, AuthError> {
    ///     let verified = verifier.verify(id_token)?;
    ///     verified.check_access_token_hash(access_token)?;
    ///     Ok(verified.payload().to_owned())
    /// }
    /// ```
    ///
    /// [OpenID Connect Core §3.1.3.8]: https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowTokenValidation
    pub fn check_access_token_hash(&self, access_token: &str) -> Result<(), AuthError> {
        const CLAIM: &str = "at_hash";
        let Hashed { at_hash } = read(self.payload(), CLAIM)?;
        let at_hash = at_hash.ok_or(AuthError::about(AuthErrorKind::ClaimMissing, CLAIM))?;
        let hash = half_hash(self.algorithm(), access_token.as_bytes());
        if crypto::same(at_hash.as_bytes(), hash.as_bytes()) {
            Ok(())
        } else {
            Err(AuthError::about(AuthErrorKind::ClaimRefused, CLAIM))
        }
    }
}

/// The left half of a hash, as base64url.
fn half_hash(algorithm: Algorithm, bytes: &[u8]) -> String {
    let hash = match algorithm {
        Algorithm::Hs256 | Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Es256K => {
            crypto::sha256(bytes).to_vec()
        }
        Algorithm::Hs384 | Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => crypto::sha384(bytes),
        Algorithm::Hs512 | Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Es512 | Algorithm::EdDsa => {
            crypto::sha512(bytes)
        }
    };
    let (left, _) = hash.split_at_checked(hash.len() / 2).unwrap_or_default();
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(left)
}

/// The few claims that a profile looks at; those that do not fit are said to be `claim`, which is the only one of them that
/// nobody has looked at before.
fn read<'p, T: Deserialize<'p>>(payload: &'p str, claim: &'static str) -> Result<T, AuthError> {
    serde_json::from_str(payload).map_err(|_| AuthError::about(AuthErrorKind::ClaimInvalid, claim))
}

#[derive(Deserialize)]
struct Client {
    #[serde(rename = "client_id")]
    _client_id: String,
}

#[derive(Deserialize)]
struct Party {
    aud: Count,
    #[serde(default, deserialize_with = "there")]
    azp: Option<String>,
    #[serde(default, deserialize_with = "there")]
    events: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Hashed {
    #[serde(default, deserialize_with = "there")]
    at_hash: Option<String>,
}

/// A claim that is there, be it `null`.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// How many audiences there are.
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Audiences;

        impl<'de> Visitor<'de> for Audiences {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one audience or several")
            }

            fn visit_str<E: Error>(self, _name: &str) -> Result<Count, E> {
                Ok(Count(1))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Count, A::Error> {
                let mut count = 0_usize;
                while names.next_element::<IgnoredAny>()?.is_some() {
                    count = count.saturating_add(1);
                }
                Ok(Count(count))
            }
        }

        deserializer.deserialize_any(Audiences)
    }
}
