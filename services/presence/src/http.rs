//! The REST routes.

use std::sync::Arc;

use axum::extract::State;
use schemas::presence::{PresenceSettings, PresenceSettingsPatch};
use web::{Caller, Failure, Json, Method, Routes};

use crate::service::Service;

#[must_use]
pub fn routes(service: Arc<Service>) -> Routes {
    Routes::new()
        .op("getPresenceSettings", Method::GET, "/v1/me/presence", get_settings)
        .op("changePresenceSettings", Method::PATCH, "/v1/me/presence", change_settings)
        .with_state(service)
}

async fn get_settings(
    State(service): State<Arc<Service>>,
    Caller(ctx): Caller,
) -> Result<Json<PresenceSettings>, Failure> {
    Ok(Json(service.settings(ctx.user).await?))
}

async fn change_settings(
    State(service): State<Arc<Service>>,
    Caller(ctx): Caller,
    Json(patch): Json<PresenceSettingsPatch>,
) -> Result<Json<PresenceSettings>, Failure> {
    Ok(Json(service.change_settings(&ctx, patch).await?))
}
