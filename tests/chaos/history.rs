//! What the provider said, and what the layer can know from it at each moment: the model.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Every document that the issuer has published, with the public keys in it.
#[derive(Clone, Default)]
pub struct Documents(Arc<Mutex<Vec<Document>>>);

#[derive(Clone)]
pub struct Document {
    pub text: Arc<str>,
    /// Each as JSON.
    pub keys: Arc<HashSet<String>>,
}

impl Documents {
    /// The number of the document with this text, which it gets if it is new.
    pub fn number_of(&self, text: &str) -> usize {
        self.find(text).unwrap_or_else(|| {
            let set: serde_json::Value = serde_json::from_str(text).expect("a key set");
            let keys = set["keys"].as_array().expect("keys").iter().map(ToString::to_string);
            let document = Document { text: text.into(), keys: Arc::new(keys.collect()) };
            let mut documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            documents.push(document);
            documents.len() - 1
        })
    }

    pub fn find(&self, text: &str) -> Option<usize> {
        let documents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        documents.iter().rposition(|document| &*document.text == text)
    }

    pub fn get(&self, number: usize) -> Document {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[number].clone()
    }
}

/// What an answer of the provider has to say about keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Keys {
        document: usize,
        max_age: Option<u64>,
    },
    /// To somebody who had said what it has.
    Unchanged,
    /// No answer, or none that a key set can be made of.
    Nothing,
}

/// One fetch.
#[derive(Debug, Clone, Copy)]
pub struct Fetched {
    pub asked: Instant,
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The earliest moment at which it may have had its effect.
    pub from: Instant,
    pub at: Instant,
    pub said: Said,
}

/// What the layer knows, for a time.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub from: Instant,
    to: Option<Instant>,
    /// The document whose keys it holds.
    pub held: Option<usize>,
    pub good_at: Option<Instant>,
    /// Fetches failed in a row.
    pub failures: u32,
    pub generation: u64,
    /// How far the wall clock has been set forward.
    ahead: i64,
}

/// All views, one after the other; where it cannot be told which of two it was, they overlap.
pub struct History {
    views: Vec<View>,
    started: (Instant, SystemTime),
}

impl History {
    /// Nothing is known, and the wall clock shows `wall`.
    pub fn new(wall: SystemTime) -> Self {
        let from = Instant::now();
        let cold = View { from, to: None, held: None, good_at: None, failures: 0, generation: 0, ahead: 0 };
        Self { views: vec![cold], started: (from, wall) }
    }

    pub fn now(&self) -> &View {
        self.views.last().expect("there is always a view")
    }

    /// A fetch has ended.
    pub fn end(&mut self, ended: Ended) {
        let before = *self.now();
        let after = match ended.said {
            Said::Nothing => View { failures: before.failures + 1, ..before },
            Said::Unchanged => View { failures: 0, good_at: Some(ended.at), ..before },
            Said::Keys { document, .. } => View {
                held: Some(document),
                good_at: Some(ended.at),
                failures: 0,
                generation: before.generation + u64::from(before.held != Some(document)),
                ..before
            },
        };
        self.follow_by(after, ended.from, ended.at);
    }

    /// The wall clock is set.
    pub fn jump(&mut self, seconds: i64) {
        let (before, now) = (*self.now(), Instant::now());
        self.follow_by(View { ahead: before.ahead + seconds, ..before }, now, now);
    }

    fn follow_by(&mut self, after: View, from: Instant, to: Instant) {
        if let Some(before) = self.views.last_mut() {
            before.to = Some(to);
        }
        let from = from.max(self.now().from);
        self.views.push(View { from, to: None, ..after });
    }

    /// What may have been known at a moment.
    pub fn at(&self, moment: Instant) -> impl Iterator<Item = &View> {
        let end = self.views.partition_point(|view| view.from <= moment);
        let views = self.views[..end].iter().rev();
        views.take_while(move |view| view.to.is_none_or(|to| moment <= to))
    }

    /// How many fetches may have changed nothing since the keys did.
    pub fn unchanged_at(&self, moment: Instant) -> u32 {
        let generation = self.at(moment).map(|view| view.generation).min();
        let since_then = self.views.iter().rev().take_while(|view| Some(view.generation) >= generation);
        let since_then = since_then.filter(|view| view.from <= moment).count();
        u32::try_from(since_then).expect("a number") - 1
    }

    /// When the first set came.
    pub fn first_set(&self) -> Option<Instant> {
        let first = self.views.partition_point(|view| view.good_at.is_none());
        self.views.get(first).map(|view| view.from)
    }

    pub fn wall(&self, view: &View, moment: Instant) -> SystemTime {
        let (started, wall) = self.started;
        let wall = wall + (moment - started);
        let ahead = Duration::from_secs(view.ahead.unsigned_abs());
        if view.ahead < 0 { wall - ahead } else { wall + ahead }
    }
}
