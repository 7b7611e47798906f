//! Which places are read, for those who are told of them beforehand.

use super::TokenSources;
use super::query::QueryName;

impl TokenSources {
    /// Whether the `Authorization` header is read under the scheme `Bearer`.
    pub(crate) fn reads_bearer(&self) -> bool {
        self.schemes.bearer
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
