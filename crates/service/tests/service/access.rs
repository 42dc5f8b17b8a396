use backstay_model::{ErrorKind, Role};
use backstay_service::PageRequest;
use backstay_service::view::{NewTenant, NewToken, NewUser, UserChange};

use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    a_user_signs_in_and_out,
    a_session_ends_by_itself_and_with_a_new_password,
    guessing_is_slowed_down_whatever_the_password,
    an_unknown_name_and_a_disabled_user_look_like_a_wrong_password,
    a_login_link_works_once,
    a_token_acts_until_it_is_revoked_or_expires,
    many_tokens_at_once_each_tell_who_they_are,
    nobody_rises_above_the_own_role_or_looks_into_another_tenant,
    the_last_superadmin_stays,
);

const PASSWORD: &str = "correct horse battery";

fn new_user(name: &str, role: Role) -> NewUser {
    NewUser { name: name.to_owned(), password: Some(PASSWORD.to_owned()), role, tenant: None }
}

async fn a_user_signs_in_and_out(fixture: &Fixture) {
    let service = &fixture.service;
    service.create_user(&root_caller(), new_user("ada", Role::Operator)).await.unwrap();
    let signed_in = service.login("ADA", PASSWORD, "10.0.0.1").await.unwrap();
    let (who, session) = service.authenticate_session(&signed_in.secret).await.unwrap();
    assert_eq!((who.actor.name.as_str(), who.role), ("ada", Role::Operator));
    assert_eq!(session.csrf_token, signed_in.session.csrf_token);
    service.logout(&who, &signed_in.secret).await.unwrap();
    let ended = service.authenticate_session(&signed_in.secret).await.unwrap_err();
    assert_eq!(ended.kind, ErrorKind::Unauthenticated);
    fixture.assert_audit().await;
}

async fn a_session_ends_by_itself_and_with_a_new_password(fixture: &Fixture) {
    let service = &fixture.service;
    let ada = service.create_user(&root_caller(), new_user("ada", Role::Operator)).await.unwrap();
    let first = service.login("ada", PASSWORD, "r").await.unwrap();
    let change = UserChange { password: Some("another long password".into()), ..UserChange::default() };
    service.update_user(&root_caller(), &ada.id, change).await.unwrap();
    assert!(service.authenticate_session(&first.secret).await.is_err());
    let second = service.login("ada", "another long password", "r").await.unwrap();
    fixture.clock.advance(13 * 3600);
    assert!(service.authenticate_session(&second.secret).await.is_err());
}

async fn guessing_is_slowed_down_whatever_the_password(fixture: &Fixture) {
    let service = &fixture.service;
    service.create_user(&root_caller(), new_user("ada", Role::Operator)).await.unwrap();
    for _ in 0..10 {
        let wrong = service.login("ada", "wrong password", "10.0.0.1").await.err().unwrap();
        assert_eq!(wrong.kind, ErrorKind::Unauthenticated);
    }
    let limited = service.login("ada", PASSWORD, "10.0.0.2").await.err().unwrap();
    assert_eq!(limited.kind, ErrorKind::RateLimited);
    assert!((1..=900).contains(&limited.retry_after_s.unwrap()));
    let other_name = service.login("bob", PASSWORD, "10.0.0.1").await.err().unwrap();
    assert_eq!(other_name.kind, ErrorKind::RateLimited, "the address is counted, too");
    fixture.clock.advance(901);
    service.login("ada", PASSWORD, "10.0.0.2").await.unwrap();
}

async fn an_unknown_name_and_a_disabled_user_look_like_a_wrong_password(fixture: &Fixture) {
    let service = &fixture.service;
    let ada = service.create_user(&root_caller(), new_user("ada", Role::Operator)).await.unwrap();
    let change = UserChange { disabled: Some(true), ..UserChange::default() };
    service.update_user(&root_caller(), &ada.id, change).await.unwrap();
    let answers = [
        service.login("nobody", PASSWORD, "a").await.err().unwrap(),
        service.login("ada", PASSWORD, "b").await.err().unwrap(),
        service.login("ada", "wrong password", "c").await.err().unwrap(),
    ];
    for answer in &answers {
        assert_eq!((answer.kind, &answer.message), (ErrorKind::Unauthenticated, &answers[0].message));
    }
}

