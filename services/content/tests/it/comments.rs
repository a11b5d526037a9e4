//! Threads: who reads them, how deep they go, and what becomes of them.

use content::{COMMENT_DEPTH_MAX, Error};
use kernel::{ContentId, Cursor, Fail as _, PageSize, UserId};
use postgres::outbox::Consumer as _;
use schemas::content::{Audience, CommentCreate, ContentEdit};

use crate::world::World;

async fn listed(world: &World, reader: UserId, of: ContentId, whole: bool) -> Result<Vec<ContentId>, Error> {
    let (mut seen, mut cursor) = (Vec::new(), None::<Cursor>);
    loop {
        let size = PageSize::try_from(2).unwrap();
        let page = world.contents.comments(&world.ctx(reader), of, whole, cursor.as_ref(), size).await?;
        seen.extend(page.items.iter().map(|comment| comment.id));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(seen),
        }
    }
}

#[tokio::test]
async fn a_thread_is_listed_in_order_whole_or_answer_by_answer() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    let post = world.post(ada, "Tea?").await.id;
    let mut direct = Vec::new();
    for n in 0..5 {
        direct.push(world.comment(ben, post, &format!("Comment {n}")).await.id);
    }
    let answer = world.comment(ada, direct[1], "An answer").await;
    let deeper = world.comment(ben, answer.id, "And one to that").await;
    assert_eq!((answer.parent, answer.root, deeper.root), (Some(direct[1]), Some(post), Some(post)));
    assert_eq!(listed(&world, ben, post, false).await.unwrap(), direct);
    assert_eq!(listed(&world, ben, direct[1], false).await.unwrap(), [answer.id]);
    let all = [&direct[..], &[answer.id, deeper.id]].concat();
    assert_eq!(listed(&world, ben, post, true).await.unwrap(), all);
    assert!(matches!(listed(&world, ben, direct[1], true).await, Err(Error::NoThread)));
    assert_eq!(world.contents.ancestors(deeper.id).await.unwrap(), [answer.id, direct[1], post]);

    world.contents.delete(&world.ctx(ada), answer.id).await.unwrap();
    assert_eq!(listed(&world, ben, direct[1], false).await.unwrap(), []);
    assert!(world.sees(ada, deeper.id).await, "answers stay when what they answer goes");
    assert!(matches!(listed(&world, ben, answer.id, false).await, Err(Error::NotFound)));
    assert_eq!(world.contents.ancestors(deeper.id).await.unwrap(), [answer.id, direct[1], post]);
}

#[tokio::test]
async fn comments_go_so_deep_and_no_deeper() {
    let world = World::new().await;
    let ada = world.person("ada");
    let mut parent = world.post(ada, "Tea?").await.id;
    for depth in 0..COMMENT_DEPTH_MAX {
        parent = world.comment(ada, parent, &format!("At {depth}")).await.id;
    }
    let wish = CommentCreate { parent, text: "Too deep".to_owned() };
    let refused = world.contents.create(&world.ctx(ada), wish.into()).await.unwrap_err();
    assert_eq!(refused.code(), "comment_too_deep");
}

#[tokio::test]
async fn whoever_reads_what_it_is_about_reads_a_comment_but_across_no_block() {
    let world = World::new().await;
    let [ada, ben, cleo, dana] = world.people(["ada", "ben", "cleo", "dana"]);
    world.follow(ben, ada);
    let close = world.post_to(ada, "For followers", Audience::Followers).await.id;
    let comment = world.comment(ben, close, "Thank you").await.id;
    assert!(world.sees(ada, comment).await && !world.sees(cleo, comment).await);
    let wish = CommentCreate { parent: close, text: "Me too".to_owned() };
    let refused = world.contents.create(&world.ctx(cleo), wish.into()).await.unwrap_err();
    assert_eq!(refused.code(), "content_not_found", "who may not read may not comment");

    let open = world.post(ada, "For all").await.id;
    world.private(ben);
    let open_comment = world.comment(ben, open, "Me again").await.id;
    assert!(world.sees(cleo, open_comment).await, "a private account speaks up where all may read");
    world.block(dana, ben);
    assert!(world.sees(dana, open).await && !world.sees(dana, open_comment).await);
    assert_eq!(listed(&world, dana, open, true).await.unwrap(), []);
    world.block(ada, cleo);
    assert!(!world.sees(cleo, open_comment).await, "nor across a block from whose thread it is");

    let narrowed = ContentEdit { audience: Some(Audience::OnlyMe), ..ContentEdit::default() };
    world.contents.edit(&world.ctx(ada), open, narrowed).await.unwrap();
    assert!(!world.sees(ben, open_comment).await, "not even its own author, at once");
    world.neighbours_away();
    assert!(world.contents.visible(ada, &[open_comment]).await.is_err(), "closes rather than opens");
}

#[tokio::test]
async fn comments_follow_what_they_are_about() {
    let world = World::new().await;
    let [ada, ben] = world.people(["ada", "ben"]);
    world.follow(ben, ada);
    let post = world.post(ada, "Tea?").await.id;
    let comments = [world.comment(ben, post, "Yes").await.id, world.comment(ada, post, "Good").await.id];
    let narrowed = ContentEdit { audience: Some(Audience::Followers), ..ContentEdit::default() };
    world.contents.edit(&world.ctx(ada), post, narrowed).await.unwrap();
    assert!(world.threads().wants("content.edited") && !world.threads().wants("content.created"));
    world.follow_events().await;
    let audiences: Vec<String> = sqlx::query_scalar("SELECT DISTINCT audience FROM contents WHERE root IS NOT NULL")
        .fetch_all(world.db.pool())
        .await
        .unwrap();
    assert_eq!(audiences, ["followers"]);

    world.contents.delete(&world.ctx(ada), post).await.unwrap();
    let visible = world.contents.visible(ben, &comments).await.unwrap();
    assert_eq!((visible.contents.len(), visible.gone), (0, comments.to_vec()), "gone with it, at once");
    for _ in 0..2 {
        world.follow_events().await;
    }
    let heard = world.heard.0.lock();
    let deleted: Vec<_> = heard.iter().filter(|(kind, _)| kind == "content.deleted").map(|(_, it)| it).collect();
    assert_eq!(deleted.len(), 3, "each once");
    assert_eq!(deleted[1]["root"], serde_json::json!(post));
}
