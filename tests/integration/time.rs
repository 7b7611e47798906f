//! What the claims say about time. Every token here has a good signature.

use std::time::Duration;

use tower_jwt_auth::error::ConfigError;

use crate::claims::{INVALID, MISSING, check};
use crate::support::app::{ACCEPTED, verifier};

const EXPIRED: &str = "token_expired";
const EARLY: &str = "token_not_yet_valid";
const TOO_OLD: &str = "token_too_old";

/// Types and values that are no time, whichever claim has them.
const NO_TIMES: [(&str, &str); 12] = [
    ("\"1800000100\"", INVALID),
    ("\"\"", INVALID),
    ("true", INVALID),
    ("[1800000100]", INVALID),
    ("{}", INVALID),
    ("null", INVALID),
    ("1e400", INVALID),
    ("-1", INVALID),
    ("-1e400", INVALID),
    ("9223372036854775808", INVALID),
    ("18446744073709551616", INVALID),
    ("9007199254740994", INVALID),
];

#[test]
fn exp_is_a_number_and_the_token_is_valid_before_it_plus_leeway() {
    let verifier = verifier();
    check(&verifier, "exp", &NO_TIMES);
    check(
        &verifier,
        "exp",
        &[
            ("", MISSING),
            ("0", EXPIRED),
            ("1.5", EXPIRED),
            ("1800000300", ACCEPTED),
            ("1800000300.75", ACCEPTED),
            ("1.8000003e9", ACCEPTED),
            ("9007199254740992", ACCEPTED),
            ("1799999969", EXPIRED),
            ("1799999970", EXPIRED),
            ("1799999970.5", ACCEPTED),
            ("1799999971", ACCEPTED),
        ],
    );
}

#[test]
fn nbf_is_a_number_where_it_is_there_and_honoured_but_for_leeway() {
    let verifier = verifier();
    check(&verifier, "nbf", &NO_TIMES);
    check(
        &verifier,
        "nbf",
        &[
            ("", ACCEPTED),
            ("0", ACCEPTED),
            ("1.5", ACCEPTED),
            ("1800000029", ACCEPTED),
            ("1800000030", ACCEPTED),
            ("1800000030.5", EARLY),
            ("1800000031", EARLY),
            ("9007199254740992", EARLY),
        ],
    );
}

#[test]
fn iat_is_a_number_where_it_is_there_and_otherwise_free() {
    let verifier = verifier();
    check(&verifier, "iat", &NO_TIMES);
    check(&verifier, "iat", &[("", ACCEPTED), ("0", ACCEPTED), ("1.5", ACCEPTED), ("1900000000", ACCEPTED)]);
}

#[test]
fn leeway_can_be_none_or_up_to_five_minutes_and_moves_both_ends() -> Result<(), ConfigError> {
    let none = verifier().with_leeway(Duration::ZERO)?;
    check(&none, "exp", &[("1800000000", EXPIRED), ("1800000001", ACCEPTED)]);
    check(&none, "nbf", &[("1800000000", ACCEPTED), ("1800000001", EARLY)]);
    let most = verifier().with_leeway(Duration::from_secs(300))?;
    check(&most, "exp", &[("1799999700", EXPIRED), ("1799999701", ACCEPTED)]);
    check(&most, "nbf", &[("1800000300", ACCEPTED), ("1800000301", EARLY)]);
    assert!(verifier().with_leeway(Duration::from_millis(300_001)).is_err());
    Ok(())
}

#[test]
fn exp_is_optional_by_an_insecure_call_only_and_still_counts_where_it_is() {
    let verifier = verifier().insecure_accept_without_expiry();
    check(&verifier, "exp", &[("", ACCEPTED), ("1799999970", EXPIRED), ("\"soon\"", INVALID)]);
}

#[test]
fn max_age_counts_from_iat_which_is_then_required_and_not_in_the_future() {
    let verifier = verifier().with_max_age(Duration::from_secs(600));
    check(
        &verifier,
        "iat",
        &[
            ("", MISSING),
            ("1799999370", TOO_OLD),
            ("1799999371", ACCEPTED),
            ("1800000030", ACCEPTED),
            ("1800000031", EARLY),
        ],
    );
}

#[test]
fn max_lifetime_counts_from_iat_to_exp_and_asks_for_both() {
    let verifier = verifier().with_max_lifetime(Duration::from_secs(300));
    check(&verifier, "exp", &[("1800000300", ACCEPTED), ("1800000301", TOO_OLD), ("", MISSING)]);
    check(&verifier, "iat", &[("", MISSING), ("1799999999", TOO_OLD), ("1800000030", ACCEPTED)]);
    check(&verifier, "iat", &[("1800000031", EARLY)]);
    let endless = verifier.insecure_accept_without_expiry();
    check(&endless, "exp", &[("", MISSING)]);
}
