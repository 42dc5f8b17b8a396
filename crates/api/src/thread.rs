//! Typed checkpoints: threads. Every body is JSON with bytes as base64, or msgpack with bytes as they are.

use std::collections::BTreeMap;
use std::fmt;

use backstay_model::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::Problem;

/// Bytes: base64 in JSON, `bin` in msgpack.
#[derive(Debug, Clone, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = Byte)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes, or base64")
            }
            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
                STANDARD.decode(text).map(Bytes).map_err(|_| E::custom("it is not base64"))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A version of a channel; its type is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Version {
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(String),
}

/// A value that only its client understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedValue {
    /// The type.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The bytes.
    pub data: Bytes,
}

/// The key of a typed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadKey {
    /// The thread, which is a job.
    pub thread_id: String,
    /// The namespace.
    #[serde(default)]
    pub checkpoint_ns: String,
    /// The client's id; the latest is the greatest.
    #[serde(default)]
    pub checkpoint_id: Option<String>,
}

/// A channel that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedChannel {
    /// The version.
    pub version: Version,
    /// The type of the value.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The value.
    pub data: Bytes,
    /// Whether it is a snapshot of a channel whose changes are its writes.
    #[serde(default)]
    pub delta_snapshot: bool,
}

/// A typed checkpoint to save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewThreadCheckpoint {
    /// Its key.
    pub key: ThreadKey,
    /// The id of the checkpoint that it follows, in the same thread and namespace.
    #[serde(default)]
    pub parent: Option<String>,
    /// Everything but the values of channels.
    pub head: TypedValue,
    /// What the client says about it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// The channels that changed, by name.
    #[serde(default)]
    pub changed: BTreeMap<String, ChangedChannel>,
    /// The channels that are as in the parent.
    #[serde(default)]
    pub keep: Vec<String>,
}

/// What became of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutCheckpoint {
    /// The client's id.
    pub checkpoint_id: String,
    /// The server's id.
    pub id: String,
    /// Its place in the thread.
    pub sequence: u64,
    /// Whether one with the same key was replaced.
    pub replaced: bool,
}

/// A write of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskWrite {
    /// Its place among the writes of the task; negative for special ones.
    pub idx: i64,
    /// The channel.
    pub channel: String,
    /// The type of the value.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The value.
    pub data: Bytes,
}

/// Pending writes of one task to save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewThreadWrites {
    /// The checkpoint, which may come later.
    pub key: ThreadKey,
    /// The task.
    pub task_id: String,
    /// The path of the task.
    #[serde(default)]
    pub task_path: String,
    /// The writes.
    pub writes: Vec<TaskWrite>,
}

/// What became of pending writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutWrites {
    /// How many were new or overwritten.
    pub stored: u64,
}

/// One of several operations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ThreadOperation {
    /// Save a checkpoint.
    Put(NewThreadCheckpoint),
    /// Save pending writes.
    PutWrites(NewThreadWrites),
}

/// The derived schema would be that of the body, which allows no other property, and of `op` besides it: nothing fits both.
impl PartialSchema for ThreadOperation {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(with_operation(NewThreadCheckpoint::schema(), "put"))
            .item(with_operation(NewThreadWrites::schema(), "put_writes"))
            .description(Some("One of several operations."))
            .into()
    }
}

impl ToSchema for ThreadOperation {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        NewThreadCheckpoint::schemas(schemas);
        NewThreadWrites::schemas(schemas);
    }
}

/// The schema of a body that tells with `op` what it is for.
fn with_operation(body: RefOr<Schema>, operation: &str) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut body)) = body else { return body };
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([operation])).build();
    body.properties.insert("op".to_owned(), word.into());
    body.required.push("op".to_owned());
    body.into()
}

/// Operations to do in their order, with one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadBatch {
    /// The operations.
    #[schema(min_items = 1, max_items = 1000)]
    pub operations: Vec<ThreadOperation>,
}

/// What became of the operations, in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ThreadResults {
    /// The results.
    pub results: Vec<ThreadResult>,
}

/// What became of one operation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ThreadResult {
    /// The HTTP status it would have had alone; 424 when it was skipped.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    /// What it would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// Whether it was skipped because one before it of the same thread failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

/// A channel with its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChannelValue {
    /// The version.
    pub version: Version,
    /// The type of the value.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The value.
    pub data: Bytes,
}

/// A pending write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PendingWrite {
    /// The checkpoint, in a history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_id: Option<String>,
    /// The task.
    pub task_id: String,
    /// The path of the task.
    pub task_path: String,
    /// Its place among the writes of the task.
    pub idx: i64,
    /// The channel.
    pub channel: String,
    /// The type of the value.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The value.
    pub data: Bytes,
}

