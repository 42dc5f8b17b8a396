//! What can be done with a snapshot.

mod support;

use backstay_api::change::{ChangeKind, DiffQuery};
use backstay_api::entry::{EntryKind, EntryQuery};
use backstay_api::history::{HistoryAction, HistoryQuery};
use backstay_api::hold::{HoldQuery, NewHold};
use backstay_api::snapshot::SnapshotChange;
use backstay_api::statistics::StatisticsQuery;
use backstay_api::task::TaskState;
use backstay_api::verify::{VerifyAnswer, VerifyDepth, VerifyRequest};
use backstay_model::Role;
use reqwest::Method;
use serde_json::json;
use support::{TestServer, refused, write};

#[tokio::test]
async fn entries_are_listed_by_directory_or_all_in_pages() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let client = server.client(&operator);
    let (workspace, _) = server.workspace("w").await;
    let id = server.snapshot(&operator, &workspace, "").await;
    let top = client.list_entries(&id, &EntryQuery::default()).await.unwrap();
    let names: Vec<_> = top.entries.iter().map(|entry| (entry.path.as_str(), entry.kind)).collect();
    assert_eq!(
        names,
        [("README.md", EntryKind::File), ("data", EntryKind::Directory), ("src", EntryKind::Directory)]
    );
    let query = EntryQuery { path: Some("src".into()), ..EntryQuery::default() };
    let inside = client.list_entries(&id, &query).await.unwrap();
    assert_eq!(
        (inside.total, inside.entries[0].path.as_str(), inside.entries[0].size_bytes),
        (1, "src/main.rs", Some(13))
    );
    let mut query = EntryQuery { recursive: Some(true), limit: Some(2), ..EntryQuery::default() };
    let mut paths = Vec::new();
    loop {
        let page = client.list_entries(&id, &query).await.unwrap();
        paths.extend(page.entries.into_iter().map(|entry| entry.path));
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    assert_eq!(paths, ["README.md", "data", "data/big.bin", "src", "src/main.rs"]);
}

#[tokio::test]
async fn a_difference_names_each_path_with_both_sides() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let client = server.client(&operator);
    let (workspace, root) = server.workspace("w").await;
    let first = server.snapshot(&operator, &workspace, "").await;
    write(&root, "README.md", b"# changed and longer\n");
    write(&root, "new.txt", b"new");
    std::fs::remove_file(root.join("src/main.rs")).unwrap();
    let live = client.diff_snapshot(&first, &DiffQuery::default()).await.unwrap();
    let changes = |page: &backstay_api::change::ChangePage| {
        page.changes
            .iter()
            .filter(|change| change.change != ChangeKind::Metadata)
            .map(|change| {
                (change.path.clone(), change.change, change.before.is_some(), change.after.is_some())
            })
            .collect::<Vec<_>>()
    };
    let expected = [
        ("README.md".to_owned(), ChangeKind::Modified, true, true),
        ("new.txt".to_owned(), ChangeKind::Added, false, true),
        ("src/main.rs".to_owned(), ChangeKind::Deleted, true, false),
    ];
    assert_eq!(changes(&live), expected);
    server.clock.advance(1);
    let second = server.snapshot(&operator, &workspace, "").await;
    let against = DiffQuery { against: Some(second.clone()), ..DiffQuery::default() };
    let between = client.diff_snapshot(&first, &against).await.unwrap();
    assert_eq!(changes(&between), expected);
    let path = format!("/api/v1/snapshots/{first}/diff?against=snapshot-none");
    refused(server.request(Method::GET, &path), Some(&operator), 404).await;
}

