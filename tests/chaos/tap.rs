//! Stands between the layer and the provider, and notes what is asked and said.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, IF_NONE_MATCH};
use tokio::time::Instant;
use tower_jwt_auth::fetch::{Fetch, FetchFuture, FetchRequest};
use tower_jwt_auth::test_util::Idp;

use crate::history::{Documents, Ended, Fetched, Said};

/// What was fetched, in order.
#[derive(Clone, Default)]
pub struct FetchLog(Arc<Mutex<Vec<Fetched>>>);

impl FetchLog {
    pub fn lock(&self) -> MutexGuard<'_, Vec<Fetched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client of the layer, in memory.
pub struct Tap {
    pub idp: Idp,
    pub documents: Documents,
    pub log: FetchLog,
}

impl Fetch for Tap {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let is_conditional = request.http.headers().contains_key(IF_NONE_MATCH);
        let mut fetch = self.begin();
        let answer = self.idp.fetch(request);
        Box::pin(async move {
            let answer = answer.await;
            if let Ok(response) = &answer {
                fetch.note(self.understand(response, is_conditional));
            }
            answer
        })
    }
}

impl Tap {
    fn begin(&self) -> UnderWay {
        let mut log = self.log.lock();
        log.push(Fetched { asked: Instant::now(), ended: None });
        UnderWay { log: self.log.clone(), number: log.len() - 1, said: Said::Nothing }
    }

    /// Knows the documents of the issuer by heart: whatever else comes is nothing.
    fn understand(&self, response: &Response<Vec<u8>>, is_conditional: bool) -> Said {
        let document = || self.documents.find(std::str::from_utf8(response.body()).ok()?);
        let max_age =
            || response.headers().get(CACHE_CONTROL)?.to_str().ok()?.split_once('=')?.1.parse().ok();
        match response.status().as_u16() {
            304 if is_conditional => Said::Unchanged,
            200 if !response.headers().contains_key(CONTENT_ENCODING) => match document() {
                Some(document) => Said::Keys { document, max_age: max_age() },
                None => Said::Nothing,
            },
            _ => Said::Nothing,
        }
    }
}

/// Ends when the answer is there, or nobody waits for it any more.
struct UnderWay {
    log: FetchLog,
    number: usize,
    said: Said,
}

impl UnderWay {
    fn note(&mut self, said: Said) {
        self.said = said;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let now = Instant::now();
        self.log.lock()[self.number].ended = Some(Ended { from: now, at: now, said: self.said });
    }
}
