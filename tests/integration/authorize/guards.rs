//! What each guard asks for.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;
use tower_jwt_auth::authorize::{
    require, require_acr, require_any_role, require_any_scope, require_max_age, require_roles, require_scopes,
};

use super::{behind, code, holds_against};
use crate::support::app::{ACCEPTED, Place};
use crate::support::issuer::{NOW, claims_with, shared_key};

const SCOPE: &str = "scope_insufficient";
const DENIED: &str = "permission_denied";
const SIGN_IN: &str = "authentication_insufficient";

#[tokio::test]
async fn all_scopes_are_asked_for_in_whichever_form_the_provider_writes_them() {
    holds_against(
        require_scopes(["read", "write"]).expect("scopes"),
        [
            json!({ "scope": "read write" }),
            json!({ "scope": "write other read" }),
            json!({ "scope": ["read", "write"] }),
            json!({ "scp": ["read", "write"] }),
            json!({ "scp": "read write" }),
        ],
        [
            json!({}),
            json!({ "scope": "" }),
            json!({ "scope": "read" }),
            json!({ "scope": "read,write" }),
            json!({ "scope": "read\twrite" }),
            json!({ "scope": "read:all write:all" }),
            json!({ "scope": "READ WRITE" }),
            json!({ "scope": ["read write"] }),
            json!({ "scope": "read", "scp": "write" }),
            json!({ "scope": "read", "scp": ["read", "write"] }),
            json!({ "scopes": "read write" }),
            json!({ "roles": ["read", "write"] }),
        ],
        SCOPE,
    )
    .await;
}

#[tokio::test]
async fn one_of_several_scopes_is_enough_where_that_is_asked() {
    holds_against(
        require_any_scope(["read", "write"]).expect("scopes"),
        [json!({ "scope": "read" }), json!({ "scope": "write" }), json!({ "scope": "x read write" })],
        [json!({}), json!({ "scope": "reading writer" })],
        SCOPE,
    )
    .await;
}

#[tokio::test]
async fn scopes_of_no_known_form_are_no_scopes_but_a_token_that_is_not_as_expected() {
    let app = behind(require_scopes(["read"]).expect("a scope"));
    for claims in
        [json!({ "scope": 1 }), json!({ "scope": { "read": true } }), json!({ "scope": ["read", 1] })]
    {
        assert_eq!(code(&app, claims.clone()).await, "claims_mismatch", "{claims}");
    }
}

#[tokio::test]
async fn a_hierarchy_lets_one_scope_stand_for_another_and_not_the_other_way() {
    let guard = require_scopes(["read", "list"])
        .expect("scopes")
        .with_scope_hierarchy(|held, wanted| held == "admin" || (held, wanted) == ("write", "read"));
    holds_against(
        guard,
        [json!({ "scope": "admin" }), json!({ "scope": "write list" }), json!({ "scope": "read list" })],
        [json!({ "scope": "write" }), json!({ "scope": "read" }), json!({ "scope": "Admin" }), json!({})],
        SCOPE,
    )
    .await;
    holds_against(
        require_scopes(["write"])
            .expect("a scope")
            .with_scope_hierarchy(|held, wanted| (held, wanted) == ("write", "read")),
        [json!({ "scope": "write" })],
        [json!({ "scope": "read" })],
        SCOPE,
    )
    .await;
}

#[tokio::test]
async fn a_hierarchy_is_about_the_scopes_of_its_own_guard_whichever_comes_along() {
    let guard = |scope| require_scopes([scope]).expect("a scope");
    let all = |held: &str, _: &str| held == "all";
    for (name, guard) in [
        ("before", guard("read").with_scope_hierarchy(all).and(guard("pay"))),
        ("after", guard("read").and(guard("pay")).with_scope_hierarchy(all)),
        (
            "its own",
            guard("read").and(guard("pay").with_scope_hierarchy(|_, _| false)).with_scope_hierarchy(all),
        ),
    ] {
        let app = behind(guard);
        for (scope, want) in [
            ("read pay", ACCEPTED),
            ("all pay", ACCEPTED),
            ("all", SCOPE),
            ("read all", SCOPE),
            ("pay", SCOPE),
        ] {
            assert_eq!(code(&app, json!({ "scope": scope })).await, want, "{name}: {scope}");
        }
    }
    // One that was made of something else has nothing to imply.
    let staff =
        require_roles(["roles"], ["staff"]).expect("a role").and(guard("pay")).with_scope_hierarchy(all);
    let app = behind(staff);
    assert_eq!(code(&app, json!({ "roles": "staff", "scope": "all" })).await, SCOPE);
    assert_eq!(code(&app, json!({ "roles": "staff", "scope": "pay" })).await, ACCEPTED);
}

