//! Executions of workflows: of a server over its API, or of a server's data directory.

use std::time::Duration;

use backstay_api::execution::{
    ApprovalList, ApprovalQuery, CleanExecutions, CleanedExecutions, Execution, ExecutionEventQuery,
    ExecutionEvents, ExecutionList, ExecutionQuery, ForkExecution, NewDecision, NewExecution, NewStep,
    PlaceQuery, SteerExecution, Step, StepEnd, StepList,
};
use backstay_client as client;
use backstay_model::Caller;
use backstay_server::wire;
use backstay_service::Service;
use backstay_service::view::{Steer, WhichStep};
use clap::Args;

use super::admin::Admin;
use crate::commands::checkpoint::ProjectArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::settings::ServerFlags;

/// Where the executions are.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,

    #[command(flatten)]
    pub(crate) flags: ServerFlags,
}

/// Executions of one project.
pub(crate) enum Executions {
    /// Over the API.
    Remote(client::Executions),
    /// Directly.
    Direct {
        /// The service on the data directory.
        service: Service,
        /// The person at the command line.
        caller: Caller,
        /// The project.
        project: String,
    },
}

impl Executions {
    /// Those of the server that `--server` names, else of the data directory.
    pub(crate) async fn open(cx: &Context, place: &PlaceArgs) -> Result<Self, Failure> {
        let project = place.project.project.clone();
        Ok(match Admin::server(cx, &place.flags).await? {
            Admin::Remote(client) => Self::Remote(client.executions(&project)),
            Admin::Direct(service, caller) => Self::Direct { service, caller, project },
        })
    }

    /// Starts an execution.
    pub(crate) async fn start(&self, new: NewExecution) -> Result<Execution, Failure> {
        Ok(match self {
            Self::Remote(api) => api.start(&new).await?,
            Self::Direct { service, caller, project } => {
                wire::execution(service.start_execution(caller, project, wire::new_execution(new)?).await?)
            }
        })
    }

    /// Lists executions, newest first.
    pub(crate) async fn list(&self, query: ExecutionQuery) -> Result<ExecutionList, Failure> {
        Ok(match self {
            Self::Remote(api) => api.list(&query).await?,
            Self::Direct { service, caller, project } => {
                let filter = wire::execution_filter(query);
                wire::execution_list(service.list_executions(caller, project, &filter).await?)
            }
        })
    }

    /// Shows an execution.
    pub(crate) async fn get(&self, id: &str) -> Result<Execution, Failure> {
        Ok(match self {
            Self::Remote(api) => api.get(id).await?,
            Self::Direct { service, caller, .. } => wire::execution(service.get_execution(caller, id).await?),
        })
    }

    /// Lists the steps of an execution, oldest first.
    pub(crate) async fn steps(&self, id: &str, offset: u64, limit: u32) -> Result<StepList, Failure> {
        Ok(match self {
            Self::Remote(api) => {
                api.steps(id, &PlaceQuery { limit: Some(limit), offset: Some(offset) }).await?
            }
            Self::Direct { service, caller, .. } => {
                wire::step_list(service.list_steps(caller, id, offset, limit).await?)
            }
        })
    }

    /// Begins a step.
    pub(crate) async fn create_step(&self, id: &str, new: NewStep) -> Result<Step, Failure> {
        Ok(match self {
            Self::Remote(api) => api.create_step(id, &new).await?,
            Self::Direct { service, caller, .. } => {
                wire::step(service.create_step(caller, id, wire::new_step(new)?).await?)
            }
        })
    }

    /// Ends a step.
    pub(crate) async fn complete_step(&self, id: &str, step: &str, end: StepEnd) -> Result<Step, Failure> {
        Ok(match self {
            Self::Remote(api) => api.complete_step(id, step, &end).await?,
            Self::Direct { service, caller, .. } => {
                let which = WhichStep::Id(step.to_owned());
                wire::step(service.complete_step(caller, id, which, wire::step_end(&end)?).await?)
            }
        })
    }

    /// Waits until a step may act or has ended, at most so many seconds.
    pub(crate) async fn wait_step(&self, id: &str, step: &str, timeout_s: u32) -> Result<Step, Failure> {
        Ok(match self {
            Self::Remote(api) => api.wait_step(id, step, timeout_s).await?,
            Self::Direct { service, caller, .. } => {
                let (which, timeout) =
                    (WhichStep::Id(step.to_owned()), Duration::from_secs(timeout_s.into()));
                wire::step(service.wait_step(caller, id, &which, timeout).await?)
            }
        })
    }

    /// Lists what happened to an execution, oldest first.
    pub(crate) async fn events(&self, id: &str, after: u64, limit: u32) -> Result<ExecutionEvents, Failure> {
        Ok(match self {
            Self::Remote(api) => {
                api.events(id, &ExecutionEventQuery { limit: Some(limit), after: Some(after) }).await?
            }
            Self::Direct { service, caller, .. } => {
                wire::execution_events(service.execution_events(caller, id, after, limit).await?)
            }
        })
    }

    /// Pauses, resumes or ends an execution.
    pub(crate) async fn steer(
        &self,
        id: &str,
        steer: Steer,
        how: &SteerExecution,
    ) -> Result<Execution, Failure> {
        Ok(match self {
            Self::Remote(api) => api.steer(id, steer.as_str(), how).await?,
            Self::Direct { service, caller, .. } => {
                let (reason, at) = (how.reason.as_deref(), how.checkpoint_name.as_deref());
                wire::execution(service.steer_execution(caller, id, steer, reason, at).await?)
            }
        })
    }

    /// Starts an execution from the state of another one.
    pub(crate) async fn fork(&self, id: &str, how: ForkExecution) -> Result<Execution, Failure> {
        Ok(match self {
            Self::Remote(api) => api.fork(id, &how).await?,
            Self::Direct { service, caller, .. } => {
                wire::execution(service.fork_execution(caller, id, wire::fork_execution(how)).await?)
            }
        })
    }

    /// Removes executions that ended long ago, or tells which.
    pub(crate) async fn clean(&self, days: u32, dry_run: bool) -> Result<CleanedExecutions, Failure> {
        Ok(match self {
            Self::Remote(api) => api.clean(&CleanExecutions { max_age_days: Some(days), dry_run }).await?,
            Self::Direct { service, caller, project } => {
                wire::cleaned_executions(service.clean_executions(caller, project, days, dry_run).await?)
            }
        })
    }

    /// Lists approvals, newest first.
    pub(crate) async fn approvals(&self, query: ApprovalQuery) -> Result<ApprovalList, Failure> {
        Ok(match self {
            Self::Remote(api) => api.approvals(&query).await?,
            Self::Direct { service, caller, .. } => {
                wire::approval_list(service.list_approvals(caller, &wire::approval_filter(query)).await?)
            }
        })
    }

    /// Approves or denies.
    pub(crate) async fn decide(
        &self,
        id: &str,
        step: &str,
        approved: bool,
        decision: NewDecision,
    ) -> Result<Step, Failure> {
        Ok(match self {
            Self::Remote(api) if approved => api.approve(id, step, &decision).await?,
            Self::Remote(api) => api.deny(id, step, &decision).await?,
            Self::Direct { service, caller, .. } => {
                let which = WhichStep::Id(step.to_owned());
                let decision = wire::new_decision(approved, decision);
                wire::step(service.decide_approval(caller, id, &which, decision).await?)
            }
        })
    }
}
