//! Waiting until a step may act.

use std::time::Duration;

use backstay_model::Caller;
use backstay_model::execution::{ApprovalStatus, StepState};

use crate::error::Result;
use crate::service::Service;
use crate::view::{Step, WhichStep};

/// After how long it is looked again: at first, and at most.
const LOOK_AFTER: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(500)];

impl Service {
    /// Waits until a step may act or has ended, at most `timeout`; returns it as it is then.
    pub async fn wait_step(
        &self,
        caller: &Caller,
        execution: &str,
        which: &WhichStep,
        timeout: Duration,
    ) -> Result<Step> {
        let first = self.get_step(caller, execution, which).await?;
        if is_settled(&first) {
            return Ok(first);
        }
        // From now on the same step, also when another one of its name begins.
        let which = WhichStep::Id(first.step_id);
        let settled = async {
            let mut pause = LOOK_AFTER[0];
            loop {
                let step = self.get_step(caller, execution, &which).await?;
                if is_settled(&step) {
                    return Ok(step);
                }
                let over = step.approval.as_ref().is_some_and(|approval| {
                    approval.status == ApprovalStatus::Pending && approval.request.is_over(self.now())
                });
                if over {
                    self.pass_deadlines().await?;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LOOK_AFTER[1]);
            }
        };
        match tokio::time::timeout(timeout, settled).await {
            Ok(step) => step,
            Err(_) => self.get_step(caller, execution, &which).await,
        }
    }
}

fn is_settled(step: &Step) -> bool {
    step.state == StepState::Active || step.state.is_final()
}
