//! Puts the layers on top of each other, and says of each bad value where it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::{Table, Value};

use super::Config;
use super::keys::{Key, Kind, known, nearest};
use crate::cli::SettingArgs;
use crate::exit::{Exit, Stopped};

const PREFIX: &str = "PLAZA_";
/// Names the configuration file; the only variable that is no setting.
const FILE_VARIABLE: &str = "PLAZA_CONFIG";
/// Not ours to judge: what `./test` and its tests read.
const TEST_PREFIX: &str = "PLAZA_TEST_";
const TEST_VARIABLES: [&str; 3] = ["PLAZA_SERVERS", "PLAZA_SIM_SEED", "PLAZA_DURABLE"];
/// Read where logging starts; the same as `log.filter`.
const LOG_VARIABLE: &str = "PLAZA_LOG";
const FILE_DEFAULT: &str = "plaza.toml";

/// Where a value was given.
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

struct Layers {
    keys: Vec<Key>,
    merged: Table,
}

/// Reads the configuration of this process.
pub fn load(flags: &SettingArgs, variables: impl Iterator<Item = (String, String)>) -> Result<Config, Stopped> {
    let variables: Vec<_> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    let mut layers = Layers { keys: known::<Config>(), merged: Table::new() };
    layers.add_file(flags, &variables)?;
    layers.add_variables(&variables)?;
    layers.add_flags(flags)?;
    let config = Config::deserialize(Value::Table(layers.merged)).map_err(|error| wrong(error.message()))?;
    config.validate()?;
    Ok(config)
}

fn wrong(message: impl fmt::Display) -> Stopped {
    Stopped::new(Exit::Config, message)
}

impl Layers {
    fn add_file(&mut self, flags: &SettingArgs, variables: &[(String, String)]) -> Result<(), Stopped> {
        let named = variables.iter().find(|(name, _)| name == FILE_VARIABLE).map(|(_, path)| PathBuf::from(path));
        let path = match flags.config.clone().or(named) {
            Some(path) => path,
            None if Path::new(FILE_DEFAULT).exists() => FILE_DEFAULT.into(),
            None => return Ok(()),
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| wrong(format_args!("Cannot read the configuration file {}: {error}.", path.display())))?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            wrong(format_args!("The configuration file {} is not TOML: {error}", path.display()))
        })?;
        let source = Source::File(path);
        for (dotted, value) in leaves(&table) {
            let key = self.find(&dotted, &source)?;
            self.put(&key, value, &source)?;
        }
        Ok(())
    }

    fn add_variables(&mut self, variables: &[(String, String)]) -> Result<(), Stopped> {
        for (name, text) in variables {
            let of_tests = name.starts_with(TEST_PREFIX) || TEST_VARIABLES.contains(&&**name);
            if name == FILE_VARIABLE || name == LOG_VARIABLE || of_tests {
                continue;
            }
            let Some(key) = self.keys.iter().find(|key| key.variable() == *name).cloned() else {
                let names: Vec<_> = self.keys.iter().map(Key::variable).collect();
                return Err(unknown(
                    &format!("environment variable {name}"),
                    nearest(name, names.iter().map(|n| &**n)),
                ));
            };
            let source = Source::Variable(name.clone());
            let value = parse(&key, text, &source)?;
            self.put(&key, value, &source)?;
        }
        Ok(())
    }

    fn add_flags(&mut self, flags: &SettingArgs) -> Result<(), Stopped> {
        for pair in &flags.set {
            let source = Source::Flag("--set");
            let (name, text) =
                pair.split_once('=').ok_or_else(|| wrong(format_args!("--set takes KEY=VALUE, not “{pair}”.")))?;
            let key = self.find(name.trim(), &source)?;
            let value = parse(&key, text, &source)?;
            self.put(&key, value, &source)?;
        }
        let data_dir = flags.data_dir.as_ref().map(|path| path.to_string_lossy().into_owned());
        let texts = [
            ("listen", "--listen", flags.listen.clone()),
            ("metrics_listen", "--metrics-listen", flags.metrics_listen.clone()),
            ("data_dir", "--data-dir", data_dir),
        ];
        for (name, flag, text) in texts {
            if let Some(text) = text {
                let source = Source::Flag(flag);
                let key = self.find(name, &source)?;
                self.put(&key, Value::String(text), &source)?;
            }
        }
        if !flags.roles.is_empty() {
            let source = Source::Flag("--role");
            let key = self.find("roles", &source)?;
            let names = flags.roles.iter().map(|role| Value::String(format!("{role:?}").to_lowercase()));
            self.put(&key, Value::Array(names.collect()), &source)?;
        }
        Ok(())
    }

    fn find(&self, dotted: &str, source: &Source) -> Result<Key, Stopped> {
        self.keys.iter().find(|key| key.dotted() == dotted).cloned().ok_or_else(|| {
            let names: Vec<_> = self.keys.iter().map(Key::dotted).collect();
            unknown(&format!("setting “{dotted}” in {source}"), nearest(dotted, names.iter().map(|n| &**n)))
        })
    }

    /// Sets one value, after trying it by itself: so the complaint names the key and where its value came from.
    fn put(&mut self, key: &Key, value: Value, source: &Source) -> Result<(), Stopped> {
        let mut alone = Table::new();
        insert(&mut alone, &key.path, value.clone());
        Config::deserialize(Value::Table(alone)).map_err(|error| {
            wrong(format_args!("{} has a wrong value in {source}: {}.", key.dotted(), error.message().trim_end()))
        })?;
        insert(&mut self.merged, &key.path, value);
        Ok(())
    }
}

