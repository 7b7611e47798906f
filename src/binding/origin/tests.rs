use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;

use super::*;
use crate::tests::for_all;

#[test]
fn a_url_has_one_normal_form_or_none() {
    for (url, want) in [
        ("https://api.example.com", Some("https://api.example.com/")),
        ("HTTPS://API.Example.COM/", Some("https://api.example.com/")),
        ("https://api.example.com:443/a", Some("https://api.example.com/a")),
        ("https://api.example.com:0443/a", Some("https://api.example.com/a")),
        ("https://api.example.com:/a", Some("https://api.example.com/a")),
        ("https://api.example.com:80/a", Some("https://api.example.com:80/a")),
        ("http://api.example.com:80/a", Some("http://api.example.com/a")),
        ("http://[::1]:3000/a", Some("http://[::1]:3000/a")),
        ("http://[2001:DB8::1]", Some("http://[2001:db8::1]/")),
        ("https://api.example.com/a?b=/c#d", Some("https://api.example.com/a")),
        ("https://api.example.com#/../d", Some("https://api.example.com/")),
        ("https://api.example.com?https://evil.example/", Some("https://api.example.com/")),
        ("https://api.example.com/%7Ea/%2d%2F%3f", Some("https://api.example.com/~a/-%2F%3F")),
        ("https://api.example.com/%C3%a9/\u{e9}", Some("https://api.example.com/%C3%A9/%C3%A9")),
        ("https://api.example.com//a//", Some("https://api.example.com//a//")),
        ("https://api.example.com/A", Some("https://api.example.com/A")),
        ("https://api.example.com/..a/.../a..", Some("https://api.example.com/..a/.../a..")),
        ("https://api.example.com/a/../b", None),
        ("https://api.example.com/a/.", None),
        ("https://api.example.com/%2e%2E/b", None),
        ("https://api.example.com/.%2e/b", None),
        ("https://api.example.com/%", None),
        ("https://api.example.com/%4", None),
        ("https://api.example.com/%4g", None),
        ("https://api.example.com/a b", None),
        ("https://api.example.com/a\n", None),
        ("https://user@api.example.com/", None),
        ("https://api.example.com@evil.example/", None),
        ("https://api.example.com\\@evil.example/", None),
        ("https://api.example.com:+443/", None),
        ("https://api.example.com:99999/", None),
        ("https://api.example.com:a/", None),
        ("https://::1/", None),
        ("https://[::1/", None),
        ("https://[]/", None),
        ("https://\u{e4}pi.example.com/", None),
        ("https://api%2eexample.com/", None),
        ("https:///a", None),
        ("https://", None),
        ("https:/api.example.com/", None),
        ("ftp://api.example.com/", None),
        ("//api.example.com/a", None),
        ("/a", None),
        ("", None),
    ] {
        assert_eq!(normal_url(url).as_deref(), want, "{url:?}");
    }
}

#[test]
fn an_origin_may_have_a_path_and_nothing_behind_it() {
    for (url, want) in [
        ("https://api.example.com", Some("https://api.example.com")),
        ("https://api.example.com/", Some("https://api.example.com")),
        ("https://API.example.com:443/v1/", Some("https://api.example.com/v1")),
        ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
        ("https://api.example.com?", None),
        ("https://api.example.com/#", None),
        ("https://api.example.com/../", None),
        ("api.example.com", None),
        ("", None),
    ] {
        assert_eq!(Origin::new(url).ok().map(|origin| origin.to_string()).as_deref(), want, "{url:?}");
    }
    let origin = Origin::new("https://api.example.com/v1").expect("an origin");
    for (htu, path, want) in [
        ("https://api.example.com/v1/a", "/a", true),
        ("https://api.example.com/v1/", "/", true),
        ("https://api.example.com/v1", "/", false),
        ("https://api.example.com/a", "/a", false),
        ("https://api.example.com/v1/a", "/v1/a", false),
        ("https://api.example.com/v1/a/b", "/a", false),
        ("https://api.example.com.evil.example/v1/a", "/a", false),
        ("http://api.example.com/v1/a", "/a", false),
    ] {
        assert_eq!(origin.is_named_by(htu, path), want, "{htu} {path}");
    }
}

