use graph::model::Act;
use graph::{Audience, Error, FOLLOWERS_PAGE, Mine};
use kernel::{Cursor, PageSize, UserId};

use crate::stage::{ADA, BEN, CLEO, DANA, Stage, person};

async fn page(stage: &Stage, viewer: UserId, who: &str, cursor: Option<&Cursor>) -> (Vec<String>, Option<Cursor>) {
    let size = PageSize::try_from(2).unwrap();
    let page = stage.service.list(&stage.ctx(viewer), who, Audience::Followers, cursor, size).await.unwrap();
    (page.items.into_iter().map(|entry| entry.person.handle).collect(), page.next)
}

#[tokio::test]
async fn pages_are_newest_first_and_stay_in_place_while_people_come_and_go() {
    let stage = Stage::new().await;
    for n in 10..15 {
        stage.follow(person(n), BEN).await;
    }
    let (first, next) = page(&stage, ADA, "ben", None).await;
    assert_eq!(first, ["p014", "p013"]);
    stage.follow(person(15), BEN).await;
    stage.act(person(13), BEN, Act::Unfollow).await.unwrap();
    let (second, next) = page(&stage, ADA, "ben", next.as_ref()).await;
    assert_eq!(second, ["p012", "p011"]);
    let (third, next) = page(&stage, ADA, "ben", next.as_ref()).await;
    assert_eq!((third, next), (vec!["p010".to_owned()], None));
}

#[tokio::test]
async fn followers_of_the_same_moment_are_all_listed() {
    let stage = Stage::new().await;
    for n in 10..15 {
        let ctx = stage.ctx(person(n));
        stage.service.follow(&ctx, "ben").await.unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let (items, next) = page(&stage, ADA, "ben", cursor.as_ref()).await;
        seen.extend(items);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["p014", "p013", "p012", "p011", "p010"]);
}

#[tokio::test]
async fn lists_hide_whom_a_block_hides() {
    let stage = Stage::new().await;
    stage.follow(ADA, BEN).await;
    stage.follow(DANA, BEN).await;
    stage.act(DANA, ADA, Act::Block).await.unwrap();
    assert_eq!(page(&stage, ADA, "ben", None).await.0, ["ada"], "dana blocks ada");
    assert_eq!(page(&stage, DANA, "ben", None).await.0, ["dana"], "and does not see her either");
    assert_eq!(page(&stage, BEN, "ben", None).await.0, ["dana", "ada"]);
    let size = PageSize::DEFAULT;
    let of_dana = stage.service.list(&stage.ctx(ADA), "dana", Audience::Following, None, size).await;
    assert!(matches!(of_dana, Err(Error::PersonNotFound)));
}

#[tokio::test]
async fn lists_of_a_private_person_are_for_followers() {
    let stage = Stage::new().await;
    stage.follow(ADA, CLEO).await;
    let list = async |viewer: UserId| {
        stage.service.list(&stage.ctx(viewer), "cleo", Audience::Followers, None, PageSize::DEFAULT).await
    };
    assert!(matches!(list(ADA).await, Err(Error::ListPrivate)), "asking is not following");
    assert!(list(CLEO).await.is_ok());
    stage.act(CLEO, ADA, Act::Accept).await.unwrap();
    assert_eq!(list(ADA).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn ones_own_lists_hold_what_was_done() {
    let stage = Stage::new().await;
    stage.follow(ADA, CLEO).await;
    stage.act(ADA, BEN, Act::Mute).await.unwrap();
    stage.act(ADA, DANA, Act::Block).await.unwrap();
    let mine = async |who: UserId, which: Mine| {
        let page = stage.service.list_mine(&stage.ctx(who), which, None, PageSize::DEFAULT).await.unwrap();
        page.items.into_iter().map(|entry| entry.person.id).collect::<Vec<_>>()
    };
    assert_eq!(mine(ADA, Mine::SentRequests).await, [CLEO]);
    assert_eq!(mine(CLEO, Mine::Requests).await, [ADA]);
    assert_eq!(mine(ADA, Mine::Mutes).await, [BEN]);
    assert_eq!(mine(ADA, Mine::Blocks).await, [DANA]);
    assert!(mine(BEN, Mine::Mutes).await.is_empty());
    let forged = Cursor::encode(&"elsewhere");
    let refused = stage.service.list_mine(&stage.ctx(ADA), Mine::Mutes, Some(&forged), PageSize::DEFAULT).await;
    assert!(matches!(refused, Err(Error::Cursor)));
}

#[tokio::test]
async fn fan_out_reads_every_follower_once_in_order() {
    let stage = Stage::new().await;
    let count = FOLLOWERS_PAGE as i64 + 1;
    sqlx::query(
        "INSERT INTO follows (source, target, created_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid, $1, now() FROM generate_series(1000, 999 + $2::bigint) n",
    )
    .bind(BEN)
    .bind(count)
    .execute(stage.db.pool())
    .await
    .unwrap();
    let first = stage.service.followers_page(BEN, None).await.unwrap();
    assert_eq!(first.len(), FOLLOWERS_PAGE);
    assert!(first.is_sorted());
    let rest = stage.service.followers_page(BEN, first.last().copied()).await.unwrap();
    assert_eq!(rest, [person(1000 + FOLLOWERS_PAGE as u128)]);
}

#[tokio::test]
async fn others_ask_in_batches() {
    let stage = Stage::new().await;
    stage.follow(ADA, BEN).await;
    stage.follow(DANA, BEN).await;
    stage.follow(ADA, DANA).await;
    stage.follow(BEN, ADA).await;
    let standing = stage.service.standings(ADA, &[BEN, CLEO, DANA]).await.unwrap();
    assert_eq!((standing[&BEN].follows, standing[&BEN].followed_by), (true, true));
    assert_eq!((standing[&DANA].follows, standing[&DANA].followed_by), (true, false));
    assert_eq!(standing[&CLEO], graph::Standing::default());
    assert!(stage.service.standings(ADA, &[]).await.unwrap().is_empty());

    let mut followings = stage.service.followings(ADA).await.unwrap();
    followings.sort();
    assert_eq!(followings, [BEN, DANA]);
    assert_eq!(stage.service.popular_followings(ADA, 2).await.unwrap(), [BEN]);
    assert_eq!(stage.service.popular_followings(ADA, 3).await.unwrap(), []);
    let counts = stage.service.counts_of(&[BEN, CLEO]).await.unwrap();
    assert_eq!((counts[&BEN].followers, counts.get(&CLEO)), (2, None));
}
