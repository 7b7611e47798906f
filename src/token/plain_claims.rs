//! Claims as nearly every issuer writes them, read in a fraction of the time that any JSON takes.
//!
//! What this reads is a small part of JSON: no white space between the members, no escapes, whole numbers. Whatever is
//! written in another way, or is wrong, is left to serde, and so is every word on what is wrong with it. All that has to
//! hold here is that claims which are read are the claims that serde would read; a test compares the two.

use super::NumericDate;
use super::unverified_claims::{Audience, Claim, UnverifiedClaims, judge_audience, required_bit};

/// How deep the values of claims that are passed over may nest: few go deeper.
const MAX_DEPTH: u8 = 8;

/// As many digits as every double has.
const MAX_DIGITS: usize = 15;

/// The claims in `text`; `None` says nothing about them but that serde has to look.
pub(super) fn read<'a>(
    text: &'a str,
    audiences: &[String],
    required: &[&'static str],
) -> Option<UnverifiedClaims<'a>> {
    if !is_plain(text) {
        return None;
    }
    let mut plain = Plain { rest: text };
    let mut claims = UnverifiedClaims::default();
    let (mut seen, mut seen_required) = (0_u16, 0_u64);
    plain.members(|plain, name| {
        let mut required = required_bit(required, name);
        if let Some(claim) = Claim::named(name) {
            if seen & claim.bit() != 0 {
                return None;
            }
            seen |= claim.bit();
            match claim {
                Claim::Iss => claims.iss = Some(plain.string()?.into()),
                Claim::Sub => claims.sub = Some(plain.string()?.into()),
                Claim::Aud => claims.aud = plain.audience(audiences)?,
                Claim::Exp => claims.exp = Some(plain.time()?),
                Claim::Nbf => claims.nbf = Some(plain.time()?),
                Claim::Iat => claims.iat = Some(plain.time()?),
                Claim::Jti => _ = plain.string()?,
                // Rare enough to be left to serde.
                Claim::Cnf => return None,
            }
        } else {
            if seen_required & required.unwrap_or_default() != 0 {
                return None;
            }
            seen_required |= required.unwrap_or_default();
            if plain.value(MAX_DEPTH)? == Value::Null {
                required = None;
            }
        }
        claims.present |= required.unwrap_or_default();
        Some(())
    })?;
    plain.rest.is_empty().then_some(claims)
}

/// Whether there is neither an escape nor a control character in it, nor what names of [a kind](super::is_sound) begin with
/// that are not for this reader to judge.
#[allow(
    clippy::needless_bitwise_bool,
    reason = "without a branch, the compiler looks at many bytes at a time"
)]
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'\\') & (byte != b'$'))
}

/// What is left of a text without escapes and control characters.
struct Plain<'a> {
    rest: &'a str,
}

#[derive(PartialEq, Eq)]
enum Value {
    Null,
    Other,
}

impl<'a> Plain<'a> {
    fn first(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        if self.first()? == byte { self.skip(1) } else { None }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// What stands before the next quote: nothing in it can be escaped.
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let end = memchr::memchr(b'"', self.rest.as_bytes())?;
        let (string, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.take(b'"')?;
        Some(string)
    }

    /// A whole number; whether the number ends there is seen by what has to follow it.
    fn number(&mut self) -> Option<u64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        if digits > MAX_DIGITS || (digits > 1 && number.starts_with('0')) {
            return None;
        }
        self.rest = rest;
        number.parse().ok()
    }

    fn time(&mut self) -> Option<NumericDate> {
        NumericDate::from_whole_seconds(self.number()?)
    }

    fn audience(&mut self, audiences: &[String]) -> Option<Audience> {
        if self.first()? == b'"' {
            return self.string().map(|name| judge_audience(audiences, name));
        }
        let mut audience = Audience::Others;
        self.elements(|plain| {
            if judge_audience(audiences, plain.string()?) == Audience::Ours {
                audience = Audience::Ours;
            }
            Some(())
        })?;
        Some(audience)
    }

    /// Passes over any value.
    fn value(&mut self, depth: u8) -> Option<Value> {
        match self.first()? {
            b'"' => self.string().map(drop)?,
            b'0'..=b'9' => self.number().map(drop)?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => return self.word("null").map(|()| Value::Null),
            b'[' => {
                let below = depth.checked_sub(1)?;
                self.elements(|plain| plain.value(below).map(drop))?;
            }
            b'{' => {
                let below = depth.checked_sub(1)?;
                self.members(|plain, _| plain.value(below).map(drop))?;
            }
            _ => return None,
        }
        Some(Value::Other)
    }

