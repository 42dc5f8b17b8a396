//! Executions of workflows, their steps and approvals.

use backstay_api::execution as api;
use backstay_model::ErrorKind;
use backstay_model::execution::ApprovalStatus;
use backstay_service::{ServiceError, State, StateError, view};
use serde_json::value::RawValue;

use super::checkpoint::{raw, state_change};

/// An execution.
pub fn execution(from: view::Execution) -> api::Execution {
    api::Execution {
        execution_id: from.execution_id,
        correlation_id: from.correlation_id,
        workflow_name: from.workflow_name,
        job_id: from.job_id,
        state: from.state,
        pause_reasons: from.pause_reasons,
        current_checkpoint: from.current_checkpoint,
        global_data: raw(from.global_data),
        started_at: from.started_at,
        completed_at: from.completed_at,
        total_checkpoints: from.total_checkpoints,
        completed_checkpoints: from.completed_checkpoints,
        failed_checkpoints: from.failed_checkpoints,
        pending_approvals: from.pending_approvals,
        forked_from: from.forked_from.map(|origin| api::ForkedFrom {
            execution_id: origin.execution_id,
            checkpoint_id: origin.checkpoint_id,
        }),
    }
}

/// A step of an execution.
pub fn step(from: view::Step) -> api::Step {
    api::Step {
        step_id: from.step_id,
        execution_id: from.execution_id,
        checkpoint_name: from.checkpoint_name,
        attempt: from.attempt,
        agent_id: from.agent_id,
        correlation_id: from.correlation_id,
        state: from.state,
        input_data: from.input_data.map(raw),
        output_data: from.output_data.map(raw),
        error_details: from.error_details,
        approval_required: from.approval.is_some(),
        approval_status: from.approval.as_ref().map(|approval| approval.status),
        approval: from.approval.map(approval),
        metadata: from.metadata.map(raw),
        checkpoint_id: from.checkpoint_id,
        created_at: from.created_at,
        completed_at: from.completed_at,
    }
}

fn approval(from: view::Approval) -> api::Approval {
    let request = from.request;
    api::Approval {
        title: request.title,
        approvers: api::Approvers { roles: request.approvers.roles, users: request.approvers.users },
        min_approvals: request.min_approvals,
        four_eyes: request.four_eyes,
        deadline: request.deadline,
        default: request.default,
        on_deny: request.on_deny,
        form: request.form,
        requested_by: request.requester.actor.name,
        status: from.status,
        decisions: from
            .decisions
            .into_iter()
            .map(|decision| api::Decision {
                actor: decision.person.actor,
                decision: if decision.approved { "approved" } else { "denied" }.to_owned(),
                reason: decision.reason,
                at: decision.at,
                values: decision.values,
            })
            .collect(),
    }
}

/// An approval in the inbox.
pub fn requested_approval(from: view::RequestedApproval) -> api::RequestedApproval {
    api::RequestedApproval {
        step: step(from.step),
        project: from.project,
        job_id: from.job_id,
        workflow_name: from.workflow_name,
        may_decide: from.may_decide,
        state_from: from.state.from,
        state_to: from.state.to,
        state_diff: from.state.changes.map(|changes| changes.into_iter().map(state_change).collect()),
    }
}

/// Which approvals to list.
pub fn approval_filter(from: api::ApprovalQuery) -> view::ApprovalFilter {
    let compare = from.diff.unwrap_or(false);
    view::ApprovalFilter {
        // The schema of the parameter lets nothing else through.
        status: from.status.and_then(|status| status.parse().ok()).unwrap_or(ApprovalStatus::Pending),
        project: from.project,
        compare,
        offset: from.offset.unwrap_or(0),
        limit: from.limit.unwrap_or(if compare { 20 } else { 100 }),
    }
}

/// Which executions to list.
pub fn execution_filter(from: api::ExecutionQuery) -> view::ExecutionFilter {
    view::ExecutionFilter {
        // The schema of the parameter lets nothing else through.
        state: from.state.and_then(|state| state.parse().ok()),
        workflow_name: from.workflow_name,
        job_id: from.job_id,
        offset: from.offset.unwrap_or(0),
        limit: from.limit.unwrap_or(50),
    }
}