#[tokio::test]
async fn roles_that_are_there_twice_are_no_roles() {
    let app = behind(require_roles(["realm_access", "roles"], ["admin"]).expect("a role"));
    let rest = claims_with(json!({})).to_string();
    for (claims, want) in [
        (r#""realm_access":{"roles":["admin"]}"#, ACCEPTED),
        (r#""realm_access":{"roles":["user"],"roles":["admin"]}"#, "claims_mismatch"),
        (r#""realm_access":{"roles":["admin"],"roles":["user"]}"#, "claims_mismatch"),
        (r#""realm_access":{"roles":["user"],"r\u006fles":["admin"]}"#, "claims_mismatch"),
        (r#""realm_access":{},"realm_access":{"roles":["admin"]}"#, "claims_mismatch"),
        (r#""realm_access":{"roles":["user"]}"#, DENIED),
    ] {
        let token =
            shared_key().token_of(shared_key().header().to_string(), format!("{{{claims},{}", &rest[1..]));
        let request = Place::Header.carry(Method::GET, &token);
        assert_eq!(app.answer(request).await.code, want, "{claims}");
    }
}

#[tokio::test]
async fn roles_are_looked_for_where_the_provider_puts_them() {
    let nested = |roles| json!({ "realm_access": { "roles": roles } });
    holds_against(
        require_roles(["realm_access", "roles"], ["admin", "auditor"]).expect("roles"),
        [nested(json!(["admin", "auditor"])), nested(json!(["auditor", "x", "admin"]))],
        [
            json!({}),
            nested(json!(["admin"])),
            nested(json!([])),
            nested(json!("admin auditor")),
            nested(json!({ "admin": true, "auditor": true })),
            nested(json!([["admin", "auditor"]])),
            nested(json!(["Admin", "Auditor"])),
            json!({ "realm_access.roles": ["admin", "auditor"] }),
            json!({ "realm_access": ["admin", "auditor"] }),
            json!({ "realm_access": [{ "roles": ["admin", "auditor"] }] }),
            json!({ "roles": ["admin", "auditor"] }),
        ],
        DENIED,
    )
    .await;
    let name = "https://example.com/roles";
    holds_against(
        require_any_role([name], ["admin", "auditor"]).expect("roles"),
        [json!({ name: ["auditor"] }), json!({ name: "admin" })],
        [json!({ name: ["adm"] }), json!({ name: "administrator" }), json!({ "roles": ["admin"] })],
        DENIED,
    )
    .await;
}

#[test]
fn a_guard_that_would_ask_for_nothing_cannot_be_made() {
    assert!(require_roles(["roles"], [] as [&str; 0]).is_err());
    assert!(require_any_role([] as [&str; 0], ["admin"]).is_err());
    assert!(require_acr([] as [&str; 0]).is_err());
    for acr in ["", "a b", "a\"", "ä"] {
        assert!(require_acr([acr]).is_err(), "{acr:?}");
    }
    assert!(require_acr(["urn:example:gold"]).is_ok());
}

#[derive(Deserialize)]
struct Staff {
    level: u8,
}

#[tokio::test]
async fn a_function_judges_typed_claims() {
    let guard = || require(|staff: &Staff| staff.level >= 3);
    holds_against(guard(), [json!({ "level": 3 }), json!({ "level": 255 })], [json!({ "level": 2 })], DENIED)
        .await;
    let app = behind(guard());
    for claims in [json!({}), json!({ "level": "3" }), json!({ "level": 256 }), json!({ "level": null })] {
        assert_eq!(code(&app, claims.clone()).await, "claims_mismatch", "{claims}");
    }
}

#[tokio::test]
async fn the_way_of_authentication_is_one_of_those_that_are_named() {
    holds_against(
        require_acr(["phr", "phrh"]).expect("acr values"),
        [json!({ "acr": "phr" }), json!({ "acr": "phrh" })],
        [json!({}), json!({ "acr": "PHR" }), json!({ "acr": "phr phrh" }), json!({ "acr": "" })],
        SIGN_IN,
    )
    .await;
    let app = behind(require_acr(["0"]).expect("an acr"));
    assert_eq!(code(&app, json!({ "acr": "0" })).await, "accepted");
    assert_eq!(code(&app, json!({ "acr": 0 })).await, "claims_mismatch");
}

#[tokio::test]
async fn a_sign_in_is_recent_up_to_the_second_and_the_leeway() {
    let ago = |seconds: i64| json!({ "auth_time": i64::from(NOW) - seconds });
    // The leeway is 30 s.
    holds_against(
        require_max_age(Duration::from_secs(600)),
        [ago(0), ago(600), ago(630), ago(-30), json!({ "auth_time": f64::from(NOW) - 629.5 })],
        [
            json!({}),
            ago(631),
            ago(100_000),
            ago(-31),
            json!({ "auth_time": null }),
            json!({ "auth_time": 0 }),
        ],
        SIGN_IN,
    )
    .await;
    holds_against(require_max_age(Duration::ZERO), [ago(0), ago(30)], [ago(31)], SIGN_IN).await;
    let app = behind(require_max_age(Duration::from_secs(600)));
    for auth_time in [json!(NOW.to_string()), json!(-1), json!(true), json!([NOW])] {
        assert_eq!(code(&app, json!({ "auth_time": auth_time })).await, "claims_mismatch", "{auth_time}");
    }
}

#[tokio::test]
async fn everything_that_is_asked_has_to_hold_and_the_hardest_to_get_is_told() {
    let app = behind(
        require_scopes(["read"])
            .expect("a scope")
            .and(require(|staff: &Staff| staff.level > 1).named("level"))
            .and(require_acr(["gold"]).expect("an acr")),
    );
    for (claims, want) in [
        (json!({ "scope": "read", "level": 2, "acr": "gold" }), "accepted"),
        (json!({ "scope": "x", "level": 2, "acr": "gold" }), SCOPE),
        (json!({ "scope": "read", "level": 1, "acr": "gold" }), DENIED),
        (json!({ "scope": "read", "level": 2, "acr": "silver" }), SIGN_IN),
        (json!({ "scope": "x", "level": 2, "acr": "silver" }), SIGN_IN),
        (json!({ "scope": "x", "level": 1, "acr": "silver" }), DENIED),
    ] {
        assert_eq!(code(&app, claims.clone()).await, want, "{claims}");
    }
}
