//! Following, private accounts, blocks.

use schemas::accounts::AccountPatch;
use schemas::graph::GraphEvent;
use system_tests::Deployment;

crate::on_both_stores![following_shows_on_both_sides, a_private_account_is_asked_first, a_block_cuts_both_ways];

async fn following_shows_on_both_sides(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let relation = ada.session.follow(ben.id()).await.unwrap();
    assert!(relation.follows && !relation.requested);

    let seen = ben.session.person(ada.id()).await.unwrap();
    assert!(seen.relation.is_some_and(|relation| relation.followed_by));
    let followers = ada.session.followers(ben.id(), None).await.unwrap();
    assert_eq!(followers.items.iter().map(|entry| entry.person.id).collect::<Vec<_>>(), [ada.id()]);
    assert_eq!(ben.session.person(ada.id()).await.unwrap().counts.following, 1);

    ada.session.unfollow(ben.id()).await.unwrap();
    assert!(ada.session.followers(ben.id(), None).await.unwrap().items.is_empty());
    ada.contract.assert_kept();
    ben.contract.assert_kept();
}

async fn a_private_account_is_asked_first(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    ben.session.update(&AccountPatch { private: Some(true), ..AccountPatch::default() }).await.unwrap();
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);

    let relation = ada.session.follow(ben.id()).await.unwrap();
    assert!(relation.requested && !relation.follows);
    on_ben
        .told(
            "follow.requested",
            |event: &GraphEvent| matches!(event, GraphEvent::FollowRequested { person, .. } if person.id == ada.id()),
        )
        .await;
    let requests = ben.session.follow_requests().await.unwrap();
    assert_eq!(requests.iter().map(|entry| entry.person.id).collect::<Vec<_>>(), [ada.id()]);

    ben.session.accept_follower(ada.id()).await.unwrap();
    on_ada
        .told("relation.changed", |event: &GraphEvent| {
            matches!(event, GraphEvent::RelationChanged { person, relation } if *person == ben.id() && relation.follows)
        })
        .await;
    assert!(ben.session.follow_requests().await.unwrap().is_empty());
}

async fn a_block_cuts_both_ways(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    ada.session.follow(ben.id()).await.unwrap();
    ben.session.follow(ada.id()).await.unwrap();
    let blocked = ada.session.block(ben.id()).await.unwrap();
    assert!(blocked.blocks && !blocked.follows && !blocked.followed_by);

    // Who is blocked is not told so: the other one is simply not there.
    assert_eq!(ben.session.person(ada.id()).await.unwrap_err().status(), Some(404));
    assert_eq!(ben.session.follow(ada.id()).await.unwrap_err().status(), Some(404));
    assert!(ben.session.followers(ben.id(), None).await.unwrap().items.is_empty());
    assert_eq!(ada.session.blocks().await.unwrap().len(), 1);

    ada.session.unblock(ben.id()).await.unwrap();
    assert!(ben.session.follow(ada.id()).await.is_ok_and(|relation| relation.follows));
    ada.contract.assert_kept();
    ben.contract.assert_kept();
}
