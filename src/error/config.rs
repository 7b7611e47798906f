use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// A setting that cannot work, found at start-up and addressed to the programmer.
///
/// The text says what is wrong with which value, unless that may hold a secret, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    message: Cow<'static, str>,
}

impl ConfigError {
    /// One of your own, from a function that [sets something up](crate::verify::Tenants::with_policy).
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ConfigError {}
