//! Several threads that handle requests at the same time, each its own.
//!
//! On a machine with other things to do, what counts is the time on a processor (see [`stopwatch`](super::stopwatch)): threads
//! that take a line of memory from each other show in it, and a thread that sleeps for a lock does not.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use super::interleave::Subject;

/// One thread, which is told how many requests to handle and says how long it took.
struct Hand {
    orders: Sender<usize>,
    times: Receiver<Duration>,
}

/// A subject of as many threads as there are `hands`: each handles all the requests that it is told to, and what counts is
/// the mean of their times. If they do not stand in each other's way, that is the same however many they are.
pub fn crew<H>(name: &str, hands: Vec<H>) -> Subject
where
    H: FnMut(usize) -> Duration + Send + 'static,
{
    let all = u32::try_from(hands.len()).expect("a few");
    let together = Arc::new(Barrier::new(hands.len()));
    let hands: Vec<_> = hands.into_iter().map(|hand| Hand::of(hand, Arc::clone(&together))).collect();
    Subject::timed(name, move |requests| {
        for hand in &hands {
            hand.orders.send(requests).expect("a thread");
        }
        hands.iter().map(|hand| hand.times.recv().expect("a thread")).sum::<Duration>() / all
    })
}

impl Hand {
    /// It ends with the sender of its orders.
    fn of(mut hand: impl FnMut(usize) -> Duration + Send + 'static, together: Arc<Barrier>) -> Self {
        let (orders, orders_taken) = channel();
        let (times_given, times) = channel();
        thread::spawn(move || {
            for requests in orders_taken {
                together.wait();
                if times_given.send(hand(requests)).is_err() {
                    return;
                }
            }
        });
        Self { orders, times }
    }
}