async fn a_login_link_works_once(fixture: &Fixture) {
    let service = &fixture.service;
    let admin = service.ensure_administrator().await.unwrap().unwrap();
    assert_eq!(admin.role, Role::Superadmin);
    assert!(service.ensure_administrator().await.unwrap().is_none());
    let link = service.create_login_link(&root_caller(), &admin.id).await.unwrap();
    let signed_in = service.redeem_login_link(&link.secret, "r").await.unwrap();
    assert_eq!(signed_in.user.name, "admin");
    assert_eq!(
        service.redeem_login_link(&link.secret, "r").await.err().unwrap().kind,
        ErrorKind::Unauthenticated
    );
    let late = service.create_login_link(&root_caller(), &admin.id).await.unwrap();
    fixture.clock.advance(16 * 60);
    assert!(service.redeem_login_link(&late.secret, "r").await.is_err());
}

async fn a_token_acts_until_it_is_revoked_or_expires(fixture: &Fixture) {
    let service = &fixture.service;
    let admin = caller(Role::Admin);
    let new = |expires_at| NewToken { name: "ci".into(), role: Role::Operator, expires_at };
    let token = service.create_token(&admin, new(None)).await.unwrap();
    assert!(token.secret.starts_with("bst_"));
    let who = service.authenticate_token(&token.secret).await.unwrap();
    assert_eq!((who.role, who.tenant.as_str()), (Role::Operator, "default"));
    let stranger = caller_of("other", Role::Admin);
    assert_eq!(service.revoke_token(&stranger, &token.token.id).await.unwrap_err().kind, ErrorKind::NotFound);
    service.revoke_token(&admin, &token.token.id).await.unwrap();
    assert_eq!(service.authenticate_token(&token.secret).await.unwrap_err().kind, ErrorKind::Unauthenticated);
    let until = backstay_model::Clock::now(&*fixture.clock).plus_seconds(60);
    let short = service.create_token(&admin, new(Some(until))).await.unwrap();
    fixture.clock.advance(61);
    assert!(service.authenticate_token(&short.secret).await.is_err());
    let too_much = NewToken { name: "x".into(), role: Role::Superadmin, expires_at: None };
    assert_eq!(service.create_token(&admin, too_much).await.err().unwrap().kind, ErrorKind::Forbidden);
}

async fn many_tokens_at_once_each_tell_who_they_are(fixture: &Fixture) {
    let admin = caller(Role::Admin);
    let mut tokens = Vec::new();
    for n in 0..20 {
        let new = NewToken { name: format!("t{n}"), role: Role::Operator, expires_at: None };
        tokens.push(fixture.service.create_token(&admin, new).await.unwrap());
    }
    for token in tokens.iter().step_by(5) {
        fixture.service.revoke_token(&admin, &token.token.id).await.unwrap();
    }
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..200_usize {
        let (service, token) = (fixture.service.clone(), &tokens[n % 20]);
        let (secret, name) = (token.secret.clone(), token.token.name.clone());
        asking.spawn(async move {
            match service.authenticate_token(&secret).await {
                Ok(who) => assert_eq!((who.actor.name, n % 5 == 0), (name, false)),
                Err(error) => assert_eq!((error.kind, n % 5), (ErrorKind::Unauthenticated, 0)),
            }
            let wrong = service.authenticate_token(&format!("{secret}x")).await;
            assert_eq!(wrong.unwrap_err().kind, ErrorKind::Unauthenticated);
        });
    }
    while let Some(done) = asking.join_next().await {
        done.unwrap();
    }
}

async fn nobody_rises_above_the_own_role_or_looks_into_another_tenant(fixture: &Fixture) {
    let service = &fixture.service;
    let admin = caller(Role::Admin);
    let above = service.create_user(&admin, new_user("eve", Role::Superadmin)).await.unwrap_err();
    assert_eq!(above.kind, ErrorKind::Forbidden);
    service
        .create_tenant(&root_caller(), NewTenant { id: Some("other".parse().unwrap()), name: "Other".into() })
        .await
        .unwrap();
    let elsewhere = NewUser { tenant: Some("other".parse().unwrap()), ..new_user("eve", Role::Viewer) };
    assert_eq!(service.create_user(&admin, elsewhere).await.unwrap_err().kind, ErrorKind::NotFound);
    let stranger = caller_of("other", Role::Admin);
    let ada = service.create_user(&admin, new_user("ada", Role::Viewer)).await.unwrap();
    assert_eq!(service.show_user(&stranger, &ada.id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(service.list_users(&stranger, &PageRequest::default()).await.unwrap().total, 0);
    assert_eq!(service.list_tenants(&stranger, &PageRequest::default()).await.unwrap().total, 1);
}

async fn the_last_superadmin_stays(fixture: &Fixture) {
    let service = &fixture.service;
    let admin = service.ensure_administrator().await.unwrap().unwrap();
    let change = UserChange { disabled: Some(true), ..UserChange::default() };
    let refused = service.update_user(&root_caller(), &admin.id, change).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
}