/// A page of executions.
pub fn execution_list(from: view::Counted<view::Execution>) -> api::ExecutionList {
    api::ExecutionList { executions: from.items.into_iter().map(execution).collect(), total: from.total }
}

/// A page of steps.
pub fn step_list(from: view::Counted<view::Step>) -> api::StepList {
    api::StepList { checkpoints: from.items.into_iter().map(step).collect(), total: from.total }
}

/// A page of the inbox.
pub fn approval_list(from: view::Counted<view::RequestedApproval>) -> api::ApprovalList {
    api::ApprovalList {
        approvals: from.items.into_iter().map(requested_approval).collect(),
        total: from.total,
    }
}

/// The history of an execution.
pub fn execution_events(from: view::ExecutionEvents) -> api::ExecutionEvents {
    api::ExecutionEvents { events: from.events.into_iter().map(super::event).collect(), next: from.next }
}

/// What removing old executions did or would do.
pub fn cleaned_executions(from: view::CleanedExecutions) -> api::CleanedExecutions {
    api::CleanedExecutions {
        deleted_count: from.deleted.len() as u64,
        deleted: from.deleted,
        more: from.more,
    }
}

/// An execution to start.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub fn new_execution(from: api::NewExecution) -> Result<view::NewExecution, ServiceError> {
    Ok(view::NewExecution {
        initial_data: data("initial_data", from.initial_data.as_deref())?,
        correlation_id: from.correlation_id,
        workflow_name: from.workflow_name,
        job_id: from.job_id,
    })
}

/// How to fork an execution.
pub fn fork_execution(from: api::ForkExecution) -> view::ForkExecution {
    view::ForkExecution {
        correlation_id: from.correlation_id,
        job_id: from.job_id,
        checkpoint_id: from.checkpoint_id,
        reason: from.reason,
    }
}

/// A step to begin.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub fn new_step(from: api::NewStep) -> Result<view::NewStep, ServiceError> {
    let asked = from.approval.or_else(|| from.approval_required.then(api::NewApproval::default));
    Ok(view::NewStep {
        input_data: data("input_data", from.input_data.as_deref())?,
        metadata: data("metadata", from.metadata.as_deref())?,
        checkpoint_name: from.checkpoint_name,
        agent_id: from.agent_id,
        approval: asked.map(new_approval),
    })
}

/// How a step ended.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub fn step_end(from: &api::StepEnd) -> Result<view::StepEnd, ServiceError> {
    Ok(view::StepEnd {
        output_data: data("output_data", from.output_data.as_deref())?,
        state: data("state", from.state.as_deref())?,
        success: from.success,
    })
}

/// A decision about a step.
pub fn new_decision(approved: bool, from: api::NewDecision) -> view::NewDecision {
    view::NewDecision { approved, reason: from.reason, values: from.values }
}

/// One of several decisions.
pub fn one_decision(from: api::OneDecision) -> view::OneDecision {
    let approved = from.decision == api::Verdict::Approve;
    view::OneDecision {
        execution_id: from.execution_id,
        which: view::WhichStep::Id(from.step_id),
        decision: view::NewDecision { approved, reason: from.reason, values: from.values },
    }
}

/// A JSON object as it was sent.
#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
pub fn object(field: &str, text: &str) -> Result<State, ServiceError> {
    State::parse(text).map_err(|error| match error {
        StateError::TooLarge { .. } => ServiceError::new(ErrorKind::TooLarge, error.to_string()),
        error => ServiceError::invalid(field, error.to_string()),
    })
}

#[expect(clippy::result_large_err, reason = "it is the error of the layer that asks")]
fn data(field: &str, text: Option<&RawValue>) -> Result<Option<State>, ServiceError> {
    text.map(|text| object(field, text.get())).transpose()
}

fn new_approval(from: api::NewApproval) -> view::NewApproval {
    view::NewApproval {
        title: from.title,
        roles: from.approvers.roles,
        users: from.approvers.users,
        min_approvals: from.min_approvals,
        four_eyes: from.four_eyes,
        timeout_s: from.timeout_s,
        deadline: from.deadline,
        default: from.default,
        on_deny: from.on_deny,
        form: from.form,
    }
}
