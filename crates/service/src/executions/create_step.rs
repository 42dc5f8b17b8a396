//! Beginning a step of an execution.

use backstay_catalog::StepRow;
use backstay_model::execution::{DeadlineDefault, StepState};
use backstay_model::{Action, Caller, Timestamp};
use backstay_source_job::State;
use backstay_source_job::content::Place;
use backstay_source_job::execution::{
    ApprovalRequest, Approvers, Form, Person, StepKey, StepOutcome, StepRecord,
};
use serde_json::json;

use super::check_data;
use super::opened::OpenedStep;
use crate::checkpoints::text_hash;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{NewApproval, NewStep, Step};

/// How many steps of an execution may be open.
const MOST_OPEN: usize = 1000;
/// The longest time that an approval may be asked for, in seconds.
const MAX_TIMEOUT_S: u64 = 10 * 365 * 86_400;

impl Service {
    /// Begins a step: it may act at once, unless the execution is paused or the step asks for an approval.
    pub async fn create_step(&self, caller: &Caller, execution: &str, new: NewStep) -> Result<Step> {
        let now = self.now();
        check(&new, now)?;
        let requester = self.person(caller).await?;
        let (mut tx, mut opened) = self.change_execution(caller, execution, Action::Capture).await?;
        if opened.flow.open.len() >= MOST_OPEN {
            return Err(ServiceError::conflict(format!("The execution has {MOST_OPEN} open steps"))
                .code("too_many_open_steps")
                .hint("complete some of them first"));
        }
        let mut numbers = tx.execution_numbers().await?;
        let number = StepKey::next(numbers.step, now.as_seconds()).number();
        let moved = opened.flow.create(number, &new.checkpoint_name, new.approval.is_some())?;
        numbers.step = number;
        tx.set_execution_numbers(numbers).await?;
        let name = text_hash(&[&opened.id, &new.checkpoint_name]);
        let earlier = tx.count_steps_named(name).await?;
        let approval = new.approval.map(|approval| request(approval, &new.checkpoint_name, requester, now));
        let acts = |request: &&ApprovalRequest| request.default != DeadlineDefault::None;
        let deadline = approval.as_ref().filter(acts).and_then(|request| request.deadline);
        let title = approval.as_ref().map(|request| request.title.clone());
        let record = StepRecord {
            name: new.checkpoint_name,
            agent_id: new.agent_id,
            input_data: new.input_data.map(State::into_string),
            metadata: new.metadata.map(State::into_string),
            approval,
        };
        let outcome = StepOutcome::default();
        let key = opened.keys.newest();
        let row = StepRow {
            number,
            execution: opened.row.number,
            job: opened.job.number,
            tenant: opened.row.tenant.clone(),
            project: opened.row.project.clone(),
            name,
            attempt: u32::try_from(earlier).unwrap_or(u32::MAX).saturating_add(1),
            state: StepState::Pending,
            approval: None,
            deadline,
            created_at: now,
            completed_at: None,
            record: key.seal(Place::Step(number), &record.encode(), self.nonce()),
            outcome: key.seal(Place::Outcome(number), &outcome.encode(), self.nonce()),
        };
        tx.insert_step(&row).await?;
        opened.row.steps += 1;
        opened.row.current_step = Some(number);
        opened.steps.insert(number, OpenedStep { row, record, outcome });
        opened.carry(self, &mut tx, caller, &moved, &json!({"title": title})).await?;
        tx.commit().await?;
        Ok(opened.view_step(&opened.steps[&number]))
    }
}

fn request(new: NewApproval, step: &str, requester: Person, now: Timestamp) -> ApprovalRequest {
    let after = new.timeout_s.map(|seconds| now.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)));
    ApprovalRequest {
        title: new.title.unwrap_or_else(|| step.to_owned()),
        approvers: Approvers { roles: new.roles, users: new.users },
        min_approvals: new.min_approvals,
        four_eyes: new.four_eyes,
        deadline: after.or(new.deadline),
        default: new.default,
        on_deny: new.on_deny,
        form: new.form,
        requester,
    }
}

fn check(new: &NewStep, now: Timestamp) -> Result<()> {
    let mut fields = Fields::default();
    fields.line("checkpoint_name", &new.checkpoint_name, 255);
    fields.check(!new.checkpoint_name.is_empty(), "checkpoint_name", "it must not be empty");
    fields.line("agent_id", &new.agent_id, 255);
    fields.check(!new.agent_id.is_empty(), "agent_id", "it must not be empty");
    check_data(&mut fields, "input_data", new.input_data.as_ref());
    check_data(&mut fields, "metadata", new.metadata.as_ref());
    if let Some(approval) = &new.approval {
        fields.text("approval.title", approval.title.as_deref().unwrap_or_default(), 500);
        let counted = (1..=100).contains(&approval.min_approvals);
        fields.check(counted, "approval.min_approvals", "it takes 1 to 100");
        fields.check(approval.users.len() <= 100, "approval.approvers.users", "it takes at most 100");
        for user in &approval.users {
            fields.line("approval.approvers.users", user, 255);
        }
        let one = approval.timeout_s.is_none() || approval.deadline.is_none();
        fields.check(one, "approval.deadline", "give it or `timeout_s`, not both");
        let timed = approval.timeout_s.is_none_or(|seconds| (1..=MAX_TIMEOUT_S).contains(&seconds));
        fields.check(timed, "approval.timeout_s", "it takes 1 to 315360000, ten years");
        let coming = approval.deadline.is_none_or(|deadline| deadline > now);
        fields.check(coming, "approval.deadline", "it must lie in the future");
        if let Some(Err(problem)) = approval.form.as_ref().map(Form::new) {
            fields.check(false, "approval.form", &problem.to_string());
        }
    }
    fields.finish()
}
