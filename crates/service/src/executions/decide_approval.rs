//! Deciding about an approval.

use backstay_catalog::Tx;
use backstay_model::execution::ApprovalStatus;
use backstay_model::{Action, ActorKind, Caller, ErrorKind, Outcome};
use backstay_source_job::execution::{Decision, MayNotDecide, Moved, StepOutcome, Tally};
use serde_json::{Value, json};

use super::Opened;
use super::list_steps::find_step;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{NewDecision, Step, WhichStep};

/// The largest values of a form, in bytes of JSON text.
const MAX_VALUES_BYTES: usize = 64 << 10;

impl Service {
    /// Approves or denies. The first decision that commits counts; a denial takes a reason, and one is enough.
    pub async fn decide_approval(
        &self,
        caller: &Caller,
        execution: &str,
        which: &WhichStep,
        new: NewDecision,
    ) -> Result<Step> {
        check(&new)?;
        // Who may decide is the request's to say, also about somebody who otherwise only reads.
        let (mut tx, mut opened) = self.change_execution(caller, execution, Action::View).await?;
        let step = find_step(&mut tx, &opened, which).await?;
        let number = step.row.number;
        let (Some(request), Some(status)) = (step.record.approval.clone(), step.row.approval) else {
            return Err(ServiceError::conflict(format!(
                "Checkpoint {} asked for no approval",
                step.record.name
            ))
            .code("not_waiting"));
        };
        if let Err(refused) = request.may_decide(&caller.actor, caller.role) {
            tx.roll_back().await;
            self.note_refused(caller, &opened, number, refused).await?;
            return Err(ServiceError::new(ErrorKind::Forbidden, refused.to_string()).code("not_an_approver"));
        }
        if status != ApprovalStatus::Pending {
            return Err(already(status, &step.outcome));
        }
        let now = self.now();
        if request.is_over(now) {
            return Err(ServiceError::conflict("The deadline of the approval has passed")
                .code("deadline_passed")
                .hint("fail or cancel the execution, and start another"));
        }
        let again =
            step.outcome.decisions.iter().any(|earlier| {
                earlier.actor.kind == caller.actor.kind && earlier.actor.id == caller.actor.id
            });
        if again && new.approved {
            return Err(ServiceError::conflict("You have approved already; it takes others too")
                .code("already_decided"));
        }
        if new.approved {
            check_values(request.form.as_ref(), new.values.as_ref())?;
        }
        let decision = Decision {
            actor: caller.actor.clone(),
            approved: new.approved,
            reason: new.reason,
            at: now,
            values: new.values,
        };
        self.decided(&mut tx, &mut opened, caller, number, decision).await?;
        tx.commit().await?;
        Ok(opened.view_step(&opened.steps[&number]))
    }

    /// Adds a decision to a pending approval, and moves the execution when that decides it.
    pub(super) async fn decided(
        &self,
        tx: &mut Tx,
        opened: &mut Opened,
        caller: &Caller,
        number: i64,
        decision: Decision,
    ) -> Result<()> {
        let data = json!({"reason": decision.reason});
        let step = opened.steps.get_mut(&number).expect("a step that waits is open");
        let request = step.record.approval.clone().expect("a step that waits has a request");
        let by_system = decision.actor.kind == ActorKind::System;
        let approved = decision.approved;
        step.outcome.decisions.push(decision);
        let tally =
            if by_system && approved { Tally::Approved } else { request.tally(&step.outcome.decisions) };
        match tally {
            Tally::Open => {
                let given = step.outcome.decisions.len();
                opened.write_step(self, tx, number).await?;
                let mut data = data;
                data["given"] = json!(given);
                data["needed"] = json!(request.min_approvals);
                tx.record(opened.event_of(self, caller, "approval.approved", Some(number), &data));
                Ok(())
            }
            Tally::Approved => {
                let moved: Vec<Moved> = opened.flow.approve(number)?;
                opened.carry(self, tx, caller, &moved, &data).await
            }
            Tally::Denied => {
                let moved = opened.flow.deny(number, request.on_deny)?;
                opened.carry(self, tx, caller, &moved, &data).await
            }
        }
    }

    async fn note_refused(
        &self,
        caller: &Caller,
        opened: &Opened,
        number: i64,
        refused: MayNotDecide,
    ) -> Result<()> {
        let data = json!({"reason": refused.to_string()});
        let event = opened.event_of(self, caller, "approval.refused", Some(number), &data);
        self.commit_event(event.ended(Outcome::Denied)).await.map(|_| ())
    }
}

/// Somebody was faster.
fn already(status: ApprovalStatus, outcome: &StepOutcome) -> ServiceError {
    let by = outcome.decisions.last().map(|decision| decision.actor.name.clone());
    let by = by.filter(|_| status != ApprovalStatus::Withdrawn).map(|by| format!(" by {by}"));
    ServiceError::conflict(format!("Approval already decided: {status}{}", by.unwrap_or_default()))
        .code("already_decided")
}

fn check(new: &NewDecision) -> Result<()> {
    let mut fields = Fields::default();
    let reason = new.reason.as_deref().unwrap_or_default();
    fields.text("reason", reason, 2000);
    fields.check(new.approved || !reason.trim().is_empty(), "reason", "a denial must say why");
    let size = new.values.as_ref().map_or(0, |values| values.to_string().len());
    fields.check(size <= MAX_VALUES_BYTES, "values", "they take at most 65536 bytes");
    fields.finish()
}

/// Checks values against the form that was asked with.
fn check_values(form: Option<&Value>, values: Option<&Value>) -> Result<()> {
    let Some(form) = form else {
        return match values {
            Some(_) => Err(ServiceError::invalid("values", "the approval has no form")),
            None => Ok(()),
        };
    };
    let checker = form_checker(form)
        .map_err(|problem| ServiceError::internal("Could not read the form of an approval", problem))?;
    let given = values.cloned().unwrap_or_else(|| json!({}));
    let mut fields = Fields::default();
    for error in checker.iter_errors(&given).take(20) {
        fields.check(false, &format!("values{}", error.instance_path()), &error.to_string());
    }
    fields.finish()
}

/// What checks values against a JSON Schema. References lead nowhere but into the schema itself, and patterns take linear
/// time.
pub(super) fn form_checker(form: &Value) -> Result<jsonschema::Validator, String> {
    jsonschema::options()
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .build(form)
        .map_err(|error| error.to_string())
}
