//! The long form.
pub mod operations {}
