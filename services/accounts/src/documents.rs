//! People, as search finds them.

use std::collections::HashMap;

use async_trait::async_trait;
use cdc::Change;
use index::pipeline::{Mapping, popularity};
use index::{Document, Kind, Language};
use kernel::{Timestamp, UserId};
use postgres::{StoreResult, fault};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Service};

/// Makes a document of every account that is not deleted. Its id is the person's.
#[derive(Debug, Clone, Copy)]
pub struct People;

#[derive(sqlx::FromRow)]
struct Row {
    id: UserId,
    handle: String,
    name: String,
    bio: String,
    popularity: i16,
    created_at: Timestamp,
}

impl From<Row> for Document {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.to_string(),
            language: Language::detect(&row.bio),
            names: vec![row.handle, row.name],
            text: row.bio,
            tags: Vec::new(),
            author: None,
            // A private account's profile can be seen; what it posts cannot.
            audience: "public".to_owned(),
            place: None,
            popularity: popularity::popularity(row.popularity),
            created_at: row.created_at,
        }
    }
}

#[async_trait]
impl Mapping for People {
    fn kind(&self) -> Kind {
        Kind::new("person")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["accounts"]
    }

    fn touched(&self, change: &Change) -> Vec<String> {
        change.texts("id").into_iter().filter_map(document_id).collect()
    }

    async fn load(&self, at: &mut PgConnection, ids: &[String]) -> StoreResult<Vec<Document>> {
        let ids: Vec<UserId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, handle, name, bio, popularity, created_at FROM accounts WHERE id = ANY($1) AND deleted_at IS NULL",
        )
        .bind(ids)
        .persistent(false)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }

    async fn scan(&self, at: &mut PgConnection, after: Option<&str>, limit: i64) -> StoreResult<Vec<Document>> {
        let after: Option<UserId> = after.and_then(|id| id.parse().ok());
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, handle, name, bio, popularity, created_at FROM accounts
             WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2",
        )
        .bind(after.map_or(Uuid::nil(), UserId::uuid))
        .bind(limit)
        .persistent(false)
        .fetch_all(at)
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(Document::from).collect())
    }
}

impl Service {
    /// Keeps how many follow people, as far as search weighs it. Returns how many rows were written for it.
    pub async fn keep_popularity(&self, followers: &HashMap<UserId, u64>) -> Result<u64, Error> {
        let counts = followers.iter().map(|(person, count)| (person.uuid(), *count));
        Ok(popularity::keep(&self.db, "accounts", counts).await?)
    }
}

/// The document of the account whose id PostgreSQL writes like this.
fn document_id(uuid: &str) -> Option<String> {
    Some(UserId::from_uuid(Uuid::parse_str(uuid).ok()?).to_string())
}
