//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::Role;
use crate::exit;

/// A real-time social backend: accounts, chat, presence, posts and a feed, over REST and one WebSocket.
///
/// Without a subcommand, Plaza starts (`plaza up`). It needs nothing installed: with no store configured it runs a
/// PostgreSQL of its own in the data folder, and keeps live state in its memory.
#[derive(Debug, Parser)]
#[command(name = "plaza", version, after_help = AFTER_HELP, after_long_help = after_long_help())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub settings: SettingArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start Plaza: stores, migrations, REST and WebSocket on one address.
    ///
    /// Runs until SIGTERM or SIGINT. The first signal drains: new requests are refused, open sockets are told to
    /// reconnect, requests in hand are finished. A second signal ends at once; nothing acknowledged is lost either way.
    Up,
    /// Bring the database's schema up to date, and exit.
    ///
    /// `plaza up` does the same at every start. Run it by itself where the nodes' database user may not change tables.
    Migrate,
    /// Fill a community to look at: people who follow each other, talk and post.
    ///
    /// Everything goes through the same rules as real requests. The same seed gives the same community; people who are
    /// there already are kept, so that it is safe to run twice. Prints log-ins. Not for a database with real people in it.
    ///
    /// A Plaza may be up meanwhile. Without Redis it shows what is new when its clients ask, not live.
    Seed(SeedArgs),
    /// Serve REST and the WebSocket from their specs alone, for those who build a client.
    ///
    /// Needs no store and remembers nothing, unless told to. Plaza's own specs are in this program; any OpenAPI 3.1 and AsyncAPI
    /// 3 file can be served instead, and is read again when it changes. Requests are checked as the real server checks them, and
    /// `/__mock` lists the routes, the examples and the tokens that it knows, such as mock-ada.
    Mock(MockArgs),
    /// Drive the WebSocket of a server, mock or real, by the spec alone, and say where the two differ.
    ///
    /// Sends every example, and then every way to get it wrong, and checks each frame that comes. `scripts/conformance` runs this and the
    /// same for REST. Exits with 2 when something differs.
    Conformance(ConformanceArgs),
    /// Check the configuration and every store, one line each.
    ///
    /// Exits with 0 when everything is fine, 78 when the configuration is wrong, 69 when a store does not answer.
    /// Changes nothing.
    Check,
    /// Compare what is counted of content and of inboxes with what is there, and say what differs.
    ///
    /// Reactions, comments, shares, saves and views of content; acts of the lines of inboxes. A Plaza may be up meanwhile: every
    /// count is compared in one moment, in which it has to be right. Exits with 2 when one is
    /// not.
    Recount(RecountArgs),
    /// Events that a consumer could not act on, and what to do about them.
    #[command(subcommand)]
    Events(EventsCommand),
    /// The search index: build it anew, compare it with the tables, see what could not be indexed.
    ///
    /// A running Plaza does the work, and these commands ask it to and look on; without one, they do it themselves. None of
    /// them ever hides anything from searches: what is being built is swapped in when it is whole.
    #[command(subcommand)]
    Search(SearchCommand),
}

#[derive(Debug, Clone, Subcommand)]
pub enum SearchCommand {
    /// Build a new index from the tables while the old one is searched, then search the new one.
    ///
    /// Waits until it is done, and says how far it is. Interrupted, the build goes on as long as a Plaza is up, and is resumed
    /// where it was when the next one starts.
    Reindex(KindArgs),
    /// Compare every document with the tables, and say what differs.
    ///
    /// Waits until the index has everything that is committed now; writes may go on meanwhile. Exits with 2 when something
    /// is missing in the index, or surplus, or stale; `plaza search reindex` repairs it.
    Verify(KindArgs),
    /// List the documents that could not be indexed, and why.
    Dead(KindArgs),
    /// Try the documents that could not be indexed again, and list those that failed again.
    Replay(KindArgs),
}

