//! Waiting until a step may act.

use std::time::Duration;

use backstay_model::Caller;
use backstay_model::execution::StepState;
use backstay_source_job::execution::StepKey;
use tokio::time::Instant;

use super::no_step;
use crate::error::Result;
use crate::service::Service;
use crate::view::{Step, WhichStep};

/// How long it is waited at least before it is looked again: many events may come together.
const LOOK_AFTER: Duration = Duration::from_millis(10);

impl Service {
    /// Waits until a step may act or has ended, at most `timeout`; returns it as it is then. A deadline that passes
    /// meanwhile is applied.
    pub async fn wait_step(
        &self,
        caller: &Caller,
        execution: &str,
        which: &WhichStep,
        timeout: Duration,
    ) -> Result<Step> {
        let end = Instant::now() + timeout;
        let mut watch = self.catalog().subscribe().await?;
        let first = self.get_step(caller, execution, which).await?;
        if is_settled(first.state) {
            return Ok(first);
        }
        // From now on the same step, also when another one of its name begins.
        let (key, _) = StepKey::parse(&first.step_id).ok_or_else(|| no_step(&first.step_id))?;
        let which = WhichStep::Id(first.step_id);
        loop {
            let row = self.read().await?.step(key.number()).await?;
            let Some(row) = row.filter(|row| !is_settled(row.state)) else { break };
            let now = self.now();
            if row.deadline.is_some_and(|deadline| deadline <= now) {
                self.pass_deadlines_of(row.execution).await?;
                continue;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let until = row.deadline.map(|deadline| Duration::from_secs_f64(deadline.seconds_since(now)));
            let pause = until.map_or(left, |until| left.min(until));
            if let Ok(woken) = tokio::time::timeout(pause, watch.changed()).await {
                woken?;
                tokio::time::sleep(LOOK_AFTER).await;
            }
        }
        self.get_step(caller, execution, &which).await
    }
}

fn is_settled(state: StepState) -> bool {
    state == StepState::Active || state.is_final()
}