#[tokio::test]
async fn a_pinned_snapshot_is_not_deleted_and_an_unpinned_one_leaves_a_history() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (workspace, root) = server.workspace("w").await;
    let id = server.snapshot(&admin, &workspace, "first").await;
    write(&root, "README.md", b"second");
    server.clock.advance(1);
    server.snapshot(&admin, &workspace, "second").await;
    assert!(client.pin_snapshot(&id).await.unwrap().pinned);
    let problem = client.delete_snapshot(&id, "").await.unwrap_err();
    assert_eq!(
        (problem.problem().unwrap().status, problem.to_string().as_str()),
        (409, "Snapshot is pinned")
    );
    assert!(!client.unpin_snapshot(&id).await.unwrap().pinned);
    let operator = server.token(Role::Operator).await;
    let path = format!("/api/v1/snapshots/{id}");
    refused(server.request(Method::DELETE, &path), Some(&operator), 403).await;
    client.delete_snapshot(&id, "").await.unwrap();
    let problem = refused(server.request(Method::GET, &path), Some(&admin), 404).await;
    assert_eq!(problem["detail"], "Snapshot not found");
    let history = client.snapshot_history(&HistoryQuery::default()).await.unwrap();
    let of_it: Vec<_> =
        history.history.iter().filter(|line| line.snapshot_id == id).map(|line| line.action).collect();
    assert_eq!(of_it, [HistoryAction::Delete, HistoryAction::Create]);
    assert_eq!(history.total, 3);
}

#[tokio::test]
async fn a_hold_forbids_deletion_until_it_is_released() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (workspace, root) = server.workspace("w").await;
    let id = server.snapshot(&admin, &workspace, "").await;
    write(&root, "README.md", b"second");
    server.clock.advance(1);
    server.snapshot(&admin, &workspace, "").await;
    let operator = server.token(Role::Operator).await;
    let path = format!("/api/v1/snapshots/{id}/holds");
    let post = server.request(Method::POST, &path).json(&json!({"reason": "x"}));
    refused(post, Some(&operator), 403).await;
    refused(server.request(Method::POST, &path).json(&json!({"reason": ""})), Some(&admin), 422).await;
    let hold = client.create_hold(&id, &NewHold { reason: "audit".into(), expires_at: None }).await.unwrap();
    assert_eq!(client.list_holds(&id, &HoldQuery::default()).await.unwrap().total, 1);
    assert_eq!(client.delete_snapshot(&id, "").await.unwrap_err().problem().unwrap().status, 409);
    client.release_hold(&hold.id).await.unwrap();
    client.delete_snapshot(&id, "").await.unwrap();
}

#[tokio::test]
async fn a_label_can_be_changed() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let client = server.client(&operator);
    let (workspace, _) = server.workspace("w").await;
    let id = server.snapshot(&operator, &workspace, "before").await;
    let change = SnapshotChange { label: Some("after".into()), description: None };
    assert_eq!(client.update_snapshot(&id, &change).await.unwrap().name, "after");
}

#[tokio::test]
async fn a_verification_reads_everything_and_counts_are_kept() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let client = server.client(&operator);
    let (workspace, _) = server.workspace("w").await;
    let id = server.snapshot(&operator, &workspace, "").await;
    let request = VerifyRequest { depth: VerifyDepth::Full, sample_percent: None, restore_test: false };
    let accepted = client.verify_snapshot(&id, &request, 30).await.unwrap();
    assert_eq!(accepted.state, TaskState::Done);
    let task = client.get_task(&accepted.task_id).await.unwrap();
    assert_eq!(task.result, accepted.result);
    assert_eq!(task.result.unwrap()["healthy"], true);
    let path = format!("/api/v1/snapshots/{id}/verify");
    for (query, status) in [("", 200), ("?wait=0", 202)] {
        let request = server.request(Method::POST, &format!("{path}{query}")).bearer_auth(&operator);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{query}");
        let answer: VerifyAnswer = answer.json().await.unwrap();
        assert_eq!(answer.state == TaskState::Done, status == 200);
        assert_eq!(answer.result.is_some(), status == 200);
    }
    let statistics = client.statistics(&StatisticsQuery::default()).await.unwrap();
    assert_eq!((statistics.snapshots, statistics.sources, statistics.logical_bytes), (1, 1, 300_021));
    let viewer = server.token(Role::Viewer).await;
    refused(server.request(Method::POST, &path), Some(&viewer), 403).await;
    let bad = server.request(Method::POST, &path).json(&json!({"depth": "sample", "sample_percent": 101}));
    refused(bad, Some(&operator), 422).await;
}
