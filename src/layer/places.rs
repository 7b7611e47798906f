use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, Request};

use super::entrance::Entrance;
use crate::error::{AuthError, AuthErrorKind};
use crate::source::{CookieName, Found, RequestHead, Source, TokenSources};
use crate::token::unverified_issuer;

/// Where a door looks for tokens, and which entrance is for whom: what would grow with the number of entrances is settled
/// before the first request.
#[derive(Clone)]
pub(super) struct Places {
    /// Entrances with the same sources share what is found there.
    groups: Vec<Group>,
    /// To which group each entrance belongs.
    group_of: Vec<usize>,
    /// Several entrances have issuers of their own.
    by_issuer: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
}

#[derive(Clone)]
struct Group {
    sources: TokenSources,
    /// The first entrance that reads them.
    first: usize,
}

/// What a group of entrances has found.
type Candidate<'r> = (usize, Found<'r>);

impl Places {
    pub(super) fn of(entrances: &[Arc<Entrance>]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of = Vec::with_capacity(entrances.len());
        for (index, entrance) in entrances.iter().enumerate() {
            let sources = entrance.places();
            let group = groups.iter().position(|group| group.sources.are(&sources));
            group_of.push(group.unwrap_or(groups.len()));
            if group.is_none() {
                groups.push(Group { sources, first: index });
            }
        }
        let issuers = entrances.iter().enumerate();
        let by_issuer = issuers.flat_map(|(index, entrance)| {
            entrance.verifiers.issuers().into_iter().flatten().map(move |issuer| (issuer.into(), index))
        });
        Self { groups, group_of, by_issuer: by_issuer.collect() }
    }

    /// The one token of a request, and the entrance that it may come in by.
    pub(super) fn find<'r>(&self, head: &RequestHead<'r>) -> Result<Option<(usize, Found<'r>)>, AuthError> {
        if let ([only], [_]) = (self.groups.as_slice(), self.group_of.as_slice()) {
            return Ok(only.sources.find(head)?.map(|found| (0, found)));
        }
        let explicit = self.collect(|sources| sources.find_explicit(head))?;
        // Two places of an application's own may go by one name: what is in them has to be the same as well.
        let places = explicit.iter().map(|(group, found)| (self.place(*group, found.source), &found.token));
        if !all_the_same(places) {
            return Err(AuthErrorKind::CredentialsConflict.into());
        }
        if !explicit.is_empty() {
            return self.choose(explicit).map(Some);
        }
        // A cookie that any sibling host may have set gives way to one that only this host can set.
        for trusted in [true, false] {
            let mut cookies = self.collect(|sources| {
                let is_of_this_host = sources.cookie().is_some_and(CookieName::is_of_this_host);
                if is_of_this_host == trusted { sources.find_cookie(head) } else { Ok(None) }
            })?;
            if let Some((first, _)) = cookies.first() {
                let place = self.place(*first, Source::Cookie);
                cookies.retain(|(group, _)| self.place(*group, Source::Cookie) == place);
                return self.choose(cookies).map(Some);
            }
        }
        Ok(None)
    }

    /// Whether a line of `Authorization` says `DPoP`, where that is read.
    pub(super) fn find_dpop(&self, headers: &HeaderMap) -> bool {
        self.groups.iter().any(|group| group.sources.finds_dpop(headers))
    }

    /// Whether the URI of `request` holds a token, to be read or not.
    pub(super) fn exposed_in<B>(&self, request: &Request<B>) -> bool {
        self.groups.iter().any(|group| group.sources.exposed_in(request))
    }

    /// Takes every token out of the URI of `request`.
    pub(super) fn scrub<B>(&self, request: &mut Request<B>) {
        for group in &self.groups {
            group.sources.scrub(request);
        }
    }

    /// What each group finds.
    fn collect<'r>(
        &self,
        find: impl Fn(&TokenSources) -> Result<Option<Found<'r>>, AuthError>,
    ) -> Result<Vec<Candidate<'r>>, AuthError> {
        let found = self.groups.iter().map(|group| find(&group.sources)).enumerate();
        found.filter_map(|(group, found)| Some(found.transpose()?.map(|found| (group, found)))).collect()
    }

    fn place(&self, group: usize, source: Source) -> Option<(Source, Option<String>)> {
        Some(self.groups.get(group)?.sources.place(source))
    }

    /// The entrance for the one token of a request, by the issuer that it says it has, which nothing but its keys will
    /// prove; `candidates` are one or more.
    ///
    /// What names no issuer, and so is no good token, gets the first entrance, which will say what is wrong with it.
    fn choose<'r>(&self, mut candidates: Vec<Candidate<'r>>) -> Result<(usize, Found<'r>), AuthError> {
        let mismatch = AuthError::from(AuthErrorKind::IssuerMismatch);
        let (first, found) = candidates.first().ok_or(mismatch)?;
        let entrance = match unverified_issuer(&found.token) {
            Some(issuer) => self.by_issuer.get(&*issuer).copied(),
            None => self.groups.get(*first).map(|group| group.first),
        };
        let group = entrance.and_then(|entrance| self.group_of.get(entrance));
        let candidate = candidates.iter().position(|(candidate, _)| Some(candidate) == group);
        match (entrance, candidate) {
            (Some(entrance), Some(candidate)) => Ok((entrance, candidates.swap_remove(candidate).1)),
            _ => Err(found.refused_unread_for(mismatch)),
        }
    }
}

fn all_the_same<T: PartialEq>(mut items: impl Iterator<Item = T>) -> bool {
    let first = items.next();
    items.all(|item| Some(&item) == first.as_ref())
}
