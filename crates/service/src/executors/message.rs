//! The messages that executors get.

use backstay_catalog::{JobRow, ResumeRow};
use backstay_model::Timestamp;
use backstay_source_job::execution::ResumeRecord;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::opened::resume_id;
use crate::error::{Result, ServiceError};
use crate::view::CheckpointState;

/// A larger state is not sent, but where it is to be had, in bytes of JSON text.
const MAX_SENT_BYTES: usize = 1 << 20;

/// What lets a job go on.
#[derive(Serialize)]
struct Resume<'m> {
    delivery_id: &'m str,
    job_id: &'m str,
    project: &'m str,
    checkpoint_id: &'m str,
    step_name: &'m str,
    form: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'m RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_hash: Option<String>,
    epoch: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_id: Option<&'m str>,
    requested_by: &'m str,
    reason: Option<&'m str>,
}

#[derive(Serialize)]
struct Envelope<'m, D> {
    r#type: &'m str,
    timestamp: Timestamp,
    data: D,
}

/// A message as it is sent: its id, by which repetitions are told, and its body.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

/// The message of a resume. The state is in it byte for byte, unless it is large.
pub(super) fn resume_message(
    row: &ResumeRow,
    record: &ResumeRecord,
    job: &JobRow,
    checkpoint: &CheckpointState,
    key: Option<(String, String)>,
    now: Timestamp,
) -> Result<Message> {
    let id = resume_id(row.number, job);
    let large = checkpoint.state.len() > MAX_SENT_BYTES;
    let state = RawValue::from_string(checkpoint.state.clone())
        .map_err(|error| ServiceError::internal("Could not send a state", error))?;
    let hash = || {
        let digest = Sha256::digest(checkpoint.state.as_bytes());
        digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    };
    let about = &checkpoint.checkpoint;
    let data = Resume {
        delivery_id: &id,
        job_id: &job.name,
        project: &job.project,
        checkpoint_id: &record.checkpoint_id,
        step_name: &about.step_name,
        form: if about.typed { "typed" } else { "json" },
        key: key.map(|(namespace, name)| {
            json!({"thread_id": job.name, "checkpoint_ns": namespace, "checkpoint_id": name})
        }),
        state: (!large).then_some(&*state),
        state_url: large.then(|| format!("/api/checkpoints/{}", record.checkpoint_id)),
        state_hash: large.then(hash),
        epoch: row.epoch,
        execution_id: about.execution_id.as_deref(),
        requested_by: &record.requested_by.name,
        reason: record.reason.as_deref(),
    };
    let body = written("job.resume", now, &data)?;
    Ok(Message { id, body })
}

/// The message that asks for the present state of a job.
pub(super) fn capture_message(
    id: String,
    job: &JobRow,
    requested_by: &str,
    now: Timestamp,
) -> Result<Message> {
    let data = json!({
        "delivery_id": id, "job_id": job.name, "project": job.project, "epoch": job.epoch, "requested_by": requested_by,
    });
    let body = written("job.capture", now, &data)?;
    Ok(Message { id, body })
}

fn written(what: &str, now: Timestamp, data: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(&Envelope { r#type: what, timestamp: now, data })
        .map_err(|error| ServiceError::internal("Could not write a message", error))
}
