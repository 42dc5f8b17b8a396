//! Looking back: the tree of a job, its state at a time, the history of one value.

use std::collections::HashSet;

use backstay_model::{Action, Caller, Kind, Subject, Timestamp};
use backstay_source_job::Json;

use super::item::{item, record};
use super::keyring::JobKeys;
use super::list_checkpoints::find_job;
use super::{check_project, no_checkpoint, public_id};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{CheckpointState, PointerValue, TreeNode};

/// How many checkpoints one question about a job looks at.
const MOST: u32 = 10_000;

impl Service {
    /// The newest checkpoints of a job, oldest first, and which follows which.
    pub async fn checkpoint_tree(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
    ) -> Result<Vec<TreeNode>> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("job", job_id)).await?;
        let mut read = self.read().await?;
        let Some(job) = find_job(&mut read, caller, project, job_id).await? else { return Ok(Vec::new()) };
        let keys = JobKeys::of(self.keyring().await?, &job);
        let mut rows = read.list_checkpoints(job.number, None, true, None, 0, MOST).await?;
        rows.reverse();
        let followed: HashSet<i64> = rows.iter().filter_map(|row| row.head.parent).collect();
        let nodes = rows.into_iter().map(|row| TreeNode {
            head: !followed.contains(&row.head.number),
            checkpoint: item(&job, &row.head, record(&keys, row.head.number, row.record)),
        });
        Ok(nodes.collect())
    }

    /// The newest checkpoint of a job that was saved no later than `time`.
    pub async fn checkpoint_at(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        time: Timestamp,
    ) -> Result<CheckpointState> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("job", job_id)).await?;
        let none = || no_checkpoint(&format!("of {job_id} at {time}"));
        let mut read = self.read().await?;
        let job = find_job(&mut read, caller, project, job_id).await?.ok_or_else(none)?;
        let position = read.checkpoint_at(job.number, time).await?.ok_or_else(none)?;
        let row = read.checkpoints(&[position.number]).await?.pop().ok_or_else(none)?;
        drop(read);
        let keys = JobKeys::of(self.keyring().await?, &job);
        let step =
            record(&keys, position.number, row.record).map(|record| record.step_name).unwrap_or_default();
        self.get_checkpoint(caller, &public_id(position.number, &step)).await
    }

    /// The values that one JSON pointer had in the newest checkpoints of a job, oldest first, where they changed.
    pub async fn pointer_history(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        pointer: &str,
    ) -> Result<Vec<PointerValue>> {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(ServiceError::invalid("pointer", "it must be a JSON pointer such as `/a/0`"));
        }
        let nodes = self.checkpoint_tree(caller, project, job_id).await?;
        let mut values: Vec<PointerValue> = Vec::new();
        for node in nodes.into_iter().filter(|node| !node.checkpoint.typed) {
            let state = match self.get_checkpoint(caller, &node.checkpoint.checkpoint_id).await {
                Ok(found) => found.state,
                // Damaged ones have no value; one that went meanwhile neither.
                Err(_) => continue,
            };
            let Ok(state) = Json::parse(&state) else { continue };
            let value = state.pointer(pointer).map(Json::to_text);
            if values.last().is_none_or(|last| last.value != value) {
                values.push(PointerValue { checkpoint: node.checkpoint, value });
            }
        }
        Ok(values)
    }
}
