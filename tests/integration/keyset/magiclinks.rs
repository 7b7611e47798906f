//! The real thing: what a running magiclinksdev published and signed, before and after a replacement of its keys.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::header::CONTENT_TYPE;
use serde_json::Value;
use tower_jwt_auth::error::AuthErrorKind::KeyUnknown;

use super::*;
use crate::support::idp::over_http;

/// One of the two recorded key sets, with the tokens it should verify.
struct Recorded {
    answer: Answer,
    good: Vec<String>,
    bad: Vec<(String, String)>,
}

impl Recorded {
    fn read(recorded: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (good, bad): (Vec<_>, Vec<_>) = recorded["cases"]
            .as_array()
            .expect("cases")
            .iter()
            .partition(|case| case["verdict"] == "accepted");
        let content_type = text(&recorded["recorded"]["jwks_content_type"]);
        assert!(content_type.starts_with("text/plain"), "{content_type}");
        Self {
            answer: Answer::of(recorded["jwks"].to_string()).with(CONTENT_TYPE, &content_type),
            good: good.iter().map(|case| text(&case["token"])).collect(),
            bad: bad.iter().map(|case| (text(&case["token"]), text(&case["reason"]))).collect(),
        }
    }
}

fn recorded() -> (Value, [Recorded; 2]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/magiclinksdev.json");
    let file: Value = serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
    let sets = [Recorded::read(&file), Recorded::read(&file["after_rotation"])];
    (file, sets)
}

fn verifier_of(file: &Value, jwks: &Jwks) -> Arc<Verifier> {
    let text = |name: &str| file[name].as_str().expect("a text");
    let now = u32::try_from(file["now"].as_u64().expect("a number")).expect("a time");
    let verifier = Verifier::new(text("issuer"), text("audience"), jwks.clone()).expect("good settings");
    Arc::new(verifier.with_clock(FixedClock::at_unix(now)))
}

#[tokio::test]
async fn its_tokens_are_judged_as_recorded_with_keys_sent_as_plain_text() {
    let (file, sets) = recorded();
    for set in sets {
        let idp = over_http(set.answer).await;
        let jwks = Jwks::remote(&idp.url("/api/v2/jwks.json")).expect("a good URL");
        let verifier = verifier_of(&file, &jwks);
        assert_eq!(set.good.len(), 4, "EdDSA and RS256");
        for token in &set.good {
            assert_eq!(outcome(&verifier, token).await, Ok(()));
        }
        for (token, reason) in &set.bad {
            let error = verifier.verify_or_ask(token).await.map(|_| ()).expect_err(reason);
            assert_eq!(error.code(), reason);
        }
        assert_eq!(jwks.status().keys, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_of_its_keys_under_load_refuses_no_good_token() {
    let (file, [first, second]) = recorded();
    let idp = over_http(first.answer).await;
    let jwks = Jwks::remote(&idp.url("/api/v2/jwks.json")).expect("a good URL");
    let verifier = verifier_of(&file, &jwks);
    let good = Arc::new([first.good.clone(), second.good.clone()]);
    let (served, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let callers: Vec<_> = (0..50)
        .map(|caller| {
            let (verifier, good) = (Arc::clone(&verifier), Arc::clone(&good));
            let (served, done) = (Arc::clone(&served), Arc::clone(&done));
            tokio::spawn(async move {
                let mut accepted = [0, 0];
                for call in caller.. {
                    let now = served.load(Ordering::SeqCst);
                    let tokens = &good[now];
                    let answer = status(&verifier, &tokens[call % tokens.len()]).await;
                    if answer == StatusCode::OK {
                        accepted[now] += 1;
                    } else {
                        // Good is what is served both before and after: what was replaced meanwhile may be refused.
                        assert_ne!(served.load(Ordering::SeqCst), now, "caller {caller} got {answer}");
                    }
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                accepted
            })
        })
        .collect();

    tokio::time::sleep(SECOND / 4).await;
    idp.serve(second.answer);
    served.store(1, Ordering::SeqCst);
    tokio::time::sleep(SECOND / 4).await;
    done.store(true, Ordering::SeqCst);
    for caller in callers {
        let accepted = caller.await.expect("no good token was refused");
        assert!(accepted[0] > 0 && accepted[1] > 0, "{accepted:?}");
    }
    assert_eq!(idp.requests(), 2, "the first set and the one attempt");
    assert_eq!(jwks.status().generation, 2);
    for token in &first.good {
        assert_eq!(outcome(&verifier, token).await, refused(KeyUnknown), "its key is gone");
    }
    for token in &second.good {
        assert_eq!(outcome(&verifier, token).await, Ok(()));
    }
}
