//! Executions of workflows, their steps and approvals.

use backstay_api::execution::{
    ApprovalList, ApprovalQuery, CleanExecutions, CleanedExecutions, DecisionResults, Execution,
    ExecutionEventQuery, ExecutionEvents, ExecutionList, ExecutionQuery, ForkExecution, NewDecision,
    NewDecisions, NewExecution, NewStep, PlaceQuery, SteerExecution, Step, StepEnd, StepList, StepWaitQuery,
};
use reqwest::Method;

use crate::client::{Call, Client, Result};

/// The executions of one project.
#[derive(Debug, Clone)]
pub struct Executions {
    client: Client,
    project: String,
}

impl Client {
    /// The executions of a project.
    pub fn executions(&self, project: &str) -> Executions {
        Executions { client: self.clone(), project: project.to_owned() }
    }
}

impl Executions {
    fn call(&self, method: Method, segments: &[&str]) -> Call {
        let mut all = vec!["executions"];
        all.extend(segments);
        self.client.api(method, &all).header("backstay-project", &self.project)
    }

    /// A change; a repetition after a lost answer changes nothing twice.
    fn change(&self, segments: &[&str]) -> Call {
        self.call(Method::POST, segments).key(self.client.new_key())
    }

    /// Starts an execution.
    pub async fn start(&self, new: &NewExecution) -> Result<Execution> {
        self.client.fetch(self.change(&[]).json(new)).await
    }

    /// Lists executions, newest first.
    pub async fn list(&self, query: &ExecutionQuery) -> Result<ExecutionList> {
        self.client.fetch(self.call(Method::GET, &[]).query(query)).await
    }

    /// Shows an execution.
    pub async fn get(&self, id: &str) -> Result<Execution> {
        self.client.fetch(self.call(Method::GET, &[id])).await
    }

    /// Lists what happened to an execution, oldest first.
    pub async fn events(&self, id: &str, query: &ExecutionEventQuery) -> Result<ExecutionEvents> {
        self.client.fetch(self.call(Method::GET, &[id, "events"]).query(query)).await
    }

    /// Does `verb` to an execution: `pause`, `resume`, `complete`, `fail` or `cancel`.
    pub async fn steer(&self, id: &str, verb: &str, how: &SteerExecution) -> Result<Execution> {
        self.client.fetch(self.change(&[id, verb]).json(how)).await
    }

    /// Starts an execution from the state of another one.
    pub async fn fork(&self, id: &str, how: &ForkExecution) -> Result<Execution> {
        self.client.fetch(self.change(&[id, "fork"]).json(how)).await
    }

    /// Removes executions that ended long ago.
    pub async fn clean(&self, how: &CleanExecutions) -> Result<CleanedExecutions> {
        self.client.fetch(self.change(&["cleanup"]).json(how)).await
    }

    /// Begins a step.
    pub async fn create_step(&self, id: &str, new: &NewStep) -> Result<Step> {
        self.client.fetch(self.change(&[id, "checkpoints"]).json(new)).await
    }

    /// Lists the steps of an execution, oldest first.
    pub async fn steps(&self, id: &str, place: &PlaceQuery) -> Result<StepList> {
        self.client.fetch(self.call(Method::GET, &[id, "checkpoints"]).query(place)).await
    }

    /// Shows a step.
    pub async fn step(&self, id: &str, step: &str) -> Result<Step> {
        self.client.fetch(self.call(Method::GET, &[id, "checkpoints", step])).await
    }

    /// Ends a step.
    pub async fn complete_step(&self, id: &str, step: &str, end: &StepEnd) -> Result<Step> {
        self.client.fetch(self.change(&[id, "checkpoints", step, "complete"]).json(end)).await
    }

    /// Approves a step that waits.
    pub async fn approve(&self, id: &str, step: &str, decision: &NewDecision) -> Result<Step> {
        self.client.fetch(self.change(&[id, "checkpoints", step, "approve"]).json(decision)).await
    }

    /// Denies a step that waits.
    pub async fn deny(&self, id: &str, step: &str, decision: &NewDecision) -> Result<Step> {
        self.client.fetch(self.change(&[id, "checkpoints", step, "deny"]).json(decision)).await
    }

    /// Lists approvals over all executions of the tenant, newest first.
    pub async fn approvals(&self, query: &ApprovalQuery) -> Result<ApprovalList> {
        self.client.fetch(self.client.api(Method::GET, &["approvals"]).query(query)).await
    }

    /// Decides about several approvals, each for itself.
    pub async fn decide(&self, decisions: &NewDecisions) -> Result<DecisionResults> {
        let call = self.client.api(Method::POST, &["approvals", "decisions"]).key(self.client.new_key());
        self.client.fetch(call.json(decisions)).await
    }

    /// Waits until a step may act or has ended, at most so many seconds.
    pub async fn wait_step(&self, id: &str, step: &str, timeout_s: u32) -> Result<Step> {
        let query = StepWaitQuery { checkpoint_name: None, timeout_s: Some(timeout_s) };
        let call = self.call(Method::GET, &[id, "checkpoints", step, "wait"]);
        self.client.fetch(call.query(&query).longer(timeout_s)).await
    }
}
