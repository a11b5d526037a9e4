//! `plaza migrate`

use crate::config::Config;
use crate::exit::Stopped;
use crate::{progress, startup};

pub async fn migrate(config: &Config) -> Result<(), Stopped> {
    let opened = startup::open(config).await?;
    let migrated = opened.migrate().await;
    opened.close().await;
    migrated?;
    progress::result(format_args!("The schema is at migration {}.", postgres::newest_migration()));
    Ok(())
}
