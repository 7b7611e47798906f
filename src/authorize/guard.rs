use std::fmt;
use std::sync::Arc;

use http::Extensions;
use serde::de::DeserializeOwned;
use tower_layer::Layer;

use super::condition::{Asks, Condition, Rank};
use super::service::GuardService;
use crate::claims::{LayerMissing, presented};
use crate::error::AuthErrorKind;
use crate::rejection::{Denial, Needs};

/// What a route asks of a token beyond being good.
///
/// See the [module docs](super).
#[derive(Clone)]
#[must_use = "a guard guards nothing until it is a layer of a route or a router"]
pub struct Guard {
    /// The first is what it was made of; the others came along.
    conditions: Vec<Condition>,
    /// What a challenge names.
    needs: Arc<Needs>,
}

/// Asks that `accepts` accepts the claims, as a `T`.
///
/// Claims that do not fit a `T` are refused with 401 `claims_mismatch`.
///
/// # Examples
///
/// ```
/// use tower_jwt_auth::authorize::require;
///
/// #[derive(serde::Deserialize)]
/// struct User {
///     groups: Vec<String>,
/// }
///
/// let staff = require(|user: &User| user.groups.iter().any(|group| group == "staff")).named("staff");
/// ```
pub fn require<T>(accepts: impl Fn(&T) -> bool + Send + Sync + 'static) -> Guard
where
    T: DeserializeOwned + Send + Sync + 'static,
{
    let judge = Arc::new(move |token: &crate::verify::VerifiedToken| Ok(accepts(&*token.claims::<T>()?)));
    Guard::of(Asks::Claims(judge), "a condition on the claims")
}

impl Guard {
    pub(super) fn of(asks: Asks, text: impl Into<Arc<str>>) -> Self {
        let needs = Needs::default();
        Self { conditions: vec![Condition { asks, text: text.into(), name: None }], needs: Arc::new(needs) }
            .with_needs_written()
    }

    /// Asks for what `other` asks for too.
    pub fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self.with_needs_written()
    }

    /// Calls what it asks for `name` in refusals, as their [`claim`](crate::AuthError::claim), and where it is told of: all of
    /// it, with what other guards have [brought along](Self::and).
    pub fn named(mut self, name: &'static str) -> Self {
        for condition in &mut self.conditions {
            condition.name = Some(name);
        }
        self
    }

    /// Lets a scope stand for others: `implies` gets one that the token has and one that is wanted.
    ///
    /// It is about the scopes that this guard was made of, and not about those that came [along](Self::and), whose guards have
    /// their own; where it was made of none, there is nothing to imply.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> Result<(), tower_jwt_auth::error::ConfigError> {
    /// let guard = tower_jwt_auth::authorize::require_scopes(["items:read"])?
    ///     .with_scope_hierarchy(|held, wanted| held == "admin" || (held, wanted) == ("items:write", "items:read"));
    /// # Ok(()) }
    /// ```
    pub fn with_scope_hierarchy(
        mut self,
        implies: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let hierarchy: Arc<super::condition::Implies> = Arc::new(implies);
        if let Some(Condition { asks: Asks::Scopes { implies, .. }, .. }) = self.conditions.first_mut() {
            *implies = Some(hierarchy);
        }
        self
    }

    /// Judges what the layer has left of a request.
    pub(super) fn judge(&self, extensions: &Extensions) -> Result<Result<(), Denial>, LayerMissing> {
        let outcome = match presented(extensions)? {
            Some(token) => Rank::ALL.into_iter().try_for_each(|rank| {
                let of_rank = self.conditions.iter().filter(|condition| condition.rank() == rank);
                of_rank.into_iter().try_for_each(|condition| condition.check(token))
            }),
            None => Err(AuthErrorKind::TokenMissing.into()),
        };
        Ok(outcome.map_err(|error| {
            let needs = match error.kind() {
                // Nothing that could be asked for changes that.
                AuthErrorKind::PermissionDenied => Arc::default(),
                _ => Arc::clone(&self.needs),
            };
            Denial::from(error).with_needs(needs)
        }))
    }

    fn with_needs_written(mut self) -> Self {
        let (mut scopes, mut acr, mut oldest) = (Vec::<&str>::new(), None::<Vec<&str>>, None::<u64>);
        for condition in &self.conditions {
            match &condition.asks {
                Asks::Scopes { wanted, any: false, .. } => {
                    for scope in wanted.iter() {
                        if !scopes.contains(&&**scope) {
                            scopes.push(scope);
                        }
                    }
                }
                Asks::Authentication { acr_values, max_age, .. } => {
                    let values: Option<Vec<&str>> =
                        acr_values.as_ref().map(|values| values.split(' ').collect());
                    acr = match (acr, values) {
                        // One sign-in is to be good for both.
                        (Some(one), Some(other)) => {
                            Some(one.into_iter().filter(|acr| other.contains(acr)).collect())
                        }
                        (one, other) => one.or(other),
                    };
                    oldest = [oldest, *max_age].into_iter().flatten().min();
                }
                Asks::Scopes { any: true, .. } | Asks::Claims(_) => {}
            }
        }
        for condition in &self.conditions {
            // Of several that will do, one that is asked for anyway is enough, or else the first.
            if let Asks::Scopes { wanted, any: true, .. } = &condition.asks
                && let Some(first) = wanted.first()
                && !wanted.iter().any(|scope| scopes.contains(&&**scope))
            {
                scopes.push(first);
            }
        }
        let joined = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(" ").into());
        let needs = Needs { scope: joined(scopes), acr_values: acr.and_then(joined), max_age: oldest };
        self.needs = Arc::new(needs);
        self
    }
}

impl<S> Layer<S> for Guard {
    type Service = GuardService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService::new(inner, self.clone())
    }
}

/// Everything that it asks for.
impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, condition) in self.conditions.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            condition.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guard({self})")
    }
}
