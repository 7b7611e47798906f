#![cfg(test)]
//! The known headers in every order in which threads may keep some.

use std::sync::Arc;

use super::{Algorithm, JoseHeader, KnownHeaders};
use crate::sync::orders::play;

#[test]
fn a_header_is_found_by_its_own_text_alone_and_takes_up_room_once() {
    play(|mut stage| {
        let known = Arc::new(KnownHeaders::default());
        for kept in [["a", "b"], ["b", "a"], ["c", "d"]] {
            let known = Arc::clone(&known);
            stage.enter(async move {
                for text in kept {
                    known.keep(text.as_bytes(), &header(text));
                    assert_eq!(kid_of(&known, text).as_deref(), Some(text), "there is room for four");
                }
            });
        }
        stage.perform(|| panic!("somebody waits for nothing"));
        for text in ["a", "b", "c", "d"] {
            assert_eq!(kid_of(&known, text).as_deref(), Some(text));
        }
    });
}

fn header(kid: &str) -> Arc<JoseHeader> {
    Arc::new(JoseHeader { algorithm: Algorithm::EdDsa, kid: Some(kid.into()), typ: None })
}

fn kid_of(known: &KnownHeaders, text: &str) -> Option<String> {
    known.find(text.as_bytes()).and_then(|header| header.kid().map(str::to_owned))
}
