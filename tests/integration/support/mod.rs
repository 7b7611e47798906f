//! What the tests share: an issuer that signs, and an app to knock at.

pub mod app;
pub mod idp;
pub mod issuer;
pub mod log;
pub mod record;
pub mod site;
