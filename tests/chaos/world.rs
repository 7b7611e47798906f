//! A layer and a provider, to which a schedule happens.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use tower_jwt_auth::clock::Clock;
use tower_jwt_auth::test_util::{Flaw, Idp, Issuer, TestClock, TokenBuilder};
use tower_jwt_auth::{Claims, Jwks, JwtAuthLayer, Verifier};

use crate::callers::{Callers, Token};
use crate::follower::Follower;
use crate::history::History;
use crate::inspector::Inspector;
use crate::provider::Provider;
use crate::pulse::Pulse;
use crate::rule::{Rule, Violation};
use crate::step::{Mood, Origin, Step};
use crate::tally::Tally;
use crate::tap::{FetchLog, Tap};
use crate::time::Time;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api";

pub struct World {
    pub time: Time,
    pub jwks: Jwks,
    pub app: Router,
    pub provider: Provider,
    pub callers: Callers,
    pub fetches: FetchLog,
    pub follower: Follower,
    pub pulse: Pulse,
    /// When somebody asked for a refresh.
    pub by_hand: Vec<Instant>,
    clock: TestClock,
    /// Those that were brought last, to be brought again.
    tokens: Vec<Arc<Token>>,
    /// For subjects and kids that are like no other.
    number: u64,
}

#[derive(Deserialize)]
struct Subject {
    sub: String,
}

/// Lets `schedule` happen to a new layer, and checks all that must hold after each step.
///
/// What is left of the layer at the end is given back, for its memory to be weighed.
pub async fn run(schedule: &[Step], time: Time) -> Result<(Tally, Router, Jwks), Violation> {
    let mut world = World::new(time).await;
    let history = History::new(world.clock.now());
    let mut inspector = Inspector::new(&world, history);
    let mut tally = Tally { schedules: 1, ..Tally::default() };
    for (number, step) in schedule.iter().enumerate() {
        let at = |violation| Violation { step: number, ..violation };
        if let Step::Jump(seconds) = step {
            inspector.note_jump(*seconds);
        }
        world.take(step).await.map_err(at)?;
        time.settle().await;
        world.provider.note();
        inspect(&mut inspector, &world).await.map_err(at)?;
        tally.steps += 1;
        tally.faults += u64::from(step.is_fault());
    }
    // Whoever still waits is answered.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let at = |violation| Violation { step: schedule.len(), ..violation };
    time.settle().await;
    inspect(&mut inspector, &world).await.map_err(at)?;
    Inspector::check_that_all_have_left(&world).map_err(at)?;
    inspector.sum_up(&world, &mut tally);
    Ok((tally, world.app, world.jwks))
}

/// Under real time something may always be under way: what is odd counts if it stays so.
async fn inspect(inspector: &mut Inspector, world: &World) -> Result<(), Violation> {
    inspector.inspect(world)?;
    if world.time == Time::Real && inspector.check_status(world).is_err() {
        world.time.settle().await;
        inspector.inspect(world)?;
    }
    inspector.check_status(world)
}

impl World {
    async fn new(time: Time) -> Self {
        let clock = TestClock::default();
        let fetches = FetchLog::default();
        let (provider, jwks) = match time {
            Time::Paused => {
                let idp = Idp::in_memory(Issuer::new(ISSUER, AUDIENCE).with_clock(clock.clone()));
                let provider = Provider::new(idp);
                let tap = Tap {
                    idp: provider.idp.clone(),
                    documents: provider.documents.clone(),
                    log: fetches.clone(),
                };
                let jwks = Jwks::builder(&provider.idp.jwks_url()).expect("a URL").with_fetch(tap).spawn();
                (provider, jwks)
            }
            Time::Real => {
                let issuer = |url| Issuer::new(url, AUDIENCE).with_clock(clock.clone());
                let provider = Provider::new(Idp::start_with(issuer).await.expect("a port"));
                let jwks = Jwks::remote(&provider.idp.jwks_url());
                (provider, jwks)
            }
        };
        let jwks = jwks.expect("a runtime");
        let verifier = Verifier::new(provider.issuer().url(), AUDIENCE, jwks.clone())
            .expect("a policy")
            .with_clock(clock.clone());
        let subject = async |Claims(subject): Claims<Subject>| subject.sub.clone();
        let app = Router::new().route("/", get(subject)).layer(JwtAuthLayer::new(verifier));
        let follower = Follower::of(&jwks, &provider.idp);
        Self {
            time,
            jwks,
            app,
            provider,
            callers: Callers::default(),
            fetches,
            follower,
            pulse: Pulse::of(time),
            by_hand: Vec::new(),
            clock,
            tokens: Vec::new(),
            number: 0,
        }
    }

    pub fn wall(&self) -> SystemTime {
        self.clock.now()
    }

