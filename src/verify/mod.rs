//! Checking a token: the numbered steps of [`Verifier::verify`].
//!
//! A [`Verifier`] is a value of its own. The layer has one inside; a WebSocket handler, a queue consumer or a test can
//! use one without any HTTP.
//!
//! # Examples
//!
//! ```
//! use tower_jwt_auth::Verifier;
//! use tower_jwt_auth::jwks::SharedSecret;
//! use tower_jwt_auth::token::Algorithm;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
//! let verifier = Verifier::new("https://login.example.com", "my-api", secret)?.require_claim("sub")?;
//!
//! let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
//!     eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoibXktYXBpIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.\
//!     s3-InWBpIjbe79O4AeduBf3C7_0UG7faSxBgkdIpi0c";
//! let verified = verifier.verify(token)?;
//! assert_eq!(verified.payload(), r#"{"iss":"https://login.example.com","aud":"my-api","sub":"ada","exp":4102444800}"#);
//!
//! let forged = token.replace("YWRh", "ZXZl"); // eve, under a signature for ada
//! assert_eq!(verifier.verify(&forged).unwrap_err().code(), "signature_invalid");
//! assert_eq!(verifier.verify("not.a.token").unwrap_err().code(), "token_malformed");
//! # Ok(()) }
//! ```
//!
//! Those of several issuers, or of many tenants, are [`Verifiers`]; a [`Profile`] tells kinds of tokens apart.

mod authority;
mod binding;
mod builder;
mod cache;
mod explain;
mod explanation;
#[cfg(test)]
mod interleavings;
mod policy;
mod profile;
mod signature;
mod stop;
mod tenants;
mod times;
mod verified;
mod verifiers;
mod words;

use std::fmt;
use std::sync::Arc;

pub use authority::Authority;
pub(crate) use binding::{Presented, Sender};
pub use cache::{MAX_CACHED_AGE, MAX_CACHED_TOKEN_BYTES};
pub use explanation::{Check, Explanation, Outcome};
pub use policy::{DEFAULT_LEEWAY, MAX_LEEWAY};
pub use profile::{FAPI2_SKEW, Profile};
use stop::answer_for;
pub(crate) use stop::{Stop, Want};
pub use tenants::{DEFAULT_TENANTS, MAX_TENANTS, TENANT_INTERVAL, Tenants};
pub use verified::VerifiedToken;
pub use verifiers::Verifiers;

use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::jwks::{Lack, Waited};
use crate::remote::Vouched;
use crate::source::Source;
use crate::telemetry::{self, CacheUse, VerifyTimer};
use crate::token::{SignatureRoom, UnverifiedClaims, UnverifiedHeader, UnverifiedToken};
use authority::AuthorityNow;
use cache::{Recalled, TokenCache};
use policy::Policy;
use times::Times;
use verified::Verified;

