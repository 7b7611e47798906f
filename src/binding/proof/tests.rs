use super::*;

/// The resource request of RFC 9449 §7.1: access token, proof, and the key that the token of §6.1 is bound to.
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZ\
    OXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2\
    In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRy\
    ZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqz\
    hrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const ISSUED: u64 = 1_562_262_618;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).expect("a time")
}

fn check(proof: &str, path: &str, token: &str, seconds: u64) -> Option<GoodProof> {
    let origins = [Origin::new("https://resource.example.org").expect("an origin")];
    let demands = Demands {
        algorithms: [Algorithm::Es256].into(),
        origins: &origins,
        nonces: None,
        max_age: Duration::from_secs(60),
        leeway: Duration::from_secs(30),
    };
    let subject = Subject { method: "GET", path, token: token.as_bytes(), now: at(seconds) };
    demands.check(proof.as_bytes(), &subject).ok()
}

#[test]
fn the_proof_in_the_standard_is_good_for_its_request_and_for_no_other() {
    let good = check(PROOF, "/protectedresource", TOKEN, ISSUED).expect("a good proof");
    assert_eq!(good.key.thumbprint.to_base64url(), JKT);
    assert_eq!(good.key.algorithm, Algorithm::Es256);
    assert_eq!(good.until, at(ISSUED + 90));
    assert!(check(PROOF, "/protectedresources", TOKEN, ISSUED).is_none());
    assert!(check(PROOF, "/protectedresource", JKT, ISSUED).is_none());
    for (seconds, want) in
        [(ISSUED - 31, false), (ISSUED - 30, true), (ISSUED + 89, true), (ISSUED + 90, false)]
    {
        assert_eq!(check(PROOF, "/protectedresource", TOKEN, seconds).is_some(), want, "{seconds}");
    }
}

#[test]
fn no_proof_is_good_with_another_character_anywhere() {
    for index in 0..PROOF.len() {
        let mut proof = PROOF.as_bytes().to_vec();
        proof[index] = if proof[index] == b'A' { b'B' } else { b'A' };
        let proof = String::from_utf8(proof).expect("ASCII");
        assert!(check(&proof, "/protectedresource", TOKEN, ISSUED).is_none(), "{index}");
    }
}

#[test]
fn a_key_that_anybody_can_send_is_no_larger_than_it_takes() {
    for (bits, want) in [(2_048, true), (4_096, true), (4_104, false), (8_192, false)] {
        let jwk = format!(
            r#"{{"kty":"RSA","e":"AQAB","n":"{}"}}"#,
            base64_simd::URL_SAFE_NO_PAD.encode_to_string(vec![0xff; bits / 8])
        );
        assert_eq!(VerifyingKey::of_sender(&jwk, Algorithm::Ps256).is_ok(), want, "{bits}");
        assert!(VerifyingKey::from_jwk_json(&jwk).is_ok(), "an issuer's may be: {bits}");
    }
}

#[test]
fn an_object_has_each_member_once_and_no_more_than_there_may_be() {
    let many: Vec<_> = (0..MAX_MEMBERS).map(|n| format!("\"m{n}\":0")).collect();
    let (many, more) = (format!("{{{}}}", many.join(",")), format!("{{{},\"n\":0}}", many.join(",")));
    for (json, want) in [
        ("{}", true),
        (r#" {"a":1,"b":{"a":1}} "#, true),
        (&*many, true),
        (&*more, false),
        (r#"{"a":1,"a":1}"#, false),
        (r#"{"a":1,"\u0061":1}"#, false),
        ("[]", false),
        ("null", false),
        ("{}{}", false),
        ("\u{feff}{}", false),
        (r#"{"a":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"#, false),
        (r#"{"a":"\ud800"}"#, false),
    ] {
        assert_eq!(Object::read(json.as_bytes()).is_some(), want, "{json}");
    }
    assert!(Object::read(b"{\"a\":\"\xff\"}").is_none());
}
