//! The long form: how it hangs together, why the defaults are what they are, whom it trusts, how to run it, what it costs, and
//! how it compares.

pub mod architecture;
pub mod attacks;
pub mod compare;
pub mod defaults;
pub mod migrating;
pub mod operations;
pub mod performance;
pub mod threat_model;
