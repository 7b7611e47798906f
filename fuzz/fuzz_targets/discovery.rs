//! The metadata of an issuer, from which the URL of its keys is taken.
//!
//! Input: a byte of circumstances, then the document.
//!
//! The keys are asked for at the `jwks_uri` of a document that names the very issuer, and only over https, or on this
//! machine for an issuer that is there too. Nothing is asked for in any other case.

#![no_main]

use std::cell::RefCell;
use std::future::ready;
use std::sync::{Arc, Mutex};

use http::{Response, StatusCode, Uri};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower_jwt_auth::Jwks;
use tower_jwt_auth::error::JwksErrorKind;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth_fuzz::json;

struct Issuer {
    name: &'static str,
    places: [&'static str; 2],
}

static ISSUERS: [Issuer; 3] = [
    Issuer {
        name: "https://login.example.com",
        places: [
            "https://login.example.com/.well-known/openid-configuration",
            "https://login.example.com/.well-known/oauth-authorization-server",
        ],
    },
    Issuer {
        name: "http://127.0.0.1:9000/realms/one/",
        places: [
            "http://127.0.0.1:9000/realms/one/.well-known/openid-configuration",
            "http://127.0.0.1:9000/.well-known/oauth-authorization-server/realms/one",
        ],
    },
    Issuer {
        name: "http://localhost",
        places: [
            "http://localhost/.well-known/openid-configuration",
            "http://localhost/.well-known/oauth-authorization-server",
        ],
    },
];

const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fuzz_target!(|input: &[u8]| {
    let Some((circumstances, document)) = input.split_first() else { return };
    let issuer: &'static Issuer = &ISSUERS[usize::from(circumstances & 3) % ISSUERS.len()];
    // Where OpenID Connect has it, or where RFC 8414 has it.
    let place = usize::from(circumstances >> 2 & 1);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let provider = Provider {
        document: document.to_vec(),
        place: issuer.places[place],
        places: &issuer.places,
        asked: Arc::clone(&asked),
    };
    let outcome = in_runtime(async {
        let set = Jwks::discovery_builder(issuer.name).expect("an issuer").with_fetch(provider);
        set.spawn().expect("a runtime").refresh_now().await
    });

    let asked = std::mem::take(&mut *asked.lock().expect("one thread"));
    let keys_at = predict(issuer, document);
    let is_place = |uri: &Uri| issuer.places.iter().any(|place| *uri == **place);
    for uri in &asked {
        assert!(is_place(uri) || keys_at.as_ref() == Some(uri), "{uri} was asked for");
    }
    assert_eq!(&asked[0], issuer.places[0]);
    match (keys_at, outcome) {
        (Some(keys_at), Ok(status)) => {
            assert!(asked.contains(&keys_at));
            assert!(status.keys == 1 || is_place(&keys_at));
            assert_eq!(status.last_error, None);
        }
        // The keys were asked for where metadata is.
        (Some(keys_at), Err(error)) => assert!(is_place(&keys_at), "{error}"),
        (None, Err(error)) => assert!(
            matches!(
                error.kind(),
                JwksErrorKind::Unparsable
                    | JwksErrorKind::IssuerMismatch
                    | JwksErrorKind::InsecureUrl
                    | JwksErrorKind::Status(404)
            ),
            "{error}"
        ),
        (None, Ok(status)) => panic!("{status:?} from nowhere"),
    }
});

/// Where the document says that the keys are, if it may say so.
fn predict(issuer: &Issuer, document: &[u8]) -> Option<Uri> {
    let metadata: Value = match json::parse_object(document) {
        Ok(members) => {
            let once = |name| json::all(&members, name).len() == 1;
            (once("issuer") && once("jwks_uri")).then(|| json::Json::Object(members).to_value())?
        }
        // A reader that passes over what it does not look for may still like it.
        Err(_) => {
            #[derive(serde::Deserialize)]
            struct Metadata {
                issuer: String,
                jwks_uri: String,
            }
            let text =
                str::from_utf8(document).ok().filter(|text| text.trim_ascii_start().starts_with('{'))?;
            let Metadata { issuer, jwks_uri } = serde_json::from_str(text).ok()?;
            serde_json::json!({ "issuer": issuer, "jwks_uri": jwks_uri })
        }
    };
    if metadata["issuer"] != issuer.name {
        return None;
    }
    let uri: Uri = metadata["jwks_uri"].as_str()?.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let port_is_one = port.is_none_or(is_port);
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let (host_is_one, is_local) = match in_brackets.map(str::parse::<std::net::Ipv6Addr>) {
        Some(address) => (address.is_ok(), address.is_ok_and(|address| address.is_loopback())),
        None => {
            let address = host.parse::<std::net::Ipv4Addr>();
            let is_local = address.is_ok_and(|address| address.octets()[0] == 127);
            (!host.contains(['[', ']', '@', ':']), is_local || host.eq_ignore_ascii_case("localhost"))
        }
    };
    let scheme_fits = match uri.scheme_str()? {
        "https" => true,
        "http" => is_local && issuer.name.starts_with("http://"),
        _ => false,
    };
    (scheme_fits && port_is_one && host_is_one).then_some(uri)
}

/// Has the document at one place, nothing at the other, and keys anywhere else.
struct Provider {
    document: Vec<u8>,
    place: &'static str,
    places: &'static [&'static str; 2],
    asked: Arc<Mutex<Vec<Uri>>>,
}

impl Fetch for Provider {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let uri = request.http.uri().clone();
        let mut response = Response::new(Vec::new());
        if uri == *self.place {
            *response.body_mut() = self.document.clone();
        } else if self.places.iter().any(|place| uri == **place) {
            *response.status_mut() = StatusCode::NOT_FOUND;
        } else {
            *response.body_mut() = KEYS.into();
        }
        self.asked.lock().expect("one thread").push(uri);
        Box::pin(ready(Ok(response)))
    }
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    }
    RUNTIME.with_borrow_mut(|runtime| {
        let new = || Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.get_or_insert_with(new).block_on(work)
    })
}
