//! The history of channels whose changes are their writes.

use std::collections::{HashMap, HashSet};

use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::Manifest;

use super::delta::is_seed;
use super::get_tuple::pending;
use crate::checkpoints::{JobKeys, check_project, find_job};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{DeltaHistory, PendingWrite};

impl Service {
    /// For each channel the nearest stored value at or before the parent of the target, and the writes since then,
    /// oldest first: those of the seed's own checkpoint in, those of the target out.
    pub async fn delta_history(
        &self,
        caller: &Caller,
        project: &str,
        thread_id: &str,
        namespace: &str,
        checkpoint_id: Option<&str>,
        channels: &[String],
    ) -> Result<Vec<DeltaHistory>> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("job", thread_id)).await?;
        let empty =
            |channel: &String| DeltaHistory { channel: channel.clone(), seed: None, writes: Vec::new() };
        let nothing = || channels.iter().map(empty).collect::<Vec<_>>();
        let mut read = self.read().await?;
        let Some(job) = find_job(&mut read, caller, project, thread_id).await? else { return Ok(nothing()) };
        let target = match checkpoint_id {
            Some(name) => read.checkpoint_by_name(job.number, namespace, name).await?,
            None => read.latest_by_name(job.number, namespace).await?,
        };
        let Some(target) = target.filter(|row| !row.head.flags.carrier) else { return Ok(nothing()) };
        let keys = JobKeys::of(self.keyring().await?, &job);
        let manifest = self.manifest(&mut read, &keys, &target).await?;
        // Nearest first: what lies between the target and the seeds of all channels.
        let mut path: Vec<(String, Manifest)> = Vec::new();
        let mut open: HashSet<&String> = channels.iter().collect();
        let mut seen = HashSet::new();
        let mut next = manifest.parent;
        while let Some(name) = next.filter(|_| !open.is_empty()) {
            if !seen.insert(name.clone()) {
                break;
            }
            let Some(row) = read.checkpoint_by_name(job.number, namespace, &name).await? else {
                let channel =
                    channels.iter().find(|channel| open.contains(channel)).cloned().unwrap_or_default();
                let message = format!("History of channel {channel} is incomplete");
                return Err(ServiceError::conflict(message)
                    .code("history_incomplete")
                    .hint("what it needs was removed with force"));
            };
            let manifest = self.manifest(&mut read, &keys, &row).await?;
            open.retain(|channel| !manifest.channel(channel).is_some_and(is_seed));
            path.push((name, manifest));
            next = path.last().and_then(|(_, manifest)| manifest.parent.clone());
        }
        let names: Vec<String> = path.iter().map(|(name, _)| name.clone()).collect();
        let mut writes: HashMap<String, Vec<PendingWrite>> = HashMap::new();
        for row in read.checkpoint_writes(job.number, &names).await? {
            if row.namespace == namespace && channels.contains(&row.channel) {
                let write = pending(&keys, row)?;
                writes.entry(write.checkpoint_id.clone()).or_default().push(write);
            }
        }
        let mut histories = Vec::with_capacity(channels.len());
        for channel in channels {
            let end = path.iter().position(|(_, manifest)| manifest.channel(channel).is_some_and(is_seed));
            let mut history = empty(channel);
            if let Some((name, manifest)) = end.and_then(|end| path.get(end)) {
                let values = self.channel_values(&mut read, &keys, manifest, name).await?;
                history.seed = values.into_iter().find(|value| value.name == *channel);
            }
            let until = end.map_or(path.len(), |end| end + 1);
            for (name, _) in path[..until].iter().rev() {
                let own = writes.get(name).into_iter().flatten();
                history.writes.extend(own.filter(|write| write.write.channel == *channel).cloned());
            }
            histories.push(history);
        }
        Ok(histories)
    }
}
