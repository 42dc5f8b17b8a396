//! Dependencies of a workspace over REST, with real git repositories.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use backstay_api::dependency::{DependencyChangesQuery, DependencyQuery};
use backstay_api::event::EventQuery;
use backstay_api::task::{Task, TaskState};
use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with the tags v1 and v2.
fn make_source(directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    git(directory, &["init", "--quiet"]);
    for tag in ["v1", "v2"] {
        let changes =
            if tag == "v1" { "{v1: }" } else { "{v1: , v2: {type: breaking, description: Second}}" };
        std::fs::write(directory.join("graft.yaml"), format!("apiVersion: graft/v0\nchanges: {changes}\n"))
            .unwrap();
        std::fs::write(directory.join("a.txt"), tag).unwrap();
        git(directory, &["add", "--all"]);
        git(directory, &["commit", "--quiet", "--message", tag]);
        git(directory, &["tag", tag]);
    }
}

struct Scene {
    server: TestServer,
    workspace: String,
    root: PathBuf,
    technical: String,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let technical = server.token(Role::Technical).await;
        let (workspace, root) = server.workspace("w").await;
        git(&root, &["init", "--quiet"]);
        make_source(&server.root("sources").join("kb"));
        Self { server, workspace, root, technical }
    }

    fn source(&self, tag: &str) -> String {
        format!("{}#{tag}", self.server.root("sources").join("kb").display())
    }

    fn path(&self) -> String {
        format!("/api/v1/workspaces/{}/dependency-changes", self.workspace)
    }

    async fn change(&self, body: Value) -> Task {
        let request = self.server.request(Method::POST, &self.path()).json(&body);
        let (status, accepted) = send(request, &self.technical).await;
        assert_eq!(status, 202, "{accepted}");
        let client = self.server.client(&self.technical);
        client.wait_task(accepted["task_id"].as_str().unwrap(), |_| {}).await.unwrap()
    }

    async fn done(&self, body: Value) -> Value {
        let task = self.change(body).await;
        assert_eq!((task.state, &task.error), (TaskState::Done, &None));
        task.result.unwrap()
    }
}

#[tokio::test]
async fn dependencies_are_added_listed_moved_and_removed() {
    let scene = Scene::new().await;
    let client = scene.server.client(&scene.server.token(Role::Viewer).await);
    let list = async |updates| {
        client.list_dependencies(&scene.workspace, &DependencyQuery { updates }).await.unwrap().dependencies
    };
    assert!(list(None).await.is_empty());
    let added = scene.done(json!({"action": "add", "dependency": "kb", "source": scene.source("v1")})).await;
    assert_eq!((&added["changed"], &added["state_serial"]), (&json!(true), &json!(1)));
    assert_eq!(added["dependencies"][0]["state"], "cloned");
    assert_eq!(std::fs::read_to_string(scene.root.join(".graft/kb/a.txt")).unwrap(), "v1");
    let entry = &list(Some(true)).await["kb"];
    let updates = entry.updates.as_ref().unwrap();
    assert_eq!(
        (entry.current_ref.as_str(), updates.pending_changes.as_slice()),
        ("v1", &["v2".to_owned()][..])
    );
    let query =
        DependencyChangesQuery { from_ref: Some("v1".to_owned()), ..DependencyChangesQuery::default() };
    let changes = client.list_dependency_changes(&scene.workspace, "kb", &query).await.unwrap();
    assert_eq!((changes.changes.len(), changes.changes[0].reference.as_str()), (1, "v2"));

    let dry = scene.done(json!({"action": "apply", "dependency": "kb", "to": "v2", "dry_run": true})).await;
    assert_eq!((&dry["changed"], &dry["operation_id"]), (&json!(true), &Value::Null));
    assert_eq!(list(None).await["kb"].current_ref, "v1");
    let applied = scene.done(json!({"action": "apply", "dependency": "kb", "to": "v2"})).await;
    assert_eq!(std::fs::read_to_string(scene.root.join(".graft/kb/a.txt")).unwrap(), "v2");
    assert_eq!(git(&scene.root.join(".graft/kb"), &["status", "--porcelain"]), "");
    let operation = client.get_operation(applied["operation_id"].as_str().unwrap()).await.unwrap();
    assert_eq!((operation.kind.as_str(), operation.serial_after), ("apply", Some(2)));
    assert!(operation.task_id.is_some());
    scene.done(json!({"action": "fetch"})).await;
    assert_eq!(scene.done(json!({"action": "resolve"})).await["changed"], false);
    assert_eq!(scene.done(json!({"action": "sync"})).await["dependencies"][0]["state"], "up_to_date");
    scene.done(json!({"action": "remove", "dependency": "kb"})).await;
    assert!(list(None).await.is_empty() && !scene.root.join(".graft/kb").exists());

    let events = client.list_events(&EventQuery::default()).await.unwrap().events;
    let told: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(told.iter().filter(|action| **action == "dependency.changed").count(), 3, "{told:?}");
    assert!(told.contains(&"dependency.fetched"), "{told:?}");
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_before_anything_happens() {
    let scene = Scene::new().await;
    let outside = tempfile::tempdir().unwrap();
    make_source(&outside.path().join("secret"));
    let secret = outside.path().join("secret");
    let link = scene.server.root("links");
    std::fs::create_dir_all(&link).unwrap();
    std::os::unix::fs::symlink(&secret, link.join("way")).unwrap();
    let post = |body: Value| scene.server.request(Method::POST, &scene.path()).json(&body);
    for source in [
        format!("{}#v1", secret.display()),
        format!("file://{}#v1", secret.display()),
        format!("{}#v1", link.join("way").display()),
        format!("{}/../../../../../../../..{}#v1", scene.root.display(), secret.display()),
    ] {
        let problem = refused(
            post(json!({"action": "add", "dependency": "x", "source": source})),
            Some(&scene.technical),
            403,
        )
        .await;
        assert_eq!(problem["detail"], "Source is not allowed", "{source}");
    }
    // Nor one that somebody wrote into the file.
    let declared = format!("apiVersion: graft/v0\ndeps: {{x: '{}#v1'}}\n", secret.display());
    std::fs::write(scene.root.join("graft.yaml"), declared).unwrap();
    refused(post(json!({"action": "resolve"})), Some(&scene.technical), 403).await;
    assert!(!scene.root.join(".graft").exists() && !scene.root.join(".git/modules").exists());
    std::fs::remove_file(scene.root.join("graft.yaml")).unwrap();
    for body in [
        json!({"action": "apply", "dependency": "kb"}),
        json!({"action": "add", "dependency": "kb"}),
        json!({"action": "remove"}),
        json!({"action": "remove", "dependency": ".."}),
        json!({"action": "apply", "dependency": "kb", "to": "--upload-pack=x"}),
        json!({"action": "add", "dependency": "x", "source": "ext::sh -c id#v1"}),
        json!({"action": "explode"}),
        json!({"action": "resolve", "more": 1}),
    ] {
        refused(post(body), Some(&scene.technical), 422).await;
    }
    assert!(!scene.root.join("graft.yaml").exists() && !scene.root.join(".graft").exists());
    let failed = scene.change(json!({"action": "resolve"})).await;
    assert_eq!(failed.state, TaskState::Failed);
    assert!(failed.error.unwrap().contains("graft.yaml not found"));
    let operator = scene.server.token(Role::Operator).await;
    refused(post(json!({"action": "resolve"})), Some(&operator), 403).await;
    let unknown = format!("/api/v1/workspaces/{}/dependencies/kb/changes", scene.workspace);
    refused(scene.server.request(Method::GET, &unknown), Some(&operator), 404).await;
}
