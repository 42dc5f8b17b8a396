//! Checkpoints of jobs.

use backstay_api::{checkpoint as api, job as jobs};
use backstay_model::Timestamp;
use backstay_service::{Restored, StateChange, view};
use serde_json::value::RawValue;

/// JSON text that was checked before, as a value of the answer.
pub fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A checkpoint without its state.
pub fn checkpoint(from: view::Checkpoint) -> api::Checkpoint {
    api::Checkpoint {
        checkpoint_id: from.checkpoint_id,
        job_id: from.job_id,
        step_name: from.step_name,
        sequence: from.sequence,
        timestamp: from.timestamp,
        workflow_name: from.workflow_name,
        workflow_version: from.workflow_version,
        metadata: from.metadata.map(raw),
        form: if from.typed { api::Form::Typed } else { api::Form::Json },
        parent_id: from.parent_id,
        execution_id: from.execution_id,
        epoch: from.epoch,
        expires_at: from.expires_at,
        pinned: from.pinned,
        held: from.held,
        integrity: if from.damaged { api::StateIntegrity::Damaged } else { api::StateIntegrity::Ok },
        size_bytes: from.size_bytes,
        state_snapshot: None,
    }
}

/// A checkpoint with its state.
pub fn checkpoint_state(from: view::CheckpointState) -> api::Checkpoint {
    api::Checkpoint { state_snapshot: Some(raw(from.state)), ..checkpoint(from.checkpoint) }
}

/// A restored checkpoint.
pub fn restored_checkpoint(from: Restored, at: Timestamp) -> api::RestoredCheckpoint {
    let view::CheckpointState { checkpoint, state } = from.checkpoint;
    api::RestoredCheckpoint {
        checkpoint_id: checkpoint.checkpoint_id,
        job_id: checkpoint.job_id,
        state: raw(state),
        job_status: from.job_status.to_owned(),
        message: from.message,
        timestamp: at,
        resume_id: from.resume_id,
        safety_checkpoint_id: from.safety_checkpoint_id,
    }
}

/// What cleaning a job did or would do.
pub fn cleaned_job(from: view::Cleaned, at: Timestamp) -> api::CleanedJob {
    let kept = from.kept.into_iter();
    let kept = kept.map(|(id, reason)| api::KeptCheckpoint { id, reason: reason.as_str().to_owned() });
    let kept: Vec<_> = kept.collect();
    api::CleanedJob {
        job_id: from.job_id,
        deleted_count: from.deleted.len() as u64,
        kept_count: kept.len() as u64,
        timestamp: at,
        deleted: from.deleted,
        kept,
    }
}

/// The difference of two states.
pub fn state_diff(from: String, to: String, changes: Vec<StateChange>) -> api::StateDiff {
    api::StateDiff {
        from,
        to,
        identical: changes.is_empty(),
        patch: changes.iter().map(|change| raw(change.to_operation().to_text())).collect(),
        changes: changes.into_iter().map(state_change).collect(),
    }
}

/// One change between two states.
pub(super) fn state_change(from: StateChange) -> api::StateChange {
    api::StateChange {
        op: from.kind.as_str().to_owned(),
        path: from.path,
        old: from.old.map(|value| raw(value.to_text())),
        new: from.new.map(|value| raw(value.to_text())),
    }
}

/// Which checkpoint follows which.
pub fn checkpoint_tree(job_id: String, nodes: Vec<view::TreeNode>) -> api::CheckpointTree {
    let nodes = nodes.into_iter().map(|node| api::CheckpointNode {
        checkpoint_id: node.checkpoint.checkpoint_id,
        parent_id: node.checkpoint.parent_id,
        sequence: node.checkpoint.sequence,
        step_name: node.checkpoint.step_name,
        timestamp: node.checkpoint.timestamp,
        head: node.head,
    });
    api::CheckpointTree { job_id, nodes: nodes.collect() }
}

/// The values that a pointer had.
pub fn pointer_history(pointer: String, values: Vec<view::PointerValue>) -> api::PointerHistory {
    let values = values.into_iter().map(|value| api::PointerValue {
        checkpoint_id: value.checkpoint.checkpoint_id,
        sequence: value.checkpoint.sequence,
        timestamp: value.checkpoint.timestamp,
        present: value.value.is_some(),
        value: value.value.map(raw),
    });
    api::PointerHistory { pointer, values: values.collect() }
}

/// A job.
pub fn job(from: view::Job) -> jobs::Job {
    jobs::Job {
        job_id: from.job_id,
        project: from.project,
        checkpoints: from.checkpoints,
        epoch: from.epoch,
        retention: from.retention,
        created_at: from.created_at,
        updated_at: from.updated_at,
    }
}

/// The policy of a job or project.
pub fn retention(job_id: Option<String>, from: view::JobRetention) -> jobs::Retention {
    jobs::Retention {
        job_id,
        retention: from.own,
        effective: from.effective,
        from: from.from.map(str::to_owned),
    }
}

/// What a policy would do.
pub fn retention_plan(from: view::JobPlan) -> jobs::RetentionPlan {
    let decided =
        |checkpoint_id: String, reason: &str| jobs::Decided { checkpoint_id, reason: reason.to_owned() };
    jobs::RetentionPlan {
        plan_id: from.id,
        job_id: from.cleaned.job_id,
        delete: from
            .cleaned
            .deleted
            .into_iter()
            .zip(from.reasons)
            .map(|(id, reason)| decided(id, reason))
            .collect(),
        keep: from.cleaned.kept.into_iter().map(|(id, reason)| decided(id, reason.as_str())).collect(),
        expires_at: from.expires_at,
    }
}
