//! Reacting, saving, sharing, looking; and the inbox of whom it concerns.

use kernel::ContentId;
use schemas::content::{CommentCreate, Content, PostCreate};
use schemas::engagement::{Reaction, View};
use schemas::notifications::{Happening, InboxEvent, Notification};
use system_tests::wait::{SOON, within};
use system_tests::{Deployment, Person};

crate::on_both_stores![
    what_is_done_with_a_post_is_counted_once,
    the_author_hears_of_it_live_and_reads_it_on_all_devices,
    whom_one_mutes_or_blocks_is_not_in_the_inbox,
    comments_are_counted_above_and_told_to_whom_they_answer,
    a_post_that_is_deleted_takes_everything_with_it,
];

async fn say(person: &Person, text: &str) -> Content {
    person.session.publish(PostCreate { text: text.to_owned(), ..PostCreate::default() }).await.unwrap()
}

fn look(content: ContentId, request: &str, dwell_ms: u32) -> Vec<View> {
    vec![View { content, request: request.to_owned(), position: Some(0), dwell_ms }]
}

/// Waits until a person's inbox says this, in short.
async fn inbox_becomes(person: &Person, wanted: &[(Happening, Vec<&str>)]) -> Vec<Notification> {
    let mut last = Vec::new();
    let came = within(SOON, async || {
        last = person.session.inbox(None, 100).await.unwrap().items;
        let short = last.iter().map(|line| {
            let names = line.people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>();
            (line.what, names)
        });
        short.eq(wanted.iter().cloned()).then_some(())
    });
    assert!(came.await.is_some(), "the inbox is {last:?}, not {wanted:?}");
    last
}

async fn what_is_done_with_a_post_is_counted_once(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let post = say(&ada, "Tea at noon?").await.id;
    for _ in 0..2 {
        for person in [&ben, &cleo] {
            person.session.react(post, Reaction::Love).await.unwrap();
            person.session.save(post).await.unwrap();
            person.session.share(post, Some("Who comes along?")).await.unwrap();
            person.session.add_views(look(post, "page-1", 900)).await.unwrap();
        }
    }
    let seen = cleo.session.react(post, Reaction::Like).await.unwrap();
    assert_eq!(seen.counts.reactions.values().copied().collect::<Vec<_>>(), [1, 1]);
    assert_eq!((seen.counts.saves, seen.counts.shares, seen.counts.views), (2, 2, 2));
    assert_eq!(seen.mine.reaction, Some(Reaction::Like));
    let people = ada.session.reactions(post, None, 10).await.unwrap().items;
    assert_eq!(people.iter().map(|it| it.person.id).collect::<Vec<_>>(), [cleo.id(), ben.id()]);
    assert_eq!(ada.session.shares(post, None, 10).await.unwrap().items.len(), 2);
    assert_eq!(ben.session.saved(None, 10).await.unwrap().items[0].content.id, post);

    ben.session.unreact(post).await.unwrap();
    ben.session.unsave(post).await.unwrap();
    ben.session.unshare(post).await.unwrap();
    let left = cleo.session.save(post).await.unwrap();
    assert_eq!((left.counts.reactions.len(), left.counts.saves, left.counts.shares), (1, 1, 1));
    assert!(ben.session.saved(None, 10).await.unwrap().items.is_empty());
    for person in [ada, ben, cleo] {
        person.contract.assert_kept();
    }
}

async fn the_author_hears_of_it_live_and_reads_it_on_all_devices(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let (phone, desk) = (ada.device_by(0).await, ada.device_by(1).await);
    let post = say(&ada, "Tea at noon?").await.id;
    ben.session.react(post, Reaction::Wow).await.unwrap();
    phone
        .told("notification.added", |event: &InboxEvent| {
            matches!(event, InboxEvent::NotificationAdded { notification } if notification.people[0].id == ben.id())
        })
        .await;
    cleo.session.react(post, Reaction::Like).await.unwrap();
    cleo.session.follow(ada.id()).await.unwrap();
    let lines =
        inbox_becomes(&ada, &[(Happening::Followed, vec!["cleo"]), (Happening::Reacted, vec!["cleo", "ben"])]).await;
    assert_eq!((lines[1].target, lines[1].excerpt.as_deref()), (Some(post), Some("Tea at noon?")));
    assert_eq!(ada.session.unread().await.unwrap().unread, 2);

    let read = ada.session.read_inbox(lines[0].at).await.unwrap();
    assert_eq!((read.unread, read.read_until), (0, Some(lines[0].at)));
    desk.told("notifications.read", |event: &InboxEvent| {
        matches!(event, InboxEvent::NotificationsRead { read_until } if *read_until == lines[0].at)
    })
    .await;
    ben.session.unreact(post).await.unwrap();
    inbox_becomes(&ada, &[(Happening::Followed, vec!["cleo"]), (Happening::Reacted, vec!["cleo"])]).await;
    ada.contract.assert_kept();
}

