//! A key of the provider's, and the tokens that it has signed.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tower_jwt_auth::test_util::{Issuer, SigningKey, TokenBuilder};
use tower_jwt_auth::verify::DEFAULT_LEEWAY;

/// How many tokens of each key are sent again and again.
const REPEATED: usize = 32;

/// In seconds.
const HOUR: u64 = 3600;

/// Versions of the published document count from 0.
pub type Version = usize;

pub struct Key {
    signing: SigningKey,
    template: TokenBuilder,
    repeated: Vec<Token>,
    aging: Token,
    /// The first version that has it.
    pub published: Version,
    /// The first one after that without it.
    pub withdrawn: OnceLock<Version>,
}

#[derive(Clone)]
pub struct Token {
    pub text: String,
    /// Which of all tokens it is, so that an answer about another one is noticed.
    pub jti: String,
    /// When it has to be refused for its age, if that is soon.
    pub expires: Option<SystemTime>,
}

/// What the server has of a key, as far as can be told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Yes,
    No,
    Either,
}

impl Key {
    /// The one that `issuer` signs with now. One of its tokens is to be refused after `aging` already.
    pub fn of(issuer: &Issuer, published: Version, aging: Duration) -> Self {
        let template = issuer.token();
        let repeated =
            (0..REPEATED).map(|number| named(&template, format!("{published}-{number}"))).collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
        let expires = now.as_secs() + aging.as_secs();
        let aged =
            template.clone().claim("iat", expires - HOUR).claim("exp", expires - DEFAULT_LEEWAY.as_secs());
        let aging = Token {
            expires: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(expires)),
            ..named(&aged, format!("{published}-aging"))
        };
        Self { signing: issuer.key(), template, repeated, aging, published, withdrawn: OnceLock::new() }
    }

    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// To be changed before it is signed.
    pub fn template(&self) -> TokenBuilder {
        self.template.clone()
    }

    pub fn repeated(&self, number: u64) -> Token {
        self.repeated[number as usize % REPEATED].clone()
    }

    pub fn aging(&self) -> Token {
        self.aging.clone()
    }

    /// One that nobody has seen.
    pub fn new_token(&self, number: u64) -> Token {
        named(&self.template, format!("{}-new-{number}", self.published))
    }

    /// What a server has of it whose document is of one of these versions.
    pub fn held_by(&self, oldest: Version, newest: Version) -> Held {
        let withdrawn = self.withdrawn.get().copied().unwrap_or(Version::MAX);
        if self.published <= oldest && newest < withdrawn {
            Held::Yes
        } else if newest < self.published || withdrawn <= oldest {
            Held::No
        } else {
            Held::Either
        }
    }
}

fn named(template: &TokenBuilder, jti: String) -> Token {
    Token { text: template.clone().claim("jti", &*jti).sign(), jti, expires: None }
}
