//! One Plaza on a PostgreSQL of its own, and somebody who writes into its tables behind its back.

use std::process::Output;
use std::time::Duration;

use kernel::ContentKind;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::plan::{Fault, Plan, Size, Write};
use crate::Deployment;
use crate::servers::Kind;
use crate::wait;

/// Where documents are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// In Plaza's own process.
    Tantivy,
    OpenSearch,
}

/// Longest time for one write, faults and all.
const WRITE_WITHIN: Duration = Duration::from_secs(180);
/// Longest time for one try of it.
const TRY_WITHIN: Duration = Duration::from_secs(40);
/// Longest time until the index has come up.
const VERIFY_WITHIN: Duration = Duration::from_secs(400);

pub struct World {
    plaza: Mutex<Deployment>,
    url: String,
    engine: Engine,
    plan: Plan,
    large: u32,
}

const ROOMS: [&str; 4] = [
    "0198f3c0-0000-7000-8000-000000000001",
    "0198f3c0-0000-7000-8000-000000000002",
    "0198f3c0-0000-7000-8000-000000000003",
    "0198f3c0-0000-7000-8000-000000000004",
];

impl World {
    pub async fn open(engine: Engine, seed: u64, size: Size) -> Self {
        let settings = [
            ("PLAZA_CDC_HEARTBEAT_S", "1"),
            // The slot is lost more than once here.
            ("PLAZA_CDC_LOST_AGAIN_MINUTES", "0"),
        ];
        let kinds: &[Kind] = match engine {
            Engine::Tantivy => &[Kind::Postgres],
            Engine::OpenSearch => &[Kind::Postgres, Kind::OpenSearch],
        };
        let mut plaza = Deployment::start_one_on_own_servers(kinds, &settings).await;
        let (_, url) = plaza.server(Kind::Postgres).setting();
        Self { plaza: Mutex::new(plaza), url, engine, plan: Plan::draw(seed, size), large: size.large }
    }

    /// Lets the plan happen: writes one after the other, faults meanwhile.
    pub async fn act(&self) {
        let writing = async {
            let mut link = None;
            for (pause, write) in &self.plan.writes {
                sleep(*pause).await;
                self.write(&mut link, write).await;
            }
        };
        let breaking = async {
            for (pause, fault) in &self.plan.faults {
                sleep(*pause).await;
                self.suffer(*fault).await;
            }
        };
        tokio::join!(writing, breaking);
    }

