//! What handlers may ask of a request.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use kernel::{Ctx, ErrorKind, Problem, RequestId, Timestamp};
use serde::de::DeserializeOwned;

use crate::auth::unauthenticated;
use crate::{Failure, Verified};

/// What the edge learned about a request before it chose a handler.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub now: Timestamp,
    pub request: RequestId,
    pub address: IpAddr,
}

/// The result of checking the token that came with a request; absent when none came.
#[derive(Debug, Clone)]
pub(crate) struct Identity(pub Arc<Result<Verified, Problem>>);

/// The person who asks. Refuses a request without a valid access token; as `Option<Caller>` lets it in as a guest's.
#[derive(Debug, Clone)]
pub struct Caller(pub Ctx);

/// A request that needs no account.
#[derive(Debug, Clone)]
pub struct Guest {
    pub now: Timestamp,
    pub request: RequestId,
    pub address: IpAddr,
}

/// The variables of the path. What does not parse as the ids that it should be is no address of anything: 404.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// The query string.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

fn arrival(parts: &Parts) -> Result<&Arrival, Failure> {
    parts.extensions.get().ok_or_else(|| {
        tracing::error!("a route is served outside of the edge");
        Failure::internal()
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let arrival = arrival(parts)?;
        let identity = parts.extensions.get::<Identity>().ok_or_else(unauthenticated)?;
        let verified = (*identity.0).as_ref().map_err(Clone::clone)?;
        Ok(Self(Ctx {
            user: verified.user,
            session: verified.session,
            now: arrival.now,
            request: arrival.request.clone(),
        }))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Failure> {
        if parts.extensions.get::<Identity>().is_none() {
            return Ok(None);
        }
        // A token that is not valid (any more) is told, so that the client renews it rather than see a guest's view.
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Arrival { now, request, address } = arrival(parts)?.clone();
        Ok(Self { now, request, address })
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match <axum::extract::Path<T> as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Failure::new(ErrorKind::NotFound, "not_found", "There is nothing at this address.")),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => {
                let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                Err(Failure::new(ErrorKind::Invalid, "invalid_query", why))
            }
        }
    }
}

/// Raw address of the client, for routes that are served beside the operations.
impl<S: Send + Sync> FromRequestParts<S> for crate::ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Arrival>().map_or(IpAddr::from([0, 0, 0, 0]), |arrival| arrival.address)))
    }
}
