//! The settings of a [`Verifier`]: whatever has no safe default is an argument of its constructor instead.

use std::sync::Arc;
use std::time::Duration;

use super::cache::TokenCache;
use super::policy::{Demand, LateLinks, MAX_LEEWAY, Policy, Rule};
use super::{VerifiedToken, Verifier};
use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::token::AlgorithmSet;

impl Verifier {
    /// Accepts tokens for `audience` too.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `audience` is empty, or any is accepted already.
    pub fn with_additional_audience(self, audience: impl Into<String>) -> Result<Self, ConfigError> {
        self.try_change(|policy| policy.add_audience(audience.into()))
    }

    /// Accepts only these algorithms, of those that the keys are for.
    ///
    /// An RSA key that names no algorithm is RS256 unless its
    /// [key set](crate::jwks::JwksBuilder::with_algorithms) says otherwise.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is none, or one that was not accepted before.
    pub fn with_algorithms(self, algorithms: impl Into<AlgorithmSet>) -> Result<Self, ConfigError> {
        self.try_change(|policy| policy.narrow(algorithms.into()))
    }

    /// Accepts only tokens whose `typ` is `typ`, such as `at+jwt`, compared as a media type ([RFC 7515 §4.1.9]).
    ///
    /// [RFC 7515 §4.1.9]: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
    pub fn with_type(self, typ: impl Into<String>) -> Self {
        self.change(|policy| policy.typ = Some(typ.into()))
    }

    /// Accepts only tokens whose `sub` is `subject`.
    pub fn with_subject(self, subject: impl Into<String>) -> Self {
        self.change(|policy| policy.subject = Some(subject.into()))
    }

    /// Forgives a clock difference of `leeway` instead of [30 s](super::DEFAULT_LEEWAY).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `leeway` is longer than [`MAX_LEEWAY`].
    pub fn with_leeway(self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > MAX_LEEWAY {
            return Err(ConfigError::new(format!("a leeway is at most {MAX_LEEWAY:?}, not {leeway:?}")));
        }
        Ok(self.change(|policy| policy.leeway = leeway))
    }

    /// Accepts a token for `max_age` from its `iat` on, which is then required and must not be in the future.
    pub fn with_max_age(self, max_age: Duration) -> Self {
        self.change(|policy| policy.max_age = Some(max_age))
    }

    /// Accepts only tokens that live for no longer than `max_lifetime`, from `iat` to `exp`; both are then required, and
    /// `iat` must not be in the future.
    pub fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        self.change(|policy| policy.max_lifetime = Some(max_lifetime))
    }

    /// Refuses a token whose `iat` lies more than `skew` in the future, if it has one. [FAPI 2.0](super::Profile::Fapi2) has a
    /// skew of its own, which counts instead.
    pub fn with_issued_at_skew(self, skew: Duration) -> Self {
        self.change(|policy| policy.issued_at_skew = Some(skew))
    }

    /// Tells a link that was clicked too late, [`LinkExpired`](AuthErrorKind::LinkExpired), from any other expired token: a
    /// page can offer to send another.
    ///
    /// Only tokens from the query are told apart, and only if a key that is here made their signature, which an expired
    /// token otherwise does not cost.
    pub fn distinguish_late_links(self) -> Self {
        self.change(|policy| policy.late_links = LateLinks::Named)
    }

    /// Accepts only tokens that have `claim`, not null.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if more than 64 claims are required.
    pub fn require_claim(self, claim: &'static str) -> Result<Self, ConfigError> {
        self.try_change(|policy| policy.require(claim))
    }

    /// Accepts only tokens that `accepts` accepts; a refusal names `name`.
    ///
    /// It is asked after the signature, and again whenever a cached token is used.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_jwt_auth::jwks::SharedSecret;
    /// use tower_jwt_auth::token::Algorithm;
    /// use tower_jwt_auth::Verifier;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Phone {
    ///     verified: bool,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let secret = SharedSecret::new(Algorithm::Hs256, [7; 32])?;
    /// let verifier = Verifier::new("https://login.example.com", "my-api", secret)?
    ///     .with_rule("verified", |token| token.claims::<Phone>().is_ok_and(|phone| phone.verified));
    /// # Ok(()) }
    /// ```
    pub fn with_rule(
        self,
        name: &'static str,
        accepts: impl Fn(&VerifiedToken) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with_check(name, move |token| {
            if accepts(token) { Ok(()) } else { Err(AuthError::about(AuthErrorKind::ClaimRefused, name)) }
        })
    }

    /// A [rule](Self::with_rule) that names its own refusals.
    pub(crate) fn with_check(
        self,
        name: &'static str,
        judge: impl Fn(&VerifiedToken) -> Result<(), AuthError> + Send + Sync + 'static,
    ) -> Self {
        let rule = Rule { name, judge: Arc::new(judge) };
        self.change(|policy| policy.rules.push(rule))
    }

    /// Judges times by `clock` instead of the machine's.
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.with_shared_clock(Arc::new(clock))
    }

    pub(crate) fn with_shared_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.change(|policy| policy.clock = clock)
    }

    /// Remembers up to `tokens` accepted tokens, instead of 1,024; 0 turns the cache off.
    ///
    /// Once it is full, a token is remembered when it comes for the second time: those that come once drive nobody out.
    /// What an [endpoint](crate::remote) has said is remembered there.
    pub fn with_token_cache(mut self, tokens: usize) -> Self {
        self.cache = TokenCache::new(tokens);
        self
    }

    /// Accepts tokens of any issuer that the keys can verify.
    ///
    /// # Security
    ///
    /// Whoever can get a token signed with these keys, for any tenant or purpose, gets in. Without effect after
    /// [`with_profile`](Self::with_profile), which asks for the issuer.
    pub fn insecure_accept_any_issuer(self) -> Self {
        self.change(|policy| policy.loosen(|policy| policy.issuer = None))
    }

    /// Accepts tokens for any audience, or none.
    ///
    /// # Security
    ///
    /// A token that a user gave to any other service of the same issuer, honest or not, gets in here. Without effect after
    /// [`with_profile`](Self::with_profile), which asks for the audience.
    pub fn insecure_accept_any_audience(self) -> Self {
        self.change(|policy| policy.loosen(|policy| policy.audiences = None))
    }

    /// Accepts tokens without `exp`; one that is there still counts.
    ///
    /// # Security
    ///
    /// Such a token is good for ever: a leak can be mended only by removing its key. Without effect after
    /// [`with_profile`](Self::with_profile), which asks for an end.
    pub fn insecure_accept_without_expiry(self) -> Self {
        self.change(|policy| policy.loosen(|policy| policy.expiry = Demand::Optional))
    }

    /// Accepts a token that is bound to its sender (`cnf`) from anybody.
    ///
    /// # Security
    ///
    /// The issuer bound it so that a stolen one is worth nothing; here it is worth everything. Without effect after
    /// [`Profile::Fapi2`](super::Profile::Fapi2), which is about bound tokens.
    pub fn insecure_ignore_binding(self) -> Self {
        self.change(Policy::ignore_binding)
    }

    /// Changes the policy, and forgets what was accepted under the old one.
    fn change(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self.cache = self.cache.emptied();
        self
    }

    pub(super) fn try_change(
        mut self,
        change: impl FnOnce(&mut Policy) -> Result<(), ConfigError>,
    ) -> Result<Self, ConfigError> {
        change(&mut self.policy)?;
        self.cache = self.cache.emptied();
        Ok(self)
    }
}
