//! `plaza check`

use std::fmt::Display;

use kernel::StoreError;

use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::{data_dir, progress, startup};

/// What was found, and whether all of it was good.
#[derive(Default)]
struct Findings {
    bad: Option<Exit>,
}

impl Findings {
    fn fine(&self, what: &str, found: impl Display) {
        progress::result(format_args!("ok    {what:<10} {found}"));
    }

    fn wrong(&mut self, what: &str, stopped: &Stopped) {
        progress::result(format_args!("WRONG {what:<10} {stopped}"));
        self.bad.get_or_insert(stopped.exit);
    }
}

pub async fn check(config: &Config) -> Result<(), Stopped> {
    let mut findings = Findings::default();
    findings.fine("settings", format_args!("roles {}, listening on {}", config.role_names(), config.listen));
    match &config.postgres.url {
        Some(_) => match postgres_server(&config.postgres, &config.cdc).await {
            Ok(found) => findings.fine("postgres", found),
            Err(stopped) => findings.wrong("postgres", &stopped),
        },
        None => match embedded(config).await {
            Ok(found) => findings.fine("postgres", found),
            Err(stopped) => findings.wrong("postgres", &stopped),
        },
    }
    match config.cassandra.nodes.as_slice() {
        [] => findings.fine("cassandra", "not configured: messages and timelines live in PostgreSQL"),
        _ => match cassandra_cluster(&config.cassandra).await {
            Ok(found) => findings.fine("cassandra", found),
            Err(stopped) => findings.wrong("cassandra", &stopped),
        },
    }
    match &config.redis.url {
        None => findings.fine("redis", "not configured: bus, presence and limits live in the process"),
        Some(url) => match redis_server(url).await {
            Ok(found) => findings.fine("redis", found),
            Err(stopped) => findings.wrong("redis", &stopped),
        },
    }
    match &config.opensearch.url {
        None if config.redis.url.is_some() => {
            findings.fine("opensearch", "not configured: one node keeps the search index; several need OpenSearch");
        }
        None => findings.fine("opensearch", "not configured: Plaza keeps the search index itself"),
        Some(_) => match opensearch_cluster(&config.opensearch).await {
            Ok(found) => findings.fine("opensearch", found),
            Err(stopped) => findings.wrong("opensearch", &stopped),
        },
    }
    match uploads(config).await {
        Ok(found) => findings.fine("blobs", found),
        Err(stopped) => findings.wrong("blobs", &stopped),
    }
    match findings.bad {
        None => Ok(()),
        Some(exit) => Err(Stopped::new(exit, "something is wrong, see above.")),
    }
}

async fn postgres_server(settings: &postgres::Settings, stream: &cdc::Settings) -> Result<String, Stopped> {
    let db = startup::connect_postgres(settings).await?;
    let version = db.server_version().await.map_err(no_answer)?;
    let schema = db.schema_version().await.map_err(no_answer)?;
    let readable = cdc::slot::check(&db, stream).await;
    let kept_mb = cdc::slot::keep_limit_mb(&db).await.map_err(no_answer)?;
    db.close().await;
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    if major < postgres::embedded::MAJOR_MIN {
        let message =
            format!("PostgreSQL {version} is too old: Plaza needs {} or newer.", postgres::embedded::MAJOR_MIN);
        return Err(Stopped::new(Exit::StoreUnavailable, message));
    }
    readable.map_err(|error| Stopped::new(Exit::StoreUnavailable, format_args!("PostgreSQL {version}: {error}.")))?;
    let version = match kept_mb {
        Some(_) => version,
        // Plaza gives up a slot that keeps too much; when no Plaza runs, nobody does.
        None => format!("{version} (max_slot_wal_keep_size is without limit: set one, such as 10GB)"),
    };
    let newest = postgres::newest_migration();
    match schema {
        Some(schema) if schema > newest => Err(Stopped::new(
            Exit::DataFormat,
            format_args!("the schema is at migration {schema}, newer than this Plaza ({newest})."),
        )),
        Some(schema) if schema == newest => Ok(format!("{version}, schema up to date")),
        Some(schema) => Ok(format!(
            "{version}, schema at migration {schema} of {newest}; `plaza up` or `plaza migrate` brings it up to date"
        )),
        None => Ok(format!("{version}, no schema yet; `plaza up` or `plaza migrate` creates it")),
    }
}

