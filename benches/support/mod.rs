//! What the benches share: an issuer that signs, requests that knock, subjects that take turns, and tables.
//!
//! The package in `benches/peers` includes this module by its path, so it names nothing of the peers.
#![allow(dead_code, reason = "each program that includes this uses its part of it")]

pub mod interleave;
pub mod issuer;
pub mod requests;
pub mod routers;
pub mod stopwatch;
pub mod subjects;
pub mod targets;
pub mod threads;
