//! What is around every page.
#![allow(dead_code, reason = "each example uses a part")]

use std::time::Duration;

use axum::response::Html;
use serde_json::Value;

pub(crate) use crate::stand_in::browser::escape;

const STYLE: &str = include_str!("style.css");

/// A page of markup, in which whatever came from outside is escaped already.
pub(crate) fn page(title: &str, markup: &str) -> Html<String> {
    Html(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{markup}
</main>
</body>
</html>
"#
    ))
}

/// Only a `POST` signs out: a link or an image of another site could not.
pub(crate) const SIGN_OUT: &str =
    r#"<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>"#;

/// The claims, a row each.
pub(crate) fn claims_table(claims: &Value) -> String {
    let row = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("<tr><th>{}</th><td>{}</td></tr>\n", escape(name), escape(&value))
    };
    let rows: String = claims.as_object().into_iter().flatten().map(row).collect();
    format!("<table>\n{rows}</table>")
}

/// What is left of a token, in words.
pub(crate) fn time_left(left: Option<Duration>) -> String {
    let Some(seconds) = left.map(|left| left.as_secs()) else { return "no end".to_owned() };
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
