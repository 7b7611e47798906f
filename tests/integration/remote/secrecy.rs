//! The token, the API key and the credentials are in no log, no error and no `Debug`, whatever the provider does.

use super::*;
use crate::support::idp::{in_memory, over_http};
use crate::support::log::Log;
use tower_jwt_auth::JwtAuthLayer;
use tower_jwt_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};

/// Whatever of these is shown tells a secret.
fn secrets(token: &str) -> Vec<String> {
    let basic = base64_simd::STANDARD.encode_to_string("my%20api:s%2Fcr%3At");
    let parts = token.split('.').skip(1).map(|part| part[..part.len().min(24)].to_owned());
    parts.chain([API_KEY, "s/cr:t", "s%2Fcr%3At", &basic].map(str::to_owned)).collect()
}

fn assert_tells_nothing(text: &str, token: &str, name: &str) {
    for secret in secrets(token) {
        assert!(!text.contains(&secret), "{name} tells {secret}: {text}");
    }
}

#[tokio::test]
async fn no_log_shows_the_token_or_the_key_however_the_provider_is_reached() {
    let (log, _guard) = Log::at_trace_level();
    for form in Form::ALL {
        let token = token("secret");
        let idp = over_http(Answer::of(form.yes(&token))).await;
        let answers = [
            ("a yes", Answer::of(form.yes(&token)), ACCEPTED),
            ("a no", form.no(), form.refusal()),
            ("the token sent back", Answer::of(&token), "verifier_unavailable"),
            ("the token in a fault", Answer::of(&token).with_status(500), "verifier_unavailable"),
            ("patience", Answer::status(429), "verifier_unavailable"),
            (
                "a redirect",
                Answer::redirect_to(&idp.url(&format!("/x?token={token}"))),
                "verifier_unavailable",
            ),
            ("rubbish", Answer::of("<html>"), "verifier_unavailable"),
            ("a broken connection", Answer::broken(), "verifier_unavailable"),
            ("too much", Answer::endless(1024 * 1024), "verifier_unavailable"),
        ];
        for (name, answer, want) in answers {
            idp.serve(answer);
            let verifier = verifier_with(form.endpoint(&idp.url("/check")));
            let answer = verifier.verify_or_ask(&token).await;
            let shown = format!("{answer:?} {verifier:?} {verifier}");
            assert_eq!(answer.map_or_else(|error| error.code(), |_| ACCEPTED), want, "{form:?}: {name}");
            let logged = log.take();
            assert!(logged.contains("/check"), "{form:?}, {name}: an event says who was asked: {logged}");
            assert_tells_nothing(&logged, &token, &format!("the log of {form:?}, {name}"));
            assert_tells_nothing(&shown, &token, &format!("{form:?}, {name}"));
        }
        idp.go_down().await;
        let verifier = verifier_with(form.endpoint(&idp.url("/check")));
        assert_eq!(outcome(&verifier, &token).await, "verifier_unavailable");
        let logged = log.take();
        assert!(logged.contains("WARN") && logged.contains("refused"), "{form:?}: {logged}");
        assert_tells_nothing(&logged, &token, &format!("the log of {form:?}, connection refused"));
    }
}

/// Does what it can to tell: its errors hold nothing, but its requests hold everything.
struct Chatty;

impl Fetch for Chatty {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        tracing::error!("{request:?}");
        tracing::error!(headers = ?request.http.headers(), "asking");
        Box::pin(async { Err(FetchError::Failed("no route to host".into())) })
    }
}

#[tokio::test]
async fn a_client_of_ones_own_can_print_requests_and_their_headers_without_telling() {
    let (log, _guard) = Log::at_trace_level();
    for form in Form::ALL {
        let token = token("secret");
        let verifier = verifier_with(form.endpoint(URL).with_fetch(Chatty));
        assert_eq!(outcome(&verifier, &token).await, "verifier_unavailable", "{form:?}");
        let logged = log.take();
        assert!(logged.contains("provider.example") && logged.contains("no route to host"), "{logged}");
        assert_tells_nothing(&logged, &token, &format!("{form:?}"));
    }
}

#[tokio::test]
async fn no_debug_and_no_display_shows_the_key_the_credentials_or_a_kept_token() {
    for form in Form::ALL {
        let token = token("secret");
        let provider = in_memory(Answer::of(form.yes(&token)));
        let endpoint = form.over(&provider);
        let verifier = shared(&endpoint);
        assert_eq!(outcome(&verifier, &token).await, ACCEPTED);
        let layer = JwtAuthLayer::new(Arc::clone(&verifier));
        let authority = tower_jwt_auth::verify::Authority::from(endpoint.clone());
        let text =
            format!("{endpoint:?} {endpoint} {verifier:?} {verifier} {layer:?} {authority:?} {authority}");
        assert!(text.contains("provider.example/check"), "{text}");
        assert_tells_nothing(&text, &token, &format!("{form:?}"));
    }
    let credentials = [Credentials::basic("my api", "s/cr:t"), Credentials::bearer(API_KEY)];
    assert_tells_nothing(&format!("{credentials:?}"), "", "Credentials");
    let refused = [
        ValidationEndpoint::magiclinksdev(URL, &format!("{API_KEY}\n")).expect_err("a line end"),
        ValidationEndpoint::introspection(URL, &Credentials::bearer(format!("{API_KEY}\n")))
            .expect_err("one"),
        ValidationEndpoint::magiclinksdev(&format!("https://x:{API_KEY}@provider.example/"), API_KEY)
            .expect_err("it"),
        ValidationEndpoint::magiclinksdev(&format!("{URL}?key={API_KEY}"), API_KEY).expect_err("a query"),
        ValidationEndpoint::magiclinksdev(&format!("not a URL {API_KEY}"), API_KEY).expect_err("none"),
    ];
    let text = format!("{refused:?} {}", refused.each_ref().map(ToString::to_string).join(" "));
    assert_tells_nothing(&text, "", "ConfigError");
}
