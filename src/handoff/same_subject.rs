use serde_json::{Map, Value};

/// The claims that say something of the token, not of whom it is for.
const OF_THE_TOKEN: [&str; 8] = ["iss", "aud", "exp", "nbf", "iat", "jti", "nonce", "azp"];

/// Whether two payloads are of one issuer and for the same subject: by `claim`, else by `sub`, else by every claim that is
/// not about the token itself. Where nothing says whom they are for, they are not for the same.
pub(super) fn is_of_same(one: &str, other: &str, claim: Option<&'static str>) -> bool {
    let claims = |payload| serde_json::from_str::<Map<String, Value>>(payload);
    let (Ok(one), Ok(other)) = (claims(one), claims(other)) else { return false };
    if one.get("iss") != other.get("iss") {
        return false;
    }
    match claim {
        Some(claim) => is_shared(&one, &other, claim),
        None if has_subject(&one) || has_subject(&other) => is_shared(&one, &other, "sub"),
        None => {
            let (one, other) = (without_those_of_the_token(one), without_those_of_the_token(other));
            !one.is_empty() && one == other
        }
    }
}

fn has_subject(claims: &Map<String, Value>) -> bool {
    claims.get("sub").is_some_and(|sub| sub != "")
}

fn is_shared(one: &Map<String, Value>, other: &Map<String, Value>, claim: &str) -> bool {
    one.get(claim).is_some_and(|value| !value.is_null() && other.get(claim) == Some(value))
}

fn without_those_of_the_token(mut claims: Map<String, Value>) -> Map<String, Value> {
    claims.retain(|name, _| name != "sub" && !OF_THE_TOKEN.contains(&name.as_str()));
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_the_same_subjects_by_what_names_the_subject() {
        for (one, other, claim, want) in [
            (r#","sub":"x""#, r#","sub":"x","jti":"2""#, None, true),
            (r#","sub":"x""#, r#","sub":"y""#, None, false),
            (r#","sub":"x""#, "", None, false),
            (r#","sub":"x","a":1"#, r#","sub":"x","a":2"#, None, true),
            (r#","email":"x","jti":"1""#, r#","jti":"2","email":"x","sub":"""#, None, true),
            (r#","email":"x""#, r#","email":"y""#, None, false),
            (r#","email":"x""#, r#","email":"x","role":"admin""#, None, false),
            (r#","email":"x","sub":"1""#, r#","email":"x""#, None, false),
            (r#","email":"x""#, r#","email":"x","sub":"1""#, None, false),
            ("", "", None, false),
            (r#","email":"x","role":1"#, r#","email":"x""#, Some("email"), true),
            (r#","email":"x","sub":"1""#, r#","email":"y","sub":"1""#, Some("email"), false),
            (r#","sub":"1""#, r#","sub":"1""#, Some("email"), false),
            (r#","email":null"#, r#","email":null"#, Some("email"), false),
        ] {
            let payload = |claims| format!(r#"{{"iss":"i","aud":"a","exp":9{claims}}}"#);
            let same = is_of_same(&payload(one), &payload(other), claim);
            assert_eq!(same, want, "{one} {other} {claim:?}");
        }
    }
}
