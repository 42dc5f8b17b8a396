//! Deciding about an approval.

use backstay_catalog::Tx;
use backstay_model::execution::ApprovalStatus;
use backstay_model::{Action, ActorKind, Caller, ErrorKind, Outcome};
use backstay_source_job::execution::{Decision, Form, MAX_VALUES_BYTES, Moved, Person, StepOutcome, Tally};
use serde_json::{Value, json};

use super::Opened;
use super::list_steps::find_step;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service, blocking};
use crate::view::{NewDecision, Step, WhichStep};

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
        self.permit_execution(caller, execution, Action::View).await?;
        let person = self.person(caller).await?;
        let (step_id, form) = self.asked(caller, &person, execution, which).await?;
        // The values are checked before the transaction, which others wait for; what they fit never changes.
        let fitting = if new.approved { fit(form, new.values.clone()).await } else { Ok(()) };

        let (mut tx, mut opened) = self.change_execution(caller, execution, Action::View).await?;
        let step = find_step(&mut tx, &opened, &WhichStep::Id(step_id)).await?;
        let (number, status) = (step.row.number, step.row.approval.unwrap_or(ApprovalStatus::Pending));
        if status != ApprovalStatus::Pending {
            return Err(already(status, &step.outcome));
        }
        let now = self.now();
        if step.record.approval.as_ref().is_some_and(|request| request.is_over(now)) {
            return Err(ServiceError::conflict("The deadline of the approval has passed")
                .code("deadline_passed")
                .hint("fail or cancel the execution, and start another"));
        }
        if new.approved && step.outcome.decisions.iter().any(|earlier| earlier.person.is(&person)) {
            return Err(ServiceError::conflict("You have approved already; it takes others too")
                .code("already_decided"));
        }
        fitting?;
        let decision =
            Decision { person, approved: new.approved, reason: new.reason, at: now, values: new.values };
        self.decided(&mut tx, &mut opened, caller, number, decision).await?;
        tx.commit().await?;
        Ok(opened.view_step(&opened.steps[&number]))
    }

    /// The step that asks, and the form of its approval, for a person who may decide; a refusal is an event.
    async fn asked(
        &self,
        caller: &Caller,
        person: &Person,
        execution: &str,
        which: &WhichStep,
    ) -> Result<(String, Option<Value>)> {
        let mut read = self.read().await?;
        let opened = self.find_execution(&mut read, execution).await?;
        let step = find_step(&mut read, &opened, which).await?;
        drop(read);
        let (step_id, name) = (step.id(), step.record.name);
        let Some(request) = step.record.approval else {
            return Err(ServiceError::conflict(format!("Checkpoint {name} asked for no approval"))
                .code("not_waiting"));
        };
        match request.may_decide(person, caller.role) {
            Ok(()) => Ok((step_id, request.form)),
            Err(refused) => {
                let reason = refused.to_string();
                let data = json!({"reason": reason, "step_id": step_id, "checkpoint_name": name});
                let event = opened.event_of(self, caller, "approval.refused", None, &data);
                self.commit_event(event.ended(Outcome::Denied)).await?;
                Err(ServiceError::new(ErrorKind::Forbidden, reason).code("not_an_approver"))
            }
        }
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
        let mut data = json!({"reason": decision.reason});
        let step = opened.steps.get_mut(&number).expect("a step that waits is open");
        let request = step.record.approval.clone().expect("a step that waits has a request");
        let at_deadline = decision.person.actor.kind == ActorKind::System;
        let approved = decision.approved;
        step.outcome.decisions.push(decision);
        let tally =
            if at_deadline && approved { Tally::Approved } else { request.tally(&step.outcome.decisions) };
        let moved: Vec<Moved> = match tally {
            Tally::Open => {
                data["given"] = json!(step.outcome.decisions.len());
                data["needed"] = json!(request.min_approvals);
                opened.write_step(self, tx, number).await?;
                tx.record(opened.event_of(self, caller, "approval.approved", Some(number), &data));
                return Ok(());
            }
            Tally::Approved => opened.flow.approve(number)?,
            Tally::Denied => opened.flow.deny(number, request.on_deny)?,
        };
        opened.carry(self, tx, caller, &moved, &data).await
    }
}

/// Somebody was faster.
fn already(status: ApprovalStatus, outcome: &StepOutcome) -> ServiceError {
    let by = outcome.decisions.last().map(|decision| decision.person.actor.name.clone());
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
    fields.check(size <= MAX_VALUES_BYTES, "values", "they take at most 32768 bytes");
    fields.finish()
}

/// Checks values against the form that was asked with.
async fn fit(form: Option<Value>, values: Option<Value>) -> Result<()> {
    let Some(form) = form else {
        return match values {
            Some(_) => Err(ServiceError::invalid("values", "the approval has no form")),
            None => Ok(()),
        };
    };
    blocking("check the values of a form", move || {
        let form = Form::new(&form)
            .map_err(|error| ServiceError::internal("Could not read the form of an approval", error))?;
        let mut fields = Fields::default();
        for problem in form.check(&values.unwrap_or_else(|| json!({}))) {
            fields.check(false, &format!("values{}", problem.pointer), &problem.detail);
        }
        fields.finish()
    })
    .await
}
