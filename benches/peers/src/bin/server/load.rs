//! wrk, and what it says.

use std::io;

use tokio::process::Command;

use crate::tokens::TokenFile;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/server/load.lua");

/// Each has one request under way at a time.
pub const CONNECTIONS: usize = 32;

/// What one turn came to.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub requests: u64,
    seconds: f64,
    /// Milliseconds.
    pub median: f64,
    /// Milliseconds.
    pub percentile_99: f64,
    /// Answers of 400 and above.
    pub refused: u64,
    /// Connections that failed, and answers that did not come in time.
    pub unanswered: u64,
}

pub async fn look_for_wrk() -> Result<(), String> {
    match Command::new("wrk").arg("-v").output().await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("wrk is what makes the load, and it is not installed: apt-get install wrk".to_owned())
        }
        Err(error) => Err(format!("wrk does not start: {error}")),
    }
}

/// Puts load on the server at `port` for so many seconds, from one thread, so that the tokens keep their order.
pub async fn put_on(port: u16, tokens: &TokenFile, seconds: u32) -> Result<Figures, String> {
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), "-s", SCRIPT])
        .arg(format!("http://127.0.0.1:{port}"))
        .arg("--")
        .arg(tokens.path())
        .arg(tokens.blocks().to_string())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("wrk does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let read = text.lines().find_map(|line| line.strip_prefix("measured ")).and_then(figures);
    read.ok_or_else(|| format!("wrk says: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// From the last line that the script writes.
fn figures(line: &str) -> Option<Figures> {
    let figures: Vec<u64> = line.split(' ').filter_map(|figure| figure.parse().ok()).collect();
    let [requests, duration, median, percentile_99, refused, unanswered] = figures[..] else { return None };
    #[allow(clippy::cast_precision_loss, reason = "a handful of millions")]
    let [seconds, median, percentile_99] =
        [duration as f64 / 1e6, median as f64 / 1e3, percentile_99 as f64 / 1e3];
    Some(Figures { requests, seconds, median, percentile_99, refused, unanswered })
}

impl Figures {
    #[allow(clippy::cast_precision_loss, reason = "a handful of millions")]
    pub fn requests_per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// How many threads wanted a processor in the last minute, on average; only Linux tells.
pub fn of_the_machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}
