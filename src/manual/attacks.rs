//! What the known vulnerabilities of JWT libraries would have met here, and the tests that show it.
//!
//! Numbers, libraries and faults are those of the [CVE list](https://www.cve.org). Each section says what its faults meet
//! here, and which tests show it, by [their path](super::threat_model). CVE-2022-23529, which is often listed with these, was
//! rejected: it was no vulnerability.
//!
//! # No signature
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2015-2951 | F21 JWT (PHP) | a crafted token skips the verification, by `"alg":"none"` |
//! | CVE-2022-23540 | jsonwebtoken (Node.js) | `none` is accepted where the caller names no algorithms |
//! | CVE-2020-28042 | `ServiceStack` | a signature is compared up to its own length, so that an empty one is right |
//! | CVE-2026-29000 | pac4j-jwt | an unsigned token is accepted inside of one that is encrypted with the public key |
//!
//! There is no algorithm `none` to be chosen. A token without a third part is malformed; a MAC is compared in full length;
//! nothing is decrypted. Algorithms are those of the keys, unless the caller allows fewer.
//!
//! - `algorithm::none_is_no_algorithm_however_it_is_written`
//! - `shape::only_three_parts_that_hold_something_are_a_token`
//! - `mac::a_mac_is_accepted_in_full_length_only`
//! - `encrypted::an_encrypted_token_is_refused_for_its_five_parts_whatever_it_asks_for`
//!
//! # The public key as a secret
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2015-9235 | jsonwebtoken (Node.js) | an HS256 token is verified with the public key as its secret |
//! | CVE-2016-5431 | jose-php | the same: the token says which algorithm |
//! | CVE-2016-10555 | jwt-simple (Node.js) | the same |
//! | CVE-2022-23541 | jsonwebtoken (Node.js) | the same, where one callback gives keys of both kinds |
//! | CVE-2022-29217 | PyJWT | the same, with forms of public keys that its deny-list lacks |
//! | CVE-2023-48223 | fast-jwt (Node.js) | the same, with `BEGIN RSA PUBLIC KEY` |
//! | CVE-2023-48238 | json-web-token (Node.js) | the same: the algorithm is taken from the token |
//! | CVE-2024-33663 | python-jose | the same, with OpenSSH ECDSA keys and other forms |
//! | CVE-2024-54150 | cjwt (C) | the same: MACs and signatures are not told apart |
//! | CVE-2026-34950 | fast-jwt (Node.js) | the same again, with white space before the PEM text |
//! | CVE-2026-48526 | PyJWT | the same, with the public key as a JWK |
//!
//! A verifier has public keys or one secret, never both, and they are different types: a MAC is no algorithm of a key set. A
//! secret is refused if it looks like a public key in any of these forms, which only stands in for the caller's own mistake.
//!
//! - `algorithm::a_mac_with_the_public_key_as_its_secret_opens_nothing`
//! - `algorithm::a_secret_in_the_key_set_verifies_nothing`
//! - `mac::no_way_to_write_a_public_key_makes_a_secret`
//!
//! # An algorithm that is not the key's
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2022-23539 | jsonwebtoken (Node.js) | keys of a type that does not fit are used, such as DSA for RS256 |
//! | CVE-2026-22817 | Hono | a JWK without `alg` verifies whatever algorithm the token says |
//! | CVE-2026-22818 | Hono | the same, in its other middleware |
//! | CVE-2026-48523 | PyJWT | the token's `alg` is held against the allow-list, and the key's is used |
//!
//! A key is bound to one algorithm when it is loaded, by its `alg`, its curve, or as RS256; it is found by that algorithm, and
//! verifies by it.
//!
//! - `algorithm::an_rsa_key_verifies_its_one_algorithm_only`
//! - `algorithm::a_key_of_an_algorithm_that_is_not_allowed_is_of_no_use_under_the_name_of_one_that_is`
//! - `keyset::fixed_keys::a_pem_key_takes_no_algorithm_of_another_type`
//!
//! # A key, or its place, in the token
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2018-0114 | node-jose | the key in the header's `jwk` is trusted |
//! | CVE-2026-27962 | Authlib | the same, where the caller gives no key |
//! | CVE-2024-21643 | `IdentityModel` (.NET) | the URL in `jku` is fetched |
//! | CVE-2026-32301 | Centrifugo | `iss` or `aud` becomes a part of the URL that is fetched |
//! | CVE-2026-48522 | PyJWT | a URL for keys may be `file:`, `ftp:` or `data:` |
//!
//! `jwk`, `jku`, `x5u` and `x5c` are not read. A URL is configured or discovered, never taken from a token, and is https, or
//! http on this machine. Where there are [tenants](crate::verify::Tenants), the token gives one label or one segment of it: 63
//! letters, digits, hyphens and underscores at most, which cannot lead elsewhere, of a name that has to be allowed.
//!
//! - `algorithm::a_key_that_the_token_brings_or_names_is_neither_used_nor_fetched`
//! - `keyset::hostile::nothing_that_a_token_says_becomes_a_url`
//! - `tenants::crossing::what_is_not_the_issuer_of_a_tenant_to_the_code_point_is_no_issuer_and_causes_no_request`
//! - `tenants::crossing::by_discovery_only_the_documents_of_allowed_tenants_are_asked_for`
//! - `keyset::hostile::a_url_that_is_neither_https_nor_on_this_machine_makes_no_key_set`
//!
//! # A secret that is none
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2019-20933 | `InfluxDB` | an empty shared secret verifies |
//! | CVE-2026-45363 | jwt (Ruby) | the same, also where a lookup finds no key |
//! | CVE-2026-44351 | fast-jwt (Node.js) | the same, where a lookup gives an empty string |
//! | CVE-2025-65945 | node-jws | a secret is looked up by what the token says, before that is verified |
//!
//! A secret has at least the length of its hash, or there is no verifier. There is one, whatever `kid` says, and no lookup.
//!
//! - `mac::an_empty_or_short_secret_cannot_be_had_and_its_mac_opens_nothing`
//! - `mac::no_name_in_a_token_chooses_a_secret`
//!
//! # Signatures that say nothing
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2022-21449 | Java | an ECDSA signature of zeros is right for everything |
//! | CVE-2019-7644 | Auth0-WCF-Service-JWT (.NET) | the refusal tells what the signature should have been |
//!
//! Numbers of an ECDSA signature are within the order of their curve, in full length; S of Ed25519 is reduced; an RSA signature
//! is as long as its modulus. A refusal says that a signature is bad, and no more.
//!
//! - `signature::an_ecdsa_signature_is_two_numbers_of_full_length`, for each curve
//! - `signature::an_ecdsa_number_beyond_the_order_of_the_curve_is_not_reduced`
//! - `signature::an_ed25519_signature_has_one_form_only`
//! - `signature::an_rsa_signature_is_exactly_as_long_as_the_modulus`
//! - `mac::no_answer_and_no_log_tells_what_the_mac_should_have_been`
//!
//! # Claims that are taken for what they are not
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2026-25537 | jsonwebtoken (Rust) | an `exp` or `nbf` of the wrong type counts as absent |
//! | CVE-2020-26160 | jwt-go | an `aud` that is an array counts as empty |
//! | CVE-2025-30144 | fast-jwt (Node.js) | an `iss` may be an array, one of which is right |
//! | CVE-2024-53861 | PyJWT | a part of the issuer's name is taken for the whole |
//! | CVE-2026-22748 | Spring Security | a decoder that was made for an issuer does not check it |
//! | CVE-2024-51744 | golang-jwt | of an expired token with a bad signature, a caller may see only that it expired |
//!
//! A registered claim has its type or the token is refused, also where it is optional. Names are compared whole. A verifier
//! is made with an issuer and an audience, and only a call that begins with `insecure_` takes one away. Its answer is a token
//! or a refusal, and never both.
//!
//! - `time::a_time_that_is_no_number_is_never_taken_for_one_that_is_absent`
//! - `claims::registered_claims_have_their_type_even_where_nobody_asks_for_them`
//! - `claims::aud_is_a_string_or_an_array_of_strings_one_of_them_ours`
//! - `claims::iss_is_compared_code_point_by_code_point`
//! - `keyset::discovery::keys_that_were_discovered_for_one_issuer_verify_for_no_other`
//! - `time::a_link_is_late_only_if_nothing_but_its_exp_is_wrong`
//!
//! # Headers that ask for more
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2025-59420 | Authlib | members that `crit` lists are not understood, and ignored |
//! | CVE-2026-32597 | PyJWT | the same |
//! | CVE-2026-35042 | fast-jwt (Node.js) | the same |
//!
//! No extension is understood, so that `crit` in any form is a refusal.
//!
//! - `algorithm::what_would_change_the_meaning_of_the_token_is_refused_in_every_form`
//!
//! # Two readings of one text
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2022-39227 | python-jwt | one parser reads the compact form, the other a JSON form in the same text, and the signature is of the other |
//!
//! There is one form and one split. What is signed, what is judged and what the handler gets are the same bytes; where
//! claims have two readers, the plain one has to read what the other would.
//!
//! - `shape::a_text_that_is_compact_and_json_at_once_is_malformed`
//! - `shape::a_serialization_other_than_compact_is_malformed`
//! - `json::claims_are_one_json_object_in_clean_utf_8`, members that are there twice among it
//!
//! # Work and memory
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2025-30204 | golang-jwt | a token of many dots is split at each |
//! | CVE-2025-27144 | go-jose | the same |
//! | CVE-2025-53864 | Nimbus JOSE+JWT | claims that nest deep overflow the stack |
//! | CVE-2019-17195 | Nimbus JOSE+JWT | odd tokens raise exceptions that nobody catches |
//! | CVE-2026-48525 | PyJWT | with `b64` false, a payload is decoded that is not used |
//! | CVE-2022-36083 | jose (Node.js) | `p2c` says how often a password is hashed |
//! | CVE-2023-51775 | jose4j | the same |
//! | CVE-2023-52428 | Nimbus JOSE+JWT | the same |
//! | CVE-2026-27932 | joserfc | the same |
//! | CVE-2024-21319 | `IdentityModel` (.NET) | an encrypted token that is compressed becomes very large |
//! | CVE-2024-28176 | jose (Node.js) | the same |
//! | CVE-2024-28180 | go-jose | the same |
//! | CVE-2024-33664 | python-jose | the same |
//! | CVE-2026-48524 | PyJWT | each unknown `kid` causes a fetch |
//!
//! A token is at most 16 KiB long and split at two dots. Nesting is counted before it is followed. Whatever a header holds is
//! read or refused, without a panic. Nothing is derived, decrypted or inflated. A key set is fetched for an unknown `kid` at
//! most once in 30 s.
//!
//! - `allocations::a_token_of_dots_within_the_limit_takes_no_memory_to_refuse`
//! - `allocations::a_token_of_a_mebibyte_takes_no_memory_to_refuse`
//! - `allocations::a_payload_is_not_decoded_for_a_header_that_is_not_understood`
//! - `json::json_nests_16_deep_in_the_header_and_64_deep_in_the_claims_and_no_deeper`
//! - `json::a_header_member_of_any_type_is_a_refusal_or_nothing_and_never_a_500`
//! - `encrypted::an_encrypted_token_is_refused_for_its_five_parts_whatever_it_asks_for`
//! - `encrypted::an_algorithm_for_encryption_signs_nothing_and_its_parameters_are_not_obeyed`
//! - `keyset::flood::ten_thousand_random_kids_in_a_second_cost_one_fetch_and_get_401`
//! - `keyset::flood::ten_thousand_random_kids_while_the_provider_is_down_cost_one_fetch_and_get_503`
//!
//! # Key sets
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2025-22149 | jwkset (Go) | a key that was removed from the set stays |
//! | CVE-2026-31837 | Istio | while the keys cannot be fetched, a built-in one is used, whose private half is known |
//!
//! A good set replaces the one before it whole, and takes the cached tokens along. While there is none, nothing is verified.
//!
//! - `keyset::rotation::a_key_that_is_removed_takes_its_tokens_out_of_the_cache_at_once`
//! - `keyset::start_up::a_request_waits_a_second_for_the_first_set_and_is_then_told_to_come_back`
//! - `keyset::outage::keys_are_stale_after_2_h_and_expire_24_h_after_the_last_good_refresh`
//!
//! # Caches
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2026-35030 | `LiteLLM` | an answer is kept under the first 20 characters of a token |
//! | CVE-2026-35039 | fast-jwt (Node.js) | the caller names the entries, and may give two tokens one name |
//!
//! An entry is the whole text of a token, under one verifier and one generation of keys; its hash is only where to look. Of an
//! endpoint's answers it is the SHA-256 of the text.
//!
//! - `cache::tokens_with_equal_beginnings_and_ends_do_not_share_an_entry`
//! - `cache::two_verifiers_of_one_key_set_share_no_entries`
//! - `remote::kept::a_yes_is_for_the_text_that_was_asked_about_and_for_no_other_with_its_claims`
//!
//! # Tokens that are bound to their sender
//!
//! These have no numbers of their own here; the last is a fault of express-oauth2-jwt-bearer (Node.js) before 1.9.1.
//!
//! | attack | what it meets |
//! |---|---|
//! | a stolen token is sent as bearer, in a cookie or in the query | it is bound, and refused wherever no proof can be |
//! | a `cnf` that is empty, or says what nobody checks | bound all the same, and refused |
//! | a stolen token with a proof by another key | the key's thumbprint is compared, also where the token comes from the cache |
//! | a proof that was seen, again, or for another method, URL or token | it counts once, and says for what |
//! | a proof that was made in advance | [nonces](crate::binding::Dpop::with_nonces), where they are on |
//! | a proof by `none`, by a MAC with the public key as its secret, or with a private key in it | none of these is a proof |
//! | another client's certificate in a header | no header is read that is not named, and none with two; the proxy has to take it out of what clients send |
//! | a stolen token over the thief's own TLS connection, or one that is resumed | the certificate is that of the connection, and its hash is compared |
//! | another client's certificate in a handshake | it takes its key, or there is no connection |
//! | the path of another endpoint in `Host` or `X-Forwarded-Host`, from which the URL of the request is put together | the URL is a setting and the path of the request |
//!
//! - `binding::downgrade::a_bound_token_is_refused_from_every_other_place_with_its_proof_or_without`
//! - `binding::downgrade::a_token_under_dpop_has_to_be_bound_by_what_is_checked_there`
//! - `binding::downgrade::a_cached_token_is_judged_by_who_sends_it_as_the_first_time`
//! - `binding::replay::the_same_proof_counts_once_and_another_of_the_same_id_is_the_same`
//! - `binding::nonces::a_nonce_lasts_for_five_to_ten_minutes_and_the_next_comes_in_time`
//! - `binding::proof::every_flaw_of_a_proof_is_refused_as_it_says_in_the_challenge_of_dpop`
//! - `binding::certificate::a_header_of_a_proxy_is_read_where_it_is_named_and_has_one_certificate`
//! - `binding::tls::a_stolen_token_is_worth_nothing_over_the_connection_of_its_thief`
//! - `binding::tls::a_session_that_is_resumed_has_the_certificate_that_it_began_with`
//! - `binding::tls::a_certificate_without_its_key_or_of_another_authority_makes_no_connection`
//! - `binding::tls::every_request_of_a_connection_has_its_certificate_and_no_header_changes_it`
//! - `binding::url::no_header_has_a_say_in_where_the_service_is`
//!
//! # What a service says of itself
//!
//! Clients believe what the [metadata](crate::resource) of a resource and a [document of OpenAPI](crate::openapi) say, and
//! send their users, and their tokens, where these lead. These have no numbers here either.
//!
//! | attack | what it meets |
//! |---|---|
//! | a request with another host, or its proxy's headers, is answered with metadata of that host | its URL is a setting, and the document does not change |
//! | an authorization server that the service does not trust stands in the document | the layer names the issuers that it accepts, or nobody; a member that is added cannot replace them |
//! | metadata, or an authorization server, over plain HTTP | no such URL is taken, but on this machine |
//! | a resource with a quote or a line break in its name, which would end the parameter of a challenge or its line | what is in no URL has to be written as `%XX` |
//! | one with a pattern or dots in its path, so that its document is that of others, or is looked for at another place | no such path is taken |
//! | a document of OpenAPI, from which a gateway takes what to ask for, asks for a certificate and no token | a certificate stands beside a token only, and the layer asks all the same |
//!
//! - `resource::place::no_request_has_a_say_in_where_the_metadata_is_and_what_it_says`
//! - `resource::place::a_router_takes_the_path_of_a_resource_for_what_it_is_to_the_letter`
//! - `resource::a_layer_fills_in_what_it_knows`
//! - `resource::what_cannot_be_in_a_document_is_refused_when_it_is_set`
//! - `resource::identifier::tests::a_resource_is_a_url_over_https_without_query_and_fragment`
//! - `openapi::schemes::tests::a_certificate_goes_with_a_token_and_is_never_enough`
//! - `openapi::scopes_are_asked_for_in_every_alternative_and_never_of_nobody`
//!
//! # Weak keys
//!
//! | | in | fault |
//! |---|---|---|
//! | CVE-2017-15361 | Infineon's RSA library (ROCA) | its primes have a pattern, by which a modulus can be factored |
//!
//! Such a key is [out of scope](super::threat_model#out-of-scope): it would be used. What is refused of a key is its
//! size, its exponent, its curve and its order.
//!
//! - `key::an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent_from_3`
