//! Which contents of a request are large.

use std::collections::BTreeMap;

use backstay_catalog::ContentTable;
use backstay_model::TenantId;
use backstay_source_job::content::LARGE_BYTES;
use serde_json::json;

use super::described::Described;
use crate::checkpoints::queue::Work;
use crate::view::{NewCheckpoint, NewThreadCheckpoint, ThreadOperation};

/// Which content of a request: the state or the operation, and of an operation the channel.
pub(crate) type Spot = (usize, usize);

/// A large content of a request.
pub(super) struct Piece<'w> {
    pub(super) spot: Spot,
    pub(super) described: Described,
    pub(super) raw: &'w [u8],
}

/// The large contents of `work`.
pub(super) fn large_pieces<'w>(tenant: &TenantId, project: &str, work: &'w Work) -> Vec<Piece<'w>> {
    let described = |job: &str, holder, label: &str| Described {
        tenant: tenant.clone(),
        project: project.to_owned(),
        job: job.to_owned(),
        holder,
        label: label.to_owned(),
        attributes: BTreeMap::new(),
    };
    let mut pieces = Vec::new();
    let mut add_state = |place: usize, new: &'w NewCheckpoint| {
        let raw = new.raw();
        if raw.len() > LARGE_BYTES {
            let mut described = described(&new.job_id, ContentTable::Checkpoints, &new.step_name);
            described.attributes.extend([
                ("step_name".to_owned(), json!(new.step_name)),
                ("workflow_name".to_owned(), json!(new.workflow_name)),
                ("workflow_version".to_owned(), json!(new.workflow_version)),
                ("metadata".to_owned(), json!(new.metadata)),
                ("execution_id".to_owned(), json!(new.execution_id)),
            ]);
            pieces.push(Piece { spot: (place, 0), described, raw });
        }
    };
    match work {
        Work::Create { new, .. } => {
            for (place, new) in new.iter().enumerate() {
                if let Ok(new) = new {
                    add_state(place, new);
                }
            }
        }
        Work::Fork(fork) => {
            if let Some((_, new)) = &fork.state {
                add_state(0, new);
            }
        }
        Work::Complete(completion) => {
            let raw = completion.end.state.as_ref().map_or(&[][..], |state| state.as_str().as_bytes());
            if raw.len() > LARGE_BYTES {
                let execution = &completion.execution;
                let mut described = described(&completion.job, ContentTable::Checkpoints, execution);
                described.attributes.insert("execution_id".to_owned(), json!(execution));
                pieces.push(Piece { spot: (0, 0), described, raw });
            }
        }
        Work::Thread(operations) => {
            for (place, operation) in operations.iter().enumerate() {
                let ThreadOperation::Put(new) = operation else { continue };
                pieces.extend(values(place, new, |channel| {
                    described(&new.key.thread_id, ContentTable::Values, channel)
                }));
            }
        }
    }
    pieces
}

/// The large values of a typed checkpoint.
fn values(place: usize, new: &NewThreadCheckpoint, described: impl Fn(&str) -> Described) -> Vec<Piece<'_>> {
    let large = new.changed.iter().enumerate().filter(|(_, channel)| channel.value.data.len() > LARGE_BYTES);
    let pieces = large.map(|(at, channel)| {
        let mut described = described(&channel.name);
        described.attributes.extend([
            ("namespace".to_owned(), json!(new.key.namespace)),
            ("checkpoint_id".to_owned(), json!(new.key.checkpoint_id)),
            ("channel".to_owned(), json!(channel.name)),
            ("value_type".to_owned(), json!(channel.value.value_type)),
        ]);
        Piece { spot: (place, at), described, raw: &channel.value.data }
    });
    pieces.collect()
}
