//! What to watch, and what it means.
//!
//! # Readiness
//!
//! [`Jwks::status`](crate::Jwks::status) serialises to JSON for a readiness handler:
//!
//! ```json
//! {"state":"fresh","keys":2,"skipped":{"unsupported_type":1},"generation":3,"age_seconds":1200,"failures":0,"last_error":null}
//! ```
//!
//! | state | tokens | what to do |
//! |---|---|---|
//! | `cold` | 503 after a second | wait, up to a minute after the provider has come back; look at `last_error` if it stays |
//! | `fresh` | verified | nothing |
//! | `stale` | verified | the provider has not answered well for 2 h: find out why |
//! | `expired` | 503 | it has not for 24 h, and the keys are no longer trusted |
//!
//! Answer 200 while [`is_ready`](crate::jwks::JwksState::is_ready) holds. Liveness has nothing to do with it: a restart
//! does not bring the provider back.
//!
//! # Refusals
//!
//! Each is a `debug` event, so that nobody can flood the log; `RUST_LOG=info,tower_jwt_auth=debug` shows them where
//! tracing-subscriber's `env-filter` is on. Why tokens cannot be checked is in the events of the key set,
//! which are warnings and errors. Alarm on those, on the state, and on `failures` that keep growing. The
//! [code](crate::error::AuthErrorKind) is in the answer, in the event and in the metric, and the
//! [`AuthError`](crate::AuthError) is in the response's extensions, for middleware outside of the layer.
//!
//! To look into one token, print what [`Verifier::explain`](crate::Verifier::explain) makes of it, or run the example
//! `explain` against your provider: every check with its outcome, and all that is wrong at once. Such a token is a
//! credential until it expires, and the report is for you, not for the client.
//!
//! # Events
//!
//! Events are emitted through `tracing`, with the target `tower_jwt_auth`, and those of a refresh in a span `jwks` that
//! names the endpoint without its query. The messages are those of the table, to the letter. Fields are closed enums, numbers
//! and what you have configured; `cause` is what the client of HTTP or of the store says. None ever holds a token, a kid or
//! a claim.
//!
//! | event | level | fields |
//! |---|---|---|
//! | `verifying tokens` | info | `policy`: what a layer checks, whom it trusts, and what is off, when it is first put around a service; axum puts the layer of a single route around it when the route is first asked for |
//! | `key set changed` | info | `endpoint`, `generation`, `keys`, `skipped`, `took` |
//! | `key set unchanged` | debug | the same |
//! | `key set not refreshed` | warn | `endpoint`, `code`, `error`, `cause`, `in_a_row`, `retry_in` |
//! | `key set state begins` | debug | `endpoint`, `to` |
//! | `key set state changed` | info, and error where tokens cannot be checked any more | `endpoint`, `from`, `to` |
//! | `the key set publishes private or symmetric keys` | warn, once; they are not used | `endpoint` |
//! | `request refused` | debug | `code`, `source`, `claim` |
//! | `claims do not fit` | debug | `wanted`: the name of the Rust type; `missing`: the field that the claims lack, if it is that; `column`: where the reading of the payload stopped |
//! | `a route looks for a verified token but is not behind a JwtAuthLayer` | error | |
//! | `provider asked about a token` | debug | `endpoint`, `result`: `accepted`, `refused` or `paused`, `took` |
//! | `no answer about a token` | warn | `endpoint`, `result`, `cause`, `took` |
//! | `no answer from the replay store` | warn | `code`: `full`, `failed`, `timed_out`; `cause`; `accepted`: whether the token was let in all the same |
//! | `no key here verifies the token` | debug | `action`: `refetched`, `joined`, `refused`, `crowded`. Its key is not in the set, or the one that has its name did not make its signature: the code of the refusal says which |
//! | `tenant` | debug | `tenant`, one that is allowed; `event`: `added`, `dropped` or `postponed` |
//! | `verifying tokens of a tenant` | info | `tenant`; `policy`, with what is off, of one that has a policy of its own; whenever its keys are looked for |
//! | `tenant not set up` | error | `tenant`; `error`: what its policy or its keys lack |
//! | `token verified` | trace | `cache`: `hit` or `miss` |
//! | `link handed over to a browser` | debug | |
//! | `request admitted` | trace | `source` |
//! | `no token, which is optional here` | trace | |
//!
//! # Metrics
//!
//! With the feature `metrics`, through the `metrics` facade:
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `jwt_auth_requests_total` | counter | `outcome`: `accepted`, `anonymous`, `handed_over` or a code; `source`. A request that is let in and whose claims then do not fit the handler counts under both |
//! | `jwt_auth_token_cache_total` | counter | `result`: `hit`, `miss` |
//! | `jwt_auth_verify_seconds` | histogram | a verification that the cache did not answer |
//! | `jwt_auth_unknown_key_total` | counter | tokens that no key here verifies; `action`: as in the event |
//! | `jwt_auth_jwks_refresh_total` | counter | `result`: `changed`, `unchanged` or a [code](crate::error::JwksErrorKind) |
//! | `jwt_auth_jwks_refresh_seconds` | histogram | a refresh that worked |
//! | `jwt_auth_jwks_state` | gauge | `state`: 1 for where it stands, 0 for the others |
//! | `jwt_auth_jwks_keys`, `_keys_skipped`, `_generation` | gauge | |
//! | `jwt_auth_jwks_failures` | gauge | how many refreshes in a row have failed: alarm where it stays above a few |
//! | `jwt_auth_remote_total` | counter | `endpoint`, `result`: as in the event, or why there is no answer |
//! | `jwt_auth_remote_seconds` | histogram | `endpoint` |
//! | `jwt_auth_replay_store_failures_total` | counter | `code`; `outcome`: `refused` or `accepted` |
//! | `jwt_auth_tenants` | gauge | how many have their keys here |
//! | `jwt_auth_tenants_total` | counter | `event`: as in the event, or `failed` |
//!
//! Those that begin with `jwt_auth_jwks_` also carry `endpoint`: the URL of the key set without the query, or the issuer
//! that it was discovered for. With [tenants](crate::verify::Tenants), that is as many values as tenants have come, and those
//! of one that has given way stay as they were. Where `postponed` grows while nobody floods you, more tenants are in use than
//! there is room for.
//!
//! # Rotating keys
//!
//! Publish the new key two hours before signing with it, and every replica that can reach the provider has it by then: a
//! refresh is up to 66 minutes after the one before it. A replica that meets a token of a
//! key it has not seen fetches the set, and the request waits for it; but only if none was fetched for a token in the last
//! 30 s, or up to 5 min after fruitless ones, which anybody can cause with invented key names. Until then its tokens get
//! 401 `key_unknown`, as those of any unknown key do while the keys are fresh. A key under a name that was another's is told
//! by its signature, and gets 401 `signature_invalid` until then, though the last refresh may have failed.
//!
//! To rehearse an outage or a rotation, have a provider of your own send `Cache-Control: max-age=60`, or set
//! [`with_refresh_interval`](crate::jwks::JwksBuilder::with_refresh_interval) to a minute: an hour is long to watch.
//!
//! Remove the old key when its last token has expired: from each replica's next refresh on it is refused, also where it
//! was cached. [`Jwks::refresh_now`](crate::Jwks::refresh_now) does not wait for that.
//!
//! Ages are measured in monotonic time, which stands still while a machine is suspended: after a resume, keys look younger
//! than they are by that much.
//!
//! # When a store or a provider is down
//!
//! Nobody gets in whose token cannot be recorded or checked: 503, `replay_unavailable` or `verifier_unavailable`, with
//! `Retry-After`. Both come back by themselves. A token that was refused because the store took too long may have been used up. A store in memory forgets with its process: a token that counts once counts
//! again after a restart, until it expires; and so it does after Redis has lost its data. Keep tokens that count once short.
//!
//! # What it was put through
//!
//! Each by one command, in a work tree. A plain `cargo test` has chaos, orders and properties in their short forms, which
//! take half a minute in all once they are built. The short forms of the others take a minute or more each, and most of that
//! is building: `.ci/fuzz`, `.ci/paths`, `.ci/mutants` and the soak build all dependencies in a way of their own, and
//! `.ci/mutants` builds cargo-mutants too where it is not installed. The search for secrets runs the suite, for two minutes
//! or more, and needs a `redis-server`. The gate, `.ci/run`, runs all the short forms.
//!
//! | what | the gate runs | the long form |
//! |---|---|---|
//! | **Chaos**: random schedules of rotations, outages, clock jumps, floods and impatient callers, each verdict, fetch, wait and state held against a model; over HTTP too, where the long form alone sees whether memory grows | `cargo test --test chaos` | `CHAOS_SCHEDULES=20000 CHAOS_SECONDS=600 cargo test --test chaos -- --nocapture` |
//! | **Orders of threads**: nine scenarios of the parts that threads share, played out in thousands of orders by shuttle | `cargo test --lib interleavings` | `ORDERS=100000 cargo test --release --lib interleavings` |
//! | **Properties** of what is parsed, scrubbed, quoted, scheduled and cached, by proptest | `cargo test --lib --test properties` | `PROPTEST_CASES=100000 cargo test --lib --test properties` |
//! | **Fuzzing** of ten formats that come from outside, each against a model of its own | `.ci/fuzz` | `.ci/fuzz --minutes 30 --jobs 2` |
//! | **Mutants**: whether some test fails for each change that cargo-mutants makes in `src`, but for `clock`, `error`, `sync`, `telemetry` and `test_util`; in the short form, in ten files; `--together` leaves out those that need a build of their own, which takes as long again | `.ci/mutants --quick` | `.ci/mutants` |
//! | **Secrets**: the whole suite again, every log, metric, `Debug` and answer of it searched for every secret in it | `cargo test --all-features --test secrecy` | the same |
//! | **Timing**: a guess at a secret costs the same wherever it is wrong, by instructions in the gate and by the clock in the long form | `.ci/paths` | `cargo bench --bench timing` |
//! | **Soak**: the example under full load while its provider rotates and fails, each answer judged | `cargo bench --bench soak -- --seconds 20` | `cargo bench --bench soak -- --minutes 15 --plot` |
//!
//! Seen on 2026-11-26, on two cores that other work shared, so that nothing follows from it for speed. Where that was less than
//! the long form, it is said:
//!
//! - **Soak**, the long form: 89 rotations, 15 outages of 15 s each in 11 manners, 97,192 clients that left in the middle of
//!   something, 1 % bad tokens of every kind. 4,377,026 answers, none other than promised; of 5xx there was 503 only, 9,016
//!   times, where a key could not be looked for. 13 descriptors and 3 threads before and after; memory 12.4 MiB in the second
//!   fifth of the time and 12.6 MiB in the last.
//! - **Chaos**, the long form, in two runs: 17,000 schedules under paused time, of 623,096 steps, 282,416 of them faults, in
//!   which 1,486,426 verdicts were given in 60,314 hours; and over HTTP ten minutes, 2,064 schedules, in which 74,376 verdicts
//!   were given, with 24.1 MiB of memory in the third round and 23.9 MiB in the last. Nothing that must hold did not. Three
//!   times it was the model that was wrong: it had an expired token expire five minutes later, and on a machine that was late
//!   by seconds it took callers for late.
//! - **Orders of threads**: 20,000 of each scenario, unoptimised.
//! - **Fuzzing**, the long form in several runs, for nine of the targets: 70 minutes and more of each, but one and a half to six
//!   of a processor's: 19,644,000 executions. One finding: what stands between the host and the port of a URL was passed
//!   over. It is mended. The tenth, of DPoP proofs: 30 minutes, nine of a processor's, 3,554,392 executions and no finding.
//! - **Mutants**, the long form, in parts: of 2,996, 780 do not compile, 2,111 are caught, 17 hang, and 88 survived, of which 82
//!   are explained in `.ci/mutants.toml`; the other six are caught by tests that have come since. Those in files that have
//!   changed since then were tried again, 191 of them, and are caught or explained.
//! - **Properties**: eight of 17 in the long form, the others in the short one, 256 cases. They found that fractions in claims
//!   were not read to the last bit.
//! - **Secrets**: 14,833 things shown, and 61,129 secrets of which none was in them but where it belongs.
//! - **Timing**, both forms: an HS256 tag that is wrong in its first, middle or last byte costs 25,518 instructions each, one of
//!   HS512 25,903 and a nonce 1,861. By the clock, |t| is below 1 in each case, and 1,604 for a comparison that stops early.
//!
#![doc = include_str!("operations/soak.svg")]
//!
//! # Behind a proxy
//!
//! The query parameter is scrubbed from what stands behind the layer, not from what stands before it: keep access logs of
//! a proxy, and tracing middleware outside of the layer, from recording queries. The rule against cross-site requests
//! compares `Origin` with `Host`: a proxy has to pass both on.

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn each_event_has_the_message_that_the_manual_says() {
        let manual = include_str!("operations.rs");
        let (_, after) = manual.split_once("//! | event |").expect("a table of events");
        let (rows, _) = after.split_once("//!\n").expect("an end of it");
        let told: BTreeSet<_> =
            rows.lines().filter_map(|row| row.strip_prefix("//! | `")?.split('`').next()).collect();

        let code = include_str!("../telemetry.rs");
        // What stands last in a call is the message.
        let said: BTreeSet<_> = code
            .split("(target: TARGET")
            .skip(1)
            .filter_map(|call| {
                let mut depth = 1;
                let end = call.find(|char| {
                    depth += i32::from(char == '(') - i32::from(char == ')');
                    depth == 0
                })?;
                call.get(..end)?.rsplit('"').nth(1)
            })
            .collect();
        assert_eq!(told, said);
        assert!(said.len() > 10 && !said.iter().any(|message| message.contains('{')), "{said:?}");
    }
}
