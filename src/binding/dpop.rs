use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::memory::Memory;
use super::nonces::{NonceAge, Nonces};
use super::origin::Origin;
use super::proof::{Demands, Subject};
use crate::clock::Clock;
use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::replay::{ReplayRule, ReplayStore, TokenId};
use crate::token::{Algorithm, AlgorithmSet, ProvenKey};

/// How old a proof may be by default; the [leeway](PROOF_LEEWAY) comes on top.
pub const DEFAULT_PROOF_AGE: Duration = Duration::from_secs(60);

/// The most that can be set: proofs are remembered for as long.
pub const MAX_PROOF_AGE: Duration = Duration::from_secs(10 * 60);

/// The clock difference that is forgiven to clients, on top of the age and into the future: as much as a verifier forgives to
/// its issuer by default. Deliberately not that of the verifier, of which there may be several.
pub const PROOF_LEEWAY: Duration = Duration::from_secs(30);

/// Where a client puts its proof.
pub(crate) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// Where it is told the nonce for the next one.
pub(crate) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How tokens are used that are bound to a key of their sender ([RFC 9449]).
///
/// Its clones share one memory of the proofs that were used, so that each proof counts once in however many layers they are
/// put into; make those that take proofs of different ages before the first request, as a proof that came earlier is kept for
/// the longest age that there was by then. Of two layers around one another, each needs one of its own: to the inner, every proof would have come before.
///
/// See the [module docs](super).
///
/// [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
#[derive(Clone)]
#[must_use]
pub struct Dpop {
    origins: Vec<Origin>,
    algorithms: AlgorithmSet,
    max_age: Duration,
    demand: Demand,
    nonces: Option<Arc<Nonces>>,
    replay: Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Required,
    Optional,
}

/// Who remembers which proofs were used.
#[derive(Clone)]
enum Replay {
    /// All clones of one.
    Memory(Arc<Memory>),
    Store(ReplayRule),
    /// Nobody, by an `insecure_` call.
    Nobody,
}

impl Dpop {
    /// Takes proofs whose `htu` is at `origin`: where clients reach the service, as they write it, such as
    /// `https://api.example.com`.
    ///
    /// A path in it is a part that a proxy takes off before the service sees it: behind one that passes
    /// `https://example.com/api/orders` on as `/orders`, this is `https://example.com/api`. What axum's `nest` takes off is
    /// known here, and does not belong in it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `origin` is no URL of https or http, or has a query, a fragment, a user or a dot segment.
    pub fn new(origin: &str) -> Result<Self, ConfigError> {
        let algorithms =
            [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Ps256, Algorithm::Rs256];
        Ok(Self {
            origins: vec![Origin::new(origin)?],
            algorithms: algorithms.into(),
            max_age: DEFAULT_PROOF_AGE,
            demand: Demand::Optional,
            nonces: None,
            replay: Replay::Memory(Arc::default()),
        })
    }

