//! Users, sessions, tokens, login links and attempts.

use backstay_catalog::{CatalogError, LoginLinkRow, SessionRow, TokenFilter, TokenRow, UserChange, UserRow};
use backstay_model::{Role, TenantId, TokenId, UserId};

use crate::fixture::{Fixture, START, at};
use crate::on_both;

on_both!(
    a_user_is_found_without_regard_to_case,
    a_session_ends_by_time_by_logout_and_with_its_user,
    a_token_ends_by_time_and_by_revocation,
    a_login_link_works_once,
    attempts_are_counted_and_forgotten,
);

fn user(name: &str) -> UserRow {
    UserRow {
        id: UserId::parse(&format!("user-{}", name.to_lowercase())).unwrap(),
        tenant: TenantId::default_tenant(),
        name: name.into(),
        role: Role::Operator,
        password_hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into()),
        disabled: false,
        created_at: START,
        updated_at: START,
        last_login_at: None,
    }
}

async fn add(fixture: &Fixture, name: &str) -> UserRow {
    let row = user(name);
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_user(&row).await.unwrap();
    tx.commit().await.unwrap();
    row
}

async fn a_user_is_found_without_regard_to_case(fixture: &Fixture) {
    let row = add(fixture, "Ada").await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.user_named("aDA").await.unwrap().as_ref(), Some(&row));
    let change = UserChange { role: Some(Role::Admin), disabled: Some(true), ..UserChange::default() };
    let changed = tx.update_user(&row.id, &change, at(1)).await.unwrap();
    assert_eq!(
        (changed.role, changed.disabled, changed.password_hash),
        (Role::Admin, true, row.password_hash.clone())
    );
    tx.note_login(&row.id, at(2)).await.unwrap();
    assert_eq!(tx.user(&row.id).await.unwrap().unwrap().last_login_at, Some(at(2)));
    assert_eq!(tx.users(Some(&TenantId::default_tenant())).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
    let mut twin = user("ADA");
    twin.id = UserId::parse("user-twin").unwrap();
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert!(matches!(tx.insert_user(&twin).await, Err(CatalogError::Duplicate { .. })));
    assert!(!format!("{row:?}").contains("argon2id"));
}

async fn a_session_ends_by_time_by_logout_and_with_its_user(fixture: &Fixture) {
    let user = add(fixture, "Ada").await;
    let session = |id: &str| SessionRow {
        id: id.into(),
        user: user.id.clone(),
        created_at: START,
        last_seen_at: START,
        expires_at: at(100),
        remote: Some("127.0.0.1".into()),
        user_agent: None,
    };
    let mut tx = fixture.catalog.begin().await.unwrap();
    for id in ["a", "b", "c"] {
        tx.insert_login_session(&session(id), format!("hash-{id}").as_bytes()).await.unwrap();
    }
    assert_eq!(tx.login_session(b"hash-a", at(99)).await.unwrap(), Some(session("a")));
    assert_eq!(tx.login_session(b"hash-a", at(100)).await.unwrap(), None);
    assert_eq!(tx.login_session(b"hash-x", at(1)).await.unwrap(), None);
    tx.touch_login_session("a", at(50), at(150)).await.unwrap();
    assert!(tx.login_session(b"hash-a", at(100)).await.unwrap().is_some());
    assert!(tx.delete_login_session("b").await.unwrap());
    assert!(!tx.delete_login_session("b").await.unwrap());
    assert_eq!(tx.login_sessions_of(&user.id).await.unwrap().len(), 2);
    tx.delete_user(&user.id).await.unwrap();
    assert_eq!(tx.login_session(b"hash-c", at(1)).await.unwrap(), None);
    tx.commit().await.unwrap();
}

async fn a_token_ends_by_time_and_by_revocation(fixture: &Fixture) {
    let token = |id: &str| TokenRow {
        id: TokenId::parse(id).unwrap(),
        tenant: TenantId::default_tenant(),
        user: None,
        name: "ci".into(),
        role: Role::Viewer,
        source: None,
        created_at: START,
        expires_at: Some(at(100)),
        last_used_at: None,
        revoked_at: None,
    };
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_token(&token("token-a"), b"hash-a").await.unwrap();
    tx.insert_token(&TokenRow { expires_at: None, ..token("token-b") }, b"hash-b").await.unwrap();
    let hashes = [b"hash-a".to_vec(), b"hash-x".to_vec(), b"hash-b".to_vec()];
    let mut both = tx.valid_tokens(&hashes, at(99)).await.unwrap();
    both.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(both[0], (hashes[0].clone(), token("token-a")));
    assert_eq!((both.len(), &both[1].0), (2, &hashes[2]));
    assert_eq!(tx.valid_tokens(&hashes[..2], at(100)).await.unwrap(), []);
    assert_eq!(tx.valid_tokens(&hashes[2..], at(1_000_000)).await.unwrap().len(), 1);
    tx.touch_token(&token("token-b").id, at(5)).await.unwrap();
    let revoked = tx.revoke_token(&token("token-b").id, at(6)).await.unwrap();
    assert_eq!((revoked.revoked_at, revoked.last_used_at), (Some(at(6)), Some(at(5))));
    assert_eq!(tx.revoke_token(&token("token-b").id, at(7)).await.unwrap().revoked_at, Some(at(6)));
    assert_eq!(tx.valid_tokens(&hashes, at(8)).await.unwrap(), [(hashes[0].clone(), token("token-a"))]);
    assert_eq!(tx.tokens(&TokenFilter::default()).await.unwrap().len(), 1);
    assert_eq!(tx.tokens(&TokenFilter { revoked: true, ..TokenFilter::default() }).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
}

async fn a_login_link_works_once(fixture: &Fixture) {
    let user = add(fixture, "Ada").await;
    let link = LoginLinkRow { user: user.id, created_at: START, expires_at: at(10) };
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_login_link(&link, b"one").await.unwrap();
    tx.insert_login_link(&link, b"two").await.unwrap();
    assert_eq!(tx.use_login_link(b"one", at(9)).await.unwrap(), Some(link));
    assert_eq!(tx.use_login_link(b"one", at(9)).await.unwrap(), None);
    assert_eq!(tx.use_login_link(b"two", at(10)).await.unwrap(), None);
    assert_eq!(tx.use_login_link(b"three", at(1)).await.unwrap(), None);
    tx.commit().await.unwrap();
}

async fn attempts_are_counted_and_forgotten(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 0..5 {
        tx.note_login_attempt("ada", at(n)).await.unwrap();
    }
    tx.note_login_attempt("10.0.0.1", at(1)).await.unwrap();
    assert_eq!(tx.login_attempts("ada", at(2)).await.unwrap(), 3);
    assert_eq!(tx.oldest_login_attempt("ada", at(2)).await.unwrap(), Some(at(2)));
    assert_eq!(tx.oldest_login_attempt("bob", at(2)).await.unwrap(), None);
    tx.clear_login_attempts("ada").await.unwrap();
    assert_eq!(tx.login_attempts("ada", at(0)).await.unwrap(), 0);
    assert_eq!(tx.forget_login_attempts(at(2)).await.unwrap(), 1);
    tx.commit().await.unwrap();
}
