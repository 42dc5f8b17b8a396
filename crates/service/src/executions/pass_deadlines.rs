//! What happens when the deadline of an approval passes.

use backstay_model::Caller;
use backstay_model::execution::{ApprovalStatus, DeadlineDefault};
use backstay_source_job::execution::{Decision, Person};

use crate::error::Result;
use crate::service::Service;

/// Who decides at a deadline.
const DEADLINE: &str = "deadline";
/// How many approvals are looked at in one run; the rest has its turn in the next.
const MOST: u32 = 1000;

/// When to look again at an execution whose deadlines cannot be applied, in seconds.
const DAMAGED_S: i64 = 3600;

impl Service {
    /// Decides every approval whose deadline has passed as it was asked for. Cheap; for every second, and for
    /// the start: what passed while nothing ran is decided then.
    pub async fn pass_deadlines(&self) -> Result<()> {
        let due = self.read().await?.approvals_due(self.now(), MOST).await?;
        let mut executions: Vec<i64> = due.iter().map(|step| step.execution).collect();
        executions.sort_unstable();
        executions.dedup();
        for execution in executions {
            match self.pass_deadlines_of(execution).await {
                // One that is damaged holds up no other.
                Err(error) if !error.kind.traits().retry => {
                    tracing::warn!(execution.number = execution, %error, "a deadline cannot be applied");
                    let mut tx = self.begin().await?;
                    tx.look_at_deadlines_again(execution, self.now().plus_seconds(DAMAGED_S)).await?;
                    tx.commit().await?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// The same for one execution.
    pub(crate) async fn pass_deadlines_of(&self, execution: i64) -> Result<()> {
        self.keyring().await?;
        let mut tx = self.begin().await?;
        let now = self.now();
        let Some(row) = tx.execution(execution).await? else { return Ok(()) };
        let mut opened = self.opened(&mut tx, row).await?;
        let mut due: Vec<(i64, DeadlineDefault)> = opened
            .steps
            .values()
            .filter(|step| step.row.approval == Some(ApprovalStatus::Pending))
            .filter_map(|step| Some((step.row.number, step.record.approval.as_ref()?)))
            .filter(|(_, request)| request.is_over(now) && request.default != DeadlineDefault::None)
            .map(|(number, request)| (number, request.default))
            .collect();
        due.sort_unstable_by_key(|(number, _)| *number);
        if due.is_empty() {
            return Ok(());
        }
        let caller = Caller { tenant: opened.row.tenant.clone(), ..Caller::system(DEADLINE) };
        for (number, default) in due {
            // One that was denied may have ended the execution and withdrawn the others.
            let waits = opened.flow.open.iter().any(|step| step.number == number && step.waits);
            if !waits {
                continue;
            }
            let decision = Decision {
                person: Person::of(caller.actor.clone()),
                approved: default == DeadlineDefault::Approve,
                reason: Some("the deadline has passed".to_owned()),
                at: now,
                values: None,
            };
            self.decided(&mut tx, &mut opened, &caller, number, decision).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
