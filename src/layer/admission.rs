use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::entrance::Entrance;
use crate::binding::Proof;
use crate::error::{AuthError, AuthErrorKind};
use crate::handoff::{Arrival, HandOff, see_other};
use crate::replay::{Nonce, Receipt};
use crate::source::{CookieName, Source, cookie_that_ends};
use crate::token::{MAX_TOKEN_BYTES, unverified_payload};
use crate::verify::{Presented, VerifiedToken, Verifier, Want};

/// A token on its way in, of which not all can be judged at once.
pub(super) struct Admission {
    pub(super) entrance: Arc<Entrance>,
    pub(super) text: Box<str>,
    pub(super) presented: Presented,
    /// That its sender holds a key, for this request.
    pub(super) proof: Option<Proof>,
    pub(super) progress: Progress,
    /// The nonce that the request expects in it.
    pub(super) nonce: Option<Nonce>,
    /// What the browser got when the token was handed over to it.
    pub(super) receipt: Option<Receipt>,
    /// Where the browser goes on, if the token came in a link.
    pub(super) arrival: Option<Arrival>,
    /// What may be the sessions that this browser has already.
    pub(super) sessions: Vec<Session>,
}

/// A cookie beside a link, and the entrance that it may be a session at.
pub(super) struct Session {
    entrance: Arc<Entrance>,
    /// Shared with the other entrances that read it.
    cookie: Arc<str>,
}

/// A cookie that is longer signs nobody in.
const MAX_SESSION_BYTES: usize = MAX_TOKEN_BYTES + Receipt::ADDED_BYTES;

/// How far the verification has come.
pub(super) enum Progress {
    Verified(VerifiedToken),
    Lacking(Arc<Verifier>, Want),
}

/// What becomes of a request whose token is good.
pub(super) enum Admitted {
    PassedOn {
        token: VerifiedToken,
        expiry_notice: Option<Duration>,
        cookie: Option<HeaderValue>,
    },
    /// The browser was sent on with a cookie.
    HandedOver(Response<String>),
}

impl Admission {
    /// The rest of the way: signature, nonce, and last the stores, which use up only what everything else has let in.
    pub(super) async fn decide(self) -> Result<Admitted, AuthError> {
        let Self { entrance, text, presented, proof, progress, nonce, receipt, arrival, sessions } = self;
        let token = match progress {
            Progress::Verified(token) => token,
            Progress::Lacking(verifier, want) => verifier.wait_and_check(&text, &presented, want).await?,
        };
        if let Some(nonce) = &nonce {
            nonce.check(&token)?;
        }
        let replay = entrance.replay.as_ref().filter(|_| arrival.is_none());
        if let Some(proof) = &proof {
            // Whose token does not count any more, fills no memory of proofs.
            if let Some(replay) = replay {
                replay.look(&token, receipt.as_ref()).await?;
            }
            proof.use_up().await?;
        }
        match (arrival, &entrance.hand_off, entrance.sources.cookie()) {
            (None, ..) => {
                // Who has only looked has not used it up.
                if let Some(replay) = replay.filter(|replay| proof.is_none() || replay.is_single_use()) {
                    replay.check(&token, receipt.as_ref()).await?;
                }
                let cookie = entrance.spent_nonce(presented.source);
                Ok(Admitted::PassedOn { token, expiry_notice: entrance.expiry_notice, cookie })
            }
            (Some(arrival), Some(hand_off), Some(cookie)) => {
                let link = Link { token, text: &text, nonce, arrival, sessions };
                entrance.hand_over(link, hand_off, cookie).await.map(Admitted::HandedOver)
            }
            // The sources that were set after the hand-off have no cookie for it: nothing can come of the link.
            (Some(_), ..) => Err(AuthErrorKind::NavigationRequired.into()),
        }
    }
}

