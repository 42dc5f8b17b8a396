//! Executions of workflows, their steps and approvals.

use backstay_api::execution as api;
use backstay_service::view;

use super::checkpoint::raw;

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
        requested_by: request.requester.name,
        status: from.status,
        decisions: from
            .decisions
            .into_iter()
            .map(|decision| api::Decision {
                actor: decision.actor,
                decision: if decision.approved { "approved" } else { "denied" }.to_owned(),
                reason: decision.reason,
                at: decision.at,
                values: decision.values,
            })
            .collect(),
    }
}

/// What is asked for before a step may act.
pub fn new_approval(from: api::NewApproval) -> view::NewApproval {
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
