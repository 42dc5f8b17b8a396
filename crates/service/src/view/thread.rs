//! Typed checkpoints: threads, their channels and pending writes.

use backstay_model::Timestamp;
use backstay_source_job::Version;

/// A value that only its client understands: a type and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedValue {
    /// The type.
    pub value_type: String,
    /// The bytes.
    pub data: Vec<u8>,
}

/// The client's key of a typed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadKey {
    /// The thread, which is a job.
    pub thread_id: String,
    /// The namespace.
    pub namespace: String,
    /// The client's id.
    pub checkpoint_id: String,
}

/// A channel that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedChannel {
    /// The name.
    pub name: String,
    /// The version.
    pub version: Version,
    /// The value.
    pub value: TypedValue,
    /// Whether the value is a snapshot of a channel whose changes are its writes.
    pub delta_snapshot: bool,
}

/// A typed checkpoint to save.
#[derive(Debug, Clone)]
pub struct NewThreadCheckpoint {
    /// Its key.
    pub key: ThreadKey,
    /// The client's id of the checkpoint that it follows.
    pub parent: Option<String>,
    /// Everything but the values of channels.
    pub head: TypedValue,
    /// JSON text of an object.
    pub metadata: String,
    /// The channels that changed since the parent.
    pub changed: Vec<ChangedChannel>,
    /// The channels that are as in the parent.
    pub keep: Vec<String>,
}

/// A pending write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadWrite {
    /// Its place among the writes of the task; negative for special ones.
    pub index: i64,
    /// The channel.
    pub channel: String,
    /// The value.
    pub value: TypedValue,
}

/// Pending writes of one task to save.
#[derive(Debug, Clone)]
pub struct NewThreadWrites {
    /// The checkpoint, which may come later.
    pub key: ThreadKey,
    /// The task.
    pub task_id: String,
    /// The path of the task.
    pub task_path: String,
    /// The writes.
    pub writes: Vec<ThreadWrite>,
}

/// One of several operations that are saved together.
#[derive(Debug, Clone)]
pub enum ThreadOperation {
    /// Save a checkpoint.
    Put(NewThreadCheckpoint),
    /// Save pending writes.
    PutWrites(NewThreadWrites),
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadDone {
    /// The checkpoint is saved.
    Put {
        /// The client's id.
        checkpoint_id: String,
        /// The server's id.
        id: String,
        /// Its place in the thread.
        sequence: u64,
        /// Whether one with the same key was replaced.
        replaced: bool,
    },
    /// The writes are saved.
    Written {
        /// How many were new or overwritten.
        stored: u64,
    },
}

/// A channel of a checkpoint with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelValue {
    /// The name.
    pub name: String,
    /// The version.
    pub version: Version,
    /// The value.
    pub value: TypedValue,
}

/// A pending write of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingWrite {
    /// The client's id of the checkpoint.
    pub checkpoint_id: String,
    /// The task.
    pub task_id: String,
    /// The path of the task.
    pub task_path: String,
    /// The write.
    pub write: ThreadWrite,
}

/// A typed checkpoint with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct ThreadTuple {
    /// Its key.
    pub key: ThreadKey,
    /// The client's id of the checkpoint that it follows.
    pub parent: Option<String>,
    /// Everything but the values of channels.
    pub head: TypedValue,
    /// JSON text of an object.
    pub metadata: String,
    /// The channels.
    pub channels: Vec<ChannelValue>,
    /// The pending writes, by task path, task and index.
    pub writes: Vec<PendingWrite>,
    /// The server's id.
    pub id: String,
    /// Its place in the thread.
    pub sequence: u64,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Changes whenever anything of it does.
    pub tag: String,
}

/// What a client that may know a typed checkpoint already is answered.
#[derive(Debug, Clone)]
pub enum ThreadAnswer {
    /// It is what the client knows.
    Unchanged {
        /// Its tag.
        tag: String,
    },
    /// It, whole.
    Found(Box<ThreadTuple>),
}

/// Which typed checkpoints to list.
#[derive(Debug, Clone, Default)]
pub struct ThreadFilter {
    /// Only those of this thread; `None` for all of the project.
    pub thread_id: Option<String>,
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only those whose metadata contains this JSON object.
    pub metadata: Option<String>,
    /// Only those with a lower id.
    pub before: Option<String>,
    /// Only those behind this place, which an earlier page gave out.
    pub after: Option<ThreadPlace>,
    /// How many at most.
    pub limit: u32,
}

/// A place in a list of typed checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPlace {
    /// The client's id.
    pub checkpoint_id: String,
    /// The number of the thread's job.
    pub job: i64,
    /// The namespace.
    pub namespace: String,
}

/// A page of typed checkpoints, greatest id first.
#[derive(Debug, Clone)]
pub struct ThreadPage {
    /// The checkpoints.
    pub items: Vec<ThreadTuple>,
    /// Where the next page begins.
    pub next: Option<ThreadPlace>,
}

/// What a removal does to one thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadRemoval {
    /// The thread.
    pub thread_id: String,
    /// How many listed checkpoints go.
    pub deleted: u64,
    /// How many listed checkpoints stay.
    pub kept: u64,
    /// How many stay unseen because later ones need what they hold.
    pub carriers: u64,
    /// How many pending writes go.
    pub writes: u64,
}

/// What copying or forking a thread does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadCopy {
    /// How many checkpoints are copied.
    pub checkpoints: u64,
    /// How many pending writes.
    pub writes: u64,
    /// How many carriers.
    pub carriers: u64,
}

/// The history of one delta channel.
#[derive(Debug, Clone)]
pub struct DeltaHistory {
    /// The channel.
    pub channel: String,
    /// The nearest stored value.
    pub seed: Option<ChannelValue>,
    /// The writes since then, oldest first.
    pub writes: Vec<PendingWrite>,
}
