//! What a bus does when Redis loses what it knew, or its links do.

use live::{Incoming, Since};

use super::{HEARD_WITHIN, Nodes, event, number, room};

/// Redis killed and started again with nothing: another epoch, numbers above the old ones, and events that arrive.
#[tokio::test]
async fn an_emptied_redis_begins_another_epoch_and_is_heard_again() {
    let server = ::redis::testing::Server::start().await;
    let mut nodes = Nodes::redis_at(&server.url(), "p:").await;
    let topic = room();
    let before = nodes.hearer.follow(topic).await.unwrap();
    nodes.publish(topic, 1).await;
    assert_eq!(number(&nodes.hear_event().await), 1);
    let server = server.restart_empty().await;
    assert!(matches!(nodes.hear().await, Incoming::Suspect));
    let after = nodes.hearer.positions(&[topic]).await.unwrap().remove(0);
    assert_ne!(after.epoch, before.epoch);
    assert!(after.offset > before.offset + 1, "{} is not above {}", after.offset, before.offset);
    assert_eq!(nodes.complete(topic, &before).await, None);
    // The speaker's own link may come back a moment later than the hearer's.
    let deadline = tokio::time::Instant::now() + HEARD_WITHIN;
    while nodes.speaker.publish(topic, &event(2)).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the speaker did not reconnect");
        tokio::task::yield_now().await;
    }
    assert_eq!(number(&nodes.hear_event().await), 2);
    drop(server);
}

/// The link that hears is back long before commands are answered as they should be: the node does not stay deaf.
#[tokio::test]
async fn a_node_hears_again_however_late_the_epoch_can_be_read() {
    let server = ::redis::testing::Server::start().await;
    let mut nodes = Nodes::redis_at(&server.url(), "p:").await;
    let topic = room();
    nodes.hearer.follow(topic).await.unwrap();
    // A list is no name: whoever reads it is told that it is of the wrong type.
    for command in [&["DEL", "p:bus:epoch"][..], &["LPUSH", "p:bus:epoch", "x"], &["CLIENT", "KILL", "TYPE", "pubsub"]]
    {
        server.say(command).await;
    }
    let deadline = tokio::time::Instant::now() + HEARD_WITHIN;
    while !server.say(&["INFO", "errorstats"]).await.contains("errorstat_WRONGTYPE:count=3") {
        assert!(tokio::time::Instant::now() < deadline, "the node does not try again");
        tokio::task::yield_now().await;
    }
    server.say(&["DEL", "p:bus:epoch"]).await;
    assert!(matches!(nodes.hear().await, Incoming::Suspect));
    nodes.publish(topic, 1).await;
    assert_eq!(number(&nodes.hear_event().await), 1);
}

/// A replica that took over without the last events: it knows the epoch and the topic, but has another replication id.
#[tokio::test]
async fn a_replica_that_takes_over_gives_no_number_twice() {
    let settings = ::redis::Settings::new(crate::redis_url());
    let redis = ::redis::Redis::connect(&settings).await.unwrap();
    let prefix = format!("test:{:016x}:", rand::random::<u64>());
    let mut nodes = Nodes::redis_at(&crate::redis_url(), &prefix).await;
    let topic = room();
    let start = nodes.hearer.follow(topic).await.unwrap();
    for n in 1..=3 {
        nodes.publish(topic, n).await;
        assert_eq!(number(&nodes.hear_event().await), n);
    }
    let stand = format!("{prefix}bus:{{{topic}}}:stand");
    static LAG: ::redis::Script = ::redis::Script::new(
        "local rest = string.sub(redis.call('GET', KEYS[1]), 25)
         redis.call('SET', KEYS[1], struct.pack('<c16d', ARGV[2], ARGV[1]) .. rest)",
    );
    let lagging = vec![(start.offset + 2).to_string(), "0".repeat(16)];
    redis.run::<()>(&LAG, vec![stand], lagging).await.unwrap();
    nodes.publish(topic, 4).await;
    let fourth = nodes.hear_event().await;
    assert_eq!(number(&fourth), 4);
    assert!(fourth.offset > start.offset + 3, "{} names two events", fourth.offset);
    assert_eq!(nodes.complete(topic, &start).await, None, "what was before the change is lost, and said to be");
}

/// A master that was cut off while another reigned, and has the other's memory when it is master again: never restarted, it lacks
/// the events that it published meanwhile.
#[tokio::test]
async fn a_master_that_comes_back_gives_no_number_twice() {
    let [one, other] = [::redis::testing::Server::start().await, ::redis::testing::Server::start().await];
    // A server counts as another one when its first replica comes.
    other.follow(&one).await;
    let mut nodes = Nodes::redis_at(&one.url(), "p:").await;
    let topic = room();
    let start = nodes.hearer.follow(topic).await.unwrap();
    nodes.publish(topic, 1).await;
    assert_eq!(number(&nodes.hear_event().await), 1);
    one.say(&["WAIT", "1", "0"]).await;
    other.promote().await;
    for n in 2..=3 {
        nodes.publish(topic, n).await;
        assert_eq!(number(&nodes.hear_event().await), n);
    }
    one.follow(&other).await;
    one.promote().await;
    nodes.publish(topic, 4).await;
    let fourth = nodes.hear_event().await;
    assert_eq!(number(&fourth), 4);
    assert!(fourth.offset > start.offset + 3, "{} names two events", fourth.offset);
    assert_eq!(nodes.complete(topic, &start).await, None, "what was before the change is lost, and said to be");
}

/// An event that could not be published: whoever follows is told to read anew when Redis is back, though nothing is lost there.
#[tokio::test]
async fn a_publication_that_fails_makes_old_positions_lost() {
    let server = ::redis::testing::Server::start().await;
    let nodes = Nodes::redis_at(&server.url(), "p:").await;
    let (told, untold) = (room(), room());
    let [told_at, untold_at] = [nodes.hearer.follow(told).await.unwrap(), nodes.hearer.follow(untold).await.unwrap()];
    server.pause().await;
    assert!(nodes.speaker.publish(untold, &event(1)).await.is_err());
    server.go_on().await;
    let deadline = tokio::time::Instant::now() + HEARD_WITHIN;
    while !matches!(nodes.hearer.since(untold, &untold_at).await, Ok(Since::Lost)) {
        assert!(tokio::time::Instant::now() < deadline, "the followers were never told");
        tokio::task::yield_now().await;
    }
    assert_eq!(nodes.complete(told, &told_at).await, Some(Vec::new()), "others are not concerned");
}
