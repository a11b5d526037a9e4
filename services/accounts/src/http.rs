//! The REST routes of accounts.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Page, SessionId};
use schemas::accounts::{
    Account, AccountPatch, Deletion, LogIn, PasswordChange, Person, Refresh, Registration, Session, SignedIn, Tokens,
};
use serde::Deserialize;
use web::{Caller, Created, Failure, Guest, Json, Method, NoContent, Path, Query, Routes};

use crate::{Origin, Relations, Service};

type Answer<T> = Result<T, Failure>;

#[derive(Clone)]
struct Shared {
    service: Arc<Service>,
    relations: Arc<dyn Relations>,
}

/// The operations of accounts; `relations` tells what a profile says about the viewer.
pub fn routes(service: Arc<Service>, relations: Arc<dyn Relations>) -> Routes {
    Routes::new()
        .op("createAccount", Method::POST, "/v1/accounts", create_account)
        .creates()
        .op("createSession", Method::POST, "/v1/sessions", create_session)
        .creates()
        .op("refreshSession", Method::POST, "/v1/sessions/refresh", refresh_session)
        .op("listSessions", Method::GET, "/v1/sessions", list_sessions)
        .op("deleteSessions", Method::DELETE, "/v1/sessions", delete_sessions)
        .op("deleteSession", Method::DELETE, "/v1/sessions/{session}", delete_session)
        .op("getMe", Method::GET, "/v1/me", get_me)
        .op("updateMe", Method::PATCH, "/v1/me", update_me)
        .op("changePassword", Method::POST, "/v1/me/password", change_password)
        .op("deleteMe", Method::POST, "/v1/me/deletion", delete_me)
        .op("getPerson", Method::GET, "/v1/people/{person}", get_person)
        .with_state(Shared { service, relations })
}

fn origin(guest: &Guest) -> Origin {
    Origin { now: guest.now, address: guest.address }
}

async fn create_account(
    State(it): State<Shared>,
    guest: Guest,
    Json(wish): Json<Registration>,
) -> Answer<Created<SignedIn>> {
    Ok(Created(it.service.register(origin(&guest), wish).await?))
}

async fn create_session(State(it): State<Shared>, guest: Guest, Json(proof): Json<LogIn>) -> Answer<Created<SignedIn>> {
    Ok(Created(it.service.log_in(origin(&guest), proof).await?))
}

async fn refresh_session(State(it): State<Shared>, guest: Guest, Json(held): Json<Refresh>) -> Answer<Json<Tokens>> {
    Ok(Json(it.service.refresh(guest.now, held.refresh_token.expose()).await?))
}

async fn list_sessions(State(it): State<Shared>, Caller(ctx): Caller) -> Answer<Json<Page<Session>>> {
    Ok(Json(it.service.sessions(&ctx).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    keep_current: bool,
}

async fn delete_sessions(
    State(it): State<Shared>,
    Caller(ctx): Caller,
    Query(which): Query<Which>,
) -> Answer<NoContent> {
    it.service.log_out_everywhere(&ctx, which.keep_current).await?;
    Ok(NoContent)
}

async fn delete_session(
    State(it): State<Shared>,
    Caller(ctx): Caller,
    Path(session): Path<SessionId>,
) -> Answer<NoContent> {
    it.service.log_out(&ctx, session).await?;
    Ok(NoContent)
}

async fn get_me(State(it): State<Shared>, Caller(ctx): Caller) -> Answer<Json<Account>> {
    Ok(Json(it.service.me(&ctx).await?))
}

async fn update_me(
    State(it): State<Shared>,
    Caller(ctx): Caller,
    Json(patch): Json<AccountPatch>,
) -> Answer<Json<Account>> {
    Ok(Json(it.service.update(&ctx, patch).await?))
}

async fn change_password(
    State(it): State<Shared>,
    Caller(ctx): Caller,
    Json(change): Json<PasswordChange>,
) -> Answer<Json<Tokens>> {
    Ok(Json(it.service.change_password(&ctx, change).await?))
}

async fn delete_me(State(it): State<Shared>, Caller(ctx): Caller, Json(proof): Json<Deletion>) -> Answer<NoContent> {
    it.service.delete(&ctx, proof).await?;
    Ok(NoContent)
}

async fn get_person(State(it): State<Shared>, Caller(ctx): Caller, Path(person): Path<String>) -> Answer<Json<Person>> {
    Ok(Json(it.service.person(&ctx, &person, &it.relations).await?))
}
