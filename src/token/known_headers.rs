use std::sync::Arc;

use super::JoseHeader;
use crate::sync::OnceLock;

/// The headers of tokens that were accepted, by their encoded text: those of one key are all alike, and need reading
/// once.
///
/// It says what a header says, and nothing of whether that is accepted. A token that is refused leaves nothing here.
#[derive(Debug, Default)]
pub(crate) struct KnownHeaders {
    slots: [OnceLock<Known>; 4],
}

#[derive(Debug)]
struct Known {
    encoded: Box<[u8]>,
    header: Arc<JoseHeader>,
}

/// Longer headers are read every time, which bounds what is kept.
const MAX_KNOWN_BYTES: usize = 1024;

impl KnownHeaders {
    pub(crate) fn find(&self, encoded: &[u8]) -> Option<&Arc<JoseHeader>> {
        let mut known = self.slots.iter().map_while(OnceLock::get);
        known.find(|known| *known.encoded == *encoded).map(|known| &known.header)
    }

    /// Keeps the header of a token that was accepted, if there is room.
    pub(crate) fn keep(&self, encoded: &[u8], header: &Arc<JoseHeader>) {
        if encoded.len() > MAX_KNOWN_BYTES {
            return;
        }
        for slot in &self.slots {
            let known = slot.get_or_init(|| Known { encoded: encoded.into(), header: Arc::clone(header) });
            if *known.encoded == *encoded {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Algorithm;

    #[test]
    fn a_header_is_known_by_its_whole_text_and_room_is_bounded() {
        let known = KnownHeaders::default();
        let header = |kid: usize| {
            Arc::new(JoseHeader { algorithm: Algorithm::Es256, kid: Some(kid.to_string().into()), typ: None })
        };
        let kid_of = |encoded: &[u8]| known.find(encoded).map(|header| header.kid().map(str::to_owned));
        assert_eq!(kid_of(b""), None, "an empty memory knows nothing");
        for kid in 0..9 {
            known.keep(kid.to_string().as_bytes(), &header(kid));
        }
        for kid in 0..9 {
            let want = (kid < 4).then(|| Some(kid.to_string()));
            assert_eq!(kid_of(kid.to_string().as_bytes()), want);
        }
        assert_eq!(kid_of(b"00"), None);

        let known = KnownHeaders::default();
        for length in [MAX_KNOWN_BYTES, MAX_KNOWN_BYTES + 1] {
            let encoded = vec![b'A'; length];
            known.keep(&encoded, &header(0));
            assert_eq!(known.find(&encoded).is_some(), length <= MAX_KNOWN_BYTES);
        }
    }
}
