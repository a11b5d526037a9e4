//! Registering, logging in and out, on one device and on several.

use plaza_client::{Api, ConnectError, Event};
use schemas::accounts::{AccountEvent, AccountPatch, LogIn};
use system_tests::Deployment;

crate::on_both_stores![
    a_person_registers_and_is_who_they_say,
    a_wrong_password_and_an_unknown_handle_get_the_same_answer,
    a_revoked_devices_socket_closes_and_the_others_stay,
    a_profile_change_reaches_the_other_devices,
    a_refresh_token_works_once,
];

async fn a_person_registers_and_is_who_they_say(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let account = ada.session.account().await.unwrap();
    assert_eq!((account.id, account.name.as_str()), (ada.id(), "ada"));
    assert_eq!(&account, ada.session.me());

    let device = ada.device().await;
    assert_eq!(device.count(|event| matches!(event, Event::Connected { .. })), 1);
}

async fn a_wrong_password_and_an_unknown_handle_get_the_same_answer(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let api: &Api = ada.session.api();
    let try_with = async |handle: &str| {
        let log_in = LogIn { handle: handle.to_owned(), password: "not her password".to_owned().into(), device: None };
        let error = api.log_in(&log_in).await.unwrap_err();
        (error.status(), error.code().map(str::to_owned), error.to_string())
    };
    let wrong = try_with(&ada.session.me().handle).await;
    let unknown = try_with(&format!("nobody_{:08x}", rand::random::<u32>())).await;
    assert_eq!(wrong, unknown);
    assert_eq!(wrong.0, Some(401));
    ada.contract.assert_kept();
}

async fn a_revoked_devices_socket_closes_and_the_others_stay(plaza: &Deployment) {
    let laptop = plaza.person("ada").await;
    let phone = laptop.log_in("phone").await.unwrap();
    // On another node than the one that is asked to revoke, where there is one.
    let (on_laptop, on_phone) = (laptop.device_by(0).await, phone.device_by(1).await);

    laptop.session.end_session(phone.session.id()).await.unwrap();

    let code = on_phone
        .until("the phone's socket closes for good", |event| match event {
            Event::Closed { why: ConnectError::Closed { code, .. } } => Some(*code),
            _ => None,
        })
        .await;
    assert_eq!(code, 4503);
    assert!(phone.session.fresh_access_token().await.is_err(), "a revoked session cannot be refreshed");
    let still = laptop.session.sessions(None).await.unwrap();
    assert_eq!(still.items.iter().map(|session| session.id).collect::<Vec<_>>(), [laptop.session.id()]);
    let gone = |event: &Event| matches!(event, Event::Disconnected { .. } | Event::Closed { .. });
    assert_eq!(on_laptop.count(gone), 0, "{on_laptop:?}");
}

async fn a_profile_change_reaches_the_other_devices(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let device = ada.device_by(1).await;
    let patch = AccountPatch { bio: Some("Engines, analytical".to_owned()), ..AccountPatch::default() };
    let changed = ada.session.update(&patch).await.unwrap();
    assert_eq!(changed.bio, "Engines, analytical");

    let told: AccountEvent = device.told("account.updated", |_| true).await;
    assert_eq!(told, AccountEvent::AccountUpdated { account: changed });
}

async fn a_refresh_token_works_once(plaza: &Deployment) {
    let ada = plaza.person("ada").await;
    let before = ada.session.tokens().await;
    ada.session.fresh_access_token().await.unwrap();
    let after = ada.session.tokens().await;
    assert_ne!(before.refresh_token, after.refresh_token);
    assert!(ada.session.account().await.is_ok());
}
