//! Pausing, resuming and ending an execution.

use backstay_model::{Action, Caller};
use serde_json::json;

use super::no_step;
use crate::error::Result;
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{Execution, Steer};

impl Service {
    /// Pauses, resumes or ends an execution. `checkpoint_name` names the open step at which that happens, for the log.
    pub async fn steer_execution(
        &self,
        caller: &Caller,
        id: &str,
        steer: Steer,
        reason: Option<&str>,
        checkpoint_name: Option<&str>,
    ) -> Result<Execution> {
        let mut fields = Fields::default();
        fields.text("reason", reason.unwrap_or_default(), 2000);
        fields.finish()?;
        let (mut tx, mut opened) = self.change_execution(caller, id, Action::Resume).await?;
        if let Some(name) = checkpoint_name
            && !opened.flow.open.iter().any(|step| step.name == name)
        {
            return Err(no_step(name));
        }
        let moved = match steer {
            Steer::Pause => opened.flow.pause()?,
            Steer::Resume => opened.flow.resume()?,
            Steer::Complete => opened.flow.complete()?,
            Steer::Fail => opened.flow.fail()?,
            Steer::Cancel => opened.flow.cancel()?,
        };
        let data = json!({"reason": reason, "at": checkpoint_name});
        opened.carry(self, &mut tx, caller, &moved, &data).await?;
        tx.commit().await?;
        Ok(opened.view())
    }
}
