//! Only a clear yes lets anybody in: whatever else an endpoint may answer, over real HTTP.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::*;
use crate::support::idp::over_http;

const UNAVAILABLE: &str = "verifier_unavailable";

/// Where somebody who follows redirects would fetch the secrets of the machine.
const METADATA: &str = "http://169.254.169.254/latest/meta-data";

const PRIVATE: &str = "$serde_json::private::RawValue";

struct Case {
    name: &'static str,
    answer: Answer,
    want: &'static str,
}

fn case(name: &'static str, answer: Answer, want: &'static str) -> Case {
    Case { name, answer, want }
}

fn body(text: impl AsRef<[u8]>) -> Answer {
    Answer::of(text)
}

/// Answers that are none to any of the forms; `yes` would be one.
fn no_answers(yes: &str) -> Vec<Case> {
    let unavailable = |name, answer| case(name, answer, UNAVAILABLE);
    let deep = format!("{{\"deep\":{}{},{}", "[".repeat(10_000), "]".repeat(10_000), &yes[1..]);
    let mut cases = vec![
        unavailable("HTML", body("<html>welcome to the hotel</html>")),
        unavailable("HTML around a yes", body(format!("<html>{yes}</html>"))),
        unavailable("nothing", body("")),
        unavailable("null", body("null")),
        unavailable("true", body("true")),
        unavailable("an empty object", body("{}")),
        unavailable("an array of a yes", body(format!("[{yes}]"))),
        unavailable("two yeses", body(format!("{yes}{yes}"))),
        unavailable("a yes and more", body(format!("{yes} x"))),
        unavailable("half a yes", body(&yes[..yes.len() - 1])),
        unavailable("a yes behind a byte order mark", body(format!("\u{feff}{yes}"))),
        unavailable("a yes in other than UTF-8", body([b"{\"x\":\"\xff\",", &yes.as_bytes()[1..]].concat())),
        unavailable("a yes 10,000 levels deep", body(deep)),
        unavailable(
            "a yes of more than 64 KiB",
            body(format!("{yes}{}", " ".repeat(64 * 1024 + 1 - yes.len()))),
        ),
        unavailable("a JSON text in a JSON text", body(Value::from(yes).to_string())),
        // Which serde_json reads as if it were not in a text, whoever else does not.
        unavailable("a yes in a text of a private name", body(json!({ PRIVATE: yes }).to_string())),
        unavailable(
            "a yes under a private name",
            body(format!("{{\"x\":{{\"{PRIVATE}\":\"0\"}},{}", &yes[1..])),
        ),
        unavailable("a yes cut off on its way", body(yes).cut()),
        unavailable("a broken connection", Answer::broken()),
        unavailable("a yes called gzip", body(yes).with(CONTENT_ENCODING, "gzip")),
        unavailable("a yes called br", body(yes).with(CONTENT_ENCODING, "br")),
        unavailable("a yes with a redirect", redirect(302, METADATA, yes)),
        unavailable("a yes with a 308", redirect(308, METADATA, yes)),
        unavailable("a yes with a 304", body(yes).with_status(304)),
        unavailable("204", Answer::status(204)),
        unavailable("a yes with 204, which has no body", body(yes).with_status(204)),
    ];
    for (name, status) in [
        ("a yes with 400", 400),
        ("a yes with 401", 401),
        ("a yes with 403", 403),
        ("a yes with 404", 404),
        ("a yes with 415", 415),
        ("a yes with 500", 500),
        ("a yes with 502", 502),
        ("a yes with 503", 503),
        // The last, because the provider is left alone after it.
        ("a yes with 429", 429),
    ] {
        cases.push(unavailable(name, body(yes).with_status(status)));
    }
    cases
}

fn redirect(status: u16, to: &str, yes: &str) -> Answer {
    body(yes).with_status(status).with(http::header::LOCATION, to)
}

/// Asks about a token of its own in each case, and expects its code, its status, and no second request.
async fn judge(form: Form, cases: impl Fn(&str) -> Vec<Case>) {
    let count = cases(&token("count")).len();
    let idp = over_http(Answer::status(500)).await;
    let verifier = verifier_with(form.endpoint(&idp.url("/check")));
    for index in 0..count {
        let token = token(&format!("case {index}"));
        let Case { name, answer, want } = cases(&token).swap_remove(index);
        idp.serve(answer);
        let before = idp.requests();
        let (got, status) = match verifier.verify_or_ask(&token).await {
            Ok(_) => (ACCEPTED, 200),
            Err(error) => (error.code(), error.status().as_u16()),
        };
        assert_eq!(got, want, "{form:?}: {name}");
        let want_status = match want {
            ACCEPTED => 200,
            UNAVAILABLE => 503,
            _ => 401,
        };
        assert_eq!(status, want_status, "{form:?}: {name}");
        assert_eq!(idp.requests(), before + 1, "{form:?}: {name}: one request, and no other follows");
    }
}

