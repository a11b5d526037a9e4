//! The list of operations.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;

/// One operation, as `openapi/` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub id: &'static str,
    pub method: Method,
    /// The template: `/v1/rooms/{room}`.
    pub path: &'static str,
    /// Whether it honours an `Idempotency-Key`.
    pub creates: bool,
}

/// A slice's operations and their handlers.
pub struct Routes<S = ()> {
    routes: Vec<(Operation, MethodRouter<S>)>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds an operation. Each id is used once: it names the operation in specs, metrics, logs and idempotency keys.
    ///
    /// # Panics
    /// When `method` is none of the nine of HTTP.
    #[must_use]
    pub fn op<H, T>(mut self, id: &'static str, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        debug_assert!(self.routes.iter().all(|(op, _)| op.id != id), "{id} is there twice");
        let filter = match MethodFilter::try_from(method.clone()) {
            Ok(filter) => filter,
            Err(error) => panic!("{id}: {error}"),
        };
        self.routes.push((Operation { id, method, path, creates: false }, on(filter, handler)));
        self
    }

    /// Makes the operation just added honour an `Idempotency-Key`.
    #[must_use]
    pub fn creates(mut self) -> Self {
        if let Some((operation, _)) = self.routes.last_mut() {
            operation.creates = true;
        }
        self
    }

    /// Gives the handlers their state; what remains needs none and can be merged with other slices' routes.
    #[must_use]
    pub fn with_state(self, state: S) -> Routes {
        let routes = self.routes.into_iter().map(|(op, handlers)| (op, handlers.with_state(state.clone())));
        Routes { routes: routes.collect() }
    }

    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.routes.iter().map(|(operation, _)| operation)
    }

    pub(crate) fn into_parts(self) -> Vec<(Operation, MethodRouter<S>)> {
        self.routes
    }
}