    async fn take(&mut self, step: &Step) -> Result<(), Violation> {
        match *step {
            Step::Rotate => self.provider.change_keys(Issuer::rotate),
            Step::Withdraw => self.provider.change_keys(Issuer::withdraw_old_keys),
            Step::ReuseKid => self.provider.change_keys(Issuer::reuse_kid),
            Step::Provider(mood) => self.set_mood(mood).await?,
            // Over HTTP it cannot be told which request took it.
            Step::Once(mood) if self.time == Time::Real => self.set_mood(mood).await?,
            Step::Once(mood) => self.provider.set_mood_once(mood),
            Step::Etags(etags) => self.provider.set_etags(etags),
            Step::Jump(seconds) => {
                let by = Duration::from_secs(seconds.unsigned_abs());
                if seconds < 0 { self.clock.jump_back(by) } else { self.clock.jump_forward(by) }
            }
            Step::Good { callers, lives, over_ms } => {
                for n in 0..callers {
                    let token = Arc::new(self.good_token(Duration::from_secs(lives)));
                    self.send(token, spread(n, callers, over_ms), None);
                }
            }
            Step::Again { callers } => {
                let last = self.tokens.iter().rev().take(callers as usize);
                for token in last.cloned().collect::<Vec<_>>() {
                    self.send(token, Duration::ZERO, None);
                }
            }
            Step::Bad(flaw) => {
                let token = Arc::new(self.flawed_token(flaw));
                self.send(token, Duration::ZERO, None);
            }
            Step::Strays { kids, from, over_ms } => {
                let family = self.number;
                for n in 0..kids {
                    let token = Arc::new(self.stray_token(from, family));
                    self.send(token, spread(n, kids, over_ms), None);
                }
            }
            Step::Hasty { callers, strangers, leave_after_ms } => {
                let family = self.number;
                for _ in 0..callers {
                    let token = if strangers {
                        self.stray_token(Origin::Ours, family)
                    } else {
                        self.good_token(Duration::from_secs(300))
                    };
                    let patience = Duration::from_millis(leave_after_ms);
                    self.send(Arc::new(token), Duration::ZERO, Some(patience));
                }
            }
            Step::Refresh => {
                self.by_hand.push(Instant::now());
                let jwks = self.jwks.clone();
                tokio::spawn(async move { _ = jwks.refresh_now().await });
            }
            Step::Wait(ms) => self.time.pass(Duration::from_millis(ms)).await,
        }
        Ok(())
    }

    async fn set_mood(&mut self, mood: Mood) -> Result<(), Violation> {
        let changed = self.provider.set_mood(mood).await;
        changed.or_else(|error| Violation::of(Rule::FetchesAreInTime, format!("no port: {error}")))
    }

    fn send(&mut self, token: Arc<Token>, later: Duration, patience: Option<Duration>) {
        self.tokens.push(Arc::clone(&token));
        self.callers.send(&self.app, token, self.time.scaled(later), patience);
    }

    fn good_token(&mut self, lives: Duration) -> Token {
        let (builder, subject) = self.builder();
        self.sign(builder.expires_in(lives), subject, self.now() + lives.as_secs(), 0)
    }

    fn flawed_token(&mut self, flaw: Flaw) -> Token {
        let (builder, subject) = self.builder();
        let now = self.now();
        let good = self.sign(builder.clone(), subject, now + 300, 0);
        let text = builder.flawed(flaw);
        match flaw {
            // The clock may make these good.
            Flaw::Expired => Token { text, expires: now - 3_600, ..good },
            Flaw::NotYetValid => Token { text, expires: now + 7_200, not_before: now + 3_600, ..good },
            Flaw::UnknownKid => {
                let kid = format!("{}-never-published", good.kid);
                Token { text, kid, flaw: Some(flaw), ..good }
            }
            _ => Token { text, flaw: Some(flaw), ..good },
        }
    }

    fn builder(&mut self) -> (TokenBuilder, String) {
        self.number += 1;
        let subject = format!("subject-{}", self.number);
        (self.provider.issuer().token().subject(&subject), subject)
    }

    fn sign(&self, builder: TokenBuilder, subject: String, expires: u64, not_before: u64) -> Token {
        let key = self.provider.issuer().key();
        Token {
            text: builder.sign(),
            subject,
            kid: key.kid().to_owned(),
            key: Some(key.public_jwk().to_string()),
            family: None,
            flaw: None,
            not_before,
            expires,
        }
    }

    /// It satisfies every policy, or is of another issuer, in the name of a key that nobody has; it is never signed.
    fn stray_token(&mut self, from: Origin, family: u64) -> Token {
        self.number += 1;
        let (kid, subject) = (format!("stray-{}", self.number), format!("subject-{}", self.number));
        let expires = self.now() + 300;
        let issuer = self.provider.issuer().url();
        let issuer = match from {
            Origin::Ours => issuer.to_owned(),
            Origin::Another => format!("{issuer}.evil.example"),
        };
        let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        let claims = json!({ "iss": issuer, "aud": AUDIENCE, "sub": subject, "exp": expires }).to_string();
        let text = [header.as_bytes(), claims.as_bytes(), &[7; 64]].map(encode).join(".");
        Token { text, subject, kid, key: None, family: Some(family), flaw: None, not_before: 0, expires }
    }

    fn now(&self) -> u64 {
        let now = self.wall().duration_since(SystemTime::UNIX_EPOCH);
        now.expect("a time after the epoch").as_secs()
    }
}

/// When the `n`th of so many comes.
fn spread(n: u32, count: u32, over_ms: u64) -> Duration {
    Duration::from_millis(over_ms) * n / count.max(1)
}
