#![cfg(test)]
//! Plays out orders in which threads can come: each turn is a choice, which the checker makes.
//!
//! `ORDERS=100000 cargo test --release --lib interleavings` plays more of them than every test run does, and
//! `SHUTTLE_RANDOM_SEED=…` others. `REPLAY_ORDER=…` plays one again, of the test that has failed in it.
//!
//! Actors are threads of the checker, and what the crate spawns runs in a tokio runtime as any other does; its clock is
//! paused, and moves when everybody sleeps, as tokio's own paused clock does. So what is waited for has come when somebody
//! has to wait for time, or never comes.
#![expect(clippy::arithmetic_side_effects, reason = "what is counted here is far from any limit")]

use std::cell::Cell;
use std::env;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, MaxSteps, Runner, thread};
use tokio::runtime::{Builder, Runtime};

/// How many orders of each scenario are played out; the variable `ORDERS` says another number.
const ORDERS: usize = 500;

/// So that the same orders come in every run; the variable `SHUTTLE_RANDOM_SEED` says another one.
const SEED: u64 = 5;

/// How many turns have to come in a certain order for the mistakes that orders by rank are good at finding.
const DEPTH: usize = 4;

thread_local! {
    static PLAYING: Cell<bool> = const { Cell::new(false) };
    static TURNS: Cell<u64> = const { Cell::new(0) };
    static PLAYED: Cell<usize> = const { Cell::new(0) };
}

/// Whether a checker plays on this thread; without one, a turn is nothing.
pub(super) fn is_playing() -> bool {
    PLAYING.get()
}

/// Lets any other thread go first.
pub(crate) fn turn() {
    if is_playing() {
        TURNS.set(TURNS.get() + 1);
        // Any of the checker's primitives will do. To yield would be to say that one has nothing to do.
        shuttle::sync::atomic::AtomicBool::new(false).load(SeqCst);
    }
}

/// Plays `scenario` in many orders: half of them random in each turn, half by ranks of the threads that change a few times,
/// which finds what takes one thread long and others not at all.
///
/// # Panics
///
/// In the first order in which `scenario` does, after the checker has printed how to play that order again.
pub(crate) fn play(scenario: fn(Stage<'_>)) {
    let orders = env::var("ORDERS").map_or(ORDERS, |orders| orders.parse().expect("a number"));
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config.max_steps = MaxSteps::FailAfter(100_000);
    let act = move || {
        PLAYED.set(PLAYED.get() + 1);
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let _in_it = runtime.enter();
        scenario(Stage { runtime: &runtime, actors: Vec::new() });
    };
    PLAYING.set(true);
    PLAYED.set(0);
    let played = catch_unwind(AssertUnwindSafe(|| {
        if let Ok(order) = env::var("REPLAY_ORDER") {
            Runner::new(ReplayScheduler::new_from_encoded(&order), config).run(act);
            return;
        }
        let random = RandomScheduler::new_from_seed(SEED, orders.div_ceil(2));
        Runner::new(random, config.clone()).run(act);
        let by_rank = PctScheduler::new_from_seed(SEED, DEPTH, orders / 2);
        Runner::new(by_rank, config).run(act);
    }));
    PLAYING.set(false);
    played.unwrap_or_else(|panic| {
        eprintln!("order {} of {orders} has failed", PLAYED.get());
        resume_unwind(panic)
    });
}

/// Where one order is played: the actors, the runtime of what the crate spawns, and time.
pub(crate) struct Stage<'r> {
    runtime: &'r Runtime,
    actors: Vec<(Arc<Actor>, thread::JoinHandle<()>)>,
}

struct Actor {
    woken: AtomicBool,
    /// It can do nothing until it is woken.
    asleep: AtomicBool,
    done: AtomicBool,
    waker: Mutex<Waker>,
}

impl Stage<'_> {
    /// One more thread, which does `part`.
    pub(crate) fn enter(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        let actor = Arc::new(Actor {
            woken: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            done: AtomicBool::new(false),
            waker: Mutex::new(Waker::noop().clone()),
        });
        let playing = Arc::clone(&actor);
        let thread = thread::spawn(move || shuttle::future::block_on(playing.play(part)));
        self.actors.push((actor, thread));
    }

    /// Plays until all actors are done. Whenever nobody can go on without it, time moves by what `at_rest` says.
    pub(crate) fn perform(&mut self, mut at_rest: impl FnMut() -> Duration) {
        while self.actors.iter().any(|(actor, _)| !actor.done.load(SeqCst)) {
            if self.is_at_rest() {
                self.runtime.block_on(tokio::time::advance(at_rest()));
            }
            thread::yield_now();
        }
        for (_, thread) in self.actors.drain(..) {
            thread.join().expect("an actor who is done");
        }
    }

    /// Nobody can go on: no actor, and nothing that was spawned.
    fn is_at_rest(&self) -> bool {
        // What one round of the runtime wakes at its end goes on in the next.
        (0..3).all(|_| {
            let turns = TURNS.get();
            self.runtime.block_on(tokio::task::yield_now());
            turns == TURNS.get() && self.actors.iter().all(|(actor, _)| actor.is_still())
        })
    }

    /// How many tasks of the runtime have not ended, once all have done what they can.
    pub(crate) fn tasks_left(&self) -> usize {
        while !self.is_at_rest() {}
        self.runtime.metrics().num_alive_tasks()
    }
}

impl Actor {
    fn is_still(&self) -> bool {
        self.asleep.load(SeqCst) || self.done.load(SeqCst)
    }

    async fn play(self: Arc<Self>, part: impl Future<Output = ()>) {
        let mut part = pin!(part);
        let waker = Waker::from(Arc::clone(&self));
        std::future::poll_fn(|context| {
            *self.waker.lock().expect("a waker") = context.waker().clone();
            self.woken.store(false, SeqCst);
            let polled = part.as_mut().poll(&mut Context::from_waker(&waker));
            self.done.store(polled.is_ready(), SeqCst);
            // It may have been woken while it was polled.
            self.asleep.store(!self.woken.load(SeqCst), SeqCst);
            polled
        })
        .await;
    }
}

impl Wake for Actor {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, SeqCst);
        self.asleep.store(false, SeqCst);
        let waker = self.waker.lock().expect("a waker").clone();
        waker.wake();
    }
}
