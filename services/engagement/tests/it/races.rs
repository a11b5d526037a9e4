//! Many at once, and a long random life held against a simple model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engagement::{Error, What};
use kernel::{ContentId, ContentKind, UserId};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use schemas::engagement::{Reaction, View, ViewBatch};
use tokio::task::JoinSet;

use crate::world::World;

const REACTIONS: [Reaction; 3] = [Reaction::Like, Reaction::Love, Reaction::Angry];
const CONTENTS: usize = 3;
const PEOPLE: usize = 4;
const COMMENTS: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Step {
    React(usize),
    Unreact,
    Save,
    Unsave,
    Share(bool),
    Unshare,
    /// All contents in one batch, by the answer of this number.
    View(u8, u32),
    CommentCreated(usize),
    CommentDeleted(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..REACTIONS.len()).prop_map(Step::React),
        2 => Just(Step::Unreact),
        1 => Just(Step::Save),
        1 => Just(Step::Unsave),
        1 => any::<bool>().prop_map(Step::Share),
        1 => Just(Step::Unshare),
        2 => (0..3u8, 0..5u32).prop_map(|(answer, dwell)| Step::View(answer, dwell)),
        2 => (0..COMMENTS).prop_map(Step::CommentCreated),
        1 => (0..COMMENTS).prop_map(Step::CommentDeleted),
    ]
}

/// Who, with what, does what.
fn life(length: usize) -> impl Strategy<Value = Vec<(usize, usize, Step)>> {
    proptest::collection::vec((0..PEOPLE, 0..CONTENTS, step()), length)
}

struct Stage {
    world: World,
    people: Vec<UserId>,
    contents: Vec<ContentId>,
    /// Each below the first content, one below the other.
    comments: Vec<ContentId>,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let author = world.person(100);
        let contents: Vec<ContentId> = [ContentKind::Post, ContentKind::Reel, ContentKind::Listing]
            .map(|kind| world.publish(author, kind))
            .to_vec();
        let mut comments = vec![world.comment(author, contents[0])];
        for _ in 1..COMMENTS {
            comments.push(world.comment(author, comments[comments.len() - 1]));
        }
        let people = (1..=PEOPLE).map(|number| world.person(number as u128)).collect();
        Self { world, people, contents, comments }
    }

    async fn act(&self, (who, with, step): (usize, usize, Step)) -> Result<(), Error> {
        let (ctx, content) = (self.world.ctx(self.people[who]), self.contents[with]);
        let it = &self.world.engagement;
        match step {
            Step::React(reaction) => it.react(&ctx, content, REACTIONS[reaction]).await.map(drop),
            Step::Unreact => it.take_back(&ctx, content, What::Reaction).await,
            Step::Save => it.save(&ctx, content).await.map(drop),
            Step::Unsave => it.take_back(&ctx, content, What::Save).await,
            Step::Share(says) => it.share(&ctx, content, says.then_some("Look!")).await.map(drop),
            Step::Unshare => it.take_back(&ctx, content, What::Share).await,
            Step::View(answer, dwell_ms) => {
                let request = format!("answer-{answer}");
                let view = |content: &ContentId| View {
                    content: *content,
                    request: request.clone(),
                    position: None,
                    dwell_ms,
                };
                it.view(&ctx, ViewBatch { views: self.contents.iter().rev().map(view).collect() }).await
            }
            Step::CommentCreated(comment) => {
                self.world.created(self.comments[comment]).await;
                Ok(())
            }
            Step::CommentDeleted(comment) => {
                self.world.deleted(self.comments[comment]).await;
                Ok(())
            }
        }
    }
}

/// What there should be of one content.
#[derive(Default, Clone)]
struct Model {
    reactions: BTreeMap<usize, usize>,
    saves: BTreeSet<usize>,
    shares: BTreeSet<usize>,
}