    /// Takes proofs for `origin` too, another name of the same service.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_additional_origin(mut self, origin: &str) -> Result<Self, ConfigError> {
        self.origins.push(Origin::new(origin)?);
        Ok(self)
    }

    /// Refuses every token that is not bound to a key, and every one that is sent without a proof of it. By default tokens
    /// that are bound to nothing are let in as bearers.
    pub fn required(mut self) -> Self {
        self.demand = Demand::Required;
        self
    }

    /// Takes proofs of these algorithms instead of ES256, ES384, Ed25519, PS256 and RS256.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if there is none, or one for a shared secret.
    pub fn with_algorithms(mut self, algorithms: impl Into<AlgorithmSet>) -> Result<Self, ConfigError> {
        let algorithms = algorithms.into();
        if algorithms.is_empty() || algorithms.iter().any(Algorithm::is_symmetric) {
            return Err(ConfigError::new(format!(
                "[{algorithms}] proves no key: name one or more algorithms with a public key"
            )));
        }
        self.algorithms = algorithms;
        Ok(self)
    }

    /// Takes proofs that are up to `max_age` old instead of [60 s](DEFAULT_PROOF_AGE). A [leeway](PROOF_LEEWAY) of 30 s
    /// comes on top, for clients whose clocks are behind; and by that much, `iat` may be in the future.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `max_age` is longer than [`MAX_PROOF_AGE`].
    pub fn with_proof_age(mut self, max_age: Duration) -> Result<Self, ConfigError> {
        if max_age > MAX_PROOF_AGE {
            return Err(ConfigError::new(format!(
                "a proof is at most {MAX_PROOF_AGE:?} old, not {max_age:?}"
            )));
        }
        self.max_age = max_age;
        if let Replay::Memory(memory) = &self.replay {
            memory.keep_for(max_age);
        }
        Ok(self)
    }

    /// Takes only proofs with a nonce that was given out here in the last minutes: nobody can make proofs in advance, and
    /// leave with them what they are to be used by ([RFC 9449 §11.2]).
    ///
    /// A client without one gets 401, `use_dpop_nonce` and a nonce, and tries again; one whose nonce is about to end gets
    /// the next with its answer. Nothing is kept: a nonce is a MAC of the time. Its secret is random, and known to this
    /// process alone: replicas need [a shared one](Self::with_shared_nonces).
    ///
    /// [RFC 9449 §11.2]: https://www.rfc-editor.org/rfc/rfc9449#section-11.2
    pub fn with_nonces(mut self) -> Self {
        self.nonces = Some(Arc::new(Nonces::of_this_process()));
        self
    }

    /// [Nonces](Self::with_nonces) that every replica with the same `secret` knows.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `secret` has fewer than 32 bytes.
    pub fn with_shared_nonces(mut self, secret: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.nonces = Some(Arc::new(Nonces::shared(secret.as_ref())?));
        Ok(self)
    }

    /// Has `store` remember which proofs were used, instead of the memory that the clones of this one share: for replicas, and
    /// for settings that were not cloned from one. It may be the one that remembers tokens.
    ///
    /// It remembers each for [as long as can be set](MAX_PROOF_AGE), whatever is set here: others that share it may take older
    /// ones. One that gives no answer, or is full, lets nobody in who has to prove a key.
    pub fn with_replay_store(mut self, store: impl ReplayStore) -> Self {
        self.replay = Replay::Store(ReplayRule::single_use(store));
        self
    }

    /// Remembers no proof.
    ///
    /// # Security
    ///
    /// Who sees a request can send it again, for as long as its proof is not too old: [nonces](Self::with_nonces) do not
    /// prevent that.
    pub fn insecure_accept_repeated_proofs(mut self) -> Self {
        self.replay = Replay::Nobody;
        self
    }

    /// Whether nothing else is let in.
    fn is_required(&self) -> bool {
        self.demand == Demand::Required
    }

    fn algorithm_names(&self, are_taken: impl Fn(Algorithm) -> bool) -> Box<str> {
        let both = |algorithm: Algorithm| match algorithm {
            Algorithm::EdDsa => "EdDSA Ed25519",
            other => other.name(),
        };
        self.algorithms
            .iter()
            .filter(|algorithm| are_taken(*algorithm))
            .map(both)
            .collect::<Vec<_>>()
            .join(" ")
            .into()
    }
}

/// For the list of what a layer checks.
impl fmt::Display for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins: Vec<_> = self.origins.iter().map(ToString::to_string).collect();
        let age = self.max_age;
        write!(
            f,
            "DPoP proofs are for {}, of one of [{}], up to {age:?} old",
            origins.join(" or "),
            self.algorithms
        )?;
        if self.nonces.is_some() {
            f.write_str(", with a nonce")?;
        }
        match self.demand {
            Demand::Required => f.write_str("; every token is bound to a key"),
            Demand::Optional => Ok(()),
        }?;
        match self.replay {
            Replay::Memory(_) | Replay::Store(_) => f.write_str("; each proof counts once"),
            Replay::Nobody => f.write_str("; PROOFS COUNT MORE THAN ONCE"),
        }
    }
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dpop({self})")
    }
}

/// The settings at work at one entrance.
pub(crate) struct ProofRule {
    dpop: Dpop,
}

/// The request that a proof has to be for.
pub(crate) struct ProvenRequest<'r> {
    pub(crate) method: &'r Method,
    /// As the client has sent it.
    pub(crate) path: &'r str,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) token: &'r [u8],
}