#[derive(Debug, Clone, Args)]
pub struct KindArgs {
    /// Only this kind of documents: person, hashtag, message or a kind of content [default: all].
    pub kind: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum EventsCommand {
    /// List events that failed every try, the last first, one line each with what the consumer said.
    Dead {
        /// Only of this consumer.
        #[arg(long)]
        consumer: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Give events that failed to their consumer again, behind everything that was written since.
    ///
    /// Says how many. A running Plaza delivers them; without one, the next to start does. Name an event, or --all.
    Replay {
        /// The event, as `plaza events dead` shows it.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        event: Option<String>,
        /// Only at this consumer.
        #[arg(long)]
        consumer: Option<String>,
        /// All that were put aside.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Clone, Copy, Args)]
pub struct RecountArgs {
    /// Make the counts that are wrong right. Safe while a Plaza is up.
    #[arg(long)]
    pub repair: bool,
}

#[derive(Debug, Clone, Args)]
pub struct MockArgs {
    /// An OpenAPI 3.1 document, YAML or JSON, in place of Plaza's; files that it refers to are followed.
    #[arg(long, value_name = "FILE")]
    pub openapi: Option<PathBuf>,
    /// An AsyncAPI 3 document, for the WebSocket.
    #[arg(long, value_name = "FILE")]
    pub asyncapi: Option<PathBuf>,
    /// Makes generated data what it is: the same number gives the same.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Show what was created, changed and deleted when it is read again.
    #[arg(long)]
    pub remember: bool,
    /// Added to every answer, in milliseconds; one request's own: the header X-Mock-Latency-Ms.
    #[arg(long, default_value_t = 0)]
    pub latency_ms: u64,
    /// How many of all requests and commands fail, from 0 to 1; one request's own: the header X-Mock-Fail-Rate.
    #[arg(long, default_value_t = 0.0, value_parser = fraction)]
    pub fail_rate: f64,
}

#[derive(Debug, Clone, Args)]
pub struct ConformanceArgs {
    /// The server: host and port.
    #[arg(default_value = "127.0.0.1:8080")]
    pub address: String,
    /// An access token of the server; of a mock, one that it knows.
    #[arg(long, default_value = "mock-ada")]
    pub token: String,
    /// The AsyncAPI 3 document [default: Plaza's].
    #[arg(long, value_name = "FILE")]
    pub asyncapi: Option<PathBuf>,
    /// A valid command that this server may refuse, and the code; repeatable. For example "message.send room_not_found".
    #[arg(long = "except", value_name = "COMMAND CODE")]
    pub exceptions: Vec<String>,
}

fn fraction(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

#[derive(Debug, Clone, Args)]
pub struct SeedArgs {
    /// How many people.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub people: u32,
    /// Which community: the same number gives the same one.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Settings that apply to every command. Flags win over the environment, which wins over the file.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArgs {
    /// Configuration file, TOML [default: ./plaza.toml, if there is one] [env: PLAZA_CONFIG].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where to listen, for REST and WebSocket alike; port 0 takes a free one [default: 127.0.0.1:8080] [env: PLAZA_LISTEN].
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// Where to serve /metrics, and nowhere else [default: where everything is] [env: PLAZA_METRICS_LISTEN].
    ///
    /// Figures need no log-in: where the main address is public, give them one that is not.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub metrics_listen: Option<String>,

    /// Where Plaza keeps what it must not lose [env: PLAZA_DATA_DIR].
    ///
    /// Default: /var/lib/plaza when run as root, else $XDG_DATA_HOME/plaza, else ~/.local/share/plaza.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// What this process does; repeatable [default: all] [env: PLAZA_ROLES].
    ///
    /// A split into several processes needs a PostgreSQL server and Redis, which the processes then share.
    #[arg(long = "role", global = true, value_name = "ROLE", value_enum)]
    pub roles: Vec<Role>,

    /// Any other setting, as KEY=VALUE; repeatable. For example --set postgres.connections_max=50.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

const AFTER_HELP: &str = "See `plaza --help` for stores, settings and exit codes.";

fn after_long_help() -> String {
    format!(
        "\
Stores, each one setting (also in plaza.toml, for example `[postgres]` and below it `url = \"…\"`):
  PLAZA_POSTGRES_URL     postgres://user:password@host/database
                         (15 or newer, wal_level = logical, and a role with REPLICATION)
                         unset: Plaza finds a PostgreSQL 15 or newer on this machine, or fetches one once,
                         and runs it as its own child (PLAZA_POSTGRES_BIN: folder of its programs;
                         PLAZA_POSTGRES_USER: whom it runs as when Plaza is root, nobody unless told)
  PLAZA_CASSANDRA_NODES  host:port,…   messages and timelines; unset: tables in PostgreSQL
  PLAZA_REDIS_URL        redis://host  live bus, presence, limits; unset: in this process
  PLAZA_BLOBS_URL        s3://bucket or file:///folder   uploaded files; unset: in the data folder
                         (PLAZA_BLOBS_ENDPOINT, _REGION, _ACCESS_KEY and _SECRET_KEY: a store that is not Amazon's)

PLAZA_THREADS is how many threads serve, 1 to 1024 [default: a core fewer than there are, at least 1]; with all stores on
other machines, give it every core.

Settings come from defaults, then the file, then PLAZA_… variables, then flags. A key `a.b` of the file is
PLAZA_A_B in the environment and `--set a.b=…` on the command line. Unknown names are errors.

{}",
        exit::TABLE
    )
}
