//! The long form: how it hangs together, why the defaults are what they are, and how to run it.

pub mod architecture;
pub mod defaults;
pub mod operations;