/// A good proof, whose use is still to be recorded.
pub(crate) struct Proof {
    rule: Arc<ProofRule>,
    key: ProvenKey,
    id: TokenId,
    /// When it was judged, and from when on it is too old.
    seen: SystemTime,
    until: SystemTime,
    /// For the next one, if the nonce of this one is about to end.
    next_nonce: Option<HeaderValue>,
}

impl ProofRule {
    /// `clock` is what proofs are judged by.
    pub(crate) fn new(dpop: Dpop, clock: &Arc<dyn Clock>) -> Self {
        if let Replay::Memory(memory) = &dpop.replay {
            memory.join(clock, dpop.max_age);
        }
        Self { dpop }
    }

    pub(crate) fn is_required(&self) -> bool {
        self.dpop.is_required()
    }

    /// For `algs` in a challenge, those that `are_taken`. Ed25519 goes by both of its names: a client looks for the one that
    /// it knows.
    pub(crate) fn algorithm_names(&self, are_taken: impl Fn(Algorithm) -> bool) -> Box<str> {
        self.dpop.algorithm_names(are_taken)
    }

    /// The proof that comes with `request`, if it is a good one for it.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::ProofInvalid`], and [`AuthErrorKind::ProofNonceRequired`].
    pub(crate) fn check(
        self: &Arc<Self>,
        request: &ProvenRequest<'_>,
        now: SystemTime,
    ) -> Result<Proof, AuthError> {
        // 1. One proof, and no more (RFC 9449 §4.3).
        let mut lines = request.headers.get_all(PROOF).iter();
        let (Some(proof), None) = (lines.next(), lines.next()) else {
            return Err(AuthErrorKind::ProofInvalid.into());
        };
        let demands = Demands {
            algorithms: self.dpop.algorithms,
            origins: &self.dpop.origins,
            nonces: self.dpop.nonces.as_deref(),
            max_age: self.dpop.max_age,
            leeway: PROOF_LEEWAY,
        };
        let subject =
            Subject { method: request.method.as_str(), path: request.path, token: request.token, now };
        let good = demands.check(proof.as_bytes(), &subject)?;
        let is_old = good.nonce == Some(NonceAge::Previous);
        let next_nonce = if is_old { self.nonce(now) } else { None };
        Ok(Proof {
            rule: Arc::clone(self),
            key: good.key,
            id: good.id,
            seen: now,
            until: good.until,
            next_nonce,
        })
    }

    /// The nonce that is given out now, if any is.
    pub(crate) fn nonce(&self, now: SystemTime) -> Option<HeaderValue> {
        // It is base64url, which is a header's value as it stands.
        HeaderValue::from_str(&self.dpop.nonces.as_ref()?.current(now)).ok()
    }
}

impl Proof {
    /// What its sender holds.
    pub(crate) fn key(&self) -> ProvenKey {
        self.key
    }

    pub(crate) fn next_nonce(&self) -> Option<&HeaderValue> {
        self.next_nonce.as_ref()
    }

    /// Whether its use has to be recorded, which takes time.
    pub(crate) fn counts_once(&self) -> bool {
        !matches!(self.rule.dpop.replay, Replay::Nobody)
    }

    /// Uses it up; to be called when all else is good, so that nobody can use up a proof that would not have counted.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::ProofReplayed`], and [`AuthErrorKind::ReplayUnavailable`].
    pub(crate) async fn use_up(&self) -> Result<(), AuthError> {
        let Dpop { replay, max_age, .. } = &self.rule.dpop;
        let is_first = match replay {
            Replay::Memory(memory) => {
                let left = self.until.duration_since(self.seen).unwrap_or_default();
                memory.is_first_use(self.id, left, *max_age).await?
            }
            // Others may use it that take older ones.
            Replay::Store(rule) => {
                let longer = MAX_PROOF_AGE.saturating_sub(*max_age);
                rule.is_first_use(self.id, self.until.checked_add(longer).unwrap_or(self.until)).await?
            }
            Replay::Nobody => true,
        };
        if is_first { Ok(()) } else { Err(AuthErrorKind::ProofReplayed.into()) }
    }
}

impl fmt::Display for ProofRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dpop.fmt(f)
    }
}
