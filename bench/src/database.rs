//! A database of one run's own, on the PostgreSQL server that `PLAZA_TEST_POSTGRES_URL` names.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

type Error = Box<dyn std::error::Error + Send + Sync>;

const VARIABLE: &str = "PLAZA_TEST_POSTGRES_URL";

pub struct Database {
    admin: String,
    server: String,
    name: String,
}

impl Database {
    pub async fn create() -> Result<Self, Error> {
        let admin = std::env::var(VARIABLE).map_err(|_| format!("{VARIABLE} is not set"))?;
        let server = admin.rsplit_once('/').ok_or_else(|| format!("{VARIABLE} ends in a database"))?.0.to_owned();
        let name = format!("plaza_bench_{}", uuid::Uuid::new_v4().simple());
        let mut link = PgConnection::connect(&admin).await?;
        // Not a value but a name that was made above: it cannot be bound. So below.
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut link).await?;
        link.close().await?;
        Ok(Self { admin, server, name })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// Drops it, with the slots that nobody reads any more.
    pub async fn drop(self) -> Result<(), Error> {
        let mut link = PgConnection::connect(&self.admin).await?;
        let slots =
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1 AND NOT active";
        sqlx::query(slots).bind(&self.name).execute(&mut link).await?;
        let sql = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        sqlx::raw_sql(sql).execute(&mut link).await?;
        Ok(())
    }
}
