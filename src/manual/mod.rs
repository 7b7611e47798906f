//! The long form: how it hangs together, why the defaults are what they are, whom it trusts, how to run it, and what it costs.

pub mod architecture;
pub mod attacks;
pub mod defaults;
pub mod operations;
pub mod performance;
pub mod threat_model;
