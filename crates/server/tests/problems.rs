//! What every endpoint has in common: problems, headers, refusals.

mod support;

use backstay_model::Role;
use reqwest::Method;
use serde_json::json;
use support::{TestServer, refused, send};

#[tokio::test]
async fn an_unknown_page_and_a_wrong_method_are_problems() {
    let server = TestServer::start().await;
    let problem = refused(server.request(Method::GET, "/nowhere"), None, 404).await;
    assert_eq!(problem["code"], "not_found");
    let response = server.request(Method::DELETE, "/api/v1/snapshots").send().await.unwrap();
    assert_eq!(response.status(), 405);
    let allow = response.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && !allow.contains("DELETE"), "{allow}");
    let problem: serde_json::Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "method_not_allowed");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = TestServer::start().await;
    for path in ["/", "/api/docs", "/api/v1/snapshots", "/nowhere", "/health/live", "/assets/overview.js"] {
        let response = server.request(Method::GET, path).send().await.unwrap();
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert!(headers.contains_key("x-request-id") && headers.contains_key("cache-control"), "{path}");
    }
}

#[tokio::test]
async fn the_pages_have_no_script_or_style_inside() {
    let server = TestServer::start().await;
    for path in ["/", "/api/docs"] {
        let page = server.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("<script src=\"/assets/"), "{path}");
        assert!(
            !page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick"),
            "{path}"
        );
        assert!(!page.contains("http://") && !page.contains("https://"), "{path} loads from elsewhere");
    }
    for asset in ["style.css", "overview.js", "docs.js", "icon.svg"] {
        let response = server.request(Method::GET, &format!("/assets/{asset}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{asset}");
        assert!(!response.text().await.unwrap().is_empty(), "{asset}");
    }
}

#[tokio::test]
async fn a_body_is_refused_for_what_is_wrong_with_it() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let post = || server.request(Method::POST, "/api/v1/workspaces");
    refused(post().body("{}"), Some(&admin), 415).await;
    refused(post().header("content-type", "text/plain").body("{}"), Some(&admin), 415).await;
    let json = || post().header("content-type", "application/json");
    refused(json().body("{\"name\":"), Some(&admin), 400).await;
    refused(json().body(vec![b' '; 2 << 20]), Some(&admin), 413).await;
    let problem = refused(json().body(r#"{"name":"a/b","root":"x","more":1}"#), Some(&admin), 422).await;
    let mut fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["more", "name", "root"]);
    let problem = refused(json().body("[]"), Some(&admin), 422).await;
    assert_eq!(problem["errors"][0]["field"], "body");
}

#[tokio::test]
async fn a_query_is_refused_with_every_wrong_parameter() {
    let server = TestServer::start().await;
    let viewer = server.token(Role::Viewer).await;
    let path = "/api/v1/snapshots?limit=0&kind=cat&since=yesterday&state=half";
    let problem = refused(server.request(Method::GET, path), Some(&viewer), 422).await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 4);
    refused(server.request(Method::GET, "/api/v1/snapshots?cursor=nonsense"), Some(&viewer), 422).await;
    refused(server.request(Method::GET, "/api/v1/snapshots/%ff"), Some(&viewer), 404).await;
    refused(server.request(Method::GET, "/api/v1/snapshots/..%2f..%2fetc"), Some(&viewer), 404).await;
}

#[tokio::test]
async fn a_token_goes_in_either_header_and_a_bad_one_is_refused_and_noted() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let me = || server.request(Method::GET, "/api/v1/sessions/me");
    let problem = refused(me(), None, 401).await;
    assert_eq!(problem["code"], "unauthenticated");
    refused(me(), Some("wrong"), 401).await;
    refused(me().basic_auth("admin", Some("x")), None, 401).await;
    assert_eq!(me().header("x-api-key", &admin).send().await.unwrap().status(), 200);
    let (status, body) = send(me(), &admin).await;
    assert_eq!((status.as_u16(), body["role"].as_str()), (200, Some("admin")));
    assert!(body.get("csrf_token").is_none());
    let (_, audit) = send(server.request(Method::GET, "/api/v1/audit?action=token.rejected"), &admin).await;
    assert_eq!(audit["total"], 1, "{audit}");
    assert_eq!(audit["events"][0]["outcome"], "denied");
}

#[tokio::test]
async fn only_a_superadmin_acts_in_another_tenant_by_header() {
    let server = TestServer::start().await;
    server.tenant("other").await;
    let admin = server.token(Role::Admin).await;
    let chief = server.token(Role::Superadmin).await;
    let me = || server.request(Method::GET, "/api/v1/sessions/me").header("x-backstay-tenant", "other");
    refused(me(), Some(&admin), 403).await;
    let (_, body) = send(me(), &chief).await;
    assert_eq!(body["tenant_id"], "other");
}

#[tokio::test]
async fn health_metrics_and_the_document_are_there() {
    let server = TestServer::start().await;
    for path in ["/health/live", "/health/ready"] {
        let body: serde_json::Value =
            server.request(Method::GET, path).send().await.unwrap().json().await.unwrap();
        assert_eq!(body["status"], "ok", "{path}");
    }
    let metrics = server.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("backstay_http_requests_total{"), "{metrics}");
    assert!(metrics.contains("route=\"/health/live\""), "{metrics}");
    let document: serde_json::Value =
        server.request(Method::GET, "/api/openapi.json").send().await.unwrap().json().await.unwrap();
    assert_eq!(document, serde_json::to_value(backstay_server::openapi_document()).unwrap());
}

/// The document and the router are made together, so each documented path must be routed, and nothing else may be.
#[tokio::test]
async fn every_documented_path_is_routed() {
    let server = TestServer::start().await;
    let document = serde_json::to_value(backstay_server::openapi_document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "x");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let documented = item.get(method.to_lowercase()).is_some();
            let response = server.request(method.parse().unwrap(), &path).send().await.unwrap();
            assert_eq!(response.status() != 405, documented, "{method} {path}: {}", response.status());
            let is_open = document["paths"][path.as_str()]["get"]["security"] == json!([{}]);
            if documented && path.starts_with("/api/v1/") && path != "/api/v1/sessions" && !is_open {
                assert_eq!(response.status(), 401, "{method} {path} without a sign-in");
            }
        }
    }
}

#[tokio::test]
async fn a_stop_ends_live_streams() {
    let server = TestServer::start().await;
    let viewer = server.token(Role::Viewer).await;
    let stream =
        server.request(Method::GET, "/api/v1/events/stream").bearer_auth(&viewer).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    server.stop().await;
    let _all = stream.bytes().await;
}
