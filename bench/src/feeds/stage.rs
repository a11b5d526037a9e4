//! A generated graph in a database of its own, as if people had used it for some days.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use feed::policy::{Author, CLASSES, Class, Costs, Reach, decide};
use feed::timelines::{BATCH_MAX, Line};
use feed::{CassandraTimelines, Entry, IN_TIMELINES, PostgresTimelines, Settings, Timelines, Worker};
use kernel::{Clock, ContentId, Secret, Timestamp, UserId};
use plaza::adapters::{FeedContent, Relations};
use postgres::Db;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::Failure;
use super::graph::{Dice, Graph};
use super::load::{Options, Store};
use super::slices::{self, Unseen};
use crate::database::Database;

/// Timelines that are filled before the start: of those who will read.
const READERS: usize = 1_000;
const HISTORY_DAYS: f64 = 3.0;
const POSTS_PER_DAY: f64 = 0.3;
const COPIED_AT_ONCE: usize = 100_000;

pub struct Stage {
    pub db: Db,
    /// Where timelines are, unless they are in PostgreSQL.
    pub cassandra: Option<cassandra::Db>,
    pub timelines: Arc<dyn Timelines>,
    pub content: Arc<content::Service>,
    pub feed: Arc<feed::Service>,
    pub worker: Arc<Worker>,
    relations: Arc<Relations>,
    pub people: Vec<UserId>,
    pub graph: Graph,
    /// Who reads, by how often they open the feed.
    pub readers: Vec<usize>,
    database: Database,
}

impl Stage {
    pub async fn open(options: &Options, store: Store) -> Result<Self, Failure> {
        let database = Database::create().await?;
        let settings = postgres::Settings {
            url: Some(Secret::new(database.url())),
            statement_ms_max: 600_000,
            ..postgres::Settings::default()
        };
        let db = Db::connect(&settings).await?;
        db.migrate().await?;
        let (cassandra, timelines): (_, Arc<dyn Timelines>) = match store {
            Store::Embedded => (None, Arc::new(PostgresTimelines::new(db.clone()))),
            Store::GrownUp => {
                let nodes = given("PLAZA_TEST_CASSANDRA_NODES")?;
                let nodes = nodes.split(',').map(|node| node.trim().to_owned()).collect();
                let settings = cassandra::Settings {
                    nodes,
                    keyspace: "plaza_bench_feed".to_owned(),
                    ..cassandra::Settings::default()
                };
                let cassandra = cassandra::Db::connect(&settings).await?;
                cassandra.migrate().await?;
                let timelines = Box::pin(CassandraTimelines::open(cassandra.clone())).await?;
                (Some(cassandra), Arc::new(timelines))
            }
        };
        let (content, relations) = slices::open(&db).await?;
        let settings = Settings::default();
        let (contents, graph) = (Arc::new(FeedContent(content.clone())), relations.clone());
        let feed = feed::Service::new(
            db.clone(),
            timelines.clone(),
            contents.clone(),
            graph.clone(),
            Arc::new(Unseen),
            &settings,
        );
        let worker = Worker::new(db.clone(), timelines.clone(), contents, graph, &settings, Clock::system());
        let generated = Graph::generate(options.seed, options.people, POSTS_PER_DAY);
        let mut stage = Self {
            db,
            cassandra,
            timelines,
            content,
            feed,
            worker,
            relations,
            people: Vec::new(),
            graph: generated,
            readers: Vec::new(),
            database,
        };
        stage.fill(options.seed).await?;
        Ok(stage)
    }