impl Session {
    /// The cookies of a browser that follows a link, at any of `entrances`: whichever lets it in, a link of another must
    /// not go before it.
    ///
    /// # Errors
    ///
    /// [`AuthErrorKind::CredentialsConflict`] if one is there twice.
    pub(super) fn all_of(entrances: &[Arc<Entrance>], headers: &HeaderMap) -> Result<Vec<Self>, AuthError> {
        let (mut sessions, mut cookies) = (Vec::new(), Vec::new());
        for entrance in entrances {
            let Some(name) = entrance.sources.cookie() else { continue };
            let known = cookies.iter().position(|(known, _)| *known == name);
            let known = known.unwrap_or(cookies.len());
            if known == cookies.len() {
                cookies.push((name, Self::cookie_of(name, headers)?));
            }
            if let Some((_, Some(cookie))) = cookies.get(known) {
                sessions.push(Self { entrance: Arc::clone(entrance), cookie: Arc::clone(cookie) });
            }
        }
        Ok(sessions)
    }

    fn cookie_of(name: &CookieName, headers: &HeaderMap) -> Result<Option<Arc<str>>, AuthError> {
        match name.find(headers) {
            Ok(Some(cookie)) if cookie.len() <= MAX_SESSION_BYTES => Ok(Some(cookie.into())),
            Err(error) if error.kind() == AuthErrorKind::CredentialsConflict => Err(error),
            // What is empty, too long, or no text, signs nobody in.
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// What the session says, if it is one.
    async fn payload(&self) -> Result<Option<String>, AuthError> {
        let Self { entrance, cookie } = self;
        let text = if entrance.gives_receipts() { Receipt::split(cookie).0 } else { cookie };
        // A session that is bound to its sender is one, whatever came with this link: all it does here is to stay.
        let presented = Presented::by_anybody(Source::Cookie);
        match entrance.verifiers.verify_presented(text, &presented).await {
            Ok(session) => Ok(match &entrance.replay {
                Some(replay) if replay.has_revoked(&session).await => None,
                _ => Some(session.payload().to_owned()),
            }),
            // Whether it is one cannot be told now, so that nothing may replace it.
            Err(error) if error.status() == StatusCode::SERVICE_UNAVAILABLE => Err(error),
            // Its key may be too new to be here: believed, but only where that refuses a link.
            Err(error) if error.kind() == AuthErrorKind::KeyUnknown => Ok(unverified_payload(text)),
            Err(_) => Ok(None),
        }
    }
}

/// A good token in a link that was navigated to.
struct Link<'a> {
    token: VerifiedToken,
    text: &'a str,
    nonce: Option<Nonce>,
    arrival: Arrival,
    sessions: Vec<Session>,
}

impl Entrance {
    async fn hand_over(
        &self,
        link: Link<'_>,
        hand_off: &HandOff,
        name: &CookieName,
    ) -> Result<Response<String>, AuthError> {
        let Link { token, text, nonce, arrival, sessions } = link;
        for session in sessions {
            if let Some(payload) = session.payload().await? {
                // Both have to give it up: the link's entrance and the session's own.
                let its_own = session.entrance.hand_off.unwrap_or(*hand_off);
                for hand_off in [*hand_off, its_own] {
                    hand_off.check_session(&token, &payload)?;
                }
            }
        }
        let receipt = self.gives_receipts().then(Receipt::generate);
        let cookie = match &receipt {
            Some(receipt) => hand_off.cookie(name, &receipt.join(text), &token)?,
            None => hand_off.cookie(name, text, &token)?,
        };
        // The nonce goes on with the session, out of the way of the next sign-in.
        let (kept, spent) = match (&nonce, &self.nonce) {
            (Some(nonce), Some(rule)) => {
                (Some(hand_off.nonce_cookie(name, nonce, &token)?), rule.spent_beside(name))
            }
            // That of the session before would be asked for.
            (None, Some(_)) => (Some(cookie_that_ends(&name.of_its_nonce())), None),
            (_, None) => (None, None),
        };
        if let Some(replay) = &self.replay {
            replay.check(&token, receipt.as_ref()).await?;
        }
        Ok(see_other(arrival, [Some(cookie), kept, spent].into_iter().flatten()))
    }

    /// A nonce counts for one token; that of a session for as long as the session.
    fn spent_nonce(&self, source: Source) -> Option<HeaderValue> {
        if self.is_session(source) { None } else { self.nonce.as_ref()?.spent() }
    }
}
