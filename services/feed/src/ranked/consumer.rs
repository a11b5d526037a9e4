//! Listens to what is published and what people do: keeps what may be recommended, and what came of what was served.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, ContentId, ContentKind, Timestamp, UserId};
use postgres::outbox::{ConsumeError, Consumer, Delivery};
use postgres::{Db, StoreResult, fault};
use rank::Action;
use rank::features::tag_key;
use serde::Deserialize;

use super::neighbours::{Open, Opens};
use super::service::bit;

/// From so long on, looking at something was staying with it.
const DWELL_MIN: Duration = Duration::from_secs(3);

/// Keeps the tables that the ranked feed reads. What an event says of content is not trusted: it is read as it is now, so
/// that events may repeat, and come late.
pub struct Listener {
    db: Db,
    opens: Arc<dyn Opens>,
    clock: Clock,
}

#[derive(Deserialize)]
struct ContentChanged {
    content: ContentId,
    author: UserId,
    parent: Option<ContentId>,
    root: Option<ContentId>,
}

#[derive(Deserialize)]
struct AccountChanged {
    user: UserId,
    #[serde(default)]
    private: bool,
}

#[derive(Deserialize)]
struct Engaged {
    content: ContentId,
    author: UserId,
    user: UserId,
    what: String,
    on: bool,
    at: Timestamp,
}

#[derive(Deserialize)]
struct Viewed {
    user: UserId,
    views: Vec<View>,
    at: Timestamp,
}

#[derive(Deserialize)]
struct View {
    content: ContentId,
    dwell_ms: u64,
}

/// Something that a person did with content.
struct Act {
    person: UserId,
    content: ContentId,
    author: UserId,
    action: Action,
    at: Timestamp,
}

impl Listener {
    #[must_use]
    pub fn new(db: Db, opens: Arc<dyn Opens>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { db, opens, clock })
    }

    async fn content_changed(&self, event: &str, changed: ContentChanged) -> Result<(), ConsumeError> {
        if changed.content.kind() == ContentKind::Comment {
            // What was commented on is a post, reel or so; a comment on a comment says that its thread is of interest.
            let Some(content) = changed.root.or(changed.parent) else { return Ok(()) };
            let at = changed.content.created_at();
            let (person, action) = (changed.author, Action::Comment);
            // Whose it is, is not known here; the log and the items know.
            let act = Act { person, content, author: person, action, at };
            return if event == "content.created" { Ok(self.acted(&act).await?) } else { Ok(()) };
        }
        if changed.content.kind() == ContentKind::Story {
            return Ok(());
        }
        let open = self.opens.open(changed.content).await.map_err(|problem| problem.message)?;
        match open {
            Some(open) => self.put(changed.content, &open).await?,
            None => self.remove(changed.content).await?,
        }
        Ok(())
    }

    async fn put(&self, id: ContentId, open: &Open) -> StoreResult<()> {
        let tags: Vec<i64> = open.hashtags.iter().map(|tag| tag_key(tag).cast_signed()).collect();
        sqlx::query(
            "INSERT INTO feed_items (id, kind, author, tags, language, latitude, longitude, created_at, acts)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT count(*) FROM feed_acts WHERE content = $1))
             ON CONFLICT (id) DO UPDATE SET tags = excluded.tags, language = excluded.language,
                 latitude = excluded.latitude, longitude = excluded.longitude",
        )
        .bind(id)
        .bind(id.kind().number())
        .bind(open.author)
        .bind(tags)
        .bind(open.language.as_deref())
        .bind(open.place.as_ref().map(|place| place.latitude))
        .bind(open.place.as_ref().map(|place| place.longitude))
        .bind(id.created_at())
        .execute(self.db.pool())
        .await
        .map_err(fault)?;
        Ok(())
    }

    async fn remove(&self, id: ContentId) -> StoreResult<()> {
        sqlx::query("DELETE FROM feed_items WHERE id = $1").bind(id).execute(self.db.pool()).await.map_err(fault)?;
        Ok(())
    }

    async fn hide_all_of(&self, author: UserId) -> StoreResult<()> {
        let query = sqlx::query("DELETE FROM feed_items WHERE author = $1").bind(author);
        query.execute(self.db.pool()).await.map_err(fault)?;
        Ok(())
    }

    /// Everything that is known of what a person likes.
    async fn forget(&self, person: UserId) -> StoreResult<()> {
        for statement in [
            "DELETE FROM feed_profiles WHERE viewer = $1",
            "DELETE FROM feed_less WHERE viewer = $1",
            "DELETE FROM feed_preferences WHERE viewer = $1",
            "DELETE FROM feed_seen WHERE viewer = $1",
            "DELETE FROM feed_acts WHERE person = $1",
            "DELETE FROM feed_served WHERE viewer = $1",
        ] {
            sqlx::query(statement).bind(person).execute(self.db.pool()).await.map_err(fault)?;
        }
        Ok(())
    }

    /// One transaction: the act's row makes a repeat do nothing.
    async fn acted(&self, act: &Act) -> StoreResult<()> {
        let mut tx = self.db.begin().await?;
        let new = sqlx::query(
            "INSERT INTO feed_acts (person, content, what, kind, author, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (person, content, what) DO NOTHING",
        )
        .bind(act.person)
        .bind(act.content)
        .bind(act.action.index() as i16)
        .bind(act.content.kind().number())
        .bind(act.author)
        .bind(act.at)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        if new.rows_affected() > 0 {
            let query = sqlx::query("UPDATE feed_items SET acts = acts + 1 WHERE id = $1").bind(act.content);
            query.execute(&mut *tx).await.map_err(fault)?;
        }
        sqlx::query("UPDATE feed_served SET actions = actions | $3, seen = true WHERE viewer = $1 AND content = $2")
            .bind(act.person)
            .bind(act.content)
            .bind(bit(act.action))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        saw(&mut tx, act.person, &[act.content], act.at).await?;
        tx.commit().await.map_err(fault)
    }

    async fn took_back(&self, act: &Act) -> StoreResult<()> {
        let mut tx = self.db.begin().await?;
        let gone = sqlx::query("DELETE FROM feed_acts WHERE person = $1 AND content = $2 AND what = $3")
            .bind(act.person)
            .bind(act.content)
            .bind(act.action.index() as i16)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        if gone.rows_affected() > 0 {
            let query = sqlx::query("UPDATE feed_items SET acts = acts - 1 WHERE id = $1").bind(act.content);
            query.execute(&mut *tx).await.map_err(fault)?;
        }
        sqlx::query("UPDATE feed_served SET actions = actions & ~$3::smallint WHERE viewer = $1 AND content = $2")
            .bind(act.person)
            .bind(act.content)
            .bind(bit(act.action))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    async fn viewed(&self, viewed: &Viewed) -> StoreResult<()> {
        let ids: Vec<ContentId> = viewed.views.iter().map(|view| view.content).collect();
        let stayed = viewed
            .views
            .iter()
            .map(|view| if Duration::from_millis(view.dwell_ms) >= DWELL_MIN { bit(Action::Dwell) } else { 0 });
        let mut tx = self.db.begin().await?;
        saw(&mut tx, viewed.user, &ids, viewed.at).await?;
        sqlx::query(
            "UPDATE feed_served s SET seen = true, actions = s.actions | v.stayed
             FROM (SELECT content, bit_or(stayed) AS stayed FROM unnest($2::uuid[], $3::smallint[]) AS v (content, stayed)
                   GROUP BY content) AS v
             WHERE s.viewer = $1 AND s.content = v.content",
        )
        .bind(viewed.user)
        .bind(&ids)
        .bind(stayed.collect::<Vec<i16>>())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }
}

