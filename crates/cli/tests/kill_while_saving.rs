//! `kill -9` of a server at random moments while many clients save.
//!
//! After each kill the server starts at once, and every checkpoint that was acknowledged is there and whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use backstay_api::checkpoint::{CheckpointQuery, NewCheckpoint};
use backstay_client::{Client, ClientOptions};
use backstay_model::SeededRng;
use rand::RngExt;
use serde_json::Value;
use serde_json::value::RawValue;

const KILLS: u64 = 100;
/// The whole test ends after this time, with the kills that it had by then, at least ten.
const AT_MOST: Duration = Duration::from_mins(4);
const CLIENTS: usize = 8;

fn backstay(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
    command.args(arguments).arg("--data-directory").arg(data).env_remove("BACKSTAY_SERVER");
    command
}

/// A running server and its address.
fn serve(data: &Path) -> (Child, String) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--format", "ndjson"];
    let mut child = backstay(data, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    (child, format!("http://{}", event["listening"]["address"].as_str().unwrap()))
}

/// Every tenth is so large that it lies in the repository.
fn state(client: usize, n: u64) -> String {
    let filler = "filler ".repeat(if n % 10 == 3 { 200_000 } else { 300 });
    format!("{{\"client\":{client},\"n\":{n},\"filler\":\"{filler}\"}}")
}

#[test]
fn slow_nothing_acknowledged_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let (mut child, _) = serve(&data);
    let token =
        backstay(&data, &["tokens", "create", "t", "--role", "operator", "--quiet"]).output().unwrap();
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    child.kill().unwrap();
    child.wait().unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let acknowledged: Arc<Mutex<Vec<(String, usize, u64)>>> = Arc::default();
    let (start, mut random) = (Instant::now(), rand::rng());
    let mut kills = 0;
    while kills < KILLS && (kills < 10 || start.elapsed() < AT_MOST) {
        let (mut child, address) = serve(&data);
        let options = || ClientOptions::new(Some(&token), Arc::new(SeededRng::new(kills)));
        let (told, saved) = mpsc::channel();
        let savers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let api = Client::new(&address, options()).unwrap().checkpoints("default");
                let (acknowledged, told) = (Arc::clone(&acknowledged), told.clone());
                runtime.spawn(async move {
                    for n in 0.. {
                        let n = kills * 1_000_000 + n;
                        let new = NewCheckpoint {
                            job_id: format!("job {client}"),
                            step_name: "step".into(),
                            state: RawValue::from_string(state(client, n)).unwrap(),
                            metadata: None,
                            workflow_name: None,
                            workflow_version: None,
                            parent_id: None,
                            execution_id: None,
                            ttl_s: None,
                            pinned: false,
                            epoch: None,
                        };
                        let Ok(made) = api.create(&new).await else { return };
                        acknowledged.lock().unwrap().push((made.checkpoint_id, client, n));
                        // Nobody listens any more once the server was killed.
                        let _ = told.send(());
                    }
                })
            })
            .collect();
        // Somewhere in the middle of the work: after so many answers.
        for _ in 0..random.random_range(1..120) {
            saved.recv_timeout(Duration::from_mins(1)).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for saver in savers {
            saver.abort();
            let _ = runtime.block_on(saver);
        }
        kills += 1;
    }

    let (mut child, address) = serve(&data);
    let options = ClientOptions::new(Some(&token), Arc::new(SeededRng::new(0)));
    let api = Client::new(&address, options).unwrap().checkpoints("default");
    let acknowledged = acknowledged.lock().unwrap();
    assert!(acknowledged.len() > 10, "{kills} kills left no time to save");
    runtime.block_on(async {
        for (id, client, n) in acknowledged.iter() {
            let found = api.get(id).await.unwrap();
            assert!(found.state_snapshot.unwrap().get() == state(*client, *n), "{id}");
        }
        for client in 0..CLIENTS {
            let query = CheckpointQuery {
                job_id: format!("job {client}"),
                limit: Some(1),
                ..CheckpointQuery::default()
            };
            let list = api.list(&query).await.unwrap();
            let own = acknowledged.iter().filter(|(_, saver, _)| *saver == client).count();
            assert!(list.total as usize >= own);
        }
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let audit = backstay(&data, &["audit", "verify"]).output().unwrap();
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stderr));
    println!("{kills} kills, {} acknowledged checkpoints", acknowledged.len());
}
