//! One thing that happens: to the provider, to the clock, or at the door.

use tower_jwt_auth::test_util::{Etags, Flaw};

/// A schedule is a list of these; its `Debug` form is Rust that makes it again.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The issuer signs with a new key, and publishes it beside the others.
    Rotate,
    /// It publishes only the key that it signs with.
    Withdraw,
    /// It gives the name of its key to a new one.
    ReuseKid,
    /// The provider is like this from now on.
    Provider(Mood),
    /// It is so for one fetch.
    Once(Mood),
    /// The `ETag`s of the provider are like this from now on, while it is well.
    Etags(Etags),
    /// The wall clock is set forward, or back, by so many seconds.
    Jump(i64),
    /// So many callers bring a good token each, over `over_ms`; the tokens expire after `lives` seconds.
    Good { callers: u32, lives: u64, over_ms: u64 },
    /// The callers of before, the last so many of them, bring their tokens again.
    Again { callers: u32 },
    /// One caller brings a token with this flaw.
    Bad(Flaw),
    /// So many callers bring tokens with kids that nobody has, over `over_ms`.
    Strays { kids: u32, from: Origin, over_ms: u64 },
    /// So many callers go away after so long, with tokens of the newest key or of strangers.
    Hasty { callers: u32, strangers: bool, leave_after_ms: u64 },
    /// Somebody asks for a refresh.
    Refresh,
    /// Time passes.
    Wait(u64),
}

/// Whose name is in the tokens of strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Ours,
    Another,
}

/// How the provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Well, so many milliseconds later.
    Slow(u64),
    /// With the keys of this moment, whatever becomes of them, and this `max-age`.
    Frozen {
        max_age: Option<u64>,
    },
    /// Connections are refused.
    Down,
    /// Connections break.
    Breaks,
    /// Half an answer.
    Cut,
    Hangs,
    /// A byte a second.
    Drips,
    Status(u16),
    Redirects,
    Html,
    /// No key.
    EmptySet,
    /// A set of which no key can be used.
    UselessSet,
    /// A megabyte.
    Endless,
    GzipBomb,
}

impl Mood {
    pub const BAD: [Self; 18] = [
        Self::Down,
        Self::Down,
        Self::Breaks,
        Self::Cut,
        Self::Hangs,
        Self::Drips,
        Self::Slow(5_100),
        Self::Status(204),
        Self::Status(304),
        Self::Status(404),
        Self::Status(500),
        Self::Status(503),
        Self::Redirects,
        Self::Html,
        Self::EmptySet,
        Self::UselessSet,
        Self::Endless,
        Self::GzipBomb,
    ];
}

impl Step {
    /// Whether it is something that goes wrong.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Provider(mood) | Self::Once(mood) => *mood != Mood::Well,
            Self::Etags(etags) => *etags != Etags::Right,
            Self::ReuseKid | Self::Jump(_) | Self::Bad(_) | Self::Strays { .. } | Self::Hasty { .. } => true,
            Self::Rotate
            | Self::Withdraw
            | Self::Good { .. }
            | Self::Again { .. }
            | Self::Refresh
            | Self::Wait(_) => false,
        }
    }
}