/// The embedded server is looked at, not started.
async fn embedded(config: &Config) -> Result<String, Stopped> {
    let path = startup::data_path(config)?;
    let folder = path.join("postgres");
    if let Some(url) = postgres::embedded::running(&folder) {
        let settings = postgres::Settings { url: Some(url), ..config.postgres.clone() };
        let found = postgres_server(&settings, &config.cdc).await?;
        return Ok(format!("embedded, running: {found}; data in {}", path.display()));
    }
    let survey = postgres::embedded::survey(&folder, &config.postgres.embedded()).await;
    let survey = survey.map_err(|error| startup::not_started(&path, error))?;
    let programs = survey.programs.map_or_else(
        || "will be fetched at the first start".to_owned(),
        |programs| format!("{} in {}", programs.version, programs.bin.display()),
    );
    let data = match survey.made_by {
        Some(_) => format!("data in {}", path.display()),
        None if path.exists() => format!("no data yet in {}", path.display()),
        None => {
            data_dir::check_place(&path)?;
            format!("{} will be created", path.display())
        }
    };
    Ok(format!("embedded, not running: {programs}; {data}"))
}

async fn cassandra_cluster(settings: &cassandra::Settings) -> Result<String, Stopped> {
    let db = startup::connect_cassandra(settings).await?;
    let version = db.server_version().await.map_err(no_answer)?;
    Ok(format!("{version}, keyspace {}", db.keyspace()))
}

async fn redis_server(url: &kernel::Secret) -> Result<String, Stopped> {
    let redis = startup::connect_redis(url).await?;
    redis.health().await.map_err(no_answer)?;
    redis.close().await;
    Ok("answers".to_owned())
}

/// The oldest major version that Plaza is tested with.
const OPENSEARCH_MAJOR_MIN: u32 = 2;

async fn opensearch_cluster(settings: &index::engine::opensearch::Settings) -> Result<String, Stopped> {
    let opensearch = startup::opensearch(settings)?;
    let version = opensearch.server_version().await.map_err(|error| Stopped::new(Exit::StoreUnavailable, error))?;
    if version.distribution.as_deref() != Some("opensearch") {
        let message = format!("what answers is no OpenSearch; its version is {}.", version.number);
        return Err(Stopped::new(Exit::StoreUnavailable, message));
    }
    if version.major().unwrap_or_default() < OPENSEARCH_MAJOR_MIN {
        let message = format!("OpenSearch {} is too old: Plaza needs {OPENSEARCH_MAJOR_MIN} or newer.", version.number);
        return Err(Stopped::new(Exit::StoreUnavailable, message));
    }
    Ok(format!("{}, indexes begin with {}", version.number, settings.prefix))
}

/// A folder is looked at, not made.
async fn uploads(config: &Config) -> Result<String, Stopped> {
    if let Some(folder) = config.blobs.folder(&startup::blobs_folder(config)?) {
        if !folder.exists() {
            data_dir::check_place(&folder)?;
        }
        if !config.blobs.is_local() {
            return Ok(format!("uploaded files live in {}", folder.display()));
        }
        let shared = if config.redis.url.is_some() { "; several nodes need PLAZA_BLOBS_URL" } else { "" };
        return Ok(format!("not configured: uploaded files live in {}{shared}", folder.display()));
    }
    let blobs = startup::open_blobs(config)?;
    blobs.probe().await.map_err(|error| Stopped::new(Exit::StoreUnavailable, format_args!("{blobs}: {error}.")))?;
    Ok(format!("{blobs} answers"))
}

fn no_answer(error: StoreError) -> Stopped {
    Stopped::new(Exit::StoreUnavailable, error)
}
