//! What the fuzz targets share: an issuer to sign with, an app to send requests to, and readers of the same texts that
//! have nothing in common with the crate's own.
//!
//! A target asserts what the crate answers to any input, not only that it answers. Where it can, it predicts the answer
//! from a model that is plain enough to be believed.

pub mod app;
pub mod explain;
pub mod issuer;
pub mod json;
pub mod jwk;
pub mod policy;
pub mod vectors;
