//! Layouts of dashboards.

mod support;

use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

const LAYOUTS: &str = "/api/v1/metrics/layouts";

#[tokio::test]
async fn a_layout_is_saved_replaced_shown_and_deleted() {
    let server = TestServer::start().await;
    let (viewer, operator) = (server.token(Role::Viewer).await, server.token(Role::Operator).await);
    let post = |query: &str| server.request(Method::POST, &format!("{LAYOUTS}{query}"));
    let get = |path: &str| server.request(Method::GET, &format!("{LAYOUTS}{path}"));
    assert_eq!(send(get(""), &viewer).await.1, json!({"layouts": [], "total": 0}));

    let (status, first) = send(
        post("?name=loss%20only&description=one&smoothing_window=5&selected_metrics=loss&selected_metrics=val_loss"),
        &operator,
    )
    .await;
    assert_eq!(status, 201, "{first}");
    assert_eq!((&first["name"], &first["smoothing_window"]), (&json!("loss only"), &json!(5)));
    assert_eq!(first["selected_metrics"], json!(["loss", "val_loss"]));

    server.clock.advance(60);
    let body = json!({
        "name": "loss only", "description": "two", "selected_metrics": ["loss"],
        "zoom_ranges": {"loss": [0, 100]}, "hyperparameters": {"learning_rate": 0.01},
    });
    let (status, second) = send(post("?name=query").json(&body), &operator).await;
    assert_eq!((status.as_u16(), &second["name"]), (201, &json!("loss only")), "the body wins: {second}");
    let (_, shown) = send(get("/loss%20only"), &viewer).await;
    assert_eq!(shown, second);
    assert_eq!((&shown["zoom_ranges"], &shown["smoothing_window"]), (&body["zoom_ranges"], &Value::Null));
    assert_ne!(shown["created"], first["created"]);
    send(post("").json(&json!({"name": "a/b"})), &operator).await;
    let (_, list) = send(get(""), &viewer).await;
    assert_eq!((&list["total"], &list["layouts"][0]["name"]), (&json!(2), &json!("a/b")));
    assert_eq!(
        list["layouts"][1],
        json!({"name": "loss only", "created": shown["created"], "description": "two"})
    );

    for blank in [json!({}), json!({"name": "  "})] {
        let refused = refused(post("").json(&blank), Some(&operator), 400).await;
        assert_eq!(refused["detail"], "Layout name is required");
    }
    for wrong in [
        json!({"name": "x", "zoom": 1}),
        json!({"name": "x\ny"}),
        json!({"name": "x", "smoothing_window": -1}),
    ] {
        refused(post("").json(&wrong), Some(&operator), 422).await;
    }
    refused(post("").json(&body), Some(&viewer), 403).await;
    let missing = refused(get("/nothing"), Some(&viewer), 404).await;
    assert_eq!(missing["detail"], "Layout 'nothing' not found");

    let delete = |name: &str| server.request(Method::DELETE, &format!("{LAYOUTS}/{name}"));
    refused(delete("a%2Fb"), Some(&viewer), 403).await;
    let (status, deleted) = send(delete("a%2Fb"), &operator).await;
    assert_eq!((status.as_u16(), &deleted["message"]), (200, &json!("Layout 'a/b' deleted")));
    refused(delete("a%2Fb"), Some(&operator), 404).await;

    server.tenant("theirs").await;
    let theirs = server.token_in("theirs", Role::Admin).await;
    assert_eq!(send(get(""), &theirs).await.1["total"], 0);
    refused(get("/loss%20only"), Some(&theirs), 404).await;
}
