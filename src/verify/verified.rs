use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::policy::Policy;
use super::signature::SignatureVerified;
use super::times::Times;
use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind};
use crate::source::Source;
use crate::telemetry;
use crate::token::{Algorithm, Confirmation, JoseHeader, NumericDate};

/// A token that was verified, whole: nothing but a [`Verifier`](super::Verifier) can make one.
///
/// The layer leaves it in the request's extensions. It is cheap to clone, and its `Debug` shows nothing of the token.
///
/// # Examples
///
/// What a verifier gives can be passed around:
///
/// ```
/// use tower_jwt_auth::verify::VerifiedToken;
/// use tower_jwt_auth::{AuthError, Verifier};
///
/// fn sign_in(verifier: &Verifier, token: &str) -> Result<VerifiedToken, AuthError> {
///     verifier.verify(token)
/// }
/// ```
///
/// Nobody else can make one:
///
/// ```compile_fail,E0451
/// use tower_jwt_auth::verify::VerifiedToken;
///
/// fn forge(verified: VerifiedToken) -> VerifiedToken {
///     VerifiedToken { source: tower_jwt_auth::source::Source::Bearer, ..verified }
/// }
/// ```
#[derive(Clone)]
pub struct VerifiedToken {
    verified: Arc<Verified>,
    source: Source,
}

impl VerifiedToken {
    pub(super) fn new(verified: Arc<Verified>, source: Source) -> Self {
        Self { verified, source }
    }

    /// The claims as a `T`, deserialised from the verified payload.
    ///
    /// The first three types that are asked for are kept with the token, and cost nothing when they, or the token, come
    /// again.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::ClaimsMismatch`] if they do not fit. What does not is in the event `claims do not fit`, where that is
    /// known without telling a value; `serde_json::from_str::<T>(token.payload())` says all of it.
    pub fn claims<T>(&self) -> Result<Arc<T>, AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        self.verified.typed.get_or_read(&self.verified.payload)
    }

    /// The payload as it was signed: a JSON object.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.verified.payload
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &JoseHeader {
        &self.verified.header
    }

    /// The algorithm that the signature was verified with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verified.header.algorithm
    }

    /// The name of the key that the signature was verified with, by the token or else by the key set.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.verified.header.kid().or(self.verified.key_name.as_deref())
    }

    /// Where the token was found.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// When the token expires, if it does; leeway comes on top.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.verified.times.exp?.to_system_time()
    }

    /// How much longer the token lasts, if it expires; zero within the leeway. Good for cookies and for closing a
    /// connection in time.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        let left = self.expires_at()?.duration_since(self.verified.clock.now());
        Some(left.unwrap_or_default())
    }
}

impl VerifiedToken {
    /// The claims as a `T` that is read anew each time, for what the crate itself looks at.
    pub(crate) fn read<'t, T: Deserialize<'t>>(&'t self) -> Result<T, AuthError> {
        serde_json::from_str(&self.verified.payload).map_err(|_| AuthErrorKind::ClaimsMismatch.into())
    }

    /// Whether `time`, which the token tells of, is past and no longer than `span` ago; within the leeway.
    pub(crate) fn is_recent(&self, time: NumericDate, span: Duration) -> bool {
        let Verified { clock, leeway, .. } = &*self.verified;
        let now = NumericDate::from_system_time(clock.now());
        time <= now.plus(*leeway) && now <= time.plus(span).plus(*leeway)
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("algorithm", &self.algorithm())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// What all uses of one token share.
pub(super) struct Verified {
    payload: Box<str>,
    header: Arc<JoseHeader>,
    key_name: Option<Arc<str>>,
    times: Times,
    cnf: Option<Box<Confirmation>>,
    leeway: Duration,
    clock: Arc<dyn Clock>,
    typed: TypedClaims,
}

impl Verified {
    /// Takes the proof of the signature, and with it the payload.
    pub(super) fn new(
        signed: SignatureVerified,
        header: Arc<JoseHeader>,
        payload: String,
        times: Times,
        cnf: Option<Box<Confirmation>>,
        policy: &Policy,
    ) -> Arc<Self> {
        Arc::new(Self {
            payload: payload.into_boxed_str(),
            header,
            key_name: signed.kid(),
            times,
            cnf,
            leeway: policy.leeway,
            clock: Arc::clone(&policy.clock),
            typed: TypedClaims::default(),
        })
    }

    pub(super) fn times(&self) -> &Times {
        &self.times
    }

    /// To whom it is bound, to be judged again on every use.
    pub(super) fn cnf(&self) -> Option<&Confirmation> {
        self.cnf.as_deref()
    }
}

/// The claims in the types that handlers have asked for: the first few are kept, which is all that one route uses.
#[derive(Default)]
struct TypedClaims {
    slots: [OnceLock<Arc<dyn Any + Send + Sync>>; 3],
}

impl TypedClaims {
    fn get_or_read<T>(&self, payload: &str) -> Result<Arc<T>, AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let kept =
            self.slots.iter().filter_map(OnceLock::get).find_map(|claims| Arc::clone(claims).downcast().ok());
        if let Some(claims) = kept {
            return Ok(claims);
        }
        let claims: Arc<T> = Arc::new(serde_json::from_str(payload).map_err(|error| {
            telemetry::claims_do_not_fit(std::any::type_name::<T>(), &error);
            AuthErrorKind::ClaimsMismatch
        })?);
        for slot in &self.slots {
            let offered: Arc<dyn Any + Send + Sync> = Arc::clone(&claims) as _;
            // Two requests may have read the same type at a time: then the one that was first is kept.
            if slot.get_or_init(|| offered).is::<T>() {
                break;
            }
        }
        Ok(claims)
    }
}
