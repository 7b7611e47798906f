//! Requests as they go over the wire, and what the model has to know of them.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use tower_jwt_auth::test_util::Flaw;

use crate::key::{Key, Token};

/// What is right or wrong with what a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A good token that is sent again and again.
    Repeated,
    /// A good token that nobody has seen.
    New,
    /// A good token that expires in the course of things.
    Aging,
    Flawed(Flaw),
    Missing,
    /// One in the header, and one in the query.
    Twice,
    /// A cookie that another site had a browser send.
    CrossSite,
    /// A good token of the key that was published last.
    NewestKey,
    /// A token that was good until its key was withdrawn.
    WithdrawnKey,
    /// A token of a key of which nobody has heard, each time another.
    StrangeKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Nowhere,
    Header,
    Cookie,
    Query,
}

pub struct Request {
    pub kind: Kind,
    pub place: Place,
    pub text: Vec<u8>,
    /// The one that signed.
    pub key: Option<Arc<Key>>,
    pub jti: Option<String>,
    pub expires: Option<SystemTime>,
}

impl Place {
    /// Where most tokens are, and where some are.
    pub fn at_random(fraction: f64) -> Self {
        match fraction {
            ..0.8 => Self::Header,
            ..0.9 => Self::Cookie,
            _ => Self::Query,
        }
    }
}

impl Request {
    pub fn with_token(kind: Kind, key: Arc<Key>, token: Token, place: Place) -> Self {
        let Token { text, jti, expires } = token;
        Self { kind, place, text: head(place, &text), key: Some(key), jti: Some(jti), expires }
    }

    pub fn flawed(flaw: Flaw, key: Arc<Key>, place: Place) -> Self {
        let text = head(place, &key.template().flawed(flaw));
        Self { kind: Kind::Flawed(flaw), place, text, key: Some(key), jti: None, expires: None }
    }

    pub fn of_a_strange_key(key: Arc<Key>, kid: &str) -> Self {
        let text = head(Place::Header, &key.template().header("kid", kid).sign());
        Self { kind: Kind::StrangeKey, place: Place::Header, text, key: Some(key), jti: None, expires: None }
    }

    pub fn missing() -> Self {
        Self::without_key(Kind::Missing, "GET /me HTTP/1.1\r\nhost: soaked\r\n\r\n".to_owned())
    }

    pub fn twice(token: &str) -> Self {
        let head = "host: soaked\r\nauthorization: Bearer";
        Self::without_key(Kind::Twice, format!("GET /me?jwt={token} HTTP/1.1\r\n{head} {token}\r\n\r\n"))
    }

    pub fn cross_site(token: &str) -> Self {
        let head = "POST /me HTTP/1.1\r\nhost: soaked\r\nsec-fetch-site: cross-site\r\ncontent-length: 0";
        Self::without_key(Kind::CrossSite, format!("{head}\r\ncookie: __Host-jwt={token}\r\n\r\n"))
    }

    fn without_key(kind: Kind, text: String) -> Self {
        Self { kind, place: Place::Nowhere, text: text.into(), key: None, jti: None, expires: None }
    }
}

/// The request for `/me`.
fn head(place: Place, token: &str) -> Vec<u8> {
    let query = if place == Place::Query { format!("?jwt={token}") } else { String::new() };
    let line = match place {
        Place::Header => format!("authorization: Bearer {token}\r\n"),
        Place::Cookie => format!("cookie: theme=dark; __Host-jwt={token}\r\n"),
        Place::Query | Place::Nowhere => String::new(),
    };
    format!("GET /me{query} HTTP/1.1\r\nhost: soaked\r\n{line}\r\n").into()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "good, repeated",
            Self::New => "good, new",
            Self::Aging => "good until it expires",
            Self::Flawed(flaw) => return write!(f, "bad: {flaw:?}"),
            Self::Missing => "none",
            Self::Twice => "in two places",
            Self::CrossSite => "cookie, sent by another site",
            Self::NewestKey => "of the newest key",
            Self::WithdrawnKey => "of a withdrawn key",
            Self::StrangeKey => "of a key that never was",
        })
    }
}
