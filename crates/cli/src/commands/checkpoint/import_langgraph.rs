//! Importing the threads of a database of LangGraph.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use backstay_api::thread::{
    Bytes, ChangedChannel, NewThreadCheckpoint, NewThreadWrites, TaskWrite, ThreadBatch, ThreadKey,
    ThreadOperation, TypedValue, Version,
};
use backstay_client::Threads;
use backstay_source_job::Version as StoredVersion;
use backstay_source_job::langgraph::{Part, take_apart};
use serde_json::{Map, Value};

use super::ProjectArgs;
use super::import::{Report, Told};
use super::langgraph_database::{Database, Key, Stored, StoredWrite};
use crate::commands::workspaces::server;
use crate::context::Context;
use crate::failure::Failure;

/// How many operations are sent with one request.
const TOGETHER: usize = 200;
/// A request is sent when it has this many bytes.
const TOGETHER_BYTES: usize = 8 << 20;
/// The type of a channel without a value.
const EMPTY: &str = "empty";

/// Imports every thread of the database at `path`.
pub(super) async fn import(cx: &Context, path: &Path, project: &ProjectArgs) -> Result<Report, Failure> {
    let mut database = Database::open(path).await?;
    let mut import = Import {
        threads: server(cx)?.threads(&project.project),
        waiting: Vec::new(),
        bytes: 0,
        last: None,
        report: Report::default(),
    };
    let mut after = Key::default();
    loop {
        let page = database.page(&after).await?;
        let Some(end) = page.last() else { break };
        after = end.key.clone();
        for stored in page {
            let key = stored.key.clone();
            if !import.checkpoint(stored).await? {
                continue;
            }
            match database.writes(&key).await? {
                Ok(writes) => import.writes(&key, writes).await?,
                Err(reason) => import.report.left_out.push(Told { file: named(&key), reason }),
            }
        }
    }
    import.send().await?;
    let lone = database.lone_writes().await?;
    if lone > 0 {
        let reason = format!("{lone} pending writes belong to no checkpoint");
        import.report.skipped.push(Told { file: path.display().to_string(), reason });
    }
    Ok(import.report)
}

/// A checkpoint of the database, for a person.
fn named(key: &Key) -> String {
    let Key { thread, namespace, id } = key;
    if namespace.is_empty() { format!("{thread} {id}") } else { format!("{thread} {namespace} {id}") }
}

/// The channels of a checkpoint that was sent.
struct Last {
    key: Key,
    channels: HashMap<String, (StoredVersion, Option<Vec<u8>>)>,
}

struct Import {
    threads: Threads,
    waiting: Vec<(Key, ThreadOperation)>,
    bytes: usize,
    /// The newest checkpoint: what follows it need not send again what did not change.
    last: Option<Last>,
    report: Report,
}

impl Import {
    /// Sends a checkpoint; `false` when it is skipped.
    async fn checkpoint(&mut self, stored: Stored) -> Result<bool, Failure> {
        let Stored { key, parent, value_type, bytes, metadata } = stored;
        let mut skip = |reason: String| self.report.skipped.push(Told { file: named(&key), reason });
        let Some(bytes) = bytes else {
            skip("it is absent or too large".to_owned());
            return Ok(false);
        };
        let value_type = value_type.unwrap_or_default();
        let parts = match take_apart(&value_type, &bytes) {
            Ok(parts) => parts,
            Err(reason) => {
                skip(reason.to_string());
                return Ok(false);
            }
        };
        let metadata = match metadata.as_deref().map(serde_json::from_slice::<Map<String, Value>>) {
            None => Map::new(),
            Some(Ok(metadata)) => metadata,
            Some(Err(_)) => {
                let reason = "its metadata is no JSON object".to_owned();
                self.report.left_out.push(Told { file: named(&key), reason });
                Map::new()
            }
        };
        let follows = |last: &&Last| {
            last.key.thread == key.thread
                && last.key.namespace == key.namespace
                && Some(&last.key.id) == parent.as_ref()
        };
        let before = self.last.as_ref().filter(follows);
        let (mut changed, mut keep, mut size) = (BTreeMap::new(), Vec::new(), parts.head.len());
        for part in &parts.channels {
            let known = before.and_then(|before| before.channels.get(&part.name));
            if known
                .is_some_and(|(version, value)| *version == part.version && value.as_deref() == part.value)
            {
                keep.push(part.name.clone());
                continue;
            }
            size += part.value.map_or(0, <[u8]>::len);
            changed.insert(part.name.clone(), channel(part, &value_type));
        }
        let new = NewThreadCheckpoint {
            key: wire_key(&key),
            parent,
            head: TypedValue { value_type: value_type.clone(), data: Bytes(parts.head) },
            metadata,
            changed,
            keep,
        };
        let channels = parts
            .channels
            .into_iter()
            .map(|part| (part.name, (part.version, part.value.map(<[u8]>::to_vec))))
            .collect();
        self.last = Some(Last { key: key.clone(), channels });
        self.add(key, ThreadOperation::Put(new), size).await?;
        Ok(true)
    }

