//! What the stand-ins show to a browser, and how they send it back.
#![allow(dead_code, reason = "each example uses a part")]

use std::net::Ipv4Addr;

use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// All that RFC 3986 does not call unreserved.
const IN_A_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `url` with `pairs` behind the query that it has, in front of its fragment.
pub(crate) fn with_query(url: &str, pairs: &[(&str, &str)]) -> String {
    let (address, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, IN_A_VALUE));
    let pairs: Vec<String> = pairs.iter().map(pair).collect();
    let between = match address.find('?') {
        None => "?",
        Some(_) if address.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    format!("{address}{between}{}{fragment}", pairs.join("&"))
}

/// Whether a stand-in sends a browser there: over http or https, to this machine, so that it is no open redirect.
pub(crate) fn is_on_this_machine(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    let host = url.host().unwrap_or_default();
    let is_loopback = host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback());
    is_web && (is_loopback || host == "[::1]" || host.eq_ignore_ascii_case("localhost"))
}

/// A 303, after which the browser asks for `url` with GET.
pub(crate) fn see_other(url: &str) -> Response {
    // A header is ASCII.
    let location = utf8_percent_encode(url, CONTROLS).to_string();
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// `text` where it can be no markup, in an attribute neither.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

/// The hidden fields that carry `pairs` through a form.
pub(crate) fn hidden_fields(pairs: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| {
        format!(r#"<input type="hidden" name="{name}" value="{}">"#, escape(value))
    };
    pairs.iter().map(field).collect::<Vec<_>>().join("\n")
}

/// A page of markup, in which whatever came with the request is escaped already.
pub(crate) fn page(title: &str, markup: &str) -> Html<String> {
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ max-width: 26rem; margin: 4rem auto; padding: 0 1rem; }}
label, input, button {{ display: block; font: inherit; margin-bottom: 1rem; }}
input, button {{ padding: .5rem .75rem; }}
small {{ opacity: .7; }}
</style>
</head>
<body>
<h1>{title}</h1>
{markup}
<p><small>A stand-in on this machine: nobody is asked, and nothing is checked.</small></p>
</body>
</html>
"#
    ))
}

/// A 400 that says in words what the request lacks.
pub(crate) fn bad_request(what: &str) -> Response {
    let markup = format!("<p>{}</p>", escape(what));
    (StatusCode::BAD_REQUEST, page("This cannot work", &markup)).into_response()
}
