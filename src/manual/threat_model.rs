//! Who is trusted with what, what is promised, and what is not.
//!
//! Each promise names tests that show it, by their path: `signature::an_ed25519_signature_has_one_form_only` is that function
//! in `tests/integration/signature.rs`, and `cargo test an_ed25519` runs it. That each of them is there is itself
//! [tested](#how-this-page-is-kept-true). What is known to have gone wrong in other libraries is in
//! [attacks](super::attacks).
//!
//! # What is protected
//!
//! | asset | against |
//! |---|---|
//! | the service behind the layer | whoever has no token that its issuer made, for it, and for now |
//! | the session of a user | other sites that make a browser act, links that exchange it, copies of a link |
//! | tokens, shared secrets, API keys, nonces, receipts | readers of logs, metrics, errors and answers |
//! | that the service answers | tokens, requests and key sets that cost more than they should |
//! | the issuer, the validation endpoint, the store | being flooded through the service |
//!
//! # Where trust ends
//!
//! ```text
//!  client ──1── proxy, where TLS ends ──2── app ( layer → handler )
//!    │                                       ├──3── issuer: discovery document, key set
//!    └──7── tokens of other issuers,         ├──4── validation endpoint
//!           and for other services           ├──5── replay store
//!                                            └──6── logs, metrics, answers: whoever reads them
//! ```
//!
//! 1. **Any client**, browser or not, and any site that a browser visits. It is trusted with nothing.
//!    - It can present a token that was stolen.
//!    - It can cost a signature with each made-up token.
//!    - It can learn from the code which check failed.
//!    - It can read the [metadata](crate::resource) of a resource: which issuers and scopes there are, and how tokens are sent. It
//!      cannot have it name another host, or another issuer, to somebody else.
//!    - As another site, it can have a browser send its cookie with a request that changes nothing. It cannot make the cookie
//!      count where something may change.
//!    - It can have the metadata and the keys of a [tenant](crate::verify::Tenants) fetched that you allow. It cannot have any
//!      other URL fetched.
//!    - It cannot choose an algorithm or a key, or cost more than the [budgets](#budgets).
//! 2. **The proxy**, and whoever can read or change what passes behind it. It is trusted with everything: it sees tokens, and
//!    may send what it likes.
//!    - It can record queries, which hold tokens until the layer takes them out.
//!    - It can forge `Origin` and `Host`, and so the answer of the rule against other sites.
//!    - Where a header of its own says whose certificate it was, it can say anybody's.
//!    - It cannot make a token: its signature is checked behind the proxy.
//! 3. **The issuer's server**, by its certificate. It is trusted with who its users are, and which keys are its own.
//!    - It can let anybody in as any of *its* subjects, and lock all of them out.
//!    - It can name any https URL for its keys. That is then fetched hourly, though nobody is shown what comes of it.
//!    - It cannot speak for another issuer, replace good keys by none, or have a redirect followed.
//!    - It cannot cost more than the budgets.
//! 4. **The validation endpoint**, by its certificate. It is trusted with whether a token is the issuer's own.
//!    - It can let in any token that is plausible, and sees every such token.
//!    - It can ask to be left alone for up to an hour.
//!    - It cannot change what is asked of `iss`, `aud`, times and rules, or let in by an unclear answer.
//! 5. **The store**, and whoever can write to it. It is trusted with which tokens were used, handed over or revoked.
//!    - It can let a used token count again, and revoke any.
//!    - By being down, it can shut out those who need it.
//!    - It cannot let anybody in whose token is not good.
//!    - It cannot read a token: it holds hashes.
//! 6. **Readers of logs, metrics and answers.** They are trusted with codes, counts and configured names.
//!    - They can see how often what was refused, from which place, at which endpoint.
//!    - They cannot see a token, a secret, a `kid` or a claim.
//! 7. **Other issuers**, and other services of the same one. They are trusted with nothing here.
//!    - They can sign anything that they like.
//!    - They cannot have it count here: other keys, another `iss`, another `aud`.
//!
//! Your own code is inside: rules, refusal hooks, a [`TokenSource`](crate::source::TokenSource), a
//! [`Fetch`](crate::fetch::Fetch), a [`ReplayStore`](crate::replay::ReplayStore), a [`Clock`](crate::clock::Clock). They are
//! trusted with whatever they are given.
//!
//! # What is promised
//!
//! Unless a call that begins with `insecure_` says otherwise:
//!
//! | promise | shown by |
//! |---|---|
//! | nobody gets in whose token has a single bit changed | `signature::no_token_is_accepted_with_one_bit_of_it_flipped`, `signature::no_token_is_accepted_with_one_bit_of_its_decoded_parts_flipped` |
//! | a key verifies one algorithm, and the token chooses neither | `algorithm::every_algorithm_verifies_what_it_signed_and_nothing_that_another_did`, `algorithm::an_rsa_key_verifies_its_one_algorithm_only` |
//! | a key set holds no secret, and a secret verifies no public key's tokens | `algorithm::a_secret_in_the_key_set_verifies_nothing`, `algorithm::a_mac_with_the_public_key_as_its_secret_opens_nothing` |
//! | nothing that a token brings or names is used as a key, or fetched | `algorithm::a_key_that_the_token_brings_or_names_is_neither_used_nor_fetched`, `keyset::hostile::nothing_that_a_token_says_becomes_a_url` |
//! | weak keys are no keys: short, even, of small order, off the curve, for another purpose | `key::an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent_from_3`, `key::an_ec_key_is_a_point_of_its_curve_in_full_length`, `key::an_ed25519_key_of_small_order_is_no_key`, `key::a_key_for_another_purpose_or_with_private_members_is_refused_whole` |
//! | `iss` and `aud` are ours, to the code point | `claims::iss_is_compared_code_point_by_code_point`, `claims::aud_is_a_string_or_an_array_of_strings_one_of_them_ours` |
//! | a token counts before `exp` and the leeway, and not before `nbf`; what is no number is not absent | `time::exp_is_a_number_and_the_token_is_valid_before_it_plus_leeway`, `time::nbf_is_a_number_where_it_is_there_and_honoured_but_for_leeway`, `time::a_time_that_is_no_number_is_never_taken_for_one_that_is_absent` |
//! | an issuer's keys verify its own tokens only, at one door as well | `any_of::of_a_hundred_issuers_each_lets_in_its_own_and_nobody_elses`, `claims::a_token_of_another_tenant_is_refused_whatever_it_shares_with_ours`, `keyset::discovery::keys_that_were_discovered_for_one_issuer_verify_for_no_other` |
//! | a tenant is one label or segment of an allowed name, whose keys verify its own tokens only, and are not fetched for a token that is not plausible | `tenants::crossing::each_tenant_gets_in_by_its_own_keys_and_by_no_others`, `tenants::crossing::what_is_not_the_issuer_of_a_tenant_to_the_code_point_is_no_issuer_and_causes_no_request`, `tenants::crossing::a_tenant_that_is_not_allowed_causes_no_request_though_its_token_is_good`, `tenants::crossing::a_token_that_is_not_plausible_under_its_tenants_policy_causes_no_request` |
//! | what happens to one tenant, or how many there are, touches no other that is in use | `tenants::keeping::a_provider_that_is_down_touches_no_other_tenant`, `tenants::flood::of_ten_thousand_allowed_tenants_a_hundred_are_let_in_at_once_and_one_a_second_from_then_on` |
//! | with a profile, an ID token is no access token, and one that says in its `typ` that it is an access token no ID token | `profile::an_id_token_is_no_access_token_and_an_access_token_is_no_id_token` |
//! | a token that is bound to its sender is accepted from nobody else: not as bearer, from a cookie or a query, under another key or certificate, or from the cache | `claims::a_token_that_is_bound_to_its_sender_is_refused_as_bearer`, `binding::downgrade::a_bound_token_is_refused_from_every_other_place_with_its_proof_or_without`, `binding::downgrade::a_cached_token_is_judged_by_who_sends_it_as_the_first_time`, `binding::combined::what_is_bound_twice_is_proven_twice`, `binding::tls::a_stolen_token_is_worth_nothing_over_the_connection_of_its_thief` |
//! | a proof counts once, for one method, one URL and one token, and no header says what the URL is | `binding::replay::the_same_proof_counts_once_and_another_of_the_same_id_is_the_same`, `binding::proof::check_12_it_is_for_this_token_by_the_key_that_the_token_is_bound_to`, `binding::url::no_header_has_a_say_in_where_the_service_is` |
//! | where the metadata of a resource is, and what it says, is what was set, and no request changes it; the layer names only issuers whose tokens it accepts | `resource::place::no_request_has_a_say_in_where_the_metadata_is_and_what_it_says`, `resource::a_layer_fills_in_what_it_knows` |
//! | security schemes of OpenAPI ask for a token in every alternative, unless the layer is optional | `openapi::a_scheme_stands_for_each_place_that_is_read_and_for_no_other`, `openapi::schemes::tests::a_certificate_goes_with_a_token_and_is_never_enough` |
//! | the cache repeats a yes only where it would be given again | `cache::a_token_that_expires_between_two_hits_is_refused_by_the_second`, `keyset::rotation::a_key_that_is_removed_takes_its_tokens_out_of_the_cache_at_once`, `cache::two_verifiers_of_one_key_set_share_no_entries`, `cache::a_policy_that_is_changed_forgets_what_the_old_one_accepted` |
//! | a route that asks for more than a good token is not reached without it, nor without the layer | `authorize::guards::all_scopes_are_asked_for_in_whichever_form_the_provider_writes_them`, `authorize::guards::a_sign_in_is_recent_up_to_the_second_and_the_leeway`, `authorize::answers::a_guard_without_a_layer_lets_nobody_in` |
//! | two tokens in a request are a conflict, even twice the same (but for a link of magiclinksdev, which appends its own) | `transport::more_than_one_token_is_a_conflict_even_if_both_are_the_same_good_one`, `transport::an_explicit_token_makes_the_cookie_irrelevant_and_never_falls_back_to_it` |
//! | no other site makes a browser's cookie count on a request that may change something, or that opens a WebSocket | `cross_site::a_cookie_on_an_unsafe_method_must_not_come_from_another_site`, `cross_site::a_cookie_on_a_request_that_opens_a_socket_must_not_come_from_another_site`, `websocket::a_cookie_opens_a_socket_for_pages_of_this_host_only` |
//! | nothing behind the layer sees the token of a query, and the answer is not to be stored unless the handler says so | `privacy::no_handler_sees_the_query_token_neither_in_the_uri_nor_in_the_original_one`, `privacy::answers_to_cookie_and_query_tokens_are_not_stored_unless_the_handler_said_so_itself` |
//! | a link signs in its browser, replaces no session of somebody else, and leads to no other host | `handoff::session::a_link_for_another_subject_replaces_no_session_and_uses_nothing_up`, `handoff::location::no_path_and_no_host_in_the_request_leads_to_another_host` |
//! | what counts once counts once, over replicas that share a store | `replay::single_use::of_200_at_a_time_over_two_layers_with_one_store_exactly_one_passes`, `redis::of_200_at_a_time_over_two_instances_exactly_one_passes` |
//! | what was revoked is refused from then on, cached or not | `replay::deny_list::a_revoked_token_is_refused_at_once_though_the_cache_knows_it_as_good` |
//! | what cannot be checked lets nobody in, and is a 503: no keys, no answer, no store | `keyset::start_up::a_request_waits_a_second_for_the_first_set_and_is_then_told_to_come_back`, `remote::answers::what_is_no_clear_answer_lets_nobody_in_and_blames_no_token`, `replay::outage::a_store_without_an_answer_within_a_second_lets_nobody_in_unless_that_is_asked_for` |
//! | a worse key set replaces no good one, and an old one ends | `keyset::bad_answers::a_worse_set_is_a_failed_refresh_and_the_last_good_one_stays`, `keyset::outage::keys_are_stale_after_2_h_and_expire_24_h_after_the_last_good_refresh` |
//! | invented key names cost the issuer a fetch in 30 s, and tokens that are hopeless none | `keyset::flood::ten_thousand_random_kids_in_a_second_cost_one_fetch_and_get_401`, `keyset::flood::tokens_that_the_policy_refuses_anyway_cost_no_fetch` |
//! | no header makes a 500, and a token that is too large costs no memory | `json::a_header_member_of_any_type_is_a_refusal_or_nothing_and_never_a_500`, `allocations::a_token_of_a_mebibyte_takes_no_memory_to_refuse` |
//! | no log, error, `Debug` or answer tells a token or a secret | `secrets::no_log_and_no_answer_shows_a_part_of_a_token`, `secrets::no_debug_and_no_display_shows_a_part_of_a_token_or_a_secret`, `remote::secrecy::no_log_shows_the_token_or_the_key_however_the_provider_is_reached` |
//!
//! The event `verifying tokens` lists what a layer checks and whom it trusts; what such a call has turned off stands there in
//! capitals (`display::each_protection_that_is_off_is_said_in_capitals_and_none_that_is_on`). Of a tenant with a policy of its
//! own, the event `verifying tokens of a tenant` says the same
//! (`tenants::keeping::a_policy_of_a_tenants_own_is_told_with_what_it_turns_off_in_capitals`).
//!
//! # Budgets
//!
//! | what somebody else can ask for | the most that it gets | |
//! |---|---|---|
//! | a token | 16 KiB, counted before it is split | [`MAX_TOKEN_BYTES`](crate::token::MAX_TOKEN_BYTES) |
//! | its header | 4 KiB decoded, 32 members that are not read, depth 16; `kid` 256 bytes | |
//! | its claims | depth 64; each registered name once | |
//! | its signature | 1 KiB; at most 4 keys of one name are tried | |
//! | the leeway | 30 s; no more than 5 min can be set | [`DEFAULT_LEEWAY`](crate::verify::DEFAULT_LEEWAY), [`MAX_LEEWAY`](crate::verify::MAX_LEEWAY) |
//! | to be remembered as good | 5 min; 1,024 tokens of 4 KiB | [`MAX_CACHED_AGE`](crate::verify::MAX_CACHED_AGE), [`MAX_CACHED_TOKEN_BYTES`](crate::verify::MAX_CACHED_TOKEN_BYTES) |
//! | a fetch | 5 s in all, 512 KiB, 128 keys, no redirect, nothing inflated | [`FETCH_TIMEOUT`](crate::fetch::FETCH_TIMEOUT), [`MAX_DOCUMENT_BYTES`](crate::jwks::MAX_DOCUMENT_BYTES) |
//! | a key | RSA of 2,048 to 8,192 bits with an odd exponent of 2 to 33 bits | |
//! | fetches for an unknown key | one in 30 s, and up to 5 min apart while they bring nothing | [`REFETCH_COOLDOWN`](crate::jwks::REFETCH_COOLDOWN), [`MAX_REFETCH_COOLDOWN`](crate::jwks::MAX_REFETCH_COOLDOWN) |
//! | waiting for keys | 1 s for the first, 2 s for another; 64 different keys, 4,096 requests | [`FIRST_SET_WAIT`](crate::jwks::FIRST_SET_WAIT), [`REFETCH_WAIT`](crate::jwks::REFETCH_WAIT) |
//! | keys of allowed tenants | 100 tenants at a time, as many new ones at once, then one a second | [`DEFAULT_TENANTS`](crate::verify::DEFAULT_TENANTS), [`TENANT_INTERVAL`](crate::verify::TENANT_INTERVAL) |
//! | old keys | warned of after 2 h, refused after 24 h | [`STALE_AFTER`](crate::jwks::STALE_AFTER), [`EXPIRED_AFTER`](crate::jwks::EXPIRED_AFTER) |
//! | calls of a validation endpoint | 32 at a time, 5 s and 64 KiB each; nobody waits for more than 6 s | [`MAX_CALLS`](crate::remote::MAX_CALLS) |
//! | its answers, remembered | a yes 60 s, a no 5 s; 10,000, by hash | [`ACCEPTED_FOR`](crate::remote::ACCEPTED_FOR), [`REFUSED_FOR`](crate::remote::REFUSED_FOR) |
//! | a question to a store | 1 s | [`STORE_TIMEOUT`](crate::replay::STORE_TIMEOUT) |
//! | used tokens in memory | 100,000, then no more are let in | [`MAX_REMEMBERED`](crate::replay::MAX_REMEMBERED) |
//! | the cookie that a link becomes | 4,096 bytes | [`MAX_COOKIE_BYTES`](crate::source::MAX_COOKIE_BYTES) |
//! | a DPoP proof | 8 KiB, 32 members in each part, depth 16; one signature of the algorithms that are set | [`MAX_PROOF_BYTES`](crate::binding::MAX_PROOF_BYTES) |
//! | its age | 60 s and the leeway; no more than 10 min can be set | [`DEFAULT_PROOF_AGE`](crate::binding::DEFAULT_PROOF_AGE), [`MAX_PROOF_AGE`](crate::binding::MAX_PROOF_AGE) |
//! | a certificate in a header | 16 KiB | [`MAX_CERTIFICATE_BYTES`](crate::binding::MAX_CERTIFICATE_BYTES) |
//! | a nonce | 512 bytes; its cookie lasts for 10 min | [`NONCE_LIFETIME`](crate::replay::NONCE_LIFETIME) |
//!
//! Shown by, among others, `shape::the_longest_token_is_accepted_and_one_byte_more_of_claims_is_too_large`,
//! `shape::a_header_is_at_most_4_kib_long`,
//! `json::json_nests_16_deep_in_the_header_and_64_deep_in_the_claims_and_no_deeper`,
//! `algorithm::at_most_four_keys_of_one_name_are_tried`,
//! `cache::a_full_cache_keeps_to_its_bound_and_answers_right_about_tokens_in_and_out_of_it`,
//! `keyset::hostile::no_answer_takes_more_than_5_s_or_much_memory_or_the_good_keys`,
//! `keyset::bad_answers::a_set_holds_the_first_128_keys`,
//! `keyset::flood::attempts_are_30_s_apart_doubling_to_5_min_while_fruitless_and_reset_by_a_fruitful_one`,
//! `keyset::flood::at_most_64_kids_are_waited_for_and_2_s_at_most`,
//! `remote::limits::no_more_than_32_calls_are_under_way_at_a_time`,
//! `remote::limits::nobody_waits_for_longer_than_six_seconds_and_nothing_is_asked_twice` and
//! `replay::single_use::a_full_store_refuses_until_something_expires_and_forgets_nothing_before`.
//!
//! # What is left to you
//!
//! - **TLS** up to the proxy or the app, and whatever network lies between the two. A `__Host-` cookie needs it anyway.
//! - **A limit of rate and of concurrency** in front of the layer, and one of the size of a request's head, as HTTP servers
//!   have. Nothing here counts clients, nor how many of them wait for an endpoint or a store.
//! - **Access logs and tracing outside of the layer**, which see the query with its token. Where you can, let no token come
//!   that way: [`TokenSources::bearer_only`](crate::source::TokenSources::bearer_only).
//! - **`Origin`, `Sec-Fetch-Site` and `Host`** as the browser sent them: a proxy has to pass them on.
//! - **A proxy that asks before it passes on** (`auth_request`, `ForwardAuth`, `ext_authz`) and takes any 2xx for a yes: it has
//!   to ask by `GET`, or without the `content-type` of its client, or a layer
//!   [`without_grpc_answers`](crate::JwtAuthLayer::without_grpc_answers). Any other refuses a gRPC call, which is a `POST` with
//!   `content-type: application/grpc`, with status 200 and a `grpc-status`
//!   (`refusal::no_request_but_a_grpc_call_is_refused_with_a_success`,
//!   `refusal::without_grpc_answers_a_grpc_call_is_refused_as_any_other_request`).
//! - **`GET` that changes nothing**: the rule against other sites is about methods that may, and about upgrades.
//! - **A proxy that takes `Client-Cert`, or whatever header it names certificates in, out of what clients send**, where the
//!   layer reads it; and a service that nobody reaches but through it.
//! - **A handshake that has the client prove its key**, where the service ends TLS itself. A verifier of rustls that takes any
//!   certificate is no harm, as the token says which one it has to be; one that takes any signature lets everybody show
//!   everybody's.
//! - **Who may read a document of OpenAPI.** It names cookies, parameters and issuers; metadata of a resource is for everybody.
//! - **The right names**: the issuer as it writes itself, an audience that is this service's alone.
//! - **Shared secrets of random bytes.** Their length is checked, their randomness cannot be; a path or a password of 32
//!   characters would do. Whoever can verify with one can sign with it.
//! - **A clock** that is right within the leeway. Expired tokens count again where it is set back.
//! - **Rotation**: publish a key two hours before it signs, remove one that has leaked, and call
//!   [`refresh_now`](crate::Jwks::refresh_now) where an hour is too long.
//! - **A store that keeps what it was given**, shared by all replicas and written to by nobody else: for Redis, `noeviction`
//!   and no loss in a failover.
//! - **Connections that outlast a token**: it is judged when a WebSocket or a stream is opened, and not again. Close them at
//!   its `exp`, as the examples `websocket` and `grpc` do
//!   (`websocket::a_socket_is_closed_when_its_token_expires_and_not_before`).
//! - **Which tenants there are**, and that a `sub` counts only together with its `iss`.
//! - **What a subject may do.** The layer says who it is; [guards](crate::authorize) ask for scopes and roles on the routes
//!   that you put them on. Behind an optional layer, nobody is a case of its own.
//!
//! # What remains
//!
//! These are known, and not prevented:
//!
//! - **A stolen bearer token is good in any hand** until it expires, and the leeway longer. One that is
//!   [bound to its sender](crate::binding) is not, and is refused where that is not checked, so that nobody takes it for protected.
//! - **A proof of DPoP does not protect what is sent with it**: body, query and other headers can be changed by who is in
//!   between. Whoever has a client's key, or makes it sign, is that client; without [nonces](crate::binding::Dpop::with_nonces),
//!   for proofs of the time to come as well.
//! - **Proofs fill the store that remembers them**: who has one good token can have 100,000 remembered in a minute or two, and
//!   others with proofs get 503 until those are too old. A limit of rate is yours.
//! - **A token that its issuer revokes** goes on being good here until it expires, where keys verify it; with a validation
//!   endpoint, for up to 60 s. A [deny list](crate::replay::ReplayRule::deny_list) is yours to fill, needs a `jti` in the
//!   token, and is asked by the layer, not by [`Verifier::verify`](crate::Verifier::verify).
//! - **A key that its issuer removes** goes on being good until the next refresh that works: 66 minutes at most while the
//!   issuer can be reached, and up to 24 h after the last good one while it cannot. Who has a leaked key and can keep the
//!   service from reaching its issuer has it for those 24 h.
//! - **A key set that moves** while its old place goes on to answer is followed within a day
//!   ([24 h](crate::jwks::REDISCOVERED_AFTER) and the next refresh): until then, who has the old place has a say in the keys.
//! - **Who passes for the issuer's host is the issuer**: by a certificate of any authority that the system trusts, or by the
//!   proxy that the environment names together with one. [`with_fetch`](crate::jwks::JwksBuilder::with_fetch) takes a client
//!   with fewer authorities.
//! - **A new tenant can be held up.** Who knows names of tenants that you allow can have their keys fetched by tokens without a
//!   good signature: one that has given way, or was never here, then gets 503 until it is its turn. Those in use stay.
//! - **A new key can be held up.** Invented key names use up the attempts for unknown keys: a token of a key that was
//!   not published ahead gets 401 for up to 5 minutes, or until the next refresh.
//! - **Made-up tokens cost a signature each** where they name a key of the set, which is not secret: see
//!   [performance](super::performance). The same with a validation endpoint cost a call each, drive its kept answers out,
//!   and make others wait for up to 6 s.
//! - **Codes tell.** Who tries issuers and audiences learns which are the right ones, without a signature. They are no secrets.
//! - **Signing out without a store** takes the cookie from one browser; a copy of it is good until its token expires.
//! - **A link with a stranger's token** signs in a browser that has no session, into the stranger's account. Only a
//!   [nonce](crate::replay::NonceRule) prevents it.
//! - **A stolen link that was not used yet** signs in whoever follows it first. A nonce stops somebody else's link from signing
//!   in your browser, and not this: who has the link reads its nonce in the token, and sends it along.
//! - **A query token is in the history** of the browser that was given it, and in the logs of what it passed, until then.
//! - **A restart forgets** what a store in memory knew: what counted once counts once more, until it expires.
//! - **Memory is not wiped.** Secrets, and tokens in the cache, are in the memory of the process and in a dump of it.
//! - **Ages stand still while a machine is suspended**: after a resume, keys look younger than they are.
//! - **Dependencies.** There is no `unsafe` in this crate; there is in what it is built on, aws-lc foremost, which is C.
//!
//! # Out of scope
//!
//! - **How an issuer made its keys.** Beyond size, exponent, curve and order nothing about a key is judged: not whether its
//!   primes come from a broken generator (ROCA, CVE-2017-15361), are shared with another key, or lie close together. The keys
//!   come from the issuer, over its own TLS, and it vouches for them as for all that it signs. One such test would suggest that
//!   the others are made too, and a sound key that fails it is an outage. The place for all of them is where a key is made.
//! - **Post-quantum signatures.** Keys of type `AKP` (ML-DSA) are skipped, and spoil nothing beside them
//!   (`key::a_key_for_another_purpose_or_with_private_members_is_refused_whole`). Who can break RSA and elliptic curves can make
//!   tokens from then on. Unlike what is encrypted, what was signed before loses nothing: tokens have expired by then.
//! - **The machine and the process**: who reads its memory, replaces its code or its environment, or measures its caches.
//! - **Volume**: more requests than there is room for.
//!
//! # How this page is kept true
//!
//! `named_tests::every_test_that_a_document_names_is_there` reads this page, the rest of the manual, the README and
//! SECURITY.md, and fails where one names a test that is not there. What the tests say is for you to read.
