//! Which places are read, for those who are told of them beforehand.

use super::TokenSources;
use super::query::QueryName;

impl TokenSources {
    /// Whether the `Authorization` header is read under the scheme `Bearer`.
    pub(crate) fn reads_bearer(&self) -> bool {
        self.schemes.bearer
    }

    /// Whether a token is looked for that comes without a proof.
    pub(crate) fn read_more_than_proven(&self) -> bool {
        self.schemes.bearer || self.query.is_some() || self.cookie.is_some() || !self.others.is_empty()
    }

    /// Whether the query is read.
    pub(crate) fn reads_query(&self) -> bool {
        self.query.is_some()
    }

    /// Which parameter of the query is read, if one is.
    pub(crate) fn query_name(&self) -> Option<&str> {
        self.query.as_ref().map(QueryName::name)
    }
}