/// Turns the text of a token into a [`VerifiedToken`], or says why not.
///
/// See the [module docs](self). Its [`Display`](fmt::Display) lists every check that it makes, and those it does not.
///
/// # Verification
///
/// The steps, in this order; the first that a token fails is the answer. Those before the signature can only refuse: they
/// keep hopeless tokens from costing a signature or a fetch, and nothing is accepted on their word.
///
/// 1. It has three parts and at most [16 KiB](crate::token::MAX_TOKEN_BYTES) ([RFC 7515 §7.1]).
/// 2. Its header is understood in full: one JSON object, each member once, no `crit`, `b64`, `zip` or nested JWT, and no
///    `typ` of a kind that is never presented by a bearer ([RFC 7515 §4], [RFC 8725 §3.12]).
/// 3. Its `alg` and, where the policy names one, its `typ` are accepted ([RFC 8725 §3.1], [RFC 7515 §4.1.9]).
/// 4. Its payload is one JSON object, each registered claim once and of its type ([RFC 7519 §7.2]).
/// 5. `iss`, `aud`, `sub`, `cnf`, the presence of claims and what a [profile](Self::with_profile) asks of them satisfy the
///    policy ([RFC 7519 §4.1], [RFC 8725 §3.8]).
/// 6. So do `exp`, `nbf` and `iat` ([RFC 7519 §4.1.4], [RFC 7519 §4.1.5]). Where [late links](Self::distinguish_late_links)
///    are told apart, a token that is expired, and nothing else, goes on to be refused after step 9.
/// 7. Its signature is strict base64url, the keys are not too old, and one of the issuer's has its `kid` and its `alg`
///    ([RFC 7515 §6]). [`explain`](Self::explain) counts the first of these as a part of the signature.
/// 8. That key made its signature ([RFC 7515 §5.2]); or, instead of both, the issuer's
///    [endpoint](crate::remote) says that it did.
/// 9. The [rules](Self::with_rule) of the application accept it.
///
/// A token that was accepted before, with the same text, policy and keys, goes through its `cnf` in step 5, through step 6,
/// the age of the keys and step 9 again.
///
/// [RFC 7515 §4]: https://www.rfc-editor.org/rfc/rfc7515#section-4
/// [RFC 7515 §4.1.9]: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
/// [RFC 7515 §5.2]: https://www.rfc-editor.org/rfc/rfc7515#section-5.2
/// [RFC 7515 §6]: https://www.rfc-editor.org/rfc/rfc7515#section-6
/// [RFC 7515 §7.1]: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
/// [RFC 7519 §4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1
/// [RFC 7519 §4.1.4]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
/// [RFC 7519 §4.1.5]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5
/// [RFC 7519 §7.2]: https://www.rfc-editor.org/rfc/rfc7519#section-7.2
/// [RFC 8725 §3.1]: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
/// [RFC 8725 §3.8]: https://www.rfc-editor.org/rfc/rfc8725#section-3.8
/// [RFC 8725 §3.12]: https://www.rfc-editor.org/rfc/rfc8725#section-3.12
#[must_use]
pub struct Verifier {
    policy: Policy,
    authority: Authority,
    cache: TokenCache,
}

