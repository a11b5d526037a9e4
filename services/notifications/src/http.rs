//! Inboxes over REST.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize};
use schemas::notifications::{Inbox, Notification, ReadUntil};
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, Query, Routes};

use crate::Service;

type It = State<Arc<Service>>;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("listNotifications", Method::GET, "/v1/notifications", list)
        .op("getUnread", Method::GET, "/v1/notifications/unread", unread)
        .op("markInboxRead", Method::PUT, "/v1/notifications/read", read)
        .with_state(service)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

async fn list(
    State(it): It,
    Caller(ctx): Caller,
    Query(part): Query<Part>,
) -> Result<Json<Page<Notification>>, Failure> {
    Ok(Json(it.inbox(&ctx, part.cursor.as_ref(), part.limit).await?))
}

async fn unread(State(it): It, Caller(ctx): Caller) -> Result<Json<Inbox>, Failure> {
    Ok(Json(it.unread(ctx.user).await?))
}

async fn read(State(it): It, Caller(ctx): Caller, Json(input): Json<ReadUntil>) -> Result<Json<Inbox>, Failure> {
    Ok(Json(it.read(&ctx, input.until).await?))
}
