//! A row of the table, as content.

use kernel::{ContentId, ContentKind, MediaId, StoreError, Timestamp, UserId};
use postgres::{StoreResult, fault};
use schemas::content::{Availability, HashtagSpan, LivestreamState, MentionSpan, Place, Price};
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use uuid::Uuid;

use crate::model::{Content, Thread};

const COLUMNS: &str = "id, kind, author, audience, text, mentions, hashtags, version, created_at, edited_at, \
     latitude, longitude, place_name, media, parent, parent_kind, root, root_kind, depth, title, state, price_amount, \
     price_currency, availability, expires_at";

pub(super) fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM contents {rest}"))
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    kind: ContentKind,
    author: UserId,
    audience: String,
    text: String,
    mentions: Json<Vec<MentionSpan>>,
    hashtags: Json<Vec<HashtagSpan>>,
    version: i32,
    created_at: Timestamp,
    edited_at: Option<Timestamp>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    place_name: Option<String>,
    media: Vec<MediaId>,
    parent: Option<Uuid>,
    parent_kind: Option<ContentKind>,
    root: Option<Uuid>,
    root_kind: Option<ContentKind>,
    depth: Option<i16>,
    title: Option<String>,
    state: Option<String>,
    price_amount: Option<i64>,
    price_currency: Option<String>,
    availability: Option<String>,
    expires_at: Option<Timestamp>,
}

impl TryFrom<Row> for Content {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let id = |kind: Option<ContentKind>, id: Option<Uuid>| Some(ContentId::from_parts(kind?, id?));
        let thread = || {
            let (parent, root) = (id(row.parent_kind, row.parent)?, id(row.root_kind, row.root)?);
            Some(Thread { parent, root, depth: row.depth? })
        };
        Ok(Self {
            id: ContentId::from_parts(row.kind, row.id),
            author: row.author,
            audience: named(row.audience)?,
            text: row.text,
            mentions: row.mentions.0,
            hashtags: row.hashtags.0,
            media: row.media,
            place: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Place {
                latitude,
                longitude,
                name: row.place_name,
            }),
            thread: thread(),
            title: row.title,
            state: row.state.map(named).transpose()?,
            price: row
                .price_amount
                .zip(row.price_currency)
                .map(|(amount, currency)| Price { amount: amount.unsigned_abs(), currency }),
            availability: row.availability.map(named).transpose()?,
            version: u32::try_from(row.version).map_err(StoreError::broken)?,
            created_at: row.created_at,
            edited_at: row.edited_at,
            expires_at: row.expires_at,
        })
    }
}

pub(super) fn collect(rows: Result<Vec<Row>, sqlx::Error>) -> StoreResult<Vec<Content>> {
    rows.map_err(fault)?.into_iter().map(Content::try_from).collect()
}

/// A variant by its name, the same in the database as in JSON.
pub(super) fn named<T: DeserializeOwned>(name: String) -> StoreResult<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(StoreError::broken)
}

pub(super) const fn state_name(state: LivestreamState) -> &'static str {
    match state {
        LivestreamState::Announced => "announced",
        LivestreamState::Live => "live",
        LivestreamState::Ended => "ended",
    }
}

pub(super) const fn availability_name(availability: Availability) -> &'static str {
    match availability {
        Availability::Available => "available",
        Availability::Reserved => "reserved",
        Availability::Sold => "sold",
    }
}