/// A character of a path, and whether it is written with an escape, and that in lower case.
type Letter = (char, bool, bool);

fn letters() -> impl Strategy<Value = Vec<Letter>> {
    let char =
        sample::select(vec!['a', 'Z', '7', '-', '_', '.', '~', '/', '!', '$', '&', '+', ':', '@', 'é']);
    vec((char, any::<bool>(), any::<bool>()), 0..8)
}

fn written(letters: &[Letter], as_is: bool) -> String {
    let mut path = "/".to_owned();
    for (char, escape, lower) in letters {
        // An escaped slash is another character, and so are other reserved ones.
        let may_be_escaped = is_unreserved(u8::try_from(*char).unwrap_or(b'/')) && char.is_ascii();
        if may_be_escaped && *escape && !as_is {
            let byte = u8::try_from(*char).expect("ASCII");
            _ = if *lower { write!(path, "%{byte:02x}") } else { write!(path, "%{byte:02X}") };
        } else {
            path.push(*char);
        }
    }
    path
}

#[test]
fn however_a_path_is_written_its_normal_form_is_the_same_and_its_own() {
    for_all((letters(), letters()), |(one, other)| {
        let (plain, escaped) = (written(&one, true), written(&one, false));
        let normal = normal_path(&plain);
        prop_assert_eq!(&normal_path(&escaped), &normal, "{} and {}", plain, escaped);
        let has_dots = plain.split('/').any(|segment| segment == "." || segment == "..");
        prop_assert_eq!(normal.is_none(), has_dots);
        if let Some(normal) = normal {
            prop_assert_eq!(normal_path(&normal), Some(normal.clone()), "again");
            // Other letters are another path.
            let plain_other = written(&other, true);
            prop_assert_eq!(normal_path(&plain_other) == Some(normal), plain_other == plain);
        }
        Ok(())
    });
}

#[test]
fn a_url_names_a_path_only_if_it_is_that_of_the_origin_and_the_path() {
    let host = sample::select(vec!["api.example.com", "API.example.com", "api.example.com.", "evil.example"]);
    let port = sample::select(vec!["", ":", ":443", ":80", ":8443"]);
    let scheme = sample::select(vec!["https", "HTTPS", "http"]);
    let tail = sample::select(vec!["", "?a=b", "#a", "?a#b", "?/../"]);
    let origin = Origin::new("https://api.example.com").expect("an origin");
    for_all((scheme, host, port, letters(), tail, letters()), |(scheme, host, port, one, tail, other)| {
        let htu = format!("{scheme}://{host}{port}{}{tail}", written(&one, false));
        let (here, there) = (written(&one, true), written(&other, true));
        let is_ours = !scheme.eq_ignore_ascii_case("http")
            && host.eq_ignore_ascii_case("api.example.com")
            && matches!(port, "" | ":" | ":443");
        for path in [&here, &there] {
            let named = match (normal_url(&htu), normal_path(path)) {
                (Some(htu), Some(path)) => origin.is_named_by(&htu, &path),
                _ => false,
            };
            let has_dots = path.split('/').any(|segment| segment == "." || segment == "..");
            prop_assert_eq!(named, is_ours && *path == here && !has_dots, "{} {}", htu, path);
        }
        Ok(())
    });
}

#[test]
fn no_text_makes_it_panic_and_no_normal_form_has_another() {
    for_all("\\PC{0,30}|https://[ -~é]{0,30}|https://a(/|%|[0-9a-fA-F.]){0,20}", |text| {
        if let Some(normal) = normal_url(&text) {
            prop_assert_eq!(normal_url(&normal), Some(normal.clone()));
        }
        if let Some(normal) = normal_path(&text) {
            prop_assert_eq!(normal_path(&normal), Some(normal.clone()));
        }
        Ok(())
    });
}