    /// An object, each value read by `read`.
    fn members(&mut self, mut read: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.take(b':')?;
            read(self, name)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    /// An array, each element read by `read`.
    fn elements(&mut self, mut read: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            read(self)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPICAL: &str = r#"{"iss":"https://issuer.example","aud":["api","other"],"sub":"a3","iat":1800000000,"exp":1800000300,"nbf":0,"jti":"0","email":"a@example.com","email_verified":true,"realm":{"roles":["a","b"],"n":[1,[],{}]},"org":null,"name":"Åsa 😀"}"#;

    fn by_serde(text: &str) -> Option<UnverifiedClaims<'_>> {
        UnverifiedClaims::parse_any(text, &["api".to_owned()], &["email", "sub"]).ok()
    }

    fn plainly(text: &str) -> Option<UnverifiedClaims<'_>> {
        read(text, &["api".to_owned()], &["email", "sub"])
    }

    /// Says whether it was read here.
    fn agree(text: &str) -> bool {
        let claims = plainly(text);
        if claims.is_some() {
            assert_eq!(claims, by_serde(text), "{text}");
        }
        claims.is_some()
    }

    #[test]
    fn what_is_written_as_usual_is_read_here_and_the_rest_by_serde() {
        for text in [
            TYPICAL,
            "{}",
            r#"{"aud":"api"}"#,
            r#"{"aud":[]}"#,
            r#"{"exp":999999999999999}"#,
            r#"{"x":1,"x":2}"#,
            r#"{"a":true,"b":false,"c":null}"#,
        ] {
            assert!(agree(text), "{text}");
        }
        for text in [
            "",
            " {}",
            "{} ",
            "{",
            "[]",
            "{}{}",
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a" :1}"#,
            r#"{"a":1 }"#,
            r#"{"a":01}"#,
            r#"{"a":-1}"#,
            r#"{"a":1.5}"#,
            r#"{"a":1e3}"#,
            r#"{"a":1000000000000000}"#,
            r#"{"a":nul}"#,
            r#"{"a":nulls}"#,
            r#"{"a":"b"#,
            r#"{"a":"\u0041"}"#,
            "{\"a\":\"\t\"}",
            r#"{"a":[1,]}"#,
            r#"{"a":[1}"#,
            r#"{"a":[[[[[[[[[]]]]]]]]]}"#,
            r#"{"exp":1,"exp":2}"#,
            r#"{"email":1,"email":2}"#,
            r#"{"exp":"1"}"#,
            r#"{"iss":1}"#,
            r#"{"aud":[1]}"#,
            r#"{"aud":null}"#,
            r#"{"cnf":{}}"#,
        ] {
            assert!(!agree(text), "{text}");
        }
    }

    #[test]
    fn one_byte_more_less_or_other_anywhere_leaves_both_readers_agreed() {
        const BYTES: &[u8] = b"\"\\{}[]:,.-+0129eEtfnu /\x00\t\n\x1f\x7f\xc3";
        let mut read_here = 0;
        for at in 0..=TYPICAL.len() {
            for byte in BYTES {
                let [mut more, mut less, mut other] = [(); 3].map(|()| TYPICAL.as_bytes().to_vec());
                more.insert(at, *byte);
                if at < TYPICAL.len() {
                    less.remove(at);
                    other[at] = *byte;
                }
                for text in [more, less, other] {
                    read_here += usize::from(std::str::from_utf8(&text).is_ok_and(agree));
                }
            }
        }
        assert!(read_here > 1_000, "{read_here}");
    }

    #[test]
    fn both_readers_agree_on_whatever_is_put_together_of_these() {
        const PIECES: [&str; 40] = [
            "{",
            "}",
            "{",
            "}",
            "[",
            "]",
            ",",
            ",",
            ":",
            ":",
            "\"iss\":",
            "\"aud\":",
            "\"exp\":",
            "\"email\":",
            "\"sub\":",
            "\"jti\":",
            "\"x\":",
            "\"cnf\":",
            "\"api\"",
            "\"\"",
            "\"a b\"",
            "\"å\"",
            "0",
            "1",
            "17",
            "1800000000",
            "00",
            "1.0",
            "-1",
            "1e2",
            "999999999999999",
            "9999999999999999",
            "null",
            "true",
            "false",
            " ",
            "\"exp\":1,",
            "\"x\":null,",
            "[\"api\"]",
            "{\"x\":[0]}",
        ];
        // Any sequence would do, as long as it is the same each time (Knuth's).
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits") % below
        };
        let mut read_here = 0;
        for _ in 0..300_000 {
            let mut text = String::from("{");
            for member in 0..next(4) {
                // Mostly a member, now and then anything.
                if next(4) > 0 {
                    let comma = if member > 0 { "," } else { "" };
                    text += &[comma, PIECES[10 + next(8)], PIECES[18 + next(22)]].concat();
                } else {
                    text += PIECES[next(PIECES.len())];
                }
            }
            text += "}";
            read_here += usize::from(agree(&text));
        }
        assert!(read_here > 10_000, "{read_here}");
    }
}