/// A typed checkpoint with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThreadTuple {
    /// Its key.
    pub key: ThreadKey,
    /// The checkpoint that it follows.
    pub parent: Option<String>,
    /// Everything but the values of channels.
    pub head: TypedValue,
    /// What the client said about it.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// The channels, by name.
    pub channels: BTreeMap<String, ChannelValue>,
    /// The pending writes, by task path, task and index.
    pub writes: Vec<PendingWrite>,
    /// The server's id.
    pub id: String,
    /// Its place in the thread.
    pub sequence: u64,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Which typed checkpoint to read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TupleQuery {
    /// The thread.
    pub thread_id: String,
    /// The namespace; the root when absent.
    #[serde(default)]
    pub checkpoint_ns: Option<String>,
    /// The checkpoint; the latest when absent.
    #[serde(default)]
    pub checkpoint_id: Option<String>,
}

/// Which typed checkpoints to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TuplesQuery {
    /// The thread; every one of the project when absent.
    #[serde(default)]
    pub thread_id: Option<String>,
    /// The namespace; all when absent.
    #[serde(default)]
    pub checkpoint_ns: Option<String>,
    /// A JSON object that the metadata must contain.
    #[serde(default)]
    pub filter: Option<String>,
    /// Only checkpoints with a lower id.
    #[serde(default)]
    pub before: Option<String>,
    /// How many at most; 100 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// A page of typed checkpoints, greatest id first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TupleList {
    /// The checkpoints.
    pub checkpoints: Vec<ThreadTuple>,
    /// The `cursor` of the next page.
    pub next: Option<String>,
}

/// A thread to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyThread {
    /// The thread.
    pub from: String,
    /// An empty thread, or a new one.
    pub to: String,
    /// Whether nothing is copied and the answer tells what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// A checkpoint to fork from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForkThread {
    /// The checkpoint; the latest when it has no id.
    pub from: ThreadKey,
    /// An empty thread, or a new one.
    pub to: String,
    /// Whether nothing is copied and the answer tells what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What copying did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CopiedThread {
    /// How many checkpoints were copied.
    pub checkpoints: u64,
    /// How many pending writes.
    pub writes: u64,
    /// How many carriers.
    pub carriers: u64,
    /// Whether it was only told.
    pub dry_run: bool,
}

/// What a pruning keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PruneStrategy {
    /// The latest checkpoint of each namespace.
    KeepLatest,
    /// Nothing.
    Delete,
}

/// Threads to prune.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneThreads {
    /// The threads.
    pub thread_ids: Vec<String>,
    /// What stays.
    pub strategy: PruneStrategy,
    /// Whether also goes what delta channels of remaining checkpoints need.
    #[serde(default)]
    pub force: bool,
    /// Whether nothing is removed and the answer tells what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// Runs whose checkpoints go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRuns {
    /// The runs: `run_id` of the metadata.
    pub run_ids: Vec<String>,
    /// Whether also goes what delta channels of remaining checkpoints need.
    #[serde(default)]
    pub force: bool,
    /// Whether nothing is removed and the answer tells what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which thread to delete.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteThreadQuery {
    /// The thread.
    pub thread_id: String,
    /// Whether nothing is removed and the answer tells what would be.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// What a removal did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedThreads {
    /// Thread by thread.
    pub threads: Vec<RemovedThread>,
    /// How many listed checkpoints went.
    pub deleted: u64,
    /// How many listed checkpoints stay.
    pub kept: u64,
    /// How many stay unseen because later ones need what they hold.
    pub carriers: u64,
    /// How many pending writes went.
    pub writes: u64,
    /// Whether it was only told.
    pub dry_run: bool,
}

/// What a removal did to one thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedThread {
    /// The thread.
    pub thread_id: String,
    /// How many listed checkpoints went.
    pub deleted: u64,
    /// How many listed checkpoints stay.
    pub kept: u64,
    /// How many stay unseen.
    pub carriers: u64,
    /// How many pending writes went.
    pub writes: u64,
}

/// Channels whose history is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeltaHistoryRequest {
    /// The target; the latest when it has no id.
    pub key: ThreadKey,
    /// The channels.
    pub channels: Vec<String>,
}

/// Histories by channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeltaHistories {
    /// The histories.
    pub channels: BTreeMap<String, DeltaHistory>,
}

/// The history of one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeltaHistory {
    /// The nearest stored value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<ChannelValue>,
    /// The writes since then, oldest first.
    pub writes: Vec<PendingWrite>,
}