async fn whom_one_mutes_or_blocks_is_not_in_the_inbox(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let post = say(&ada, "Tea at noon?").await.id;
    ben.session.react(post, Reaction::Wow).await.unwrap();
    cleo.session.share(post, None).await.unwrap();
    inbox_becomes(&ada, &[(Happening::Shared, vec!["cleo"]), (Happening::Reacted, vec!["ben"])]).await;
    ada.session.mute(ben.id()).await.unwrap();
    inbox_becomes(&ada, &[(Happening::Shared, vec!["cleo"])]).await;
    ada.session.block(cleo.id()).await.unwrap();
    inbox_becomes(&ada, &[]).await;
    let refused = cleo.session.react(post, Reaction::Angry).await.unwrap_err();
    assert_eq!(refused.status(), Some(404), "who is blocked does not know that there is such a post");
    ada.session.unmute(ben.id()).await.unwrap();
    inbox_becomes(&ada, &[(Happening::Reacted, vec!["ben"])]).await;
    for person in [ada, cleo] {
        person.contract.assert_kept();
    }
}

async fn comments_are_counted_above_and_told_to_whom_they_answer(plaza: &Deployment) {
    let (ada, ben, cleo) = (plaza.person("ada").await, plaza.person("ben").await, plaza.person("cleo").await);
    let answer = async |person: &Person, parent: ContentId| {
        let comment = CommentCreate { parent, text: "Gladly!".to_owned() };
        person.session.publish(comment).await.unwrap().id
    };
    let post = say(&ada, "Tea at noon?").await.id;
    let first = answer(&ben, post).await;
    let second = answer(&cleo, first).await;
    let third = answer(&ben, second).await;
    let counted = async |wanted: [u64; 4]| {
        let mut last = [0; 4];
        let came = within(SOON, async || {
            for (place, content) in [post, first, second, third].into_iter().enumerate() {
                let seen = ada.session.content(content).await.ok();
                last[place] = seen.map_or(0, |seen| seen.engagement.unwrap_or_default().counts.comments);
            }
            (last == wanted).then_some(())
        });
        assert!(came.await.is_some(), "{last:?}, not {wanted:?}");
    };
    counted([3, 2, 1, 0]).await;
    inbox_becomes(&ada, &[(Happening::Commented, vec!["ben", "cleo"])]).await;
    inbox_becomes(&ben, &[(Happening::Replied, vec!["cleo"])]).await;
    inbox_becomes(&cleo, &[(Happening::Replied, vec!["ben"])]).await;
    ben.session.react(second, Reaction::Laugh).await.unwrap();
    inbox_becomes(&cleo, &[(Happening::Reacted, vec!["ben"]), (Happening::Replied, vec!["ben"])]).await;
    ben.session.delete_content(third).await.unwrap();
    counted([2, 1, 0, 0]).await;
    inbox_becomes(&cleo, &[(Happening::Reacted, vec!["ben"])]).await;
    ada.contract.assert_kept();
}

async fn a_post_that_is_deleted_takes_everything_with_it(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let post = say(&ada, "Tea at noon?").await.id;
    ben.session.react(post, Reaction::Sad).await.unwrap();
    ben.session.save(post).await.unwrap();
    inbox_becomes(&ada, &[(Happening::Reacted, vec!["ben"])]).await;
    ada.session.delete_content(post).await.unwrap();
    assert!(ben.session.saved(None, 10).await.unwrap().items.is_empty(), "what is gone is gone at once");
    inbox_becomes(&ada, &[]).await;
    assert_eq!(ben.session.react(post, Reaction::Like).await.unwrap_err().status(), Some(404));
    ben.session.unreact(post).await.unwrap();
}
