//! A hundred clients at once.

mod support;

use std::sync::Arc;

use backstay_api::snapshot::SnapshotQuery;
use backstay_model::Role;
use support::TestServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_get_what_they_ask_for() {
    let server = Arc::new(TestServer::start().await);
    let operator = server.token(Role::Operator).await;
    let (workspace, _) = server.workspace("w").await;
    let id = server.snapshot(&operator, &workspace, "").await;
    let clients = (0..100).map(|_| {
        let (server, token, id) = (Arc::clone(&server), operator.clone(), id.clone());
        tokio::spawn(async move {
            let client = server.client(&token);
            for _ in 0..5 {
                assert_eq!(client.list_snapshots(&SnapshotQuery::default()).await.unwrap().total, 1);
                assert_eq!(client.get_snapshot(&id).await.unwrap().id, id);
                let mut reader = client.read_content(&id, "README.md", None).await.unwrap().into_reader();
                let mut text = String::new();
                tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text).await.unwrap();
                assert_eq!(text, "# hello\n");
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}
