//! What each request must come to.
//!
//! | the request carries | answer |
//! |---|---|
//! | a good token of a key that is in the server's set | 200, and the claims of this very token; in an outage too |
//! | the same, expired since | 401 `token_expired`, also where it was accepted before |
//! | a token with a [`Flaw`] | the status and the code that the flaw is refused with |
//! | a token of a key that is not in the server's set: too new, withdrawn, or nobody's | 401 `key_unknown`; 503 `keys_unavailable` if the last refresh has failed, or if the token has waited 2 s for one |
//! | no token, two tokens, a cookie that another site had sent | 401, 400, 403, with their codes |
//!
//! The server's set is that of the last document that the provider has answered with: it counts requests for its keys, and
//! knows what it served. Around such a moment the verdict may be that of either set, or of neither key. A key is to be in
//! the set 30 s after it was published, as its own tokens make the server ask; where that falls into an outage, as soon as the
//! server asks again after it. Whether the last refresh has failed is what `/readyz` says before and after the request; and it
//! may say so during an outage, or shortly after one, and at no other time.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::Instant;
use tower_jwt_auth::AuthError;
use tower_jwt_auth::error::AuthErrorKind;
use tower_jwt_auth::jwks::REFETCH_WAIT;
use tower_jwt_auth::test_util::Flaw;

use crate::key::Held;
use crate::provider::Provider;
use crate::request::{Kind, Place, Request};
use crate::wire::Reply;

/// The longest that anything may take: what a token may wait for its key, and as much as a busy machine may add.
pub const LONGEST: Duration = Duration::from_secs(2 + 5);

/// How far the clocks of the two programs may be apart, which are one.
const TICK: Duration = Duration::from_millis(20);

/// Timers may be early by as much.
const WAITED: Duration = REFETCH_WAIT.saturating_sub(TICK);

/// When a request was sent, and when its answer had come.
#[derive(Clone, Copy)]
pub struct Times {
    pub sent: Instant,
    pub answered: Instant,
    pub wall_sent: SystemTime,
}

/// How many refreshes had failed in a row, before and after, where somebody has asked.
#[derive(Clone, Copy, Default)]
pub struct Failures {
    pub before: Option<u64>,
    pub after: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Accepted,
    Refused(AuthErrorKind),
    LacksKey,
}

/// What it came to, as a code, or what is wrong with it.
pub fn judge(
    request: &Request,
    reply: &Reply,
    times: Times,
    failures: Failures,
    provider: &Provider,
) -> Result<&'static str, String> {
    let took = times.answered - times.sent;
    if took > LONGEST {
        return Err(format!("the answer took more than {LONGEST:?}"));
    }
    let body: Value = serde_json::from_slice(&reply.body).map_err(|_| "the body is no JSON".to_owned())?;
    check_headers(request, reply)?;
    let allowed = allowed(request, times, provider);
    if reply.status == 200 {
        let jti = request.jti.as_deref().unwrap_or_default();
        return match body["jti"].as_str() {
            _ if !allowed.contains(&Verdict::Accepted) => Err("accepted".to_owned()),
            Some(answered) if answered == jti => Ok("accepted"),
            _ => Err("accepted as somebody else".to_owned()),
        };
    }
    let code = body["code"].as_str().unwrap_or_default();
    let is = |kind: AuthErrorKind| reply.status == AuthError::from(kind).status() && code == kind.code();
    for verdict in &allowed {
        match verdict {
            Verdict::Refused(kind) if is(*kind) => return Ok(kind.code()),
            Verdict::LacksKey if is(AuthErrorKind::KeyUnknown) => {
                return match failures {
                    Failures { before: Some(1..), after: Some(1..) } => Err("unknown, and no 503".to_owned()),
                    _ => Ok(AuthErrorKind::KeyUnknown.code()),
                };
            }
            Verdict::LacksKey if is(AuthErrorKind::KeysUnavailable) => {
                let all_is_well = matches!(failures, Failures { before: Some(0), after: Some(0) });
                return if all_is_well && took < WAITED {
                    Err("503 while all is well".to_owned())
                } else if provider.may_be_missed(times.sent, times.answered) {
                    Ok(AuthErrorKind::KeysUnavailable.code())
                } else {
                    Err("503 long after any outage".to_owned())
                };
            }
            _ => {}
        }
    }
    Err(format!("refused with {} {code:?}", reply.status))
}

/// More than one where the moment leaves it open.
fn allowed(request: &Request, times: Times, provider: &Provider) -> Vec<Verdict> {
    let by_key = |with_key: &[Verdict]| {
        let key = request.key.as_ref().expect("a token has a key");
        match provider.holding(key, times.sent, times.answered) {
            Held::Yes => with_key.to_vec(),
            Held::No => vec![Verdict::LacksKey],
            Held::Either => [with_key, &[Verdict::LacksKey]].concat(),
        }
    };
    match request.kind {
        Kind::Missing => vec![Verdict::Refused(AuthErrorKind::TokenMissing)],
        Kind::Twice => vec![Verdict::Refused(AuthErrorKind::CredentialsConflict)],
        Kind::CrossSite => vec![Verdict::Refused(AuthErrorKind::CrossSiteRequest)],
        Kind::StrangeKey => vec![Verdict::LacksKey],
        Kind::Flawed(flaw) => by_flaw(flaw, by_key),
        Kind::Repeated | Kind::New | Kind::NewestKey | Kind::WithdrawnKey => by_key(&[Verdict::Accepted]),
        Kind::Aging => {
            let too_old = Verdict::Refused(AuthErrorKind::TokenExpired);
            let expires = request.expires.expect("it ages");
            let wall_answered = times.wall_sent + (times.answered - times.sent);
            if times.wall_sent > expires + TICK {
                vec![too_old]
            } else if wall_answered + TICK < expires {
                by_key(&[Verdict::Accepted])
            } else {
                by_key(&[Verdict::Accepted, too_old])
            }
        }
    }
}

fn by_flaw(flaw: Flaw, by_key: impl Fn(&[Verdict]) -> Vec<Verdict>) -> Vec<Verdict> {
    match flaw.refused_as() {
        // Nobody's key can have been fetched.
        AuthErrorKind::KeyUnknown => vec![Verdict::LacksKey],
        // What comes to light only with a key.
        kind @ AuthErrorKind::SignatureInvalid => by_key(&[Verdict::Refused(kind)]),
        kind => vec![Verdict::Refused(kind)],
    }
}

fn check_headers(request: &Request, reply: &Reply) -> Result<(), String> {
    let has = |name, text| reply.header(name).is_some_and(|value| value.contains(text));
    if reply.status == 401 && !has("www-authenticate", "Bearer realm=\"") {
        return Err("a 401 without a challenge".to_owned());
    }
    if reply.status == 503 && !has("retry-after", "") {
        return Err("a 503 without Retry-After".to_owned());
    }
    if matches!(request.place, Place::Cookie | Place::Query) && !has("cache-control", "no-store") {
        return Err("an answer that may be stored".to_owned());
    }
    if request.place == Place::Query && reply.status == 200 && !has("referrer-policy", "no-referrer") {
        return Err("an answer that gives its URL away".to_owned());
    }
    Ok(())
}