fn unknown(what: &str, meant: Option<&str>) -> Stopped {
    let hint = meant.map(|name| format!(" Did you mean {name}?")).unwrap_or_default();
    wrong(format_args!("Unknown {what}.{hint} `plaza --help` tells how settings are named."))
}

/// A setting's value, out of text.
fn parse(key: &Key, text: &str, source: &Source) -> Result<Value, Stopped> {
    let complain =
        |expected: &str| wrong(format_args!("{} has a wrong value in {source}: expected {expected}.", key.dotted()));
    let text = text.trim();
    match key.kind {
        Kind::Switch => text.parse().map(Value::Boolean).map_err(|_| complain("true or false")),
        Kind::Whole => text.parse().map(Value::Integer).map_err(|_| complain("a whole number")),
        Kind::Fraction => text.parse().map(Value::Float).map_err(|_| complain("a number")),
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
    }
}

fn insert(table: &mut Table, path: &[&'static str], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = table.entry(*first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Every value of a file with its dotted path.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(leaves(inner).into_iter().map(|(path, value)| (format!("{name}.{path}"), value)));
            }
            value => found.push((name.clone(), value.clone())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;

    fn with(flags: &SettingArgs, variables: &[(&str, &str)]) -> Result<Config, Stopped> {
        load(flags, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn complaint(flags: &SettingArgs, variables: &[(&str, &str)]) -> String {
        let stopped = with(flags, variables).unwrap_err();
        assert_eq!(stopped.exit, Exit::Config);
        stopped.message
    }

    fn file(text: &str) -> (tempfile::NamedTempFile, SettingArgs) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let flags = SettingArgs { config: Some(file.path().to_owned()), ..SettingArgs::default() };
        (file, flags)
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let (_file, mut flags) =
            file("listen = \"127.0.0.1:1\"\n[postgres]\nconnections_max = 1\nacquire_ms_max = 1\n");
        flags.listen = Some("127.0.0.1:3".to_owned());
        let variables = [("PLAZA_LISTEN", "127.0.0.1:2"), ("PLAZA_POSTGRES_CONNECTIONS_MAX", "2")];
        let config = with(&flags, &variables).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.postgres.connections_max, 2);
        assert_eq!(config.postgres.acquire_ms_max, 1);
        assert_eq!(config.http.head_ms_max, 30_000, "what nobody set keeps its default");
    }

    #[test]
    fn an_unknown_name_is_an_error_that_suggests_the_nearest() {
        let (_file, flags) = file("[postgres]\nconections_max = 1\n");
        let message = complaint(&flags, &[]);
        assert!(
            message.contains("postgres.conections_max") && message.contains("mean postgres.connections_max"),
            "{message}"
        );

        let message = complaint(&SettingArgs::default(), &[("PLAZA_POSTGRESS_URL", "x")]);
        assert!(message.contains("mean PLAZA_POSTGRES_URL"), "{message}");

        let flags = SettingArgs { set: vec!["listn=1".to_owned()], ..SettingArgs::default() };
        assert!(complaint(&flags, &[]).contains("mean listen"));
        assert!(with(&SettingArgs::default(), &[("PLAZA_TEST_ANYTHING", "x"), ("OTHER", "x")]).is_ok());
    }

    #[test]
    fn a_wrong_value_is_reported_with_its_key_and_source_but_not_printed_if_secret() {
        let message = complaint(&SettingArgs::default(), &[("PLAZA_LISTEN", "nowhere")]);
        assert!(message.contains("listen") && message.contains("PLAZA_LISTEN"), "{message}");
        let message = complaint(&SettingArgs::default(), &[("PLAZA_POSTGRES_CONNECTIONS_MAX", "many")]);
        assert!(message.contains("a whole number"), "{message}");
    }

    #[test]
    fn a_split_needs_stores_to_share() {
        let flags = SettingArgs { roles: vec![Role::Api], ..SettingArgs::default() };
        assert!(complaint(&flags, &[]).contains("PLAZA_POSTGRES_URL"));
        let roles = [("PLAZA_ROLES", "gateway, api,worker")];
        assert_eq!(with(&SettingArgs::default(), &roles).unwrap().roles.len(), 3);
    }

    #[test]
    fn threads_have_a_least_and_a_most() {
        let threads = |text| with(&SettingArgs::default(), &[("PLAZA_THREADS", text)]).map(|config| config.threads);
        assert!(Config::default().threads >= 1, "however few cores there are");
        for (text, count) in [("1", 1), ("1024", 1024)] {
            assert_eq!(threads(text).unwrap(), count);
        }
        for text in ["0", "1025"] {
            assert!(threads(text).unwrap_err().message.contains("threads: expected 1 to 1024"), "{text}");
        }
    }

    #[test]
    fn a_secret_never_shows_in_the_printed_configuration() {
        let url = "postgres://plaza:hunter2@localhost/plaza";
        let config = with(&SettingArgs::default(), &[("PLAZA_POSTGRES_URL", url)]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
