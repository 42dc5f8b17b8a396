//! Upgrades a dependency of a server's workspace.

use std::sync::{Mutex, PoisonError};

use backstay_api::upgrade::{NewUpgradePlan, PathCounts, UpgradeEvent, UpgradePlan, UpgradeReport};
use backstay_service::Notice;

use super::{Remote, task};
use crate::backend::OnUpgradeEvent;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;

impl Remote {
    /// Plans an upgrade on the server's machine.
    pub(crate) async fn plan_upgrade(
        &self,
        _cx: &Context,
        new: NewUpgradePlan,
    ) -> Result<UpgradePlan, Failure> {
        Ok(self.client.plan_upgrade(&self.workspace().await?.id, &new).await?)
    }

    /// Plans and upgrades, or does what a plan says. Ctrl-C asks the server to cancel it and follows it to its end.
    pub(crate) async fn upgrade(
        &self,
        cx: &Context,
        new: NewUpgradePlan,
        plan: Option<&str>,
        on_event: OnUpgradeEvent,
        wait: u64,
    ) -> Result<UpgradeReport, Failure> {
        let plan_id = if let Some(plan) = plan {
            plan.to_owned()
        } else {
            let dependency = new.dependency.clone();
            let plan = self.plan_upgrade(cx, new).await?;
            if plan.moves.is_empty() {
                return Ok(nothing_to_do(dependency, plan));
            }
            plan.plan_id
        };
        let accepted = self.patient(wait).upgrade(&self.workspace().await?.id, &plan_id, 0).await?;
        let report = Mutex::new(None);
        let see = |event: UpgradeEvent| {
            on_event(&event);
            if let UpgradeEvent::Finished { report: finished } = event {
                *report.lock().unwrap_or_else(PoisonError::into_inner) = Some(*finished);
            }
        };
        {
            let mut following = Box::pin(self.client.follow_output(&accepted.operation_id, see));
            tokio::select! {
                ended = &mut following => ended?,
                () = interrupt::requested(&cx.cancel) => {
                    // It may have ended by itself.
                    drop(self.client.cancel_operation(&accepted.operation_id).await);
                    following.await?
                }
            };
        }
        match report.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(report) => {
                // The hook after it may still run.
                tokio::select! {
                    ended = self.client.wait_task(&accepted.task_id, |_| ()) => match ended {
                        Ok(task) => task::take_notices(cx, &task),
                        // The upgrade itself is over.
                        Err(error) => cx.notices.add(Notice {
                            code: "end_unknown".into(),
                            message: format!("the server could not be asked whether the hook after it failed: {error}"),
                            hint: Some(format!("look with `backstay tasks show {}`", accepted.task_id)),
                        }),
                    },
                    () = interrupt::requested(&cx.cancel) => {}
                }
                Ok(report)
            }
            // It did not come as far as to begin.
            None => Err(task::failure(&self.client.get_task(&accepted.task_id).await?)),
        }
    }
}

/// What there is to tell of a plan that moves nothing.
fn nothing_to_do(dependency: Option<String>, plan: UpgradePlan) -> UpgradeReport {
    UpgradeReport {
        operation_id: None,
        dependency,
        from: plan.at.clone(),
        to: plan.at,
        moves: Vec::new(),
        success: true,
        changed: false,
        snapshot_id: None,
        failed_snapshot_id: None,
        state_serial: plan.state_serial,
        steps: Vec::new(),
        changed_paths: PathCounts::default(),
        rollback: None,
        not_restored: Vec::new(),
        unresolvable: Vec::new(),
        dropped: Vec::new(),
        not_staged: false,
        recovered: Vec::new(),
        error: None,
        code: None,
        hint: None,
    }
}
