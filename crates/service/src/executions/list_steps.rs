//! The steps of an execution.

use backstay_catalog::Session;
use backstay_model::{Action, Caller};
use backstay_source_job::execution::StepKey;

use super::no_step;
use super::opened::{Opened, OpenedStep, opened_step};
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
        let mut items = Vec::new();
        for row in read.list_steps(opened.row.number, offset, limit).await? {
            items.push(opened.view_step(&opened_step(&opened.keys, row)?));
        }
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

/// The step that is meant, open or ended.
pub(super) async fn find_step(
    session: &mut Session,
    opened: &Opened,
    which: &WhichStep,
) -> Result<OpenedStep> {
    if let Some(number) = opened.open_step(which)? {
        return Ok(opened.steps[&number].clone());
    }
    let (WhichStep::Id(id) | WhichStep::Named(id)) = which;
    let (key, _) = StepKey::parse(id).ok_or_else(|| no_step(id))?;
    let row = session.step(key.number()).await?.filter(|row| row.execution == opened.row.number);
    let step = opened_step(&opened.keys, row.ok_or_else(|| no_step(id))?)?;
    if step.id() == *id { Ok(step) } else { Err(no_step(id)) }
}
