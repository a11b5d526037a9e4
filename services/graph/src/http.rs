//! The REST routes of the graph.

use std::sync::Arc;

use axum::extract::State;
use kernel::{Cursor, Page, PageSize};
use schemas::graph::{PersonEntry, Relation};
use serde::Deserialize;
use web::{Caller, Failure, Json, Method, Path, Query, Routes};

use crate::Service;
use crate::model::Act;
use crate::service::{Audience, Mine};

type It = State<Arc<Service>>;
type Person = Path<String>;
type Changed = Result<Json<Relation>, Failure>;
type Listed = Result<Json<Page<PersonEntry>>, Failure>;

/// Where a page starts, and how long it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    cursor: Option<Cursor>,
    #[serde(default)]
    limit: PageSize,
}

pub fn routes(service: Arc<Service>) -> Routes {
    let following = Routes::new()
        .op("followPerson", Method::PUT, "/v1/people/{person}/follow", follow)
        .op("unfollowPerson", Method::DELETE, "/v1/people/{person}/follow", unfollow)
        .op("listFollowers", Method::GET, "/v1/people/{person}/followers", list_followers)
        .op("listFollowing", Method::GET, "/v1/people/{person}/following", list_following)
        .op("removeFollower", Method::DELETE, "/v1/me/followers/{person}", remove_follower);
    let requests = Routes::new()
        .op("listFollowRequests", Method::GET, "/v1/me/follow-requests", list_requests)
        .op("listSentFollowRequests", Method::GET, "/v1/me/sent-follow-requests", list_sent_requests)
        .op("declineFollowRequest", Method::DELETE, "/v1/me/follow-requests/{person}", decline)
        .op("acceptFollowRequest", Method::PUT, "/v1/me/follow-requests/{person}/acceptance", accept);
    let apart = Routes::new()
        .op("blockPerson", Method::PUT, "/v1/people/{person}/block", block)
        .op("unblockPerson", Method::DELETE, "/v1/people/{person}/block", unblock)
        .op("listBlocks", Method::GET, "/v1/me/blocks", list_blocks)
        .op("mutePerson", Method::PUT, "/v1/people/{person}/mute", mute)
        .op("unmutePerson", Method::DELETE, "/v1/people/{person}/mute", unmute)
        .op("listMutes", Method::GET, "/v1/me/mutes", list_mutes);
    let close = Routes::new()
        .op("addCloseFriend", Method::PUT, "/v1/me/close-friends/{person}", add_close_friend)
        .op("removeCloseFriend", Method::DELETE, "/v1/me/close-friends/{person}", remove_close_friend)
        .op("listCloseFriends", Method::GET, "/v1/me/close-friends", list_close_friends);
    following.merge(requests).merge(apart).merge(close).with_state(service)
}

async fn follow(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.follow(&ctx, &person).await?))
}

async fn unfollow(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Unfollow).await?))
}

async fn remove_follower(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::RemoveFollower).await?))
}

async fn accept(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Accept).await?))
}

async fn decline(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Decline).await?))
}

async fn block(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Block).await?))
}

async fn unblock(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Unblock).await?))
}

async fn mute(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Mute).await?))
}

async fn unmute(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::Unmute).await?))
}

async fn add_close_friend(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::AddCloseFriend).await?))
}

async fn remove_close_friend(State(it): It, Caller(ctx): Caller, Path(person): Person) -> Changed {
    Ok(Json(it.change(&ctx, &person, Act::RemoveCloseFriend).await?))
}

async fn list_close_friends(State(it): It, Caller(ctx): Caller, Query(page): Query<Paging>) -> Listed {
    Ok(Json(it.list_mine(&ctx, Mine::CloseFriends, page.cursor.as_ref(), page.limit).await?))
}

async fn list_followers(
    State(it): It,
    Caller(ctx): Caller,
    Path(person): Person,
    Query(page): Query<Paging>,
) -> Listed {
    Ok(Json(it.list(&ctx, &person, Audience::Followers, page.cursor.as_ref(), page.limit).await?))
}

async fn list_following(
    State(it): It,
    Caller(ctx): Caller,
    Path(person): Person,
    Query(page): Query<Paging>,
) -> Listed {
    Ok(Json(it.list(&ctx, &person, Audience::Following, page.cursor.as_ref(), page.limit).await?))
}

async fn list_requests(State(it): It, Caller(ctx): Caller, Query(page): Query<Paging>) -> Listed {
    Ok(Json(it.list_mine(&ctx, Mine::Requests, page.cursor.as_ref(), page.limit).await?))
}

async fn list_sent_requests(State(it): It, Caller(ctx): Caller, Query(page): Query<Paging>) -> Listed {
    Ok(Json(it.list_mine(&ctx, Mine::SentRequests, page.cursor.as_ref(), page.limit).await?))
}

async fn list_blocks(State(it): It, Caller(ctx): Caller, Query(page): Query<Paging>) -> Listed {
    Ok(Json(it.list_mine(&ctx, Mine::Blocks, page.cursor.as_ref(), page.limit).await?))
}

async fn list_mutes(State(it): It, Caller(ctx): Caller, Query(page): Query<Paging>) -> Listed {
    Ok(Json(it.list_mine(&ctx, Mine::Mutes, page.cursor.as_ref(), page.limit).await?))
}