    /// Asks Plaza itself, with the command that an operator has.
    ///
    /// # Panics
    /// When the index and the tables differ.
    pub async fn assert_agrees(&self) {
        let plaza = self.plaza.lock().await;
        let asked = timeout(VERIFY_WITHIN, Command::from(plaza.command(&["search", "verify"])).output()).await;
        let Output { status, stdout, stderr } = asked.expect("verify takes too long").expect("plaza is there");
        let (said, wrong) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "seed {}: {status}\n{said}\n{wrong}", self.plan.seed);
        for kind in ["person", "hashtag", "post", "message"] {
            assert!(said.contains(&format!("ok    {kind}")), "{said}");
        }
    }

    /// How many rows of a table there are, so that a test can see that something happened.
    pub async fn count(&self, table: &str) -> i64 {
        let mut link = PgConnection::connect(&self.url).await.expect("PostgreSQL is up");
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(sql).fetch_one(&mut link).await.expect("the table is there")
    }

    /// Writes until it is known to be written. A write whose outcome is unknown is made again: they all may be.
    async fn write(&self, link: &mut Option<PgConnection>, write: &Write) {
        let sql = self.sql(write);
        wait::until(&format!("{write:?}"), WRITE_WITHIN, async || {
            if link.is_none() {
                *link = timeout(TRY_WITHIN, PgConnection::connect(&self.url)).await.ok()?.ok();
            }
            let tried = timeout(TRY_WITHIN, sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(link.as_mut()?)).await;
            if !matches!(tried, Ok(Ok(_))) {
                if let Ok(Err(sqlx::Error::Database(why))) = &tried {
                    let code = why.code().unwrap_or_default().into_owned();
                    // Bad SQL must not look like a fault; nobody will ever have written this.
                    assert!(!code.starts_with("42") || code == "42704", "{write:?}: {why}");
                }
                *link = None;
                return None;
            }
            Some(())
        })
        .await;
    }

    async fn suffer(&self, fault: Fault) {
        let mut plaza = self.plaza.lock().await;
        let engine = match self.engine {
            Engine::Tantivy => None,
            Engine::OpenSearch => Some(Kind::OpenSearch),
        };
        match (fault, engine) {
            (Fault::KillPlaza { away }, _) | (Fault::KillEngine { away }, None) => {
                plaza.nodes[0].kill().await;
                sleep(away).await;
                plaza.nodes[0].restart().await;
            }
            (Fault::PausePlaza { still }, _) | (Fault::PauseEngine { still }, None) => {
                plaza.nodes[0].pause();
                sleep(still).await;
                plaza.nodes[0].resume();
            }
            (Fault::KillPostgres { away }, _) => {
                let postgres = plaza.server(Kind::Postgres);
                postgres.kill().await;
                sleep(away).await;
                postgres.restart().await;
            }
            (Fault::PausePostgres { still }, _) => {
                plaza.server(Kind::Postgres).pause();
                sleep(still).await;
                plaza.server(Kind::Postgres).resume();
            }
            (Fault::KillEngine { away }, Some(engine)) => {
                let engine = plaza.server(engine);
                engine.kill().await;
                sleep(away).await;
                engine.restart().await;
            }
            (Fault::PauseEngine { still }, Some(engine)) => {
                plaza.server(engine).pause();
                sleep(still).await;
                plaza.server(engine).resume();
            }
        }
    }

    fn sql(&self, write: &Write) -> String {
        let some = |table: &str, which: u64| {
            format!(
                "SELECT ctid FROM {table}
                 OFFSET ({which}::numeric % greatest((SELECT count(*) FROM {table}), 1)::numeric)::bigint LIMIT 1"
            )
        };
        match *write {
            Write::Register { number } => format!(
                "INSERT INTO accounts (id, handle, name, bio, password_hash, created_at, updated_at)
                 VALUES ({}, 'h{number}', 'Name {number}', 'plain words of number {number}', 'x', now(), now())
                 ON CONFLICT DO NOTHING",
                uuid(number)
            ),
            Write::EditProfile { which, number } => {
                format!(
                    "UPDATE accounts SET bio = 'edited to {number}', updated_at = now() WHERE ctid = ({})",
                    some("accounts", which)
                )
            }
            Write::DeleteAccount { which } => {
                format!("UPDATE accounts SET deleted_at = now() WHERE ctid = ({})", some("accounts", which))
            }
            Write::Post { number, long, public } => {
                let kind = ContentKind::ALL[(number % ContentKind::ALL.len() as u64) as usize];
                // Whose thread it is makes no difference to the index.
                let thread = match kind {
                    ContentKind::Comment => format!("{0}, 1, {0}, 1, 1", uuid(number.wrapping_add(1))),
                    _ => "NULL, NULL, NULL, NULL, NULL".to_owned(),
                };
                let kind = kind.number();
                let audience = if public { "public" } else { "followers" };
                let length = if long { 300 } else { 1 };
                format!(
                    "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, created_at, latitude, longitude,
                         parent, parent_kind, root, root_kind, depth)
                     SELECT {}, {kind}, {}, '{audience}',
                         (SELECT string_agg(md5(random()::text), ' ') FROM generate_series(1, {length})), '[]', '[]', now(), {}, {}, {thread}
                     ON CONFLICT DO NOTHING",
                    uuid(number),
                    uuid(number % 7),
                    number % 90,
                    number % 180,
                )
            }
            Write::EditPost { which, number } => {
                format!(
                    "UPDATE contents SET text = 'edited to {number}', version = version + 1 WHERE ctid = ({})",
                    some("contents", which)
                )
            }
            Write::ChangeAudience { which, public } => {
                // What is for oneself alone leaves the index.
                let audience = if public { "public" } else { "only_me" };
                format!("UPDATE contents SET audience = '{audience}' WHERE ctid = ({})", some("contents", which))
            }
            Write::BuryPost { which } => {
                format!("UPDATE contents SET text = '', deleted_at = now() WHERE ctid = ({})", some("contents", which))
            }
            Write::Weigh { which, post, magnitude } => {
                let table = if post { "contents" } else { "accounts" };
                format!("UPDATE {table} SET popularity = {magnitude} WHERE ctid = ({})", some(table, which))
            }
            Write::DeletePost { which } => format!("DELETE FROM contents WHERE ctid = ({})", some("contents", which)),
            Write::Say { room, number } => {
                let room = ROOMS[room as usize % ROOMS.len()];
                format!(
                    "INSERT INTO messages (room_id, seq, id, sender, client_id, text, mentions, version, created_at)
                     SELECT '{room}', (SELECT coalesce(max(seq), 0) + 1 FROM messages WHERE room_id = '{room}'), {id}, {id}, {id},
                         'said number {number}', '{{}}', 1, now()
                     ON CONFLICT DO NOTHING",
                    id = uuid(number),
                )
            }
            Write::EditMessage { which, number } => {
                format!(
                    "UPDATE messages SET text = 'edited to {number}', version = version + 1 WHERE ctid = ({})",
                    some("messages", which)
                )
            }
            Write::DeleteMessage { which } => {
                format!("UPDATE messages SET text = '', deleted_at = now() WHERE ctid = ({})", some("messages", which))
            }
            Write::Tag { which, tag } => {
                format!(
                    "INSERT INTO content_hashtags (tag, content) SELECT 'tag{tag}', id FROM contents WHERE ctid = ({}) ON CONFLICT DO NOTHING",
                    some("contents", which)
                )
            }
            Write::Untag { which } => {
                format!("DELETE FROM content_hashtags WHERE ctid = ({})", some("content_hashtags", which))
            }
            Write::RolledBack { number } => format!(
                "BEGIN; {}; UPDATE contents SET text = 'never was'; DELETE FROM messages; ROLLBACK",
                self.sql(&Write::Post { number, long: false, public: true })
            ),
            Write::Large { .. } => format!(
                "INSERT INTO contents (id, kind, author, audience, text, mentions, hashtags, created_at)
                 SELECT md5('large' || n)::uuid, 1, md5('author' || n % 9)::uuid, 'public', 'large ' || n, '[]', '[]', now()
                 FROM generate_series(1, {}) n ON CONFLICT DO NOTHING",
                self.large
            ),
            Write::DeleteLarge => "DELETE FROM contents WHERE text LIKE 'large %'".to_owned(),
            Write::Rewrite { table } => {
                let (table, column) = [("accounts", "bio"), ("contents", "text"), ("messages", "text")][usize::from(table) % 3];
                format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE text USING {column} || ' again'")
            }
            Write::DropSlot => "
                DO $$
                DECLARE slot record;
                BEGIN
                    FOR slot IN SELECT slot_name, active_pid FROM pg_replication_slots WHERE slot_name LIKE 'plaza_search%' LOOP
                        IF slot.active_pid IS NOT NULL THEN
                            PERFORM pg_terminate_backend(slot.active_pid, 5000);
                        END IF;
                        PERFORM pg_drop_replication_slot(slot.slot_name);
                    END LOOP;
                END $$"
                .to_owned(),
        }
    }
}

/// An id that follows from a number.
fn uuid(number: u64) -> String {
    format!("md5('{number}')::uuid")
}