impl Verifier {
    /// Accepts tokens of `issuer` for `audience` that `authority` vouches for: its keys, or itself.
    ///
    /// Both names are compared code point by code point with the token's `iss` and `aud`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `issuer` or `audience` is empty, if keys were discovered for another issuer, or if there is no
    /// HTTP client to ask an endpoint with.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        authority: impl Into<Authority>,
    ) -> Result<Self, ConfigError> {
        let authority = authority.into();
        let policy = Policy::new(issuer.into(), audience.into(), &authority)?;
        Ok(Self { policy, authority, cache: TokenCache::default() })
    }

    /// Verifies `token` with what is here now.
    ///
    /// It never waits. A token whose key is not here is refused, and may cause a fetch in the background; one that a
    /// provider would have to be asked about is refused with 503. See [`verify_or_ask`](Self::verify_or_ask).
    ///
    /// # Errors
    ///
    /// The first [step](Self#verification) that `token` fails; [`KeysPending`](AuthErrorKind::KeysPending),
    /// [`KeysUnavailable`](AuthErrorKind::KeysUnavailable) or [`VerifierUnavailable`](AuthErrorKind::VerifierUnavailable) if
    /// it cannot be told.
    pub fn verify(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        let presented = Presented::from(Source::Direct);
        let want = match self.check(token.as_bytes(), &presented) {
            Ok(verified) => return Ok(verified),
            Err(Stop::Refused(error)) => return Err(error),
            Err(Stop::Lacking(want)) => want,
        };
        if let (Authority::Keys(jwks), Want::Keys(lack)) = (&self.authority, &want) {
            jwks.request(lack);
        }
        self.examine_finally(token, &presented, Waited::Settled, None)
    }

    /// Verifies `token`, waiting where that may help: up to 1 s for the first key set, up to 2 s for a fetch that may bring
    /// its key, up to 6 s for what its provider says of it.
    ///
    /// Only a token whose issuer, audience, times and algorithm already satisfy the policy waits for anything, and
    /// only one attempt in 30 s causes a fetch. Outside of a tokio runtime nothing is waited for.
    ///
    /// # Errors
    ///
    /// As for [`verify`](Self::verify).
    pub async fn verify_or_ask(&self, token: &str) -> Result<VerifiedToken, AuthError> {
        self.verify_presented(token, &Source::Direct.into()).await
    }

    /// [`verify_or_ask`](Self::verify_or_ask) for a token that is `presented` so.
    pub(crate) async fn verify_presented(
        &self,
        token: &str,
        presented: &Presented,
    ) -> Result<VerifiedToken, AuthError> {
        match self.check(token.as_bytes(), presented) {
            Ok(verified) => Ok(verified),
            Err(Stop::Refused(error)) => Err(error),
            Err(Stop::Lacking(want)) => self.wait_and_check(token, presented, want).await,
        }
    }

    /// The second half of [`verify_presented`](Self::verify_presented).
    pub(crate) async fn wait_and_check(
        &self,
        token: &str,
        presented: &Presented,
        want: Want,
    ) -> Result<VerifiedToken, AuthError> {
        let lack = match (&self.authority, want) {
            (Authority::Endpoint(endpoint), _) => {
                if tokio::runtime::Handle::try_current().is_err() {
                    return Err(AuthErrorKind::VerifierUnavailable.into());
                }
                let asked = endpoint.ask(token).await;
                let vouched = asked.map_err(|error| self.policy.name_lateness(error, presented.source))?;
                return self.examine_finally(token, presented, Waited::Settled, Some(vouched));
            }
            (_, Want::Answer) => return self.examine_finally(token, presented, Waited::Settled, None),
            (_, Want::Keys(lack)) => lack,
        };
        let waited = match &self.authority {
            Authority::Keys(jwks) => jwks.wait_for(&lack).await,
            _ => Waited::Settled,
        };
        if lack == Lack::FirstSet && waited == Waited::Settled {
            // The set came, perhaps without the token's key: that may be worth the one attempt.
            return match self.check(token.as_bytes(), presented) {
                Ok(verified) => Ok(verified),
                Err(Stop::Refused(error)) => Err(error),
                Err(Stop::Lacking(Want::Keys(Lack::FirstSet))) => Err(AuthErrorKind::KeysPending.into()),
                Err(Stop::Lacking(still)) => Box::pin(self.wait_and_check(token, presented, still)).await,
            };
        }
        self.examine_finally(token, presented, waited, None)
    }

    fn examine_finally(
        &self,
        token: &str,
        presented: &Presented,
        waited: Waited,
        vouched: Option<Vouched>,
    ) -> Result<VerifiedToken, AuthError> {
        self.examine(token.as_bytes(), presented, vouched).map_err(|stop| match stop {
            Stop::Refused(error) => error,
            Stop::Lacking(want) => answer_for(&want, waited),
        })
    }

    /// Verifies with what is here; what may be worth waiting for is left open.
    pub(crate) fn check(&self, text: &[u8], presented: &Presented) -> Result<VerifiedToken, Stop> {
        self.examine(text, presented, None).map_err(|stop| match stop {
            Stop::Lacking(want) if !self.may_come(&want) => Stop::Refused(answer_for(&want, Waited::Settled)),
            stop => stop,
        })
    }

    fn may_come(&self, want: &Want) -> bool {
        match (&self.authority, want) {
            (Authority::Keys(jwks), Want::Keys(lack)) => jwks.may_bring(lack),
            (Authority::Endpoint(_), Want::Answer) => true,
            _ => false,
        }
    }

    /// The steps of [`Verifier`](Self#verification).
    fn examine(
        &self,
        text: &[u8],
        presented: &Presented,
        vouched: Option<Vouched>,
    ) -> Result<VerifiedToken, Stop> {
        let source = presented.source;
        let now = self.policy.now();
        let authority = AuthorityNow::load(&self.authority);
        let generation = authority.generation();

        // 0. The same text verified before, under the same policy and the same keys: only time and the sender may be others.
        let recalled =
            generation.map_or(Recalled::Nothing, |generation| self.cache.get(text, generation, now));
        if let Recalled::Accepted(verified) = recalled {
            self.policy.judge_binding(verified.cnf(), presented)?;
            let timeliness = self.policy.judge_timeliness(verified.times(), now, source)?;
            authority.check_age().map_err(|stop| stop.for_a_token_that_is(timeliness))?;
            let token = VerifiedToken::new(verified, source);
            self.policy.conclude(&token, timeliness)?;
            telemetry::verified(CacheUse::Hit);
            return Ok(token);
        }
        let _timer = VerifyTimer::start();

        // 1. Three parts, within the size limit (RFC 7515 §7.1).
        let token = UnverifiedToken::split(text)?;

        // 2. A header that is understood in full (RFC 7515 §4, RFC 8725 §3.12).
        let known_headers = authority.known_headers();
        let known = known_headers.and_then(|headers| headers.find(token.encoded_header()));
        let json = if known.is_some() { Vec::new() } else { token.decode_header()? };
        let header = match known {
            Some(known) => UnverifiedHeader::from(&**known),
            None => UnverifiedHeader::parse(&json)?,
        };

        // 3. An algorithm and a type that this verifier accepts (RFC 8725 §3.1, RFC 7515 §4.1.9).
        self.policy.check_header(&header)?;

        // 4. Claims that are an object, each registered one once and of its type (RFC 7519 §7.2).
        let payload = token.decode_payload()?;
        let mut claims = UnverifiedClaims::parse(&payload, self.policy.audiences(), self.policy.required())?;

        // 5. Issuer, audience, subject, presence and binding (RFC 7519 §4.1, RFC 8725 §3.8, §3.9).
        self.policy.check_claims(&claims, presented)?;
        self.policy.check_profile(&payload)?;
        let cnf = claims.cnf.take();

        // 6. Time (RFC 7519 §4.1.4, §4.1.5). Whether a link was good until then takes its signature to say.
        let times = Times::of(&claims);
        let timeliness = self.policy.judge_timeliness(&times, now, source)?;

        // 7. A key of the issuer, of this name and this algorithm (RFC 7515 §6, RFC 8725 §3.1), and
        // 8. its signature over header and payload as they came (RFC 7515 §5.2), or the issuer's own word for it.
        let mut room = SignatureRoom::new();
        let signature = token.decode_signature(&mut room)?;
        let signed = authority.verify(&token, &header, &signature, vouched);
        let signed = signed.map_err(|stop| stop.for_a_token_that_is(timeliness))?;

        // 9. What the application asks of claims that are now known to be the issuer's.
        let read = known.map_or_else(|| Arc::new(header.to_owned()), Arc::clone);
        let verified = Verified::new(signed, Arc::clone(&read), payload, times, cnf, &self.policy);
        let accepted = VerifiedToken::new(Arc::clone(&verified), source);
        self.policy.conclude(&accepted, timeliness)?;

        if let (Some(headers), None) = (known_headers, known) {
            headers.keep(token.encoded_header(), &read);
        }
        if let Some(generation) = generation {
            self.cache.insert(text, &recalled, generation, now, verified);
        }
        telemetry::verified(CacheUse::Miss);
        Ok(accepted)
    }

    /// What its times are judged by.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.policy.clock)
    }

    /// Whose tokens are accepted: none if anybody's.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.policy.issuer.as_deref()
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.policy, self.authority)?;
        match self.authority {
            Authority::Endpoint(_) => Ok(()),
            _ => write!(f, "; {}", self.cache),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}
