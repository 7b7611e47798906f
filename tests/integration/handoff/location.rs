//! Where the browser goes on: here, without the token, and every other byte as it was.

use axum::Router;
use serde_json::json;

use super::{layer, site};
use crate::support::site::{Site, session_of, token_with};

/// Where a browser that is at `https://app.example` goes when it is told `location`.
fn destination(location: &str) -> reqwest::Url {
    let here = reqwest::Url::parse("https://app.example/somewhere/else?x").expect("a URL");
    here.join(location).expect("a location")
}

async fn assert_location(site: &Site, uri: &str, want: &str) {
    let token = token_with(json!({}));
    let answer = site.follow(&uri.replace('$', &token), &[]).await;
    assert_eq!(answer.status, 303, "{uri}: {answer:?}");
    session_of(&answer);
    let location = answer.headers["location"].as_bytes();
    let location = std::str::from_utf8(location).expect("UTF-8");
    assert_eq!(location, want, "{uri}");
    assert!(location.starts_with('/') && !location.contains(&token), "{uri}");
    let destination = destination(location);
    assert_eq!(destination.origin().ascii_serialization(), "https://app.example", "{uri}: {destination}");
}

#[tokio::test]
async fn only_the_parameter_is_removed_and_every_other_byte_stays() {
    let site = site();
    for (uri, want) in [
        ("/?jwt=$", "/"),
        ("/a/b/?jwt=$", "/a/b/"),
        ("/a%20b/c+d/%C3%BC?jwt=$", "/a%20b/c+d/%C3%BC"),
        ("/ü?x=ü&jwt=$", "/ü?x=ü"),
        ("/p?a=1&jwt=$&b=2", "/p?a=1&b=2"),
        ("/p?jwt=$&a=%20+%2B&b=%zz", "/p?a=%20+%2B&b=%zz"),
        ("/p?a=1&jwt=$", "/p?a=1"),
        ("/p?jwt=$&&b", "/p?&b"),
        ("/p?a&&jwt=$&&b", "/p?a&&&b"),
        ("/p?jwt=$&", "/p?"),
        ("/p?a=&b&=c&jwt=$", "/p?a=&b&=c"),
        ("/p??a&jwt=$", "/p??a"),
        ("/p?%6Awt=$&a", "/p?a"),
        ("/p?a&%6a%77%74=$", "/p?a"),
        ("/p?JWT=1&xjwt=2&jwt2=3&jwt=$", "/p?JWT=1&xjwt=2&jwt2=3"),
        ("/p?a=1;jwt=x&jwt=$", "/p?a=1;jwt=x"),
        ("/p?a=jwt&jwt=$&b=jwt=", "/p?a=jwt&b=jwt="),
        ("/p?error=access_denied&jwt=$", "/p?error=access_denied"),
        ("/p?next=https://evil.example/&jwt=$", "/p?next=https://evil.example/"),
        ("/p?x=%0d%0aSet-Cookie:%20a=b&jwt=$", "/p?x=%0d%0aSet-Cookie:%20a=b"),
        ("/%0d%0aLocation:%20//evil.example?jwt=$", "/%0d%0aLocation:%20//evil.example"),
        ("/%3Fjwt=x?jwt=$", "/%3Fjwt=x"),
    ] {
        assert_location(&site, uri, want).await;
    }
}

#[tokio::test]
async fn no_path_and_no_host_in_the_request_leads_to_another_host() {
    let site = site();
    for (uri, want) in [
        ("//evil.example?jwt=$", "/.//evil.example"),
        ("//evil.example/x?a&jwt=$", "/.//evil.example/x?a"),
        ("///evil.example?jwt=$", "/.///evil.example"),
        ("/\\evil.example?jwt=$", "/./\\evil.example"),
        ("/\\/evil.example?jwt=$", "/./\\/evil.example"),
        ("/%2f/evil.example?jwt=$", "/%2f/evil.example"),
        ("/%5cevil.example?jwt=$", "/%5cevil.example"),
        ("/.//evil.example?jwt=$", "/.//evil.example"),
        ("/..//evil.example?jwt=$", "/..//evil.example"),
        ("/%2e%2e//evil.example?jwt=$", "/%2e%2e//evil.example"),
        ("/a/..//evil.example?jwt=$", "/a/..//evil.example"),
        ("/@evil.example?jwt=$", "/@evil.example"),
        ("/https://evil.example?jwt=$", "/https://evil.example"),
        ("/javascript:alert(1)?jwt=$", "/javascript:alert(1)"),
        ("https://evil.example/x?jwt=$", "/x"),
        ("https://evil.example?jwt=$", "/"),
        ("https://evil.example//x?jwt=$&b", "/.//x?b"),
        ("http://user@evil.example:81/x?jwt=$", "/x"),
    ] {
        assert_location(&site, uri, want).await;
    }
}

#[tokio::test]
async fn the_location_keeps_what_routers_further_out_have_taken_off() {
    let nested =
        |prefix: &'static str| Site::with(move |page| Router::new().nest(prefix, page.layer(layer())));
    let twice =
        Site::with(|page| Router::new().nest("/a", Router::new().nest_service("/b", page.layer(layer()))));
    let outside = Site::with(|page| Router::new().nest("/app", page).layer(layer()));
    let by_parameter = nested("/x/{tenant}");
    for (site, uri, want) in [
        (&nested("/app"), "/app?jwt=$", "/app"),
        (&nested("/app"), "/app/c/?jwt=$&x=%20", "/app/c/?x=%20"),
        (&nested("/app"), "/app/c?y&jwt=$", "/app/c?y"),
        (&nested("/app"), "/app//evil.example?jwt=$", "/app//evil.example"),
        (&nested("/app"), "https://evil.example/app/c?jwt=$", "/app/c"),
        (&twice, "/a/b/c?jwt=$", "/a/b/c"),
        (&outside, "/app/c?jwt=$", "/app/c"),
        (&by_parameter, "/x/%2F/c?jwt=$", "/x/%2F/c"),
        (&by_parameter, "/x/\\evil.example/c?jwt=$", "/x/\\evil.example/c"),
    ] {
        assert_location(site, uri, want).await;
    }
}
