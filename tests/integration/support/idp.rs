//! Identity providers that say what a test tells them to.

use std::time::Duration;

use tower_jwt_auth::test_util::Issuer;
pub use tower_jwt_auth::test_util::{Answer, Idp};

use super::issuer::{AUDIENCE, ISSUER};

/// A provider in memory that says this, whatever it is asked: for paused time.
pub fn in_memory(answer: Answer) -> Idp {
    let idp = Idp::in_memory(Issuer::new(ISSUER, AUDIENCE));
    idp.serve(answer);
    idp
}

/// The same over HTTP.
pub async fn over_http(answer: Answer) -> Idp {
    let idp = Idp::start(AUDIENCE).await.expect("a port");
    idp.serve(answer);
    idp
}

/// The time between each request and the one before it.
pub fn gaps(idp: &Idp) -> Vec<Duration> {
    let seen = idp.seen();
    seen.windows(2).map(|two| two[1].at - two[0].at).collect()
}
