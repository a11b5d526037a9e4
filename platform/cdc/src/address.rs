//! Where and how the replication connection is made: as the pool's, read off its options.

use std::path::PathBuf;
use std::str::FromStr as _;

use kernel::Secret;
use pgwire_replication::{ReplicationConfig, SslMode, TlsConfig};
use postgres::{Db, StoreResult, fault};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::source::wire::{EVENTS_MAX, STATUS_EVERY};

/// Values are written as these say; a database's or a role's own settings must not change what a sink reads.
const SESSION: &str = "-c datestyle=ISO -c intervalstyle=iso_8601 -c extra_float_digits=1 -c bytea_output=hex \
                       -c timezone=UTC";

/// The connection that reads `slot`.
pub fn config(
    db: &Db,
    url: Option<&Secret>,
    slot: &str,
    publication: &str,
    session_options: &str,
) -> StoreResult<ReplicationConfig> {
    let options = match url {
        Some(url) => PgConnectOptions::from_str(url.expose()).map_err(fault)?,
        None => (*db.pool().connect_options()).clone(),
    };
    // The only getter of the password.
    let url = options.to_url_lossy();
    let password = url.password().map(unescape).unwrap_or_default();
    let root = url.query_pairs().find(|(name, _)| name == "sslrootcert").map(|(_, path)| PathBuf::from(&*path));
    let host = match options.get_socket() {
        Some(folder) => folder.to_string_lossy().into_owned(),
        None => options.get_host().to_owned(),
    };
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    let tls = match options.get_ssl_mode() {
        // A socket in a private folder needs none, and the crate refuses it there.
        _ if options.get_socket().is_some() => TlsConfig::disabled(),
        PgSslMode::Disable | PgSslMode::Allow => TlsConfig::disabled(),
        PgSslMode::Prefer => TlsConfig { mode: SslMode::Prefer, ..TlsConfig::disabled() },
        PgSslMode::Require => TlsConfig::require(),
        PgSslMode::VerifyCa => TlsConfig::verify_ca(root),
        PgSslMode::VerifyFull => TlsConfig::verify_full(root),
    };
    Ok(ReplicationConfig::new(host, user, password, database, slot, publication)
        .with_port(options.get_port())
        .with_tls(tls)
        .with_application_name(publication)
        .with_options(format!("{SESSION} {session_options}").trim_end())
        .with_buffer_size(EVENTS_MAX)
        .with_status_interval(STATUS_EVERY)
        .with_wakeup_interval(STATUS_EVERY))
}

/// Undoes the escapes of a URL.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_survive_the_url() {
        for password in ["simple", "p%40ss", "a b/c?d#e@f:g", "ключ", "100%", ""] {
            let options = PgConnectOptions::new_without_pgpass().host("db.example").password(password);
            let url = options.to_url_lossy();
            assert_eq!(unescape(url.password().unwrap_or_default()), password);
        }
    }
}
