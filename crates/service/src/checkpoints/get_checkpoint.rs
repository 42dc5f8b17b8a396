//! Reading one checkpoint with its state.

use std::collections::HashMap;

use backstay_catalog::{CheckpointFlags, ContentTable, FoundCheckpoint};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::content::ContentError;
use backstay_source_job::{CheckpointKey, Manifest, Record, State};
use serde_json::json;

use super::item::{damaged, is_named, item, no_state, record};
use super::keyring::JobKeys;
use super::no_checkpoint;
use crate::error::Result;
use crate::service::Service;
use crate::threads::json_view;
use crate::together::Lookup;
use crate::view::CheckpointState;

/// A checkpoint that the caller may see, with its keys and its description.
pub(crate) struct Seen {
    pub(crate) found: FoundCheckpoint,
    pub(crate) keys: JobKeys,
    pub(crate) record: Option<Record>,
}

/// How large a stored content is that is read together with others.
const SMALL_BYTES: u32 = 64 << 10;

/// Checkpoints with a small content, by number.
pub(crate) struct SmallCheckpoints;

impl Lookup for SmallCheckpoints {
    type Key = i64;
    type Found = FoundCheckpoint;

    async fn look_up(service: &Service, numbers: &[i64]) -> Result<HashMap<i64, FoundCheckpoint>> {
        let found = service.read().await?.small_checkpoints(numbers, SMALL_BYTES).await?;
        Ok(found.into_iter().map(|found| (found.checkpoint.head.number, found)).collect())
    }
}

impl Service {
    /// The checkpoint with its state, whose hash was checked. Damage that is found is noted.
    pub async fn get_checkpoint(&self, caller: &Caller, id: &str) -> Result<CheckpointState> {
        let seen = self.seen_checkpoint(caller, id, Action::View).await?;
        self.checkpoint_state(seen, id).await
    }

    /// The checkpoint with this public id, when the caller may do `action` to it.
    pub(crate) async fn seen_checkpoint(&self, caller: &Caller, id: &str, action: Action) -> Result<Seen> {
        let missing = || no_checkpoint(id);
        let (key, slug) = CheckpointKey::parse(id).ok_or_else(missing)?;
        let mut found = self.small_checkpoints().find(self, key.number()).await?;
        if found.is_none() {
            found = self.read().await?.checkpoint(key.number()).await?;
        }
        let found = found
            .filter(|found| !found.checkpoint.head.flags.carrier && found.job.expired_at.is_none())
            .ok_or_else(missing)?;
        let subject = Subject::new("checkpoint", id);
        if !caller.sees(&found.job.tenant) {
            self.note_denied(caller, &subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(missing());
        }
        self.permit(caller, Some(Kind::Job), action, &subject).await?;
        let keys = JobKeys::of(self.keyring().await?, &found.job);
        let record = record(&keys, found.checkpoint.head.number, found.checkpoint.record.clone());
        if record.as_ref().is_some_and(|record| !is_named(slug, &record.step_name)) {
            return Err(missing());
        }
        Ok(Seen { found, keys, record })
    }

    /// The state of a checkpoint that may be seen.
    pub(crate) async fn checkpoint_state(&self, seen: Seen, id: &str) -> Result<CheckpointState> {
        let Seen { found, keys, record } = seen;
        let head = found.checkpoint.head.clone();
        let mut session = self.read().await?;
        let table = ContentTable::Checkpoints;
        let held =
            self.held_by(&mut session, &keys, table, head.number, head.base, found.checkpoint.body).await?;
        if head.flags.typed && record.is_some() {
            let manifest = self
                .read_held(table, held)
                .await?
                .ok()
                .and_then(|content| Manifest::decode(&content.raw).ok());
            let manifest = manifest.ok_or_else(|| damaged(id))?;
            let state = json_view(&self.channel_values(&mut session, &keys, &manifest, id).await?);
            let mut checkpoint = item(&found.job, &head, record);
            checkpoint.metadata = Some(manifest.metadata);
            return Ok(CheckpointState { checkpoint, state });
        }
        drop(session);
        let content = self.read_held(table, held).await?;
        if content.as_ref().is_ok_and(|content| content.raw.is_empty()) {
            return Err(no_state(id));
        }
        let state = content.and_then(|content| {
            State::from_stored(content.raw.to_vec()).map(State::into_string).ok_or(ContentError::Damaged)
        });
        match state {
            Ok(state) if record.is_some() => {
                Ok(CheckpointState { checkpoint: item(&found.job, &head, record), state })
            }
            outcome => {
                if !head.flags.damaged {
                    let flags = CheckpointFlags { damaged: true, ..head.flags };
                    let mut tx = self.begin().await?;
                    tx.set_checkpoint_flags(head.number, flags).await?;
                    tx.commit().await?;
                }
                let error = damaged(id);
                Err(match outcome {
                    Err(cause) => error.because(cause),
                    Ok(_) => error,
                })
            }
        }
    }
}