#[tokio::test]
async fn a_random_life_counts_as_a_simple_model_does() {
    let stage = Stage::new().await;
    let mut models = vec![Model::default(); CONTENTS];
    let mut viewers = BTreeSet::new();
    let (mut there, mut gone) = (BTreeSet::new(), BTreeSet::new());
    let mut runner = TestRunner::default();
    let plan = life(250).new_tree(&mut runner).unwrap().current();
    for (at, (who, with, step)) in plan.iter().copied().enumerate() {
        stage.act((who, with, step)).await.unwrap();
        let model = &mut models[with];
        match step {
            Step::React(reaction) => drop(model.reactions.insert(who, reaction)),
            Step::Unreact => drop(model.reactions.remove(&who)),
            Step::Save => drop(model.saves.insert(who)),
            Step::Unsave => drop(model.saves.remove(&who)),
            Step::Share(_) => drop(model.shares.insert(who)),
            Step::Unshare => drop(model.shares.remove(&who)),
            Step::View(..) => drop(viewers.insert(who)),
            Step::CommentCreated(comment) => {
                if !gone.contains(&comment) {
                    there.insert(comment);
                }
            }
            Step::CommentDeleted(comment) => {
                gone.insert(comment);
                there.remove(&comment);
            }
        }
        let found = stage.world.of(stage.people[who], stage.contents[with]).await;
        let model = &models[with];
        for (index, reaction) in REACTIONS.iter().enumerate() {
            let wanted = model.reactions.values().filter(|it| **it == index).count() as u64;
            assert_eq!(found.counts.reactions.get(reaction).copied().unwrap_or(0), wanted, "step {at} of {plan:?}");
        }
        let comments = if with == 0 { there.len() } else { 0 };
        let wanted = [model.saves.len(), model.shares.len(), viewers.len(), comments].map(|it| it as u64);
        let counts = &found.counts;
        assert_eq!([counts.saves, counts.shares, counts.views, counts.comments], wanted, "step {at} of {plan:?}");
        assert_eq!(found.mine.reaction, model.reactions.get(&who).map(|it| REACTIONS[*it]), "step {at} of {plan:?}");
    }
    stage.world.assert_exact().await;
}

#[tokio::test]
async fn everybody_at_once_neither_deadlocks_nor_miscounts() {
    let stage = Arc::new(Stage::new().await);
    let mut runner = TestRunner::default();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (stage, plan) = (Arc::clone(&stage), life(60).new_tree(&mut runner).unwrap().current());
        tasks.spawn(async move {
            for step in plan {
                stage.act(step).await.unwrap();
            }
        });
    }
    // Meanwhile everything is counted again and again: it is right at every moment, not only at the end.
    while tasks.try_join_next().is_none_or(|done| done.is_ok()) && !tasks.is_empty() {
        stage.world.assert_exact().await;
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    stage.world.assert_exact().await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM engagement_edges WHERE what = 1")
        .fetch_one(stage.world.db.pool())
        .await
        .unwrap();
    let found = stage.world.engagement.of(stage.people[0], &stage.contents).await.unwrap();
    assert_eq!(found.values().flat_map(|it| it.counts.reactions.values()).sum::<u64>(), rows.unsigned_abs());
}

#[tokio::test]
async fn content_and_accounts_that_go_meanwhile_leave_nothing() {
    let stage = Arc::new(Stage::new().await);
    let mut runner = TestRunner::default();
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let (stage, plan) = (Arc::clone(&stage), life(40).new_tree(&mut runner).unwrap().current());
        tasks.spawn(async move {
            for step in plan {
                stage.act(step).await.unwrap();
            }
        });
    }
    let leaver = serde_json::json!({ "user": stage.people[3] });
    for content in &stage.contents {
        stage.world.deleted(*content).await;
        stage.world.tell("account.deleted", leaver.clone()).await.unwrap();
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    stage.world.assert_exact().await;
    for content in &stage.contents {
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM engagement_edges WHERE content = $1")
            .bind(content.uuid())
            .fetch_one(stage.world.db.pool())
            .await
            .unwrap();
        assert_eq!(rows, 0, "the gate let somebody in late");
    }
}
