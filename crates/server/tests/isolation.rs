//! A token of one tenant sees nothing of another.

mod support;

use backstay_model::Role;
use reqwest::Method;
use support::things::{Things, body_for};
use support::{TestServer, refused, send};

#[tokio::test]
async fn every_endpoint_hides_the_things_of_another_tenant() {
    let server = TestServer::start().await;
    server.tenant("ours").await;
    server.tenant("theirs").await;
    let things = Things::make(&server).await;
    let ours = server.token_in("ours", Role::Admin).await;
    let theirs = server.token_in("theirs", Role::Admin).await;
    let document = serde_json::to_value(backstay_server::openapi_document()).unwrap();
    let mut swept = 0;
    // Lists first: the trail of refusals, which comes later, names what the caller itself asked for.
    let mut paths: Vec<_> = document["paths"].as_object().unwrap().iter().collect();
    paths.sort_by_key(|(path, _)| path.contains("{id}"));
    for (path, item) in paths {
        if !path.starts_with("/api/") || path.ends_with("/stream") {
            continue;
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_none() {
                continue;
            }
            let verb: Method = method.to_uppercase().parse().unwrap();
            if path.contains("{id}") {
                let mut url = things.fill(path);
                if path.ends_with("/content") {
                    url.push_str("?path=README.md");
                }
                if path.ends_with("/change") {
                    url.push_str("?ref=v1");
                }
                let body = body_for(path, method);
                let mut request = server.request(verb, &url);
                if let Some(body) = body {
                    request = request.json(&body);
                }
                refused(request, Some(&theirs), 404).await;
                swept += 1;
            } else if method == "get" {
                let response = server.request(verb, path).bearer_auth(&theirs).send().await.unwrap();
                let text = response.text().await.unwrap();
                for id in things.all() {
                    assert!(!text.contains(id), "{path} shows {id}: {text}");
                }
                assert!(!text.contains("secret-"), "{path}: {text}");
                swept += 1;
            }
        }
    }
    assert!(swept > 50, "{swept}");
    // The same ids are found by their owner, so the sweep could have failed.
    for path in
        ["/api/v1/workspaces/{id}", "/api/v1/snapshots/{id}", "/api/v1/tasks/{id}", "/api/v1/operations/{id}"]
    {
        let (status, _) = send(server.request(Method::GET, &things.fill(path)), &ours).await;
        assert_eq!(status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_stream_tells_nothing_of_another_tenant() {
    use futures_util::StreamExt;
    let server = TestServer::start().await;
    server.tenant("ours").await;
    server.tenant("theirs").await;
    Things::make(&server).await;
    let theirs = server.token_in("theirs", Role::Admin).await;
    let (marker, _) = server.workspace_in("theirs", "marker").await;
    let client = server.client(&theirs);
    let mut stream = client.events(backstay_api::event::StreamQuery { after: Some(0), action: None });
    loop {
        let event = stream.next().await.unwrap().unwrap();
        assert_eq!(event.tenant_id, "theirs", "{event:?}");
        if event.subject.id == marker {
            break;
        }
    }
}
