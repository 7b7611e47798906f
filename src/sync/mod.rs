//! What threads share, by its name: the standard library's, tokio's and arc-swap's, as they are.

pub(crate) use {
    arc_swap::{ArcSwap, Guard},
    quick_cache::sync::Cache,
    std::sync::{Mutex, OnceLock},
    tokio::sync::{Notify, OnceCell, Semaphore, watch},
};
