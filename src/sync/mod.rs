//! What threads share, by its name: the standard library's, tokio's and arc-swap's, as they are.
//!
//! In the unit tests, each of these is wrapped so that every use of it is a turn: a point at which another thread may go
//! first. There, a checker plays out thousands of orders in which threads can come, against the very code that is shipped.

#[cfg(test)]
pub(crate) mod orders;
#[cfg(test)]
mod turns;

#[cfg(not(test))]
pub(crate) use {
    arc_swap::{ArcSwap, Guard},
    quick_cache::sync::Cache,
    std::sync::{Mutex, OnceLock},
    tokio::sync::{Notify, OnceCell, Semaphore, watch},
};

#[cfg(test)]
pub(crate) use turns::{ArcSwap, Cache, Guard, Mutex, Notify, OnceCell, OnceLock, Semaphore, watch};
