//! Which default has which reason. Each number is a named constant, or said where it is set.
//!
//! # Where a token may come from
//!
//! | default | why |
//! |---|---|
//! | header, query `jwt`, cookie `__Host-jwt` | links carry it in the query, browsers in the cookie; `__Host-` keeps sibling hosts from setting it |
//! | two tokens are a conflict | who stands behind may use the one that was not checked ([RFC 6750 §2]) |
//! | a cookie gives way to an explicit token | the browser adds it unasked |
//! | the query on GET and HEAD only, then scrubbed | a URL is logged, kept in histories and sent as referrer |
//! | unsafe cross-site requests with the cookie are refused, those that open a WebSocket too | any page can make a browser send it, and hear what the socket says |
//!
//! # What a token may be
//!
//! | default | why |
//! |---|---|
//! | [16 KiB](crate::token::MAX_TOKEN_BYTES) | the largest identity providers reach 8 KiB |
//! | header 4 KiB, 32 members, depth 16; claims depth 64 | far above what any profile defines, far below what hurts |
//! | canonical base64url | otherwise one token has several texts |
//! | no `crit`, `b64`, `zip`, nested JWT | each changes what the token means, and none is understood |
//! | RSA of 2,048 to 8,192 bits | [RFC 7518 §3.3], and what a verification may cost |
//!
//! # Claims
//!
//! | default | why |
//! |---|---|
//! | `iss`, `aud` and `exp` are required | a token without them is good for others, or for ever |
//! | [30 s](crate::verify::DEFAULT_LEEWAY) of leeway, at most [5 min](crate::verify::MAX_LEEWAY) | machines that keep time differ by less; "no more than a few minutes" ([RFC 7519 §4.1.4]) |
//! | `cnf` is refused, unless it is [checked](crate::binding) | a stolen token that was bound to its sender should be worth nothing |
//! | no [profile](crate::verify::Profile) | issuers that write `at+jwt` are few; where yours does, `Profile::AccessToken` keeps its ID tokens out |
//!
//! # Senders
//!
//! | default | why |
//! |---|---|
//! | none is looked at | most tokens are bearer tokens |
//! | the origin is said, not read | a client writes `Host` and `Forwarded` as it likes, and a proof for its own site would be good here |
//! | with DPoP, tokens that are bound to nothing are let in as bearers | an API moves to DPoP client by client; [`required`](crate::binding::Dpop::required) ends that |
//! | a bound one is not, whatever comes with it | or whoever steals it says that it is not bound ([RFC 9449 §7.2]) |
//! | a proof is up to [60 s](crate::binding::DEFAULT_PROOF_AGE) old, at most [10 min](crate::binding::MAX_PROOF_AGE), and a leeway of [30 s](crate::binding::PROOF_LEEWAY) | a request takes no longer, and each is remembered for as long |
//! | and counts once | else who sees a request can send it again |
//! | of at most [8 KiB](crate::binding::MAX_PROOF_BYTES) | with an RSA key of 8,192 bits it has 4 |
//! | ES256, ES384, Ed25519, PS256, RS256 | what clients have; a signature of the others costs more, and whoever sends one chooses |
//! | no nonces | they cost each client a request more; with them there is another every [5 min](crate::binding::NONCE_PERIOD), and the one before is good still |
//! | no dot segments in a path | a server and a proxy may not mean the same by one |
//! | a certificate in a header has at most [16 KiB](crate::binding::MAX_CERTIFICATE_BYTES) | that of a post-quantum key has half as much |
//!
//! # The key set
//!
//! | default | why |
//! |---|---|
//! | [1 h](crate::jwks::REFRESH_INTERVAL) ± 10 % | 24 fetches a day for each replica, spread out |
//! | the first time, and after failures, 20 to 110 % of it | replicas that start or recover together are not in step |
//! | the place of the keys is asked for again after [24 h](crate::jwks::REDISCOVERED_AFTER) | one that the issuer has left may be somebody else's |
//! | a refetch for a token puts the next refresh off by nothing | nor are those that have met a new key together |
//! | `max-age` shortens it only, to [60 s](crate::jwks::MIN_REFRESH_INTERVAL) at least | a long one would delay the removal of a key |
//! | back-off 1 s to [60 s](crate::jwks::MAX_BACKOFF), full jitter | a provider that comes back is not met by all at once |
//! | [5 s](crate::fetch::FETCH_TIMEOUT) a fetch, [512 KiB](crate::jwks::MAX_DOCUMENT_BYTES), 128 keys | a hanging, dripping or flooding provider costs no more |
//! | stale after [2 h](crate::jwks::STALE_AFTER), expired after [24 h](crate::jwks::EXPIRED_AFTER) | an early alarm; longer than most outages, shorter than for ever |
//! | one refetch for an unknown key in [30 s](crate::jwks::REFETCH_COOLDOWN), up to [5 min](crate::jwks::MAX_REFETCH_COOLDOWN) while fruitless | a rotation mostly heals at once, a flood of invented names costs one fetch in each of these times |
//! | requests wait [1 s](crate::jwks::FIRST_SET_WAIT) for the first set, [2 s](crate::jwks::REFETCH_WAIT) for a refetch | longer than a healthy fetch, shorter than a client's patience |
//! | 64 different keys can be waited for at a time, by 4,096 requests in all | requests for one new key share a place, invented names do not |
//!
//! A tenth alone spreads slowly: 10,000 replicas that start in the same minute would all come back in the same 12 minutes, at
//! five times the rate that they settle at in the end, and again an hour later. With a first pause of 12 to 66 minutes they
//! come at about that rate from the first hour on, and none later than 66 minutes after its last refresh. A provider whose
//! `max-age` is no longer than a minute leaves no room for that: the pauses are 60 to 66 s, and what starts together stays
//! together for long.
//!
//! After an attempt on behalf of a token has failed, the next scheduled fetch is 5 to 10 s away, not the usual second: the
//! tokens of a moment cost one fetch whether the provider is up or down. Failures after that back off as always.
//!
//! # Tenants
//!
//! | default | why |
//! |---|---|
//! | no allow-list is no default: it is an argument of [`Tenants::new`](crate::verify::Tenants::new) | a token names its issuer, and is fetched keys for before anybody has vouched for it |
//! | a name of 1 to 63 characters of `a-z`, `0-9`, `-`, `_`, and `A-Z` in a path | what a label may be, and nothing that ends a label, a segment or a host |
//! | keys of [100](crate::verify::DEFAULT_TENANTS) tenants, at most [10,000](crate::verify::MAX_TENANTS) | each has a task and a fetch an hour |
//! | as many new ones at once, then one in [1 s](crate::verify::TENANT_INTERVAL) | who can make up tokens of allowed tenants costs no more fetches than that |
//! | whose keys or policy cannot be set up is tried again after 30 s | it is a mistake in the program, and reported once in that time |
//!
//! # The token cache
//!
//! | default | why |
//! |---|---|
//! | 1,024 tokens of up to [4 KiB](crate::verify::MAX_CACHED_TOKEN_BYTES), for up to [5 min](crate::verify::MAX_CACHED_AGE) | a few MiB; most traffic repeats few tokens |
//! | only accepted tokens, by their whole text, for one generation of keys | it can only repeat a yes that would be given again |
//! | in a full cache, one that comes for the second time | tokens that come once, however many, drive nobody out and cost next to nothing |
//!
//! # Telling clients
//!
//! | default | why |
//! |---|---|
//! | a 401 names no scope, and no challenge the [metadata](crate::resource), unless they are set | neither can be guessed; both are public |
//! | the metadata is good for [1 h](crate::resource::METADATA_MAX_AGE), for pages of every origin | it changes with a deployment, and holds nothing that is not for everybody |
//! | a resource has no query | a route could not tell two apart by it ([RFC 9728 §1.2] advises against it) |
//! | nor, in its path, a dot segment, or one that begins with a colon or an asterisk | clients would take the dots out, and a router the rest for a pattern, or panic |
//! | `offline_access` is never asked for | a refresh token is no resource's need |
//!
//! # Asking a provider
//!
//! | default | why |
//! |---|---|
//! | a yes for [60 s](crate::remote::ACCEPTED_FOR), and no longer than the token lasts | a page with its images costs one call; who is signed out there is out here within a minute |
//! | a no for [5 s](crate::remote::REFUSED_FOR) | a client that tries again at once costs one call |
//! | one call a token, [32](crate::remote::MAX_CALLS) in all, [5 s](crate::fetch::FETCH_TIMEOUT) each, never repeated | a provider that is slow is not made slower |
//! | 10,000 answers, by hash | a few MB at most; tokens are not kept |
//! | `Retry-After` up to an hour; 5 s after a 429 without one | who asks for patience gets it, from all requests |
//!
//! # What a route asks for
//!
//! | default | why |
//! |---|---|
//! | scopes are those of `scope` or, where it is not there, of `scp` | one provider writes the one, another the other; where both are there, the registered name counts |
//! | names are split at spaces, and compared whole and with their case | `read` is neither `read:all` nor `Read` ([RFC 6749 §3.3]) |
//! | scopes of another JSON type are a refusal | it is not known what they would mean |
//! | one scope stands for another only where you say so | what implies what is the application's own |
//! | a sign-in without `auth_time`, or with one in the future beyond the leeway, is not recent | only the issuer can say that it is |
//! | roles and conditions are judged first, then how the user signed in, then scopes; a challenge names all that a sign-in can bring | nobody is asked for what will not help, and one sign-in brings it, not one after the other |
//!
//! # Replay, nonces and sessions
//!
//! | default | why |
//! |---|---|
//! | a token is remembered until 15 min after its `exp` | after that it is refused anyway, with the longest leeway there is, by a clock that is as much behind, beside a store whose clock is as much ahead |
//! | [100,000](crate::replay::MAX_REMEMBERED) in memory, and refused when full | forgetting one would let it in again |
//! | a store has [1 s](crate::replay::STORE_TIMEOUT), and lets nobody in when it is down | what cannot be recorded would count twice |
//! | a nonce of 32 random bytes for [10 min](crate::replay::NONCE_LIFETIME) | nobody guesses it; a sign-in takes no longer |
//! | a cookie of at most [4,096 bytes](crate::source::MAX_COOKIE_BYTES) | a browser drops a longer one in silence |
//! | `SameSite=Lax` | a `Strict` cookie is not sent on the way in from an e-mail, so that its owner looks signed out |
//! | a link for another subject is refused while a session is there | else anybody can swap a user's account by a link |
//!
//! [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
//! [RFC 6750 §2]: https://www.rfc-editor.org/rfc/rfc6750#section-2
//! [RFC 9449 §7.2]: https://www.rfc-editor.org/rfc/rfc9449#section-7.2
//! [RFC 7518 §3.3]: https://www.rfc-editor.org/rfc/rfc7518#section-3.3
//! [RFC 7519 §4.1.4]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
//! [RFC 9728 §1.2]: https://www.rfc-editor.org/rfc/rfc9728#section-1.2

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a test may stop at the first thing that is not as it says"
)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    #[derive(Debug, PartialEq)]
    enum Number {
        Count(usize),
        Time(Duration),
    }

    impl From<usize> for Number {
        fn from(count: usize) -> Self {
            Self::Count(count)
        }
    }

    impl From<Duration> for Number {
        fn from(time: Duration) -> Self {
            Self::Time(time)
        }
    }

    impl Number {
        /// As it is written: "16 KiB", "5 min", "100,000".
        fn read(words: &str) -> Option<Self> {
            let (amount, unit) = words.split_once(' ').unwrap_or((words, ""));
            let amount: u32 = amount.replace(',', "").parse().ok()?;
            let minutes = |minutes: u32| Self::Time(minutes * Duration::from_secs(60));
            match unit {
                "" | "bytes" => Some(Self::Count(amount.try_into().ok()?)),
                "KiB" => Some(Self::Count((amount * 1024).try_into().ok()?)),
                "s" => Some(Self::Time(Duration::from_secs(amount.into()))),
                "min" => Some(minutes(amount)),
                "h" => Some(minutes(60 * amount)),
                _ => None,
            }
        }
    }

    /// Constants, each with what a link to it looks like.
    macro_rules! constants {
        ($($module:ident::$name:ident),+ $(,)?) => {
            [$((concat!("crate::", stringify!($module), "::", stringify!($name)), Number::from(crate::$module::$name))),+]
        };
    }

    /// What stands before the tests of a file.
    fn text(file: &'static str) -> &'static str {
        file.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// Each `[words](crate::module::NAME)`, but for words that are a name themselves.
    fn links(page: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
        page.split('[').filter_map(|rest| {
            let (words, rest) = rest.split_once("](")?;
            let (target, _) = rest.split_once(')')?;
            let name = target.strip_prefix("crate::")?.rsplit("::").next()?;
            let is_constant = !name.contains(|char: char| char.is_ascii_lowercase());
            (is_constant && !words.contains(['`', ']'])).then_some((words, target))
        })
    }

    #[test]
    fn each_number_of_the_manual_is_that_of_the_code() {
        let constants = constants![
            binding::DEFAULT_PROOF_AGE,
            binding::MAX_CERTIFICATE_BYTES,
            binding::MAX_PROOF_AGE,
            binding::MAX_PROOF_BYTES,
            binding::NONCE_PERIOD,
            binding::PROOF_LEEWAY,
            fetch::FETCH_TIMEOUT,
            jwks::EXPIRED_AFTER,
            jwks::FIRST_SET_WAIT,
            jwks::MAX_BACKOFF,
            jwks::MAX_DOCUMENT_BYTES,
            jwks::MAX_REFETCH_COOLDOWN,
            jwks::MIN_REFRESH_INTERVAL,
            jwks::REDISCOVERED_AFTER,
            jwks::REFETCH_COOLDOWN,
            jwks::REFETCH_WAIT,
            jwks::REFRESH_INTERVAL,
            jwks::STALE_AFTER,
            remote::ACCEPTED_FOR,
            remote::MAX_CALLS,
            remote::REFUSED_FOR,
            replay::MAX_REMEMBERED,
            replay::NONCE_LIFETIME,
            replay::STORE_TIMEOUT,
            resource::METADATA_MAX_AGE,
            source::MAX_COOKIE_BYTES,
            token::MAX_TOKEN_BYTES,
            verify::DEFAULT_LEEWAY,
            verify::DEFAULT_TENANTS,
            verify::MAX_CACHED_AGE,
            verify::MAX_CACHED_TOKEN_BYTES,
            verify::MAX_LEEWAY,
            verify::MAX_TENANTS,
            verify::TENANT_INTERVAL,
        ];
        let here = text(include_str!("defaults.rs"));
        let pages = [
            here,
            include_str!("attacks.rs"),
            include_str!("operations.rs"),
            include_str!("performance.rs"),
            include_str!("threat_model.rs"),
            include_str!("../verify/mod.rs"),
        ];
        for (words, target) in pages.into_iter().flat_map(|page| links(text(page))) {
            let constant = constants.iter().find(|(path, _)| *path == target);
            let (_, is) = constant.unwrap_or_else(|| panic!("{target} is not in the list of this test"));
            assert_eq!(Number::read(words).as_ref(), Some(is), "{words:?} is said of {target}");
        }
        let here: BTreeSet<_> = links(here).map(|(_, target)| target).collect();
        assert_eq!(here, constants.iter().map(|(path, _)| *path).collect(), "this page has them all");
    }

    #[test]
    fn what_no_link_can_lead_to_is_what_the_code_says_too() {
        let here = text(include_str!("defaults.rs"));
        for (said, file, code) in [
            ("| header 4 KiB,", include_str!("../token/mod.rs"), "MAX_HEADER_BYTES: usize = 4 * 1024;"),
            (" 32 members, depth 16;", include_str!("../token/header.rs"), "MAX_MEMBERS: usize = 32;"),
            (" 32 members, depth 16;", include_str!("../token/header.rs"), "MAX_DEPTH: usize = 16;"),
            ("; claims depth 64 |", include_str!("../token/unverified_claims.rs"), "MAX_DEPTH: usize = 64;"),
            (", 128 keys |", include_str!("../jwks/set.rs"), "MAX_KEYS: usize = 128;"),
            (
                "| back-off 1 s to",
                include_str!("../jwks/schedule.rs"),
                "FIRST_BACKOFF: Duration = Duration::from_secs(1);",
            ),
            ("| 64 different keys", include_str!("../jwks/gate.rs"), "MAX_AWAITED_KEYS: usize = 64;"),
            ("by 4,096 requests in all |", include_str!("../jwks/gate.rs"), "MAX_WAITERS: usize = 4096;"),
            ("| 1,024 tokens of", include_str!("../verify/cache.rs"), "DEFAULT_CAPACITY: usize = 1024;"),
            ("| 10,000 answers,", include_str!("../remote/mod.rs"), "MAX_QUESTIONS: usize = 10_000;"),
            (
                "`Retry-After` up to an hour;",
                include_str!("../remote/answer.rs"),
                "MAX_PAUSE: Duration = Duration::from_secs(60 * 60);",
            ),
            (
                "; 5 s after a 429 without one |",
                include_str!("../remote/answer.rs"),
                "DEFAULT_PAUSE: Duration = Duration::from_secs(5);",
            ),
            (
                "until 15 min after its `exp` |",
                include_str!("../replay/rule.rs"),
                "OUTLASTS: Duration = Duration::from_secs(3 * MAX_LEEWAY.as_secs());",
            ),
        ] {
            assert!(here.contains(said), "{said:?} is not in the manual any more");
            assert!(file.contains(code), "{said:?} is not what the code says: it has no {code:?}");
        }
    }
}
