//! Registering an executor.

use backstay_catalog::ExecutorRow;
use backstay_model::execution::Capability;
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::content::Place;
use backstay_source_job::execution::{ExecutorKey, ExecutorRecord, is_glob};
use serde_json::json;

use super::opened::{OpenedExecutor, executor_id, view};
use crate::checkpoints::check_project;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{CreatedExecutor, NewExecutor};
use crate::webhooks::{check_url, host_of, show_secret};

/// How many executors a project may have.
const MOST: usize = 100;

impl Service {
    /// Registers an executor for the jobs of a project, and makes its secret, which is told this once.
    ///
    /// Errors: `Invalid` for a URL that no webhook may have either, `Conflict` for a name that is taken.
    pub async fn create_executor(
        &self,
        caller: &Caller,
        project: &str,
        new: NewExecutor,
    ) -> Result<CreatedExecutor> {
        check_project(project)?;
        let subject = Subject::new("executor", &new.name);
        self.permit(caller, Some(Kind::Job), Action::ManageSources, &subject).await?;
        check(&new)?;
        if let Some(url) = &new.url {
            check_url(url, self.settings().webhooks_to_private_addresses)?;
        }
        let keys = self.executor_keys(&caller.tenant, project).await?;
        let now = self.now();
        let mut secret = vec![0; 32];
        self.rng().fill(&mut secret);
        let shown = show_secret(&secret);
        let record = ExecutorRecord { url: new.url, secret };
        let mut tx = self.begin().await?;
        let existing = tx.executors(&caller.tenant, project).await?;
        if existing.len() >= MOST {
            return Err(ServiceError::conflict(format!("A project has at most {MOST} executors")));
        }
        if existing.iter().any(|row| row.name == new.name) {
            return Err(ServiceError::conflict(format!("There is an executor {} already", new.name)));
        }
        let mut numbers = tx.execution_numbers().await?;
        numbers.executor = ExecutorKey::next(numbers.executor, now.as_seconds()).number();
        tx.set_execution_numbers(numbers).await?;
        let row = ExecutorRow {
            number: numbers.executor,
            tenant: caller.tenant.clone(),
            project: project.to_owned(),
            name: new.name,
            pull: record.url.is_none(),
            patterns: new.patterns,
            timeout_s: new.timeout_s,
            capabilities: new.capabilities,
            created_at: now,
            record: keys.newest().seal(Place::Executor(numbers.executor), &record.encode(), self.nonce()),
        };
        tx.insert_executor(&row).await?;
        let event = self.event(caller, "executor.created", Subject::new("executor", &executor_id(&row)));
        tx.record(event.with(json!({
            "name": row.name,
            "project": project,
            "host": record.url.as_deref().map(host_of),
            "match": row.patterns,
        })));
        tx.commit().await?;
        Ok(CreatedExecutor { executor: view(OpenedExecutor { row, record }), secret: shown })
    }
}

fn check(new: &NewExecutor) -> Result<()> {
    let mut fields = Fields::default();
    fields.name("name", &new.name);
    fields.check((1..=100).contains(&new.patterns.len()), "match", "it takes 1 to 100 globs");
    for (index, glob) in new.patterns.iter().enumerate() {
        fields.check(is_glob(glob), &format!("match.{index}"), "it is no glob of 1 to 255 bytes");
    }
    fields.check((1..=300).contains(&new.timeout_s), "timeout_s", "it takes 1 to 300");
    fields.check(!new.capabilities.is_empty(), "capabilities", "it takes one at least");
    let calls = new.url.is_some() || !new.capabilities.contains(&Capability::Capture);
    fields.check(calls, "capabilities", "`capture` takes an executor with a `url`");
    fields.finish()
}