    /// Sends the pending writes of a checkpoint, task by task.
    async fn writes(&mut self, key: &Key, writes: Vec<StoredWrite>) -> Result<(), Failure> {
        let mut tasks: BTreeMap<(String, String), Vec<TaskWrite>> = BTreeMap::new();
        for write in writes {
            let Some(value_type) = write.value_type else {
                let reason = format!("a write of channel {} has no type", write.channel);
                self.report.left_out.push(Told { file: named(key), reason });
                continue;
            };
            let sent =
                TaskWrite { idx: write.index, channel: write.channel, value_type, data: Bytes(write.bytes) };
            tasks.entry((write.task, write.task_path)).or_default().push(sent);
        }
        for ((task_id, task_path), writes) in tasks {
            let size = writes.iter().map(|write| write.data.0.len()).sum();
            let new = NewThreadWrites { key: wire_key(key), task_id, task_path, writes };
            self.add(key.clone(), ThreadOperation::PutWrites(new), size).await?;
        }
        Ok(())
    }

    async fn add(&mut self, key: Key, operation: ThreadOperation, size: usize) -> Result<(), Failure> {
        if self.waiting.len() == TOGETHER || (self.bytes > 0 && self.bytes + size > TOGETHER_BYTES) {
            self.send().await?;
        }
        self.bytes += size;
        self.waiting.push((key, operation));
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Failure> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let (keys, operations): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().unzip();
        let is_put: Vec<bool> =
            operations.iter().map(|each| matches!(each, ThreadOperation::Put(_))).collect();
        let results = self.threads.batch(&ThreadBatch { operations }).await?.results;
        for ((key, is_put), result) in keys.into_iter().zip(is_put).zip(results) {
            if result.status < 300 {
                if is_put {
                    self.report.count(&key.thread, false);
                }
                continue;
            }
            let reason = match result.error {
                Some(problem) => problem.detail,
                None => "one before it in its thread was refused".to_owned(),
            };
            self.report.skipped.push(Told { file: named(&key), reason });
        }
        Ok(())
    }
}

fn wire_key(key: &Key) -> ThreadKey {
    ThreadKey {
        thread_id: key.thread.clone(),
        checkpoint_ns: key.namespace.clone(),
        checkpoint_id: Some(key.id.clone()),
    }
}

fn channel(part: &Part<'_>, value_type: &str) -> ChangedChannel {
    let (value_type, data) = match part.value {
        Some(value) => (value_type.to_owned(), Bytes(value.to_vec())),
        None => (EMPTY.to_owned(), Bytes::default()),
    };
    let version = match &part.version {
        StoredVersion::Int(number) => Version::Int(*number),
        StoredVersion::Float(number) => Version::Float(*number),
        StoredVersion::Text(text) => Version::Text(text.clone()),
    };
    ChangedChannel { version, value_type, data, delta_snapshot: part.delta_snapshot }
}
