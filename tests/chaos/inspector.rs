//! Looks at everything after each step, and keeps the model up to date.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tower_jwt_auth::jwks::JwksStatus;

use crate::budget::{Asking, Budget};
use crate::callers::{Caller, Verdict};
use crate::history::{Ended, Fetched, History, Said};
use crate::judge::Judge;
use crate::oracle::{Fate, Oracle, state};
use crate::promise::{Asked, Promise};
use crate::rule::{Rule, Violation};
use crate::tally::Tally;
use crate::time::Time;
use crate::world::World;

pub struct Inspector {
    time: Time,
    /// When it looked last.
    now: Instant,
    /// How much later than it should something may happen.
    tolerance: Duration,
    began: Instant,
    history: History,
    oracle: Oracle,
    budget: Budget,
    promise: Promise,
    /// Those that have ended.
    fetches: Vec<Fetched>,
    /// How much of what has been told was taken down.
    told: usize,
    /// How many callers are known.
    known: usize,
    /// Those that were not judged yet, with what was due to them when they came.
    open: BTreeMap<usize, Option<Vec<Fate>>>,
    /// Who asked from when until when for keys that were not held, since the last fetch.
    asked: BTreeMap<usize, (Instant, Instant)>,
    status: JwksStatus,
}

impl Inspector {
    pub fn new(world: &World, history: History) -> Self {
        let tolerance = world.time.tolerance();
        Self {
            now: Instant::now(),
            tolerance,
            time: world.time,
            began: Instant::now(),
            history,
            oracle: Oracle::new(world.provider.issuer().clone(), world.provider.documents.clone()),
            budget: Budget::new(),
            promise: Promise::default(),
            fetches: Vec::new(),
            told: 0,
            known: 0,
            open: BTreeMap::new(),
            asked: BTreeMap::new(),
            status: world.jwks.status(),
        }
    }

    pub fn note_jump(&mut self, seconds: i64) {
        self.history.jump(seconds);
    }

    pub fn inspect(&mut self, world: &World) -> Result<(), Violation> {
        self.now = Instant::now();
        self.tolerance = self.time.tolerance() + 2 * world.pulse.longest_delay();
        let fetches = match self.time {
            Time::Paused => self.fetches_seen(world),
            Time::Real => self.fetches_told(world)?,
        };
        for ended in fetches.iter().filter_map(|fetch| fetch.ended) {
            self.history.end(ended);
        }
        self.fetches.extend(&fetches);
        let callers = world.callers.lock();
        self.note_callers(world, &callers)?;
        for fetch in &fetches {
            self.asked.retain(|_, (_, to)| *to + self.tolerance >= fetch.asked);
            let asked: Vec<_> = self.asked.values().copied().collect();
            self.budget.spend(
                fetch,
                &Asking { callers: &asked, by_hand: &world.by_hand, tolerance: self.tolerance },
            )?;
        }
        self.check_pace(world)?;
        self.judge_callers(world, &callers)?;
        self.check_what_was_told(world)
    }

    /// What the tap has noted; one that is under way is none yet.
    fn fetches_seen(&self, world: &World) -> Vec<Fetched> {
        let seen = world.fetches.lock();
        let new = seen[self.fetches.len()..].iter();
        new.take_while(|fetch| fetch.ended.is_some()).copied().collect()
    }

    /// What the layer says that there was; that is believed only of failures.
    fn fetches_told(&mut self, world: &World) -> Result<Vec<Fetched>, Violation> {
        let told = world.follower.told();
        let seen = world.provider.idp.seen();
        let before = self.told.checked_sub(1).map_or(0, |last| told[last].requests);
        let requests = std::iter::once(before).chain(told[self.told..].iter().map(|told| told.requests));
        let mut fetches = Vec::new();
        for (told, before) in told[self.told..].iter().zip(requests) {
            let request = (told.requests > before).then(|| (told.requests - 1, &seen[told.requests - 1]));
            let said = match request {
                Some((index, request)) if told.status.failures == 0 => world.provider.said_to(index, request),
                _ => Said::Nothing,
            };
            if told.status.failures == 0 && said == Said::Nothing {
                return Violation::of(Rule::StateIsLegal, "a bad answer was taken for a good one");
            }
            // Those who waited for it may have been answered before it was told of.
            let from = told.at - self.time.blur() - 2 * world.pulse.longest_delay();
            let ended = Ended { from, at: told.at, said };
            let asked = request.map_or(ended.from, |(_, request)| request.at);
            fetches.push(Fetched { asked, ended: Some(ended) });
        }
        self.told = told.len();
        Ok(fetches)
    }

    fn judge<'a>(&'a self, world: &'a World) -> Judge<'a> {
        Judge {
            oracle: &self.oracle,
            history: &self.history,
            provider: &world.provider,
            fetches: &self.fetches,
            promise: &self.promise,
            now: self.now,
            tolerance: self.tolerance,
            blur: self.time.blur(),
        }
    }

