//! The bounds of what threads are given.

use crate::error::Result;
use crate::limits::Fields;
use crate::view::{NewThreadCheckpoint, NewThreadWrites, ThreadKey};

/// How many channels or writes one request may have.
const MOST_ITEMS: usize = 10_000;
const MAX_METADATA_BYTES: usize = 64 << 10;

/// A key: the thread as the name of a job, the namespace up to 2048 bytes, other texts up to 512.
pub(super) fn key(fields: &mut Fields, key: &ThreadKey) {
    crate::checkpoints::check_job_name(fields, "thread_id", &key.thread_id);
    bytes(fields, "checkpoint_ns", &key.namespace, 2048);
    bytes(fields, "checkpoint_id", &key.checkpoint_id, 512);
    fields.check(!key.checkpoint_id.is_empty(), "checkpoint_id", "it takes at least 1 byte");
}

pub(super) fn bytes(fields: &mut Fields, field: &str, text: &str, most: usize) {
    let good = text.len() <= most && !text.contains('\0');
    fields.check(good, field, &format!("it takes at most {most} bytes without NUL"));
}

pub(super) fn checkpoint(new: &NewThreadCheckpoint) -> Result<()> {
    let mut fields = Fields::default();
    key(&mut fields, &new.key);
    bytes(&mut fields, "parent", new.parent.as_deref().unwrap_or_default(), 512);
    bytes(&mut fields, "head.type", &new.head.value_type, 512);
    let items = new.changed.len() + new.keep.len();
    fields.check(items <= MOST_ITEMS, "changed", "it takes at most 10000 channels, with those to keep");
    fields.check(new.metadata.len() <= MAX_METADATA_BYTES, "metadata", "it takes at most 65536 bytes");
    for channel in &new.changed {
        bytes(&mut fields, "changed", &channel.name, 512);
        bytes(&mut fields, "changed.type", &channel.value.value_type, 512);
    }
    for name in &new.keep {
        bytes(&mut fields, "keep", name, 512);
    }
    let mut names: Vec<&str> = new.changed.iter().map(|channel| channel.name.as_str()).collect();
    names.extend(new.keep.iter().map(String::as_str));
    names.sort_unstable();
    fields.check(names.windows(2).all(|pair| pair[0] != pair[1]), "keep", "a channel is named twice");
    fields.finish()
}

pub(super) fn writes(new: &NewThreadWrites) -> Result<()> {
    let mut fields = Fields::default();
    key(&mut fields, &new.key);
    bytes(&mut fields, "task_id", &new.task_id, 512);
    bytes(&mut fields, "task_path", &new.task_path, 4096);
    fields.check(new.writes.len() <= MOST_ITEMS, "writes", "it takes at most 10000 writes");
    for write in &new.writes {
        bytes(&mut fields, "writes.channel", &write.channel, 512);
        bytes(&mut fields, "writes.type", &write.value.value_type, 512);
    }
    fields.finish()
}