async fn saw(tx: &mut sqlx::PgConnection, viewer: UserId, ids: &[ContentId], at: Timestamp) -> StoreResult<()> {
    sqlx::query(
        "INSERT INTO feed_seen (viewer, content, at) SELECT DISTINCT $1::uuid, id, $3 FROM unnest($2::uuid[]) AS id
         ON CONFLICT (viewer, content) DO NOTHING",
    )
    .bind(viewer)
    .bind(ids)
    .bind(at)
    .execute(tx)
    .await
    .map_err(fault)?;
    Ok(())
}

#[async_trait]
impl Consumer for Listener {
    fn name(&self) -> &'static str {
        "feed.ranking"
    }

    fn wants(&self, kind: &str) -> bool {
        matches!(
            kind,
            "content.created"
                | "content.edited"
                | "content.deleted"
                | "content.expired"
                | "content.viewed"
                | "engagement.changed"
                | "account.updated"
                | "account.deleted"
        )
    }

    async fn consume(&self, event: &Delivery) -> Result<(), ConsumeError> {
        let payload = event.payload.clone();
        match event.kind.as_str() {
            "account.updated" | "account.deleted" => {
                let changed: AccountChanged = serde_json::from_value(payload)?;
                let gone = event.kind == "account.deleted";
                if changed.private || gone {
                    self.hide_all_of(changed.user).await?;
                }
                if gone {
                    self.forget(changed.user).await?;
                }
            }
            "content.viewed" => self.viewed(&serde_json::from_value(payload)?).await?,
            "engagement.changed" => {
                let Engaged { content, author, user, what, on, at } = serde_json::from_value(payload)?;
                let action = match what.as_str() {
                    "reaction" => Action::React,
                    "share" => Action::Share,
                    "save" => Action::Save,
                    // Another kind of engagement, which ranking does not know yet.
                    _ => return Ok(()),
                };
                // Never later than now, whatever a clock elsewhere says.
                let at = at.min(self.clock.now());
                let act = Act { person: user, content, author, action, at };
                if on { self.acted(&act).await? } else { self.took_back(&act).await? }
            }
            kind => self.content_changed(kind, serde_json::from_value(payload)?).await?,
        }
        Ok(())
    }
}
