//! The long form: how it hangs together, why the defaults are what they are, how to run it, and what it costs.

pub mod architecture;
pub mod defaults;
pub mod operations;
pub mod performance;
