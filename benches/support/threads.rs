//! How well two threads share what one has alone.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use axum::Router;
use http::StatusCode;
use tower_jwt_auth::Verifier;

use super::interleave::{Subject, interleave};
use super::requests::{Callers, door, knock};
use super::routers;
use super::stopwatch::Stopwatch;
use super::subjects::ROUNDS;

/// What two threads get done, relative to twice what one does.
pub struct Scaling {
    pub layer_that_does_nothing: f64,
    pub repeated_token: f64,
}

impl Scaling {
    /// The repeated token relative to the layer that does nothing: 1 is perfect.
    pub fn relative(&self) -> f64 {
        self.repeated_token / self.layer_that_does_nothing
    }

    /// Both threads send the one `token`: they share its cache entry as well, which is the worst case.
    pub fn of(verifier: Verifier, token: &str) -> Self {
        let callers = Callers::with([token]);
        let nothing = routers::with_a_layer_that_does_nothing();
        let guarded = routers::guarded(verifier);
        let mut subjects = [
            Subject::new("nothing, 1", knock(door(nothing.clone()), callers.clone(), StatusCode::NO_CONTENT)),
            on_two_threads("nothing, 2", &nothing, &callers),
            Subject::new(
                "repeated, 1",
                knock(door(guarded.clone()), callers.clone(), StatusCode::NO_CONTENT),
            ),
            on_two_threads("repeated, 2", &guarded, &callers),
        ];
        let samples = interleave(&mut subjects, ROUNDS);
        let [nothing_1, nothing_2, repeated_1, repeated_2] = &samples[..] else { panic!("four subjects") };
        Self {
            layer_that_does_nothing: nothing_1.median_ratio_to(nothing_2),
            repeated_token: repeated_1.median_ratio_to(repeated_2),
        }
    }
}

/// Each of two threads handles all the requests that it is told to; together they take the time of the mean.
fn on_two_threads(name: &str, router: &Router, callers: &Callers) -> Subject {
    let together = Arc::new(Barrier::new(2));
    let workers = [(); 2].map(|()| worker(router.clone(), callers.clone(), Arc::clone(&together)));
    Subject::timed(name, move |requests| {
        for (orders, _) in &workers {
            orders.send(requests).expect("a worker");
        }
        workers.iter().map(|(_, times)| times.recv().expect("a worker")).sum::<Duration>() / 2
    })
}

fn worker(router: Router, callers: Callers, together: Arc<Barrier>) -> (Sender<usize>, Receiver<Duration>) {
    let (orders, orders_taken) = channel();
    let (times, times_taken) = channel();
    thread::spawn(move || {
        let mut run = knock(door(router), callers, StatusCode::NO_CONTENT);
        for requests in orders_taken {
            together.wait();
            let stopwatch = Stopwatch::start();
            run(requests);
            if times.send(stopwatch.stop()).is_err() {
                return;
            }
        }
    });
    (orders, times_taken)
}
