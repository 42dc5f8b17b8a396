//! From a row to what is known of a checkpoint.

use backstay_catalog::{CheckpointHead, JobRow};
use backstay_model::ErrorKind;
use backstay_source_job::content::Place;
use backstay_source_job::{Record, slug};

use super::keyring::JobKeys;
use super::public_id;
use crate::error::ServiceError;
use crate::view::Checkpoint;

/// The description in the sealed `record` of `head`.
pub(crate) fn record(keys: &JobKeys, number: i64, sealed: Vec<u8>) -> Option<Record> {
    let (_, plain) = keys.open(Place::Record(number), sealed).ok()?;
    Record::decode(&plain).ok()
}

/// What is known of a checkpoint. One whose description is damaged is told as damaged, under a name that finds it.
pub(crate) fn item(job: &JobRow, head: &CheckpointHead, record: Option<Record>) -> Checkpoint {
    let readable = record.is_some();
    let record = record.unwrap_or_else(|| Record { step_name: slug(""), ..Record::default() });
    Checkpoint {
        checkpoint_id: public_id(head.number, &record.step_name),
        job_id: job.name.clone(),
        step_name: record.step_name,
        sequence: head.sequence,
        timestamp: head.at,
        workflow_name: record.workflow_name,
        workflow_version: record.workflow_version,
        metadata: record.metadata,
        typed: head.flags.typed,
        parent_id: record.parent,
        execution_id: record.execution,
        epoch: record.epoch,
        expires_at: head.expires_at,
        pinned: head.flags.pinned,
        held: head.flags.held,
        damaged: head.flags.damaged || !readable,
        size_bytes: record.size_bytes,
        revision: head.revision,
    }
}

/// The content of the checkpoint `id` cannot be read.
pub(crate) fn damaged(id: &str) -> ServiceError {
    ServiceError::new(ErrorKind::BadRequest, format!("Invalid checkpoint data: content of {id} is damaged"))
        .code("damaged")
        .hint("restore an older checkpoint; the damaged one stays until it is deleted")
}

/// The checkpoint `id` was imported without a state.
pub(crate) fn no_state(id: &str) -> ServiceError {
    ServiceError::new(ErrorKind::BadRequest, format!("Checkpoint {id} has no state data"))
        .code("no_state")
        .hint("it was imported from a file without a state; restore another one")
}

/// Whether the slug in a public id is the one of the step.
pub(crate) fn is_named(slug_given: &str, step_name: &str) -> bool {
    slug(step_name) == slug_given
}
