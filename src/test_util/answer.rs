use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

/// What an [`Idp`](super::Idp) says when it is asked, and how: well, badly, or not at all.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::test_util::Answer;
///
/// let bad_days = [
///     Answer::status(500),
///     Answer::of("<!doctype html><title>We are back soon</title>"),
///     Answer::of(r#"{"keys":[]}"#),
///     Answer::of(r#"{"keys":[]}"#).after(Duration::from_secs(3)),
///     Answer::of(r#"{"keys":[]}"#).dripping(),
///     Answer::redirect_to("http://169.254.169.254/latest/meta-data"),
///     Answer::gzip_bomb(100_000_000),
///     Answer::endless(100_000_000),
///     Answer::hanging(),
/// ];
/// # assert_eq!(bad_days.len(), 9);
/// ```
#[derive(Clone)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Arc<[u8]>,
    pub(super) manner: Manner,
}

/// How the answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    AtOnce,
    /// All of it, a while later.
    After(Duration),
    /// The head at once, then a byte a second.
    Dripping,
    /// The body with only half of what its length announces.
    Cut,
    /// This many bytes of blanks, without an announced length.
    Endless(usize),
    /// Nothing, and the connection stays open.
    Hanging,
    /// No answer: the connection breaks.
    Broken,
}

impl Answer {
    /// 200 with this body.
    pub fn of(body: impl AsRef<[u8]>) -> Self {
        Self {
            status: 200,
            headers: HeaderMap::new(),
            body: Arc::from(body.as_ref()),
            manner: Manner::AtOnce,
        }
    }

    /// This status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::of([]).with_status(status)
    }

    /// 302 to `url`.
    #[must_use]
    pub fn redirect_to(url: &str) -> Self {
        Self::status(302).with(header::LOCATION, url)
    }

    /// So many bytes of blanks, whose number is not announced.
    #[must_use]
    pub fn endless(bytes: usize) -> Self {
        Self::of([]).in_the_manner(Manner::Endless(bytes))
    }

    /// A small body that would be so many bytes of blanks for who inflates it.
    #[must_use]
    pub fn gzip_bomb(bytes: usize) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let blanks = [b' '; 8192];
        for _ in 0..bytes.div_ceil(blanks.len()) {
            gzip.write_all(&blanks).expect("a vector takes it");
        }
        Self::of(gzip.finish().expect("a vector takes it")).with(header::CONTENT_ENCODING, "gzip")
    }

    /// None at all: the request is read, and the connection stays open.
    #[must_use]
    pub fn hanging() -> Self {
        Self::of([]).in_the_manner(Manner::Hanging)
    }

    /// None at all: the request is read, and the connection breaks.
    #[must_use]
    pub fn broken() -> Self {
        Self::of([]).in_the_manner(Manner::Broken)
    }

    /// With this header field.
    ///
    /// # Panics
    ///
    /// If `value` is none.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// With this status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// All of it, but so much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        self.in_the_manner(Manner::After(duration))
    }

    /// The body a byte a second.
    #[must_use]
    pub fn dripping(self) -> Self {
        self.in_the_manner(Manner::Dripping)
    }

    /// Half of the body that its length announces, and then the connection breaks.
    #[must_use]
    pub fn cut(self) -> Self {
        self.in_the_manner(Manner::Cut)
    }

    fn in_the_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// 304 instead, to a request that has this very document already.
    pub(super) fn unless_known_to(mut self, request: &HeaderMap) -> Self {
        let (sent, have) = if request.contains_key(header::IF_NONE_MATCH) {
            (header::IF_NONE_MATCH, header::ETAG)
        } else {
            (header::IF_MODIFIED_SINCE, header::LAST_MODIFIED)
        };
        let known = request.get(sent).is_some_and(|sent| self.headers.get(have) == Some(sent));
        if known && self.status == 200 {
            (self.status, self.body) = (304, Arc::from([]));
        }
        self
    }

    /// Status line and header fields.
    pub(super) fn head(&self, content_length: Option<usize>) -> String {
        let mut head = format!("HTTP/1.1 {} So Be It\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            _ = write!(head, "{name}: {}\r\n", value.to_str().expect("a text"));
        }
        if let Some(length) = content_length {
            _ = write!(head, "content-length: {length}\r\n");
        }
        head + "\r\n"
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("manner", &self.manner)
            .finish_non_exhaustive()
    }
}
