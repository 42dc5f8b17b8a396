//! Recreates checkpoints from the states of jobs that lie in the repository.

use std::sync::Arc;

use backstay_model::Caller;
use backstay_repository::{Manifest, ManifestId, RepositoryError};
use backstay_source_job::{MAX_STATE_BYTES, State};
use serde_json::Value;

use crate::checkpoints::{JobKeys, Prepared, PreparedContents, STATE_FILE, Work};
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{NewCheckpoint, RebuildReport};

impl Service {
    /// Creates a checkpoint for each of `contents` that is a state, in the order in which they were saved; they get new ids and
    /// the present time. A channel value belongs to a checkpoint that was in the catalog alone, and stays where it is.
    pub(super) async fn adopt_contents(
        &self,
        caller: &Caller,
        mut contents: Vec<(ManifestId, Box<Manifest>)>,
        run: &Run,
        report: &mut RebuildReport,
    ) -> Result<()> {
        contents.sort_by(|(_, one), (_, two)| {
            (one.created_at, one.snapshot.as_str()).cmp(&(two.created_at, two.snapshot.as_str()))
        });
        for (id, manifest) in contents {
            run.cancel.check()?;
            if self.unknown_among(&[id]).await?.is_empty() {
                continue;
            }
            match self.read_state(id, &manifest).await? {
                Ok(Some(state)) => {
                    self.adopt_state(caller, id, &manifest, state).await?;
                    report.checkpoints += 1;
                }
                Ok(None) => report.lone_values += 1,
                Err(reason) => report.unreadable.push(format!("{id}: {reason}")),
            }
        }
        Ok(())
    }

    /// The state under a manifest; `None` when that holds a channel value.
    async fn read_state(&self, id: ManifestId, manifest: &Manifest) -> Result<Result<Option<State>, String>> {
        let (repository, root) = (self.repository().await?, manifest.root);
        blocking("read a state", move || {
            let reader = repository.reader();
            let text = || -> Result<Option<String>, RepositoryError> {
                let Some(entry) = reader.lookup(&root, STATE_FILE.as_bytes())? else { return Ok(None) };
                let Some(content) = entry.content() else { return Ok(None) };
                let bytes = reader.read_all(content, MAX_STATE_BYTES as u64)?;
                let not_text = RepositoryError::Damaged {
                    object: format!("the state under manifest {id}"),
                    offset: None,
                    chunk: None,
                    reason: "it is no text",
                };
                String::from_utf8(bytes).map(Some).map_err(|_| not_text)
            };
            Ok(match text() {
                Ok(None) => Ok(None),
                Ok(Some(text)) => State::parse(&text).map(Some).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            })
        })
        .await
    }

    async fn adopt_state(
        &self,
        caller: &Caller,
        id: ManifestId,
        manifest: &Manifest,
        state: State,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        self.ensure_tenant_in(&mut tx, &manifest.tenant).await?;
        tx.commit().await?;
        let text = |name: &str| manifest.attributes.get(name).and_then(Value::as_str).map(str::to_owned);
        let project = text("project").unwrap_or_else(|| crate::DEFAULT_PROJECT.to_owned());
        let job = &manifest.source_name;
        let keys = JobKeys::new(self.keyring().await?, manifest.tenant.as_str(), &project, job);
        let prepared = Prepared::found(keys.newest(), state.as_str().as_bytes(), id, self.now());
        let new = NewCheckpoint {
            job_id: job.clone(),
            step_name: text("step_name").unwrap_or_else(|| "step".to_owned()),
            state: Some(state),
            metadata: text("metadata"),
            workflow_name: text("workflow_name"),
            workflow_version: text("workflow_version"),
            parent_id: None,
            execution_id: text("execution_id"),
            ttl_s: None,
            pinned: false,
            epoch: None,
        };
        let caller = Caller { tenant: manifest.tenant.clone(), ..caller.clone() };
        let work = Work::Create { new: Arc::new(vec![Ok(new)]), atomic: true };
        self.save_prepared(&caller, &project, work, PreparedContents::from([((0, 0), prepared)])).await?;
        Ok(())
    }
}
