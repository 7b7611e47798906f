//! What all clients share: where the server is, who the provider is, and the tally.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::plant::Plant;
use crate::provider::Provider;
use crate::request::Request;
use crate::tally::{Latencies, Tally};
use crate::verdict::{Failures, Times, judge};
use crate::wire::{Reply, Wire};

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Site {
    pub port: u16,
    pub provider: Arc<Provider>,
    pub plant: Option<Plant>,
    started: Instant,
    numbers: AtomicU64,
    is_closed: AtomicBool,
    tally: Mutex<Tally>,
}

impl Site {
    pub fn new(port: u16, provider: Arc<Provider>, plant: Option<Plant>) -> Self {
        Self {
            port,
            provider,
            plant,
            started: Instant::now(),
            numbers: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    pub async fn wait_until_ready(&self, patience: Duration) -> Result<(), String> {
        let ready = async {
            loop {
                if let Ok(mut wire) = Wire::connect(self.port).await
                    && wire.ask(READYZ).await.is_ok_and(|reply| reply.status == 200)
                {
                    return;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(patience, ready).await.map_err(|_| "the example does not get ready".to_owned())
    }

    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub fn is_open(&self) -> bool {
        !self.is_closed.load(Ordering::Relaxed)
    }

    /// Another one each time.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends `request` over `wire`, and notes what it came to. The wire is gone if that failed.
    pub async fn ask(&self, wire: &mut Option<Wire>, request: &Request) -> Option<(Reply, Times)> {
        let wall_sent = SystemTime::now();
        let sent = Instant::now();
        let asked = async {
            let open = match wire {
                Some(open) => open,
                None => wire.insert(Wire::connect(self.port).await?),
            };
            open.ask(&request.text).await
        };
        let outcome = timeout(PATIENCE, asked).await;
        let times = Times { sent, answered: Instant::now(), wall_sent };
        match outcome {
            Ok(Ok(reply)) => return Some((reply, times)),
            Ok(Err(error)) => {
                self.complain(format!("{}: the connection fails: {}", request.kind, error.kind()));
            }
            Err(_) => self.complain(format!("{}: no answer within {PATIENCE:?}", request.kind)),
        }
        *wire = None;
        None
    }

    /// How many refreshes have failed in a row.
    pub async fn failures(&self, wire: &mut Option<Wire>) -> Option<u64> {
        let reply = timeout(PATIENCE, wire.as_mut()?.ask(READYZ)).await.ok()?.ok()?;
        if reply.status != 200 {
            // The keys are never too old here.
            self.complain(format!("/readyz says {}", reply.status));
        }
        let status: Value = serde_json::from_slice(&reply.body).ok()?;
        status["failures"].as_u64()
    }

    pub fn judge(&self, request: &Request, reply: &Reply, times: Times, failures: Failures) {
        let verdict = judge(request, reply, times, failures, &self.provider);
        match verdict {
            Ok(code) => self.tally().note(request.kind, reply.status, code),
            Err(complaint) => {
                self.tally().note(request.kind, reply.status, "WRONG");
                self.complain(format!("{}, {:?}: {complaint}", request.kind, request.place));
            }
        }
    }

    pub fn complain(&self, complaint: String) {
        self.tally().complain(complaint, self.started.elapsed());
    }

    pub fn is_content(&self) -> bool {
        self.tally().complaints.is_empty()
    }

    /// What has come since the last call.
    pub fn take_window(&self) -> Latencies {
        std::mem::take(&mut self.tally().window)
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("nobody panics while counting")
    }
}

const READYZ: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: soaked\r\n\r\n";
