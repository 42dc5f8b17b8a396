//! The steps of an execution.

use backstay_catalog::Session;
use backstay_model::{Action, Caller};
use backstay_source_job::execution::StepKey;

use super::listed::opened_steps;
use super::no_step;
use super::opened::{Opened, OpenedStep, opened_step};
use crate::checkpoints::text_hash;
use crate::error::Result;
use crate::service::Service;
use crate::view::{Counted, Step, WhichStep};

impl Service {
    /// A page of the steps of an execution, oldest first.
    pub async fn list_steps(
        &self,
        caller: &Caller,
        execution: &str,
        offset: u64,
        limit: u32,
    ) -> Result<Counted<Step>> {
        self.permit_execution(caller, execution, Action::View).await?;
        let mut read = self.read().await?;
        let opened = self.find_execution(&mut read, execution).await?;
        let rows = read.list_steps(opened.row.number, offset, limit).await?;
        let jobs = self.jobs_of(&mut read, rows.iter().map(|row| row.job)).await?;
        let items = opened_steps(&jobs, rows).map(|step| opened.view_step(&step)).collect();
        Ok(Counted { items, total: opened.row.steps })
    }

    /// One step of an execution.
    pub async fn get_step(&self, caller: &Caller, execution: &str, which: &WhichStep) -> Result<Step> {
        self.permit_execution(caller, execution, Action::View).await?;
        let mut read = self.read().await?;
        let opened = self.find_execution(&mut read, execution).await?;
        let step = find_step(&mut read, &opened, which).await?;
        Ok(opened.view_step(&step))
    }
}

/// The step that is meant, open or ended. A name means the only open step of that name; when none is open, the newest.
pub(super) async fn find_step(
    session: &mut Session,
    opened: &Opened,
    which: &WhichStep,
) -> Result<OpenedStep> {
    if let Some(number) = opened.open_step(which)? {
        return Ok(opened.steps[&number].clone());
    }
    let (row, given) = match which {
        WhichStep::Id(id) => {
            let (key, _) = StepKey::parse(id).ok_or_else(|| no_step(id))?;
            (session.step(key.number()).await?, id)
        }
        WhichStep::Named(name) => (session.newest_step_named(text_hash(&[&opened.id, name])).await?, name),
    };
    let row = row.filter(|row| row.execution == opened.row.number).ok_or_else(|| no_step(given))?;
    let step = opened_step(&opened.keys, row)?;
    let found = match which {
        WhichStep::Id(id) => step.id() == *id,
        WhichStep::Named(name) => step.record.name == *name,
    };
    if found { Ok(step) } else { Err(no_step(given)) }
}
