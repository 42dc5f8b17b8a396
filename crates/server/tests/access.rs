//! Users, sessions, tokens.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use backstay_api::token::{NewToken, TokenQuery};
use backstay_api::user::{NewUser, UserChange, UserQuery};
use backstay_model::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{TestServer, refused, send};

const PASSWORD: &str = "correct horse battery";

fn sign_in(server: &TestServer, name: &str, password: &str) -> RequestBuilder {
    server.request(Method::POST, "/api/v1/sessions").json(&json!({"name": name, "password": password}))
}

/// The cookie and the CSRF token of a new session.
async fn session(server: &TestServer, name: &str) -> (String, String) {
    let response = sign_in(server, name, PASSWORD).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let body: Value = response.json().await.unwrap();
    (cookie, body["csrf_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_session_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let server = TestServer::start().await;
    server.user("ann", PASSWORD, Role::Operator).await;
    let response = sign_in(&server, "ann", PASSWORD).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let body = response.text().await.unwrap();
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(!body.contains(secret), "the secret is in the cookie alone");
}

#[tokio::test]
async fn an_unsafe_request_by_cookie_needs_the_token_of_the_session() {
    let server = TestServer::start().await;
    server.user("ann", PASSWORD, Role::Operator).await;
    let (cookie, csrf) = session(&server, "ann").await;
    let (workspace, _) = server.workspace("w").await;
    let me =
        server.request(Method::GET, "/api/v1/sessions/me").header("cookie", &cookie).send().await.unwrap();
    let me: Value = me.json().await.unwrap();
    assert_eq!((me["actor"]["name"].as_str(), me["csrf_token"].as_str()), (Some("ann"), Some(csrf.as_str())));
    let path = format!("/api/v1/workspaces/{workspace}/snapshots");
    let post = || server.request(Method::POST, &path).header("cookie", &cookie);
    refused(post(), None, 403).await;
    refused(post().header("x-csrf-token", "0".repeat(csrf.len())), None, 403).await;
    assert_eq!(post().header("x-csrf-token", &csrf).send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let server = TestServer::start().await;
    server.user("ann", PASSWORD, Role::Viewer).await;
    let (cookie, csrf) = session(&server, "ann").await;
    let me = |method| server.request(method, "/api/v1/sessions/me").header("cookie", &cookie);
    let out = me(Method::DELETE).header("x-csrf-token", &csrf).send().await.unwrap();
    assert_eq!(out.status(), 204);
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    refused(me(Method::GET), None, 401).await;
    let token = server.token(Role::Viewer).await;
    refused(server.request(Method::DELETE, "/api/v1/sessions/me"), Some(&token), 409).await;
}

#[tokio::test]
async fn an_expired_session_is_refused() {
    let server = TestServer::start().await;
    server.user("ann", PASSWORD, Role::Viewer).await;
    let (cookie, _) = session(&server, "ann").await;
    server.clock.advance(13 * 3600);
    refused(server.request(Method::GET, "/api/v1/sessions/me").header("cookie", &cookie), None, 401).await;
}

#[tokio::test]
async fn wrong_passwords_look_alike_and_are_limited() {
    let server = TestServer::start().await;
    server.user("ann", PASSWORD, Role::Viewer).await;
    let wrong = refused(sign_in(&server, "ann", "wrong"), None, 401).await;
    let unknown = refused(sign_in(&server, "nobody", "wrong"), None, 401).await;
    assert_eq!(wrong["detail"], unknown["detail"]);
    let limited = async {
        for _ in 0..50 {
            let response = sign_in(&server, "ann", "wrong").send().await.unwrap();
            if response.status() == 429 {
                return response;
            }
            assert_eq!(response.status(), 401);
        }
        panic!("never limited")
    }
    .await;
    let seconds: u64 = limited.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(seconds > 0);
    refused(sign_in(&server, "ann", PASSWORD), None, 429).await;
    server.clock.advance(i64::try_from(seconds).unwrap() + 3600);
    assert_eq!(sign_in(&server, "ann", PASSWORD).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_login_link_signs_in_once() {
    let server = TestServer::start().await;
    let user = server.user("ann", PASSWORD, Role::Viewer).await;
    let admin = server.client(&server.token(Role::Admin).await);
    let link = admin.create_login_link(user.id.as_str()).await.unwrap();
    let first = server.request(Method::GET, &link.path).send().await.unwrap();
    assert_eq!((first.status().as_u16(), first.headers()["location"].to_str().unwrap()), (303, "/"));
    let cookie = first.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let me =
        server.request(Method::GET, "/api/v1/sessions/me").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(me.status(), 200);
    refused(server.request(Method::GET, &link.path), None, 401).await;
    let page = server.request(Method::GET, &link.path).header("accept", "text/html").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
        (401, "text/html; charset=utf-8")
    );
    refused(server.request(Method::GET, "/login"), None, 422).await;
    let late = admin.create_login_link(user.id.as_str()).await.unwrap();
    server.clock.advance(24 * 3600);
    refused(server.request(Method::GET, &late.path), None, 401).await;
}

#[tokio::test]
async fn users_are_managed_by_admins_and_none_gives_more_than_it_has() {
    let server = TestServer::start().await;
    let admin_token = server.token(Role::Admin).await;
    let admin = server.client(&admin_token);
    let new = NewUser {
        name: "bob".into(),
        password: Some(PASSWORD.into()),
        role: Role::Operator,
        tenant_id: None,
    };
    let user = admin.create_user(&new).await.unwrap();
    assert_eq!(admin.create_user(&new).await.unwrap_err().problem().unwrap().status, 409);
    assert!(
        admin.list_users(&UserQuery::default()).await.unwrap().users.iter().any(|found| found.id == user.id)
    );
    let above = NewUser { name: "eve".into(), role: Role::Superadmin, ..new.clone() };
    assert_eq!(admin.create_user(&above).await.unwrap_err().problem().unwrap().status, 403);
    let short = server
        .request(Method::POST, "/api/v1/users")
        .json(&json!({"name":"x","role":"viewer","password":"short"}));
    refused(short, Some(&admin_token), 422).await;
    let (cookie, _) = session(&server, "bob").await;
    let change = UserChange { disabled: Some(true), ..UserChange::default() };
    assert!(admin.update_user(&user.id, &change).await.unwrap().disabled);
    refused(server.request(Method::GET, "/api/v1/sessions/me").header("cookie", &cookie), None, 401).await;
    refused(sign_in(&server, "bob", PASSWORD), None, 401).await;
    let operator = server.token(Role::Operator).await;
    for path in ["/api/v1/users", "/api/v1/tokens", &format!("/api/v1/users/{}", user.id)] {
        refused(server.request(Method::GET, path), Some(&operator), 403).await;
    }
}

#[tokio::test]
async fn a_token_is_shown_once_expires_and_can_be_revoked() {
    let server = TestServer::start().await;
    let admin_token = server.token(Role::Admin).await;
    let admin = server.client(&admin_token);
    let new =
        NewToken { name: "ci".into(), role: Role::Viewer, expires_at: Some(support::NOW.plus_seconds(60)) };
    let created = admin.create_token(&new).await.unwrap();
    let me = || server.request(Method::GET, "/api/v1/sessions/me");
    assert_eq!(send(me(), &created.secret).await.0, 200);
    let (_, listed) = send(server.request(Method::GET, "/api/v1/tokens"), &admin_token).await;
    assert!(!listed.to_string().contains(&created.secret));
    server.clock.advance(61);
    refused(me(), Some(&created.secret), 401).await;
    let lasting = admin.create_token(&NewToken { expires_at: None, ..new.clone() }).await.unwrap();
    admin.delete_token(&lasting.token.id).await.unwrap();
    refused(me(), Some(&lasting.secret), 401).await;
    let above = NewToken { role: Role::Superadmin, ..new };
    assert_eq!(admin.create_token(&above).await.err().unwrap().problem().unwrap().status, 403);
    assert!(admin.list_tokens(&TokenQuery::default()).await.unwrap().total >= 1);
}
