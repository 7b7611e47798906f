//! What a token deserves, found out from scratch.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tower_jwt_auth::Verifier;
use tower_jwt_auth::clock::FixedClock;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::jwks::{Jwks, JwksState};
use tower_jwt_auth::test_util::{Issuer, SigningKey, jwks_of};
use tower_jwt_auth::token::Algorithm;

use crate::callers::Token;
use crate::contract::{EXPIRED_AFTER, LEEWAY, STALE_AFTER};
use crate::history::{Document, Documents, History, View};
use crate::rule::{Rule, Violation};

/// What should become of a token that is looked at with one view of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Accepted,
    Refused(AuthErrorKind),
    /// There is no set to look into.
    Pending,
    /// The set is too old to look into.
    TooOld,
    /// Its key is not in the set, which the last fetch may have failed to renew.
    Unknown {
        failed: bool,
    },
}

impl Fate {
    /// Whether another key set could change it.
    pub fn may_ask(&self) -> bool {
        matches!(self, Self::Pending | Self::Unknown { .. } | Self::Refused(AuthErrorKind::SignatureInvalid))
    }
}

/// Judges by a new [`Verifier`] over keys that are given to it: nothing is cached, fetched or remembered.
pub struct Oracle {
    issuer: Issuer,
    documents: Documents,
    /// Of strangers, one is judged for all of a family: within a second, times make no difference.
    judged: RefCell<HashMap<Alike, Judgement>>,
}

/// A family, the document that is held, and the second.
type Alike = (u64, Option<usize>, u64);

type Judgement = Result<(), AuthErrorKind>;

impl Oracle {
    pub fn new(issuer: Issuer, documents: Documents) -> Self {
        Self { issuer, documents, judged: RefCell::default() }
    }

    /// What `token` deserves at each view that there may have been at `moment`.
    pub fn fates(
        &self,
        history: &History,
        token: &Token,
        moment: Instant,
        blur: Duration,
    ) -> Result<Vec<Fate>, Violation> {
        let mut fates = Vec::new();
        for view in history.at(moment) {
            let wall = history.wall(view, moment);
            fates.push(self.fate(view, token, moment, wall)?);
            if !blur.is_zero() {
                fates.push(self.fate(view, token, moment, wall - blur)?);
            }
        }
        Ok(fates)
    }

    fn fate(&self, view: &View, token: &Token, moment: Instant, wall: SystemTime) -> Result<Fate, Violation> {
        let held = view.held.map(|number| self.documents.get(number));
        let verify = || self.verify(held.as_ref(), &token.text, wall);
        let judged = match token.family {
            Some(family) => {
                let second = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                let mut judged = self.judged.borrow_mut();
                *judged.entry((family, view.held, second)).or_insert_with(verify)
            }
            None => verify(),
        };
        let is_good = is_good(token, held.as_ref(), wall);
        if judged.is_ok() != is_good {
            let says =
                format!("a new verifier says {judged:?}, and it is plain to see: {is_good}, {token:?}");
            return Violation::of(Rule::NobodyGetsInWrongly, says);
        }
        Ok(match (judged, state(view, moment)) {
            // No key could help it.
            (Err(kind), _) if !is_about_keys(kind) => Fate::Refused(kind),
            (_, JwksState::Cold) => Fate::Pending,
            (_, JwksState::Expired) => Fate::TooOld,
            (Ok(()), _) => Fate::Accepted,
            (Err(AuthErrorKind::KeyUnknown), _) => Fate::Unknown { failed: view.failures > 0 },
            (Err(kind), _) => Fate::Refused(kind),
        })
    }

    fn verify(&self, held: Option<&Document>, token: &str, wall: SystemTime) -> Judgement {
        let keys = Jwks::from_json(held.map_or(nobodys_keys(), |held| &*held.text)).expect("a key set");
        let verifier = Verifier::new(self.issuer.url(), self.issuer.audience(), keys).expect("a policy");
        let verifier = verifier.with_token_cache(0).with_clock(FixedClock::at(wall));
        verifier.verify(token).map(|_| ()).map_err(|error| error.kind())
    }
}

/// What there is to it for who knows which key has signed the token.
fn is_good(token: &Token, held: Option<&Document>, wall: SystemTime) -> bool {
    let has_key = |key: &String| held.is_some_and(|held| held.keys.contains(key));
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let in_time = at(token.not_before) <= wall + LEEWAY && wall < at(token.expires) + LEEWAY;
    token.is_good() && token.key.as_ref().is_some_and(has_key) && in_time
}

fn is_about_keys(kind: AuthErrorKind) -> bool {
    matches!(kind, AuthErrorKind::KeyUnknown | AuthErrorKind::SignatureInvalid)
}

/// Where a key set stands that was good then.
pub fn state(view: &View, moment: Instant) -> JwksState {
    match view.good_at.map(|then| moment.saturating_duration_since(then)) {
        None => JwksState::Cold,
        Some(age) if age < STALE_AFTER => JwksState::Fresh,
        Some(age) if age < EXPIRED_AFTER => JwksState::Stale,
        Some(_) => JwksState::Expired,
    }
}

fn nobodys_keys() -> &'static str {
    static KEYS: OnceLock<String> = OnceLock::new();
    KEYS.get_or_init(|| jwks_of([&SigningKey::generate(Algorithm::Es256, "nobody's")]))
}
