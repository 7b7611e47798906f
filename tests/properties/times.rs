//! Times, written in any way that JSON has for a number.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use crate::for_all;
use crate::signing::{ACCEPTED, NOW, token_with, verdict, verifier};

/// A time in quarters of a second around [`NOW`], and in one of the ways to write it.
fn around_now() -> impl Strategy<Value = (i64, String)> {
    let near = prop_oneof![4 => -8..8_i64, 1 => -4_000..4_000_i64];
    (near, 0..4_u8).prop_map(|(offset, way)| {
        let quarters = i64::from(NOW) * 4 + offset;
        let (whole, hundredths) = (quarters / 4, quarters % 4 * 25);
        let text = match way {
            0 if hundredths == 0 => whole.to_string(),
            1 => format!("{whole}.{hundredths:02}e0"),
            2 => format!("{whole}{hundredths:02}E-2"),
            3 => format!("{}.{:09}{hundredths:02}e+9", whole / 1_000_000_000, whole % 1_000_000_000),
            _ => format!("{whole}.{hundredths:02}000"),
        };
        (offset, text)
    })
}

#[test]
fn a_token_is_good_from_nbf_on_until_exp_however_they_are_written_and_leeway_moves_both() {
    let leeway = prop_oneof![Just(0_i64), 0..300_i64];
    for_all((around_now(), around_now(), leeway), |((exp, exp_text), (nbf, nbf_text), leeway)| {
        let verifier = verifier().with_leeway(Duration::from_secs(leeway.unsigned_abs())).expect("a leeway");
        let token = token_with(&format!(r#","exp":{exp_text},"nbf":{nbf_text}"#));
        // In quarters of a second after now.
        let want = match (exp + leeway * 4 > 0, nbf - leeway * 4 <= 0) {
            (false, _) => "token_expired",
            (true, false) => "token_not_yet_valid",
            (true, true) => ACCEPTED,
        };
        prop_assert_eq!(verdict(&verifier, &token), want);
        prop_assert_eq!(verdict(&verifier, &token), want, "again, as it may be remembered");
        Ok(())
    });
}

#[test]
fn when_a_token_expires_is_told_to_the_second_up_to_the_end_of_the_range_and_beyond_it_there_is_none() {
    const LAST: u64 = 1 << 53;
    let exp = prop_oneof![u64::from(NOW) + 1..LAST, LAST - 50..LAST + 50, any::<u64>()];
    let verifier = verifier();
    for_all(exp, |exp| {
        let answer = verifier.verify(&token_with(&format!(r#","exp":{exp}"#)));
        let want = match exp {
            // A double has no room for the one that comes after the last.
            exp if exp > LAST + 1 => Err("claim_invalid"),
            exp if exp <= NOW.into() => Err("token_expired"),
            exp => Ok(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(exp.min(LAST)))),
        };
        prop_assert_eq!(answer.map(|token| token.expires_at()).map_err(|error| error.code()), want);
        Ok(())
    });
}