#[tokio::test]
async fn what_is_no_clear_answer_lets_nobody_in_and_blames_no_token() {
    for form in Form::ALL {
        judge(form, |token| no_answers(&form.yes(token))).await;
    }
}

#[tokio::test]
async fn a_clear_answer_is_taken_however_it_is_spelled() {
    for form in Form::ALL {
        judge(form, |token| {
            let yes = form.yes(token);
            let created = if matches!(form, Form::PasskeyMe | Form::PasskeyMeBearer) {
                // Its success is any 2xx; the others' is 200.
                ACCEPTED
            } else {
                UNAVAILABLE
            };
            vec![
                case("a yes", body(&yes), ACCEPTED),
                case("a yes as text", body(&yes).with(CONTENT_TYPE, "text/plain"), ACCEPTED),
                case("a yes called identity", body(&yes).with(CONTENT_ENCODING, "identity"), ACCEPTED),
                case("a yes between blanks", body(format!("\r\n {yes} \n")), ACCEPTED),
                case(
                    "a yes of 64 KiB",
                    body(format!("{yes}{}", " ".repeat(64 * 1024 - yes.len()))),
                    ACCEPTED,
                ),
                case("a yes and what is not known", body(format!("{{\"new\":[1],{}", &yes[1..])), ACCEPTED),
                case("a yes with 201", body(&yes).with_status(201), created),
                case("a no", form.no(), form.refusal()),
            ]
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_says_yes_and_no_is_none() {
    judge(Form::PasskeyMe, |_| {
        vec![
            case("no, then yes", body(r#"{"valid":false,"valid":true}"#), UNAVAILABLE),
            case("yes, then no", body(r#"{"valid":true,"valid":false}"#), UNAVAILABLE),
            case("yes twice", body(r#"{"valid":true,"valid":true}"#), UNAVAILABLE),
            case("no, then an escaped yes", body(r#"{"valid":false,"val\u0069d":true}"#), UNAVAILABLE),
            case("yes", body(r#"{"val\u0069d":true}"#), ACCEPTED),
        ]
    })
    .await;
    judge(Form::Introspection, |token| {
        let yes = Form::Introspection.yes(token);
        let members = &yes[1..];
        vec![
            case("no, then yes", body(format!("{{\"active\":false,{members}")), UNAVAILABLE),
            case("bound, then not", body(format!("{{\"cnf\":1,\"cnf\":null,{members}")), UNAVAILABLE),
            case("of another, then of this", body(format!("{{\"jti\":\"x\",{members}")), UNAVAILABLE),
            case("yes", body(yes), ACCEPTED),
        ]
    })
    .await;
    judge(Form::MagicLinksDev, |token| {
        let claims = payload(token).to_string();
        let twice = format!("{{\"jti\":\"x\",{}", &claims[1..]);
        let results = |claims: &str| format!(r#""jwtValidateResults":{{"claims":{claims}}}"#);
        let (other, good) = (results(r#"{"jti":"x"}"#), results(&claims));
        vec![
            case("of another, then of this", body(format!("{{{other},{good}}}")), UNAVAILABLE),
            case("two names in the claims", body(format!("{{{}}}", results(&twice))), UNAVAILABLE),
            case("yes", body(format!("{{{good}}}")), ACCEPTED),
        ]
    })
    .await;
}

#[tokio::test]
async fn an_answer_about_another_token_is_none() {
    for form in [Form::MagicLinksDev, Form::Introspection] {
        judge(form, |ours| {
            let about = |changes: Value| {
                let mut claims = claims_with(json!({ "jti": payload(ours)["jti"] }));
                claims.as_object_mut().expect("claims").extend(changes.as_object().expect("changes").clone());
                body(form.yes(&shared_key().token(&claims)))
            };
            vec![
                case("jti", about(json!({ "jti": "other" })), UNAVAILABLE),
                case("jti in another case", about(json!({ "jti": "CASE 1" })), UNAVAILABLE),
                case("iss", about(json!({ "iss": "https://issuer.example/" })), UNAVAILABLE),
                case("sub", about(json!({ "sub": "bob" })), UNAVAILABLE),
                case("sub of another type", about(json!({ "sub": ["alice"] })), UNAVAILABLE),
                case("exp", about(json!({ "exp": 1_800_000_301 })), UNAVAILABLE),
                case("exp a string", about(json!({ "exp": "1800000300" })), UNAVAILABLE),
                case("iat", about(json!({ "iat": 1 })), UNAVAILABLE),
                case("exp as a fraction", about(json!({ "exp": 1_800_000_300.0 })), ACCEPTED),
                case("this token", about(json!({})), ACCEPTED),
            ]
        })
        .await;
    }
    // magiclinksdev gives all claims back: what tells of no token is about none.
    judge(Form::MagicLinksDev, |ours| {
        let without = |name: &str| {
            let mut claims = payload(ours);
            claims.as_object_mut().expect("claims").remove(name);
            body(json!({ "jwtValidateResults": { "claims": claims } }).to_string())
        };
        vec![
            case("no claims", body(r#"{"jwtValidateResults":{"claims":{}}}"#), UNAVAILABLE),
            case("no jti", without("jti"), UNAVAILABLE),
            case("no sub, which the token has", without("sub"), UNAVAILABLE),
            case("no exp", without("exp"), UNAVAILABLE),
            case("no aud, which tells no token from another", without("aud"), ACCEPTED),
        ]
    })
    .await;
}

#[tokio::test]
async fn passkeyme_says_yes_with_true_and_no_with_false_and_nothing_with_anything_else() {
    for form in [Form::PasskeyMe, Form::PasskeyMeBearer] {
        judge(form, |_| {
            let with = |status, text: &str| body(text).with_status(status);
            vec![
                case("a string", body(r#"{"valid":"true"}"#), UNAVAILABLE),
                case("1", body(r#"{"valid":1}"#), UNAVAILABLE),
                case("null", body(r#"{"valid":null}"#), UNAVAILABLE),
                case("an object", body(r#"{"valid":{}}"#), UNAVAILABLE),
                case("in another case", body(r#"{"Valid":true}"#), UNAVAILABLE),
                case("further down", body(r#"{"data":{"valid":true}}"#), UNAVAILABLE),
                case("false", body(r#"{"valid":false,"error":"expired"}"#), "token_refused"),
                case("false and 400", with(400, r#"{"valid":false}"#), "token_refused"),
                case("false and 401", with(401, r#"{"valid":false}"#), "token_refused"),
                case("false and 500", with(500, r#"{"valid":false}"#), UNAVAILABLE),
                case("INVALID_TOKEN", with(401, r#"{"error":{"code":"INVALID_TOKEN"}}"#), "token_refused"),
                case("INVALID_APP_ID", with(401, r#"{"error":{"code":"INVALID_APP_ID"}}"#), UNAVAILABLE),
                case("INVALID_TOKEN, 403", with(403, r#"{"error":{"code":"INVALID_TOKEN"}}"#), UNAVAILABLE),
                case("true and 401", with(401, r#"{"valid":true}"#), UNAVAILABLE),
                case("true", body(r#"{"valid":true}"#), ACCEPTED),
            ]
        })
        .await;
    }
}

#[tokio::test]
async fn introspection_says_yes_with_true_of_a_bearer_token() {
    judge(Form::Introspection, |_| {
        let answered = |active: &str| body(format!("{{\"active\":{active}}}"));
        vec![
            case("a string", answered("\"true\""), UNAVAILABLE),
            case("1", answered("1"), UNAVAILABLE),
            case("null", answered("null"), UNAVAILABLE),
            case("further down", answered(r#"{"active":true}"#), UNAVAILABLE),
            case("false", answered("false"), "token_refused"),
            case("false and 401", answered("false").with_status(401), UNAVAILABLE),
            case("bound by DPoP", answered(r#"true,"cnf":{"jkt":"x"}"#), "token_bound"),
            case("of type DPoP", answered(r#"true,"token_type":"DPoP""#), "token_bound"),
            case("of no type", answered(r#"true,"token_type":1"#), "token_bound"),
            case("signed", body("eyJhbGciOiJFUzI1NiJ9.eyJhY3RpdmUiOnRydWV9.AA"), UNAVAILABLE),
            case("of type bearer", answered(r#"true,"token_type":"bearer""#), ACCEPTED),
            case("true", answered("true"), ACCEPTED),
        ]
    })
    .await;
}

#[tokio::test]
async fn magiclinksdev_says_no_with_422_and_with_500_where_its_parser_did() {
    const PARSER: &str = "Failed to handle request: failed to parse JWT: ";
    judge(Form::MagicLinksDev, |_| {
        let said = |status: u16, message: &str| {
            let said = json!({ "code": status, "message": message, "requestMetadata": { "uuid": "x" } });
            body(said.to_string()).with_status(status)
        };
        let parser = |message: &str| said(500, &format!("{PARSER}{message}"));
        let invalid = |message: &str| said(422, &format!("Invalid JWT: JWT invalid: {message}"));
        vec![
            case(
                "signature",
                invalid("token signature is invalid: ed25519: verification error"),
                "signature_invalid",
            ),
            case("audience", invalid("incorrect audience for this service account"), "audience_mismatch"),
            case("issuer", invalid("issuer invalid"), "issuer_mismatch"),
            case("key", said(422, "Invalid JWT: JWT invalid: key not found: kid \"x\""), "key_unknown"),
            case("another 422", said(422, "Invalid JWT: new words"), "token_refused"),
            case("422 without words", body("").with_status(422), UNAVAILABLE),
            case("expired", parser("token has invalid claims: token is expired"), "token_expired"),
            case("early", parser("token has invalid claims: token is not valid yet"), "token_not_yet_valid"),
            case("malformed", parser("token is malformed: x"), "token_malformed"),
            case(
                "unverifiable",
                parser("token is unverifiable: signing method (alg) is unavailable"),
                "token_refused",
            ),
            case(
                "a fault",
                said(500, "Failed to handle request: failed to read: token is expired"),
                UNAVAILABLE,
            ),
            case("a fault in other words", said(500, "token is expired"), UNAVAILABLE),
            case("the parser's words in a 502", said(502, &format!("{PARSER}token is expired")), UNAVAILABLE),
            case("the API key", said(401, "Unauthorized."), UNAVAILABLE),
            case("forbidden", said(403, "Forbidden"), UNAVAILABLE),
            case("content type", said(415, "Invalid content type"), UNAVAILABLE),
            case("a good word with 200 but no claims", said(200, "ok"), UNAVAILABLE),
            case("claims that are none", body(r#"{"jwtValidateResults":{"claims":null}}"#), UNAVAILABLE),
            case("claims in an array", body(r#"{"jwtValidateResults":{"claims":[]}}"#), UNAVAILABLE),
            case("claims elsewhere", body(r#"{"claims":{}}"#), UNAVAILABLE),
        ]
    })
    .await;
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    const HUNDRED_MEGABYTES: usize = 100 * 1024 * 1024;
    for form in Form::ALL {
        let idp = over_http(Answer::endless(HUNDRED_MEGABYTES)).await;
        let verifier = verifier_with(form.endpoint(&idp.url("/check")));
        assert_eq!(outcome(&verifier, &token("endless")).await, UNAVAILABLE, "{form:?}");
        assert!(idp.sent() < HUNDRED_MEGABYTES / 4, "{form:?}: {} bytes were taken", idp.sent());
    }
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_time_limit() {
    let waiting = Form::ALL.into_iter().flat_map(|form| {
        [("dripping", 0), ("hanging", 1)].map(|(name, manner)| {
            tokio::spawn(async move {
                let token = token(name);
                let dripping = body(form.yes(&token)).dripping();
                let idp = over_http(if manner == 0 { dripping } else { Answer::hanging() }).await;
                let verifier = verifier_with(form.endpoint(&idp.url("/check")));
                let started = tokio::time::Instant::now();
                let got = outcome(&verifier, &token).await;
                (form, name, got, started.elapsed())
            })
        })
    });
    for (form, name, got, took) in join_all(waiting).await {
        assert_eq!(got, UNAVAILABLE, "{form:?}: {name}");
        assert!(took > 4 * SECOND && took < 8 * SECOND, "{form:?}: {name} took {took:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_lets_nobody_in_and_is_asked_again_when_it_is_back() {
    for form in Form::ALL {
        let token = token("down");
        let idp = over_http(body(form.yes(&token))).await;
        let endpoint = form.endpoint(&idp.url("/check"));
        idp.go_down().await;
        assert_eq!(outcome(&verifier_with(endpoint), &token).await, UNAVAILABLE, "{form:?}");
        let endpoint = form.endpoint(&idp.url("/check"));
        idp.come_back().expect("the same port");
        assert_eq!(outcome(&verifier_with(endpoint), &token).await, ACCEPTED, "{form:?}");
    }
}
