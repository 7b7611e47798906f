//! What a JSON text must be before serde sees it: serde skips unknown members without looking at how deep they
//! nest or whether their escapes mean anything.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The text of `bytes`, if it is UTF-8 and [sound](is_sound).
pub(crate) fn checked_text(bytes: &[u8], max_depth: usize) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| is_sound(text, max_depth))
}

/// Whether `text` nests no deeper than `max_depth`, pairs its surrogate escapes, and is to serde what it looks like.
pub(crate) fn is_sound(text: &str, max_depth: usize) -> bool {
    let bytes = text.as_bytes();
    let opened = memchr::memchr2_iter(b'{', b'[', bytes).take(max_depth.saturating_add(1)).count();
    // As many openings as levels allowed cannot nest too deep, and hardly any token has more.
    (opened <= max_depth || depth(bytes) <= max_depth)
        && (memchr::memchr(b'\\', bytes).is_none() || surrogates_are_paired(bytes))
        && !has_private_names(text)
}

/// Whether a string of `text` begins like the names that `serde_json` keeps for itself.
///
/// An object with such a member is not what it looks like to its `Value`, into which applications read claims: the JSON
/// inside of the string is read in its place, and what is in a string in there, as deep as it goes.
fn has_private_names(text: &str) -> bool {
    const PREFIX: &str = "$serde_json::private::";
    let bytes = text.as_bytes();
    if memchr::memchr2(b'$', b'\\', bytes).is_none() {
        return false;
    }
    strings(text).any(|string| {
        let is_plain = memchr::memchr(b'\\', string.as_bytes()).is_none();
        let content = if is_plain { string.get(1..).map(Cow::Borrowed) } else { unescaped(string) };
        content.is_some_and(|content| content.starts_with(PREFIX))
    })
}

/// Every string of `text`, with its quotes.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    let mut bytes = text.as_bytes().iter();
    std::iter::from_fn(move || {
        bytes.find(|byte| **byte == b'"')?;
        let start = text.len().checked_sub(bytes.len())?.checked_sub(1)?;
        skip_string(&mut bytes);
        text.get(start..text.len().checked_sub(bytes.len())?)
    })
}

fn unescaped(string: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(string).ok().map(|Text(content)| content)
}

/// Whether `text` begins as an object: serde takes an array of values for a struct too.
pub(crate) fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// The deepest nesting of arrays and objects, outside of strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

/// Whether every `\uD800`-`\uDBFF` is followed at once by a `\uDC00`-`\uDFFF`, and none of these stands alone.
fn surrogates_are_paired(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut high_pending = false;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let escape = if *byte == b'\\' { after.split_first() } else { None };
        let Some((escaped, after_escape)) = escape else {
            if high_pending {
                return false;
            }
            continue;
        };
        rest = after_escape;
        let unit = if *escaped == b'u' { after_escape.get(..4).and_then(hex) } else { None };
        match (unit, high_pending) {
            (Some(0xDC00..=0xDFFF), true) => high_pending = false,
            (Some(0xDC00..=0xDFFF), false) | (_, true) => return false,
            (Some(0xD800..=0xDBFF), false) => high_pending = true,
            _ => {}
        }
        if unit.is_some() {
            rest = rest.get(4..).unwrap_or_default();
        }
    }
    !high_pending
}

fn hex(digits: &[u8]) -> Option<u16> {
    // A sign would be taken by `from_str_radix`, but is no hexadecimal digit.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A string that borrows from the document unless it holds escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_serde_json_keeps_for_itself_are_seen_however_they_are_written() {
        for (text, want) in [
            (r#"{"$serde_json::private::RawValue":"[]"}"#, true),
            (r#"{"a":[{"$serde_json::private::Number":"1"}]}"#, true),
            (r#"{"\u0024serde_json::private::RawValue":"[]"}"#, true),
            (r#"{"$serde_json\u003a:private::RawValue":"[]"}"#, true),
            (r#"{"a\"":{"$serde_json::private::RawValue":"[]"}}"#, true),
            (r#"{"a":"$serde_json::private::"}"#, true),
            (r#"{"$serde_json":"x $serde_json::private::RawValue"}"#, false),
            (r#"{"price":"$5","path":"C:\\x","said":"\"$\""}"#, false),
            (r#"{"a":1}"#, false),
            ("\"$", false),
            ("\"\\", false),
            ("", false),
        ] {
            assert_eq!(has_private_names(text), want, "{text}");
        }
    }

    #[test]
    fn an_object_begins_with_a_brace_whatever_serde_takes_for_one() {
        for (text, want) in [("{}", true), (" \n{", true), ("[]", false), ("[{}]", false), ("", false)] {
            assert_eq!(is_object(text), want, "{text:?}");
        }
    }

    #[test]
    fn nesting_is_counted_outside_of_strings_and_up_to_the_limit() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(checked_text(nested(16).as_bytes(), 16).is_some());
        assert!(checked_text(nested(17).as_bytes(), 16).is_none());
        assert!(checked_text(nested(10_000).as_bytes(), 64).is_none());
        let flat = format!("[{}[]]", "[],".repeat(100));
        assert!(checked_text(flat.as_bytes(), 16).is_some(), "many openings, but flat");
        let quoted = format!(r#"["{}","\"{}"]"#, "[".repeat(100), "{".repeat(100));
        assert!(checked_text(quoted.as_bytes(), 16).is_some(), "brackets in strings do not nest");
    }

    #[test]
    fn only_paired_surrogate_escapes_are_text() {
        for (json, good) in [
            (r#""\ud83d\ude00""#, true),
            (r#""\uD83D\uDE00 \u00e9 \\ \n""#, true),
            (r#""\ud83d""#, false),
            (r#""\ud83d ""#, false),
            (r#""\ud83dx\ude00""#, false),
            (r#""\ude00\ud83d""#, false),
            (r#""\ud83d\n\ude00""#, false),
            (r#""\ud83d\ud83d\ude00""#, false),
            (r#""\\ud83d""#, true),
            (r#""\\\ud83d""#, false),
        ] {
            assert_eq!(checked_text(json.as_bytes(), 16).is_some(), good, "{json}");
        }
        assert!(checked_text(b"\"\xff\"", 16).is_none());
        assert!(checked_text(b"\"\xed\xa0\xbd\"", 16).is_none(), "a surrogate in raw UTF-8");
    }
}
