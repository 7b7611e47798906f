//! The provider in its moods, and since when it has been telling the truth.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use http::header::{CACHE_CONTROL, IF_NONE_MATCH};
use tokio::time::Instant;
use tower_jwt_auth::test_util::{Answer, Etags, Idp, Issuer, Seen};

use crate::history::{Documents, Said};
use crate::step::Mood;

/// How long an answer may take that two waits for a refetch still fit two of.
const QUICK_MS: u64 = 900;

pub struct Provider {
    pub idp: Idp,
    pub documents: Documents,
    mood: Mood,
    etags: Etags,
    /// The document that it tells of.
    document: usize,
    /// Answers told to be given once are used up when it has been asked so often.
    once_until: usize,
    /// Since when each key has been published without a break, by its JSON.
    published: HashMap<String, Instant>,
    truthful_since: Option<Instant>,
    /// What it has been like, and from which request on.
    script: Vec<(usize, Saying)>,
}

/// How the keys of the moment are told.
#[derive(Clone, Copy)]
struct Saying {
    mood: Mood,
    etags: Etags,
    document: usize,
}

impl Provider {
    pub fn new(idp: Idp) -> Self {
        let mut provider = Self {
            idp,
            documents: Documents::default(),
            mood: Mood::Well,
            etags: Etags::Right,
            document: 0,
            once_until: 0,
            published: HashMap::new(),
            truthful_since: Some(Instant::now()),
            script: Vec::new(),
        };
        provider.note_keys();
        provider.note();
        provider
    }

    pub fn issuer(&self) -> &Issuer {
        self.idp.issuer()
    }

    pub fn change_keys(&mut self, change: impl FnOnce(&Issuer)) {
        change(self.idp.issuer());
        if let Mood::Slow(_) = self.mood {
            self.tell();
        }
        self.note_keys();
        self.note();
    }

    /// # Errors
    ///
    /// If somebody else has its port when it comes back.
    pub async fn set_mood(&mut self, mood: Mood) -> io::Result<()> {
        if self.mood == Mood::Down && mood != Mood::Down {
            self.idp.come_back()?;
        }
        self.mood = mood;
        match mood {
            Mood::Down => self.idp.go_down().await,
            Mood::Well => {
                self.idp.recover();
                self.idp.set_etags(self.etags);
                self.once_until = 0;
            }
            _ => self.tell(),
        }
        self.document = self.documents.number_of(&self.issuer().jwks());
        self.note();
        Ok(())
    }

    /// Nothing, for what cannot be said in an answer.
    pub fn set_mood_once(&mut self, mood: Mood) {
        if let Some(answer) = self.answer(mood) {
            self.idp.serve_once(answer);
            self.once_until = self.once_until.max(self.idp.requests()) + 1;
        }
        self.note();
    }

    pub fn set_etags(&mut self, etags: Etags) {
        self.etags = etags;
        self.idp.set_etags(etags);
        self.note();
    }

    /// Since when every answer has been quick, and has held the keys of its moment.
    pub fn truthful_since(&self) -> Option<Instant> {
        self.truthful_since
    }

    /// Since when `key` has been published.
    pub fn publishes(&self, key: &str) -> Option<Instant> {
        self.published.get(key).copied()
    }

    /// To be called after each change, and after time has passed.
    pub fn note(&mut self) {
        let is_truthful = match self.mood {
            Mood::Well => self.etags != Etags::Stuck,
            Mood::Slow(ms) => ms <= QUICK_MS,
            _ => false,
        };
        let is_truthful = is_truthful && self.idp.requests() >= self.once_until;
        self.truthful_since = if is_truthful { self.truthful_since.or(Some(Instant::now())) } else { None };
        let saying = Saying { mood: self.mood, etags: self.etags, document: self.document };
        self.script.push((self.idp.requests(), saying));
    }

    /// What its answer to the request `index` was, had the client the patience to take it.
    pub fn said_to(&self, index: usize, seen: &Seen) -> Said {
        let next = self.script.partition_point(|(from, _)| *from <= index);
        let Saying { mood, etags, document } = self.script[next - 1].1;
        let told = seen.header(IF_NONE_MATCH);
        match mood {
            Mood::Well if etags == Etags::Stuck && told == Some("\"0\"") => Said::Unchanged,
            Mood::Well | Mood::Slow(_) => Said::Keys { document, max_age: None },
            Mood::Frozen { max_age } => Said::Keys { document, max_age },
            Mood::Status(304) if told.is_some() => Said::Unchanged,
            _ => Said::Nothing,
        }
    }

    fn note_keys(&mut self) {
        let now = Instant::now();
        let number = self.documents.number_of(&self.issuer().jwks());
        let keys = self.documents.get(number).keys;
        self.published.retain(|key, _| keys.contains(key));
        for key in &*keys {
            self.published.entry(key.clone()).or_insert(now);
        }
        if !matches!(self.mood, Mood::Frozen { .. }) {
            self.document = number;
        }
    }

    fn tell(&self) {
        if let Some(answer) = self.answer(self.mood) {
            self.idp.serve(answer);
        }
    }

    fn answer(&self, mood: Mood) -> Option<Answer> {
        let keys = || Answer::of(self.issuer().jwks());
        Some(match mood {
            Mood::Well | Mood::Down => return None,
            Mood::Slow(ms) => keys().after(Duration::from_millis(ms)),
            Mood::Frozen { max_age: None } => keys(),
            Mood::Frozen { max_age: Some(age) } => keys().with(CACHE_CONTROL, &format!("max-age={age}")),
            Mood::Breaks => Answer::broken(),
            Mood::Cut => keys().cut(),
            Mood::Hangs => Answer::hanging(),
            Mood::Drips => keys().dripping(),
            Mood::Status(status) => keys().with_status(status),
            Mood::Redirects => Answer::redirect_to("http://169.254.169.254/latest/meta-data"),
            Mood::Html => Answer::of("<!doctype html><title>We are back soon</title>"),
            Mood::EmptySet => Answer::of(r#"{"keys":[]}"#),
            Mood::UselessSet => Answer::of(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"AKP"}]}"#),
            Mood::Endless => Answer::endless(1_000_000),
            Mood::GzipBomb => Answer::gzip_bomb(1_000_000),
        })
    }
}
