//! Content and hashtags, as search finds them.

use std::collections::HashMap;

use async_trait::async_trait;
use cdc::Change;
use index::pipeline::{Mapping, popularity};
use index::{Document, Kind, Language, Place, document};
use kernel::{ContentId, ContentKind, StoreError, Timestamp, UserId};
use postgres::{StoreResult, fault};
use schemas::content::HashtagSpan;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Service};

/// Makes a document of everything of one kind that is neither deleted, nor over and buried, nor hidden from all but its author.
/// Its id is that of the content.
#[derive(Debug, Clone, Copy)]
pub struct Contents(pub ContentKind);

/// Makes a document of every hashtag that something public has, but for those that are too long for an id (128 bytes; nobody
/// completes those). Its id is the hashtag.
#[derive(Debug, Clone, Copy)]
pub struct Hashtags;

/// Uses of a hashtag that are counted. What is used more is as popular as can be, and counting it would take long.
pub const USES_MAX: i64 = 10_000;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: ContentKind,
    author: UserId,
    audience: String,
    text: String,
    hashtags: Json<Vec<HashtagSpan>>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    place_name: Option<String>,
    title: Option<String>,
    popularity: i16,
    created_at: Timestamp,
}

impl TryFrom<Row> for Document {
    type Error = StoreError;

    fn try_from(row: Row) -> StoreResult<Self> {
        let place = match (row.latitude, row.longitude) {
            (Some(latitude), Some(longitude)) => Some(Place::new(latitude, longitude).map_err(StoreError::broken)?),
            _ => None,
        };
        let mut tags: Vec<String> = row.hashtags.0.into_iter().map(|hashtag| hashtag.tag).collect();
        tags.retain(|tag| tag.len() <= document::TAG_BYTES_MAX);
        tags.sort();
        tags.dedup();
        tags.truncate(document::TAGS_MAX);
        let text = document::cut(&row.text, document::TEXT_BYTES_MAX).to_owned();
        Ok(Self {
            id: ContentId::from_parts(row.kind, row.id).to_string(),
            names: row.title.into_iter().chain(row.place_name).collect(),
            language: Language::detect(&text),
            text,
            tags,
            author: Some(row.author.uuid()),
            audience: row.audience,
            place,
            popularity: popularity::popularity(row.popularity),
            created_at: row.created_at,
        })
    }
}

#[async_trait]
impl Mapping for Contents {
    fn kind(&self) -> Kind {
        Kind::new(self.0.name())
    }

    fn revision(&self) -> u32 {
        3
    }

    fn tables(&self) -> &'static [&'static str] {
        &["contents"]
    }

    fn touched(&self, change: &Change) -> Vec<String> {
        // What was deleted altogether has left no more than its key: it may have been of any kind.
        let kind = change.text("kind").and_then(|number| number.parse().ok());
        if kind.is_some_and(|kind: i16| kind != self.0.number()) {
            return Vec::new();
        }
        let uuids = change.texts("id").into_iter().filter_map(|uuid| Uuid::parse_str(uuid).ok());
        uuids.map(|uuid| ContentId::from_parts(self.0, uuid).to_string()).collect()
    }

    async fn load(&self, at: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        let ids: Vec<ContentId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        // One by one: of a table that grew since it was last analysed, the planner thinks that a kind has few rows, and would go
        // through all of them.
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT found.* FROM unnest($1::uuid[]) asked (id) CROSS JOIN LATERAL (
                 SELECT id, kind, author, audience, text, hashtags, latitude, longitude, place_name, title, popularity,
                        created_at
                 FROM contents
                 WHERE id = asked.id AND kind = $2 AND deleted_at IS NULL AND audience <> 'only_me' LIMIT 1
             ) found",
        )
        .bind(ids)
        .bind(self.0)
        .persistent(false)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        rows.into_iter().map(Document::try_from).collect()
    }

    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        let after: Option<ContentId> = after.and_then(|id| id.parse().ok());
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, kind, author, audience, text, hashtags, latitude, longitude, place_name, title, popularity, created_at
             FROM contents WHERE id > $1 AND kind = $3 AND deleted_at IS NULL AND audience <> 'only_me'
             ORDER BY id LIMIT $2",
        )
        .bind(after.map_or(Uuid::nil(), ContentId::uuid))
        .bind(limit)
        .bind(self.0)
        .persistent(false)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        rows.into_iter().map(Document::try_from).collect()
    }
}

impl Service {
    /// Keeps how much was done with content, as far as search weighs it. Returns how many rows were written for it.
    pub async fn keep_popularity(&self, acts: &HashMap<ContentId, u64>) -> Result<u64, Error> {
        let counts = acts.iter().map(|(content, count)| (content.uuid(), *count));
        Ok(popularity::keep(&self.store.db, "contents", counts).await?)
    }
}

#[derive(sqlx::FromRow)]
struct HashtagRow {
    tag: String,
    uses: i64,
    last: Uuid,
}

impl From<HashtagRow> for Document {
    fn from(row: HashtagRow) -> Self {
        Self {
            id: row.tag.clone(),
            names: vec![row.tag],
            text: String::new(),
            language: None,
            tags: Vec::new(),
            author: None,
            audience: "public".to_owned(),
            place: None,
            popularity: row.uses as f64,
            // Of the newest that has it, whatever its kind.
            created_at: ContentId::from_parts(ContentKind::Post, row.last).created_at(),
        }
    }
}

#[async_trait]
impl Mapping for Hashtags {
    fn kind(&self) -> Kind {
        Kind::new("hashtag")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["content_hashtags"]
    }

    fn touched(&self, change: &Change) -> Vec<String> {
        let tags = change.texts("tag").into_iter().filter(|tag| tag.len() <= document::ID_BYTES_MAX);
        tags.map(str::to_owned).collect()
    }

    async fn load(&self, at: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        let rows: Vec<HashtagRow> = sqlx::query_as(
            "SELECT asked.tag, used.uses, newest.content AS last FROM unnest($1::text[]) asked (tag)
             CROSS JOIN LATERAL (
                 SELECT content FROM content_hashtags WHERE tag = asked.tag ORDER BY content DESC LIMIT 1
             ) newest
             CROSS JOIN LATERAL (
                 SELECT count(*) AS uses FROM (SELECT FROM content_hashtags WHERE tag = asked.tag LIMIT $2) counted
             ) used",
        )
        .bind(ids)
        .bind(USES_MAX)
        .persistent(false)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }

    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        // From one hashtag to the next, over all the uses of each.
        let tags: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE tags AS (
                 (SELECT tag FROM content_hashtags WHERE tag > $1 ORDER BY tag LIMIT 1)
                 UNION ALL
                 SELECT (SELECT tag FROM content_hashtags WHERE tag > tags.tag ORDER BY tag LIMIT 1)
                 FROM tags WHERE tags.tag IS NOT NULL
             )
             SELECT tag FROM tags WHERE octet_length(tag) <= $3 LIMIT $2",
        )
        .bind(after.unwrap_or_default())
        .bind(limit)
        .bind(document::ID_BYTES_MAX as i32)
        .persistent(false)
        .fetch_all(&mut *at)
        .await
        .map_err(fault)?;
        let mut documents = self.load(at, &tags).await?;
        documents.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(documents)
    }
}
