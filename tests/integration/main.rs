//! The crate from outside, a file a stage: real keys, real HTTP on loopback, a clock that stands still.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may stop at the first thing that is not as it says"
)]

mod algorithm;
mod any_of;
mod authorize;
mod binding;
mod cache;
mod challenge;
mod claims;
mod conformance;
mod cross_site;
mod display;
mod encrypted;
mod explain;
mod handoff;
mod json;
mod key;
mod keyset;
mod layer;
mod mac;
mod named_tests;
mod openapi;
mod privacy;
mod profile;
mod provider;
mod refusal;
mod remote;
mod replay;
mod resource;
mod secrets;
mod shape;
mod signature;
mod support;
mod tenants;
mod test_util;
mod time;
mod transport;
mod verifiers;