    /// Finds out what is due to those who have come, and who of them may have asked for keys.
    fn note_callers(&mut self, world: &World, callers: &[Caller]) -> Result<(), Violation> {
        self.open.extend((self.known..callers.len()).map(|number| (number, None)));
        self.known = callers.len();
        for (number, first) in std::mem::take(&mut self.open) {
            let caller = &callers[number];
            let first = match (first, caller.came) {
                (None, Some(came)) => Some(self.judge(world).fates_at(&caller.token, came)?),
                (first, _) => first,
            };
            if let (Some(first), Some(from)) = (&first, caller.came)
                && first.iter().any(Fate::may_ask)
            {
                let to = caller.left.unwrap_or_else(Instant::now);
                self.promise.note(number, Asked { kid: caller.token.kid.clone(), from, to });
                self.asked.insert(number, (from, to));
            }
            self.open.insert(number, first);
        }
        Ok(())
    }

    fn judge_callers(&mut self, world: &World, callers: &[Caller]) -> Result<(), Violation> {
        let judge = self.judge(world);
        judge.check_crowd(callers)?;
        for (number, first) in &self.open {
            let caller = &callers[*number];
            if let Some(first) = first {
                judge.check_wait(caller, first)?;
                judge.judge(*number, caller, first)?;
            }
        }
        self.open.retain(|number, _| callers[*number].left.is_none());
        Ok(())
    }

    fn check_pace(&self, world: &World) -> Result<(), Violation> {
        let now = Instant::now();
        let under_way = world.fetches.lock().last().filter(|fetch| fetch.ended.is_none()).copied();
        match (self.time, under_way) {
            (Time::Real, _) => Ok(()),
            (Time::Paused, Some(fetch)) => Budget::check_under_way(fetch.asked, now, self.tolerance),
            (Time::Paused, None) => self.budget.check_overdue(now, self.tolerance),
        }
    }

    /// Refresh by refresh.
    fn check_what_was_told(&mut self, world: &World) -> Result<(), Violation> {
        let told = world.follower.told();
        let new = if self.time == Time::Paused { &told[self.told..] } else { &told[..] };
        for told in new {
            let (before, after) = (&self.status, &told.status);
            let is_legal = if after.failures == 0 {
                after.state.is_ready()
                    && after.generation >= before.generation
                    && after.age_seconds == Some(0)
            } else {
                after.generation == before.generation || self.time == Time::Real
            };
            if !is_legal {
                return Violation::of(Rule::StateIsLegal, format!("from {before:?} to {after:?}"));
            }
            if self.time == Time::Paused {
                self.status = after.clone();
            }
        }
        self.told = told.len();
        Ok(())
    }

    /// Now.
    pub fn check_status(&self, world: &World) -> Result<(), Violation> {
        let (view, status, now) = (self.history.now(), world.jwks.status(), Instant::now());
        let earlier = now.checked_sub(self.tolerance).unwrap_or(now);
        let keys = view.held.map_or(0, |held| world.provider.documents.get(held).keys.len());
        let is_right = (status.state == state(view, now) || status.state == state(view, earlier))
            && status.generation == view.generation
            && status.keys == keys
            && (status.failures == view.failures || self.time == Time::Real)
            && (status.failures > 0) == (view.failures > 0)
            && status.last_error.is_some() == (view.failures > 0);
        if !is_right {
            return Violation::of(Rule::StateIsLegal, format!("{status:?}, where {view:?} is due"));
        }
        Ok(())
    }

    pub fn check_that_all_have_left(world: &World) -> Result<(), Violation> {
        let callers = world.callers.lock();
        // Some are told to come later than the schedule ends.
        let (now, longest) = (Instant::now(), Duration::from_secs(4) + 2 * world.pulse.longest_delay());
        match callers.iter().find(|caller| caller.waited(now) > longest && caller.is_waiting()) {
            Some(caller) => Violation::of(Rule::NobodyWaitsTooLong, format!("for ever: {:?}", caller.token)),
            None => Ok(()),
        }
    }

    pub fn sum_up(&self, world: &World, tally: &mut Tally) {
        tally.fetches += u64::try_from(self.fetches.len()).expect("a number");
        tally.lasted += self.began.elapsed();
        for caller in world.callers.lock().iter().filter(|caller| caller.left.is_some()) {
            let label = match &caller.verdict {
                None => "left",
                Some(Verdict::Accepted(_)) => "accepted",
                Some(Verdict::Refused(kind)) => kind.code(),
                Some(Verdict::Odd(_)) => "odd",
            };
            *tally.verdicts.entry(label).or_default() += 1;
        }
    }
}