    async fn fill(&mut self, seed: u64) -> Result<(), Failure> {
        let now = Clock::system().now();
        let past = now.minus(Duration::from_hours(24 * 400));
        let mut dice = Dice(StdRng::seed_from_u64(seed));
        self.people = (0..self.graph.people()).map(|_| UserId::new(past)).collect();
        let person = |at: usize| self.people[at].uuid();
        let people =
            (0..self.people.len()).map(|at| format!("{}\tp{at}\tPerson {at}\tx\t{past}\t{past}\n", person(at)));
        self.copy("accounts (id, handle, name, password_hash, created_at, updated_at)", people).await?;
        let pairs = (0..self.people.len()).flat_map(|at| self.graph.followings(at).iter().map(move |to| (at, *to)));
        let follows = pairs.map(|(at, to)| format!("{}\t{}\t{past}\n", person(at), person(to as usize)));
        self.copy("follows (source, target, created_at)", follows).await?;
        let counts = (0..self.people.len())
            .map(|at| format!("{}\t{}\t{}\n", person(at), self.graph.followers[at], self.graph.followings(at).len()));
        self.copy("graph_people (user_id, followers, following)", counts).await?;

        let classes: Vec<Class> = self.graph.opens.iter().map(|opens| Class::of(*opens)).collect();
        let viewers = classes.iter().enumerate().map(|(at, class)| {
            let (class, opens) = (class.number(), self.graph.opens[at]);
            format!("{}\t{class}\t{class}\t{past}\t{opens}\t{now}\n", person(at))
        });
        self.copy("feed_viewers (viewer, class, class_worst, since, opens, counted_at)", viewers).await?;

        let reaches = self.reaches(&classes);
        let routes = reaches.iter().enumerate().flat_map(|(at, reaches)| {
            let (person, rates, followers) = (person(at), self.graph.rates[at], self.graph.followers[at]);
            reaches.iter().zip(IN_TIMELINES).zip(rates).map(move |((reach, kind), rate)| {
                let (kind, reach) = (kind.number(), reach.number());
                format!("{person}\t{kind}\t{reach}\t{reach}\t{past}\t{rate}\t{now}\t{followers}\t{now}\n")
            })
        });
        let columns = "author, kind, reach, reach_worst, since, rate, counted_at, followers, checked_at";
        self.copy(&format!("feed_routes ({columns})"), routes).await?;

        let mut published: Vec<Vec<(ContentId, usize)>> = vec![Vec::new(); self.people.len()];
        let mut rows = Vec::new();
        for (author, rates) in self.graph.rates.iter().enumerate() {
            for (nth, kind) in IN_TIMELINES.into_iter().enumerate() {
                for _ in 0..dice.poisson(rates[nth] * HISTORY_DAYS) {
                    let ago = dice.part() * HISTORY_DAYS * 86_400.0;
                    let at = now.minus(Duration::from_secs_f64(ago));
                    let id = ContentId::new(kind, at);
                    published[author].push((id, nth));
                    rows.push(format!(
                        "{}\t{}\t{}\tpublic\tTea at noon, and a walk along the river after that, if it stays dry.\t[]\t[]\t{at}\n",
                        id.uuid(),
                        kind.number(),
                        person(author)
                    ));
                }
            }
        }
        self.copy("contents (id, kind, author, audience, text, mentions, hashtags, created_at)", rows.into_iter())
            .await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(self.db.pool()).await?;
        self.readers = self.choose_readers(&mut dice);
        let mut filled: Vec<usize> = self.readers.clone();
        filled.sort_unstable();
        filled.dedup();
        for reader in filled {
            let authors = self.graph.followings(reader).iter().map(|author| *author as usize);
            let all = authors.flat_map(|author| published[author].iter().map(move |(id, nth)| (author, *id, *nth)));
            let pushed = all.filter(|(author, _, nth)| reaches[*author][*nth].pushes_to(classes[reader]));
            let mut entries: Vec<Entry> =
                pushed.map(|(author, id, _)| Entry { id, author: self.people[author] }).collect();
            entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
            let viewer = self.people[reader];
            let lines = entries.into_iter().take(BATCH_MAX).map(|entry| Line { viewer, entry });
            self.timelines.write(&lines.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    fn reaches(&self, classes: &[Class]) -> Vec<[Reach; IN_TIMELINES.len()]> {
        let mut shares = [0.0; CLASSES];
        classes.iter().for_each(|class| shares[class.index()] += 1.0 / classes.len() as f64);
        let costs = Costs { push_us: 15.0, pull_us: 10.0, opens_per_day: Costs::OPENS_GUESSED, workers: 2.0 };
        let of = |(rates, followers): (&[f64; 4], &u32)| {
            let followers = shares.map(|share| share * f64::from(*followers));
            rates.map(|posts_per_day| decide(Reach::EVERYBODY, &Author { posts_per_day, followers }, &costs))
        };
        self.graph.rates.iter().zip(&self.graph.followers).map(of).collect()
    }

    /// Whoever opens the feed often is there often.
    fn choose_readers(&self, dice: &mut Dice) -> Vec<usize> {
        let mut sum = 0.0;
        let sums: Vec<f64> = self
            .graph
            .opens
            .iter()
            .map(|opens| {
                sum += opens;
                sum
            })
            .collect();
        (0..READERS)
            .map(|_| {
                let at = dice.part() * sum;
                sums.partition_point(|sum| *sum <= at).min(self.people.len() - 1)
            })
            .collect()
    }

    async fn copy(&self, into: &str, rows: impl Iterator<Item = String>) -> Result<(), Failure> {
        let mut link = self.db.pool().acquire().await?;
        let mut copy = link.copy_in_raw(&format!("COPY {into} FROM STDIN")).await?;
        let mut buffer = String::new();
        for row in rows {
            let _written = buffer.write_str(&row);
            if buffer.len() >= COPIED_AT_ONCE {
                copy.send(std::mem::take(&mut buffer).into_bytes()).await?;
            }
        }
        copy.send(buffer.into_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }

    /// A worker that decides otherwise.
    pub fn worker_with(&self, settings: &Settings) -> Arc<Worker> {
        let (db, timelines) = (self.db.clone(), self.timelines.clone());
        let contents = Arc::new(FeedContent(self.content.clone()));
        Worker::new(db, timelines, contents, self.relations.clone(), settings, Clock::system())
    }

    /// The followers of each of `authors`.
    pub fn followers_of(&self, authors: &[usize]) -> HashMap<usize, Vec<UserId>> {
        let mut found: HashMap<usize, Vec<UserId>> = authors.iter().map(|author| (*author, Vec::new())).collect();
        for person in 0..self.people.len() {
            for target in self.graph.followings(person) {
                if let Some(followers) = found.get_mut(&(*target as usize)) {
                    followers.push(self.people[person]);
                }
            }
        }
        found
    }

    /// Drops what was made, but for what lies in Cassandra, which the next run writes over.
    pub async fn close(self) -> Result<(), Failure> {
        self.db.close().await;
        self.database.drop().await
    }

    pub fn ctx(&self, person: UserId) -> kernel::Ctx {
        let now: Timestamp = Clock::system().now();
        kernel::Ctx { user: person, session: kernel::SessionId::new(now), now, request: kernel::RequestId::random() }
    }
}

fn given(variable: &'static str) -> Result<String, Failure> {
    std::env::var(variable).map_err(|_| format!("{variable} is not set").into())
}
