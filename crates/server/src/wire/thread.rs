//! Typed checkpoints.

use backstay_api::thread as api;
use backstay_service::{Version, view};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

fn version(from: Version) -> api::Version {
    match from {
        Version::Int(number) => api::Version::Int(number),
        Version::Float(number) => api::Version::Float(number),
        Version::Text(text) => api::Version::Text(text),
    }
}

fn typed(from: api::TypedValue) -> view::TypedValue {
    view::TypedValue { value_type: from.value_type, data: from.data.0 }
}

/// The key of a checkpoint to save; one without an id has the empty one, which is refused.
fn key(from: api::ThreadKey) -> view::ThreadKey {
    view::ThreadKey {
        thread_id: from.thread_id,
        namespace: from.checkpoint_ns,
        checkpoint_id: from.checkpoint_id.unwrap_or_default(),
    }
}

/// The key, and whether the latest is meant.
pub fn thread_key(from: api::ThreadKey) -> (view::ThreadKey, bool) {
    let latest = from.checkpoint_id.is_none();
    (key(from), latest)
}

/// A typed checkpoint to save.
pub fn new_thread_checkpoint(from: api::NewThreadCheckpoint) -> view::NewThreadCheckpoint {
    let changed = from.changed.into_iter().map(|(name, channel)| view::ChangedChannel {
        name,
        version: match channel.version {
            api::Version::Int(number) => Version::Int(number),
            api::Version::Float(number) => Version::Float(number),
            api::Version::Text(text) => Version::Text(text),
        },
        value: view::TypedValue { value_type: channel.value_type, data: channel.data.0 },
        delta_snapshot: channel.delta_snapshot,
    });
    view::NewThreadCheckpoint {
        key: key(from.key),
        parent: from.parent,
        head: typed(from.head),
        metadata: Value::Object(from.metadata).to_string(),
        changed: changed.collect(),
        keep: from.keep,
    }
}

/// Pending writes to save.
pub fn new_thread_writes(from: api::NewThreadWrites) -> view::NewThreadWrites {
    let writes = from.writes.into_iter().map(|write| view::ThreadWrite {
        index: write.idx,
        channel: write.channel,
        value: view::TypedValue { value_type: write.value_type, data: write.data.0 },
    });
    view::NewThreadWrites {
        key: key(from.key),
        task_id: from.task_id,
        task_path: from.task_path,
        writes: writes.collect(),
    }
}

fn channel_value(from: view::ChannelValue) -> (String, api::ChannelValue) {
    let value = api::ChannelValue {
        version: version(from.version),
        value_type: from.value.value_type,
        data: api::Bytes(from.value.data),
    };
    (from.name, value)
}

fn pending_write(from: view::PendingWrite, named: bool) -> api::PendingWrite {
    api::PendingWrite {
        checkpoint_id: named.then_some(from.checkpoint_id),
        task_id: from.task_id,
        task_path: from.task_path,
        idx: from.write.index,
        channel: from.write.channel,
        value_type: from.write.value.value_type,
        data: api::Bytes(from.write.value.data),
    }
}

/// A typed checkpoint.
pub fn thread_tuple(from: view::ThreadTuple) -> api::ThreadTuple {
    api::ThreadTuple {
        key: api::ThreadKey {
            thread_id: from.key.thread_id,
            checkpoint_ns: from.key.namespace,
            checkpoint_id: Some(from.key.checkpoint_id),
        },
        parent: from.parent,
        head: api::TypedValue { value_type: from.head.value_type, data: api::Bytes(from.head.data) },
        metadata: serde_json::from_str(&from.metadata).unwrap_or(Value::Null),
        channels: from.channels.into_iter().map(channel_value).collect(),
        writes: from.writes.into_iter().map(|write| pending_write(write, false)).collect(),
        id: from.id,
        sequence: from.sequence,
        created_at: from.created_at,
    }
}

/// The text of a place in a list.
pub fn thread_cursor(place: &view::ThreadPlace) -> String {
    let text = serde_json::json!([place.checkpoint_id, place.job, place.namespace]).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

/// The place in a list that a text names.
pub fn thread_place(text: &str) -> Option<view::ThreadPlace> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (checkpoint_id, job, namespace) = serde_json::from_slice(&bytes).ok()?;
    Some(view::ThreadPlace { checkpoint_id, job, namespace })
}

/// What copying did.
pub fn copied_thread(from: view::ThreadCopy, dry_run: bool) -> api::CopiedThread {
    api::CopiedThread { checkpoints: from.checkpoints, writes: from.writes, carriers: from.carriers, dry_run }
}

/// What removals did.
pub fn removed_threads(from: Vec<view::ThreadRemoval>, dry_run: bool) -> api::RemovedThreads {
    let sum = |of: fn(&view::ThreadRemoval) -> u64| from.iter().map(of).sum();
    api::RemovedThreads {
        deleted: sum(|removal| removal.deleted),
        kept: sum(|removal| removal.kept),
        carriers: sum(|removal| removal.carriers),
        writes: sum(|removal| removal.writes),
        dry_run,
        threads: from
            .into_iter()
            .map(|removal| api::RemovedThread {
                thread_id: removal.thread_id,
                deleted: removal.deleted,
                kept: removal.kept,
                carriers: removal.carriers,
                writes: removal.writes,
            })
            .collect(),
    }
}

/// Histories of channels.
pub fn delta_histories(from: Vec<view::DeltaHistory>) -> api::DeltaHistories {
    let channels = from.into_iter().map(|history| {
        let writes = history.writes.into_iter().map(|write| pending_write(write, true)).collect();
        (history.channel, api::DeltaHistory { seed: history.seed.map(|seed| channel_value(seed).1), writes })
    });
    api::DeltaHistories { channels: channels.collect() }
}
