//! The whole suite with all features, and all of its logs, spans, metrics, `Debug`s and answers taken down: no token and no
//! secret that it used is in any of them, in any spelling.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    dead_code,
    unreachable_pub,
    reason = "a test may stop at the first thing that is not as it says, and needs not all that others share"
)]

#[path = "../integration/support/record.rs"]
mod record;
mod search;
mod spelling;
mod suite;

use std::collections::{BTreeMap, BTreeSet};

use search::{Finding, Secrets};

/// Where a secret may be seen, by whom it is meant for.
struct Allowed {
    what: &'static str,
    /// How the name of the test begins.
    test: &'static str,
    secret: &'static str,
    why: &'static str,
}

const LEDGER: &[Allowed] = &[
    Allowed {
        what: "the header set-cookie",
        test: "",
        secret: "a token",
        why: "a link was followed, and its token becomes the session of that browser",
    },
    Allowed {
        what: "the header set-cookie",
        test: "",
        secret: "a cookie",
        why: "the receipt of a session, and its nonce, for the same browser",
    },
    Allowed {
        what: "the header set-cookie",
        test: "",
        secret: "a claim",
        why: "it is in that token, for whoever decodes it",
    },
    Allowed {
        what: "the header set-cookie",
        test: "replay::secrecy::nothing_of_a_sign_in",
        secret: "a credential",
        why: "the same few letters are in a claim of that token",
    },
    Allowed {
        what: "the header set-cookie",
        test: "replay::secrecy::nothing_of_a_sign_in",
        secret: "a key",
        why: "the same letters once more, which are a secret to sign with elsewhere",
    },
    Allowed {
        what: "the header dpop-nonce",
        test: "binding::",
        secret: "a claim",
        why: "the client is to say it in its next proof",
    },
    Allowed {
        what: "Debug of the headers of an answer",
        test: "binding::",
        secret: "a claim",
        why: "the same nonce, which proves nothing without the key",
    },
    Allowed {
        what: "the body of a success",
        test: "privacy::a_handler_that_prints_its_request_prints_no_token",
        secret: "a token",
        why: "there, for once, no layer stands before the handler",
    },
    Allowed {
        what: "the body of a success",
        test: "provider::",
        secret: "a cookie",
        why: "the handler shows all claims, one of which is the nonce",
    },
];

impl Allowed {
    fn allows(&self, finding: &Finding<'_>) -> bool {
        finding.shown.what == self.what
            && finding.shown.test.starts_with(self.test)
            && finding.secret.what == self.secret
    }
}

/// What has to be there, and how often at least, for a search of it to mean something.
const LEAST: &[(&str, usize)] = &[
    ("a log", 60),
    ("an event", 200),
    ("a layer", 10),
    ("a verifier", 8),
    ("an authority", 5),
    ("a verdict", 10),
    ("an error", 20),
    ("claims", 1),
    ("a request behind the layer", 5),
    ("Debug of the headers of an answer", 100),
    ("the header www-authenticate", 10),
    ("the header set-cookie", 50),
    ("the body of a refusal", 20),
    ("the body of a success", 20),
    ("what the program prints", 400),
    ("a metric", 20),
];

#[test]
fn nothing_that_the_suite_logs_counts_prints_or_answers_tells_a_token_or_a_secret() {
    let record = suite::record();
    let secrets = Secrets::of(&record.secrets);
    let mut amounts = BTreeMap::<_, usize>::new();
    for entry in &record.shown {
        *amounts.entry(&*entry.what).or_default() += 1;
    }
    let findings = secrets.found_in(&record.shown);
    eprintln!(
        "searched {} things shown ({} bytes) for {} secrets in {} fragments: {} found\n{amounts:?}\n{:?}",
        record.shown.len(),
        record.shown.iter().map(|entry| entry.text.len()).sum::<usize>(),
        secrets.len(),
        secrets.fragments(),
        findings.len(),
        secrets.amounts(),
    );
    let mut leaks: BTreeSet<_> = findings
        .iter()
        .filter(|finding| !LEDGER.iter().any(|allowed| allowed.allows(finding)))
        .map(ToString::to_string)
        .collect();
    leaks.extend(record.failures.clone());
    assert!(leaks.is_empty(), "{} leaks and failures:\n{}", leaks.len(), Vec::from_iter(leaks).join("\n"));
    for (what, least) in LEAST {
        let amount = amounts.get(what).copied().unwrap_or_default();
        assert!(amount >= *least, "only {amount} of {what:?} were taken down: that shows nothing");
    }
    assert!(secrets.len() >= 2_000, "only {} secrets were taken down", secrets.len());
    for allowed in LEDGER {
        let occurs = findings.iter().any(|finding| allowed.allows(finding));
        assert!(occurs, "{} in {} ({}) occurs no longer", allowed.secret, allowed.what, allowed.why);
    }
}
