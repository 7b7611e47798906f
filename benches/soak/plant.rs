//! What goes wrong on purpose, to show that it is noticed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::interval;

use crate::site::Site;
use crate::wire::Wire;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Some good tokens are taken for bad ones by the model.
    Verdict,
    /// Ever more unfinished requests lie in the server's memory, and go before the end.
    Memory,
    /// One more connection a second, which stays.
    Descriptors,
    /// The server is killed at half time.
    Death,
}

impl Plant {
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "verdict" => Some(Self::Verdict),
            "memory" => Some(Self::Memory),
            "descriptors" => Some(Self::Descriptors),
            "death" => Some(Self::Death),
            _ => None,
        }
    }
}

/// Takes more and more of the server for as long as this future lives, if that is what is planted.
pub async fn grow(site: Arc<Site>) {
    let unfinished = format!("GET / HTTP/1.1\r\nhost: soaked\r\npadding: {}", "a".repeat(100_000));
    let (connections, text) = match site.plant {
        Some(Plant::Memory) => (20, unfinished.as_bytes()),
        Some(Plant::Descriptors) => (1, &b""[..]),
        Some(Plant::Verdict | Plant::Death) | None => return,
    };
    let mut kept = Vec::new();
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        for _ in 0..connections {
            let Ok(mut wire) = Wire::connect(site.port).await else { continue };
            if wire.send(text).await.is_ok() {
                kept.push(wire);
            }
        }
    }
}
