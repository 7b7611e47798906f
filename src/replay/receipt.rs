use super::{Hexadecimal, Mark};
use crate::crypto;

/// What a browser gets with its cookie when a token that counts once was handed over to it: the token alone is worth
/// nothing any more, with the receipt it goes on.
pub(crate) struct Receipt(String);

/// Stands between the token and its receipt in a cookie; no token has one.
const SEPARATOR: char = '~';

impl Receipt {
    /// How much longer than its token a cookie is that has a receipt too.
    pub(crate) const ADDED_BYTES: usize = 1 + 2 * 16;

    pub(crate) fn generate() -> Self {
        Self(Hexadecimal(&crypto::random_bytes::<16>()).to_string())
    }

    /// The token and the receipt in a cookie's value.
    pub(crate) fn split(value: &str) -> (&str, Option<Self>) {
        match value.split_once(SEPARATOR) {
            Some((token, receipt)) => (token, Some(Self(receipt.to_owned()))),
            None => (value, None),
        }
    }

    /// The value of a cookie for `token`.
    pub(crate) fn join(&self, token: &str) -> String {
        format!("{token}{SEPARATOR}{}", self.0)
    }

    /// What a store remembers: not the receipt itself.
    pub(super) fn mark(&self) -> Mark {
        Mark::HandedOver(crypto::sha256(self.0.as_bytes()))
    }

    pub(super) fn fits(&self, hash: &[u8; 32]) -> bool {
        crypto::same(&crypto::sha256(self.0.as_bytes()), hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_fits_its_own_mark_only() {
        let (one, other) = (Receipt::generate(), Receipt::generate());
        let Mark::HandedOver(hash) = one.mark() else { panic!("handed over") };
        assert!(one.fits(&hash) && !other.fits(&hash));
        let value = one.join("a.b.c");
        assert_eq!(value.len(), "a.b.c".len() + Receipt::ADDED_BYTES);
        let (token, receipt) = Receipt::split(&value);
        assert!(token == "a.b.c" && receipt.is_some_and(|receipt| receipt.fits(&hash)));
        assert!(matches!(Receipt::split("a.b.c"), ("a.b.c", None)));
    }
}
