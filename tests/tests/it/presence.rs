//! Who is there.

use std::time::Duration;

use schemas::presence::{PresenceSignal, PresenceWatched, State};
use serde_json::json;
use system_tests::{Deployment, Device, Person};

crate::on_both_stores![
    who_watches_sees_somebody_come_and_go,
    one_of_two_devices_leaving_changes_nothing,
    the_invisible_are_offline_to_others,
    the_blocked_see_nobody_there,
];

/// A person who has left is offline after a pause that hides short interruptions.
const GONE_WITHIN: Duration = Duration::from_secs(60);

async fn watch(device: &Device, person: &Person) -> State {
    let watched = device.call("presence.watch", json!({ "users": [person.id()] })).await.unwrap();
    let watched: PresenceWatched = serde_json::from_value(watched).unwrap();
    watched.people[0].state
}

async fn becomes(device: &Device, person: &Person, wanted: State) {
    let changed = device.within(GONE_WITHIN, |event| {
        let PresenceSignal::Changed { user, state, .. } = event.parse()?.ok()?;
        (user == person.id() && state == wanted).then_some(())
    });
    assert!(changed.await.is_some(), "never saw {wanted:?}: {device:?}");
}

async fn who_watches_sees_somebody_come_and_go(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let on_ben = ben.device_by(0).await;
    assert_eq!(watch(&on_ben, &ada).await, State::Offline);
    let on_ada = ada.device_by(1).await;
    becomes(&on_ben, &ada, State::Online).await;

    on_ada.call("presence.set", json!({ "state": "idle" })).await.unwrap();
    becomes(&on_ben, &ada, State::Idle).await;

    drop(on_ada);
    becomes(&on_ben, &ada, State::Offline).await;
}

async fn one_of_two_devices_leaving_changes_nothing(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let phone = ada.log_in("phone").await.unwrap();
    let (on_laptop, on_phone) = (ada.device_by(0).await, phone.device_by(1).await);
    let on_ben = ben.device_by(1).await;
    assert_eq!(watch(&on_ben, &ada).await, State::Online);

    on_phone.call("presence.set", json!({ "state": "idle" })).await.unwrap();
    drop(on_phone);
    // A bounce of the one that stays does not flicker either.
    on_laptop.socket.bounce(Duration::ZERO).await.unwrap();
    let flicker = on_ben.within(Duration::from_secs(3), |event| event.parse::<PresenceSignal>());
    assert!(flicker.await.is_none(), "{on_ben:?}");
    assert_eq!(watch(&on_ben, &ada).await, State::Online);
}

async fn the_invisible_are_offline_to_others(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let (on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    assert_eq!(watch(&on_ben, &ada).await, State::Online);
    on_ada.call("presence.set", json!({ "state": "invisible" })).await.unwrap();
    becomes(&on_ben, &ada, State::Offline).await;
    assert_eq!(watch(&on_ben, &ada).await, State::Offline);
}

async fn the_blocked_see_nobody_there(plaza: &Deployment) {
    let (ada, ben) = (plaza.person("ada").await, plaza.person("ben").await);
    let (_on_ada, on_ben) = (ada.device_by(0).await, ben.device_by(1).await);
    assert_eq!(watch(&on_ben, &ada).await, State::Online);
    ada.session.block(ben.id()).await.unwrap();
    becomes(&on_ben, &ada, State::Offline).await;
    assert_eq!(watch(&on_ben, &ada).await, State::Offline);
}
