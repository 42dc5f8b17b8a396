//! One thing of every sort, in a tenant of its own.

use backstay_api::group::NewWorkspaceGroup;
use backstay_api::hold::NewHold;
use backstay_api::restore::NewRestorePlan;
use backstay_api::snapshot::NewSnapshot;
use backstay_api::webhook::NewWebhook;
use backstay_model::Role;
use backstay_service::view::NewTrainingRun;
use reqwest::Method;
use serde_json::{Value, json};

use super::{TestServer, send};

/// Ids of things of the tenant `ours`.
pub struct Things {
    workspace: String,
    snapshot: String,
    task: String,
    operation: String,
    user: String,
    token: String,
    webhook: String,
    group: String,
    hold: String,
    checkpoint: String,
    execution: String,
    step: String,
    executor: String,
    resume: String,
    run: String,
}

impl Things {
    pub async fn make(server: &TestServer) -> Self {
        let admin = server.token_in("ours", Role::Admin).await;
        let client = server.client(&admin);
        let (workspace, _) = server.workspace_in("ours", "secret-workspace").await;
        let accepted = client.create_snapshot(&workspace, &NewSnapshot::default(), 30).await.unwrap();
        let plan = client.plan_restore(&accepted.id, &NewRestorePlan::default()).await.unwrap();
        let operation = client.restore(&workspace, &plan.plan_id, 30).await.unwrap();
        let new = json!({"name": "secret-user", "role": "viewer"});
        let (_, user) = send(server.request(Method::POST, "/api/v1/users").json(&new), &admin).await;
        let new = json!({"name": "secret-token", "role": "viewer"});
        let (_, token) = send(server.request(Method::POST, "/api/v1/tokens").json(&new), &admin).await;
        let webhook = NewWebhook { url: "http://127.0.0.1:9/secret-hook".into(), actions: vec![] };
        let webhook = client.create_webhook(&webhook).await.unwrap();
        let group = NewWorkspaceGroup { name: "secret-group".into(), workspace_ids: vec![workspace.clone()] };
        let group = client.create_workspace_group(&group).await.unwrap();
        let hold = client
            .create_hold(&accepted.id, &NewHold { reason: "secret-hold".into(), expires_at: None })
            .await
            .unwrap();
        let new = json!({"job_id": "secret-job", "step_name": "secret-step", "state": {"a": "secret-state"}});
        let (_, checkpoint) = send(server.request(Method::POST, "/api/checkpoints").json(&new), &admin).await;
        let new =
            json!({"job_id": "secret-other", "step_name": "secret-step", "state": {"a": "secret-state"}});
        let (_, other) = send(server.request(Method::POST, "/api/checkpoints").json(&new), &admin).await;
        let new = json!({"correlation_id": "secret-correlation", "workflow_name": "secret-workflow"});
        let (_, execution) =
            send(server.request(Method::POST, "/api/v1/executions").json(&new), &admin).await;
        let execution = execution["execution_id"].as_str().unwrap().to_owned();
        let new =
            json!({"checkpoint_name": "secret-name", "agent_id": "secret-agent", "approval_required": true});
        let path = format!("/api/v1/executions/{execution}/checkpoints");
        let (_, step) = send(server.request(Method::POST, &path).json(&new), &admin).await;
        let new = json!({"name": "secret-executor", "mode": "pull", "match": ["secret-*"], "timeout_s": 1});
        let (_, executor) = send(server.request(Method::POST, "/api/v1/executors").json(&new), &admin).await;
        // Nobody polls, so the resume fails after its second.
        let path = format!("/api/checkpoints/{}/restore", other["checkpoint_id"].as_str().unwrap());
        let resume = json!({"resume": true});
        let (_, resumed) = send(server.request(Method::POST, &path).json(&resume), &admin).await;
        let run = NewTrainingRun { name: "secret-run".into(), ..NewTrainingRun::default() };
        let run = server.service.create_training_run(&TestServer::local("ours"), run).await.unwrap();
        Self {
            workspace,
            snapshot: accepted.id,
            task: accepted.task_id,
            operation: operation.operation_id,
            user: user["id"].as_str().unwrap().to_owned(),
            token: token["token"]["id"].as_str().unwrap().to_owned(),
            webhook: webhook.webhook.id,
            group: group.id,
            hold: hold.id,
            checkpoint: checkpoint["checkpoint_id"].as_str().unwrap().to_owned(),
            executor: executor["executor"]["executor_id"].as_str().unwrap().to_owned(),
            resume: resumed["resume_id"].as_str().unwrap().to_owned(),
            run: run.id.into(),
            step: step["step_id"].as_str().unwrap().to_owned(),
            execution,
        }
    }

    /// The path with the id of the thing it is about.
    pub fn fill(&self, path: &str) -> String {
        let kind = path.split("/{id}").next().and_then(|before| before.rsplit('/').next());
        let id = match kind.unwrap_or_default() {
            "workspaces" => &self.workspace,
            "snapshots" => &self.snapshot,
            "tasks" => &self.task,
            "operations" => &self.operation,
            "users" => &self.user,
            "tokens" => &self.token,
            "webhooks" => &self.webhook,
            "workspace-groups" => &self.group,
            "holds" => &self.hold,
            "checkpoints" => &self.checkpoint,
            "executions" => &self.execution,
            "executors" => &self.executor,
            "resumes" => &self.resume,
            "runs" => &self.run,
            other => panic!("a new kind of thing in {path}: {other}"),
        };
        path.replace("{id}", id).replace("{dependency}", "kb").replace("{step}", &self.step)
    }

    /// The workspace.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    pub fn all(&self) -> [&str; 15] {
        [
            &self.workspace,
            &self.snapshot,
            &self.task,
            &self.operation,
            &self.user,
            &self.token,
            &self.webhook,
            &self.group,
            &self.hold,
            &self.checkpoint,
            &self.execution,
            &self.step,
            &self.executor,
            &self.resume,
            &self.run,
        ]
    }
}

/// A body that is acceptable, so that nothing but the tenant is a reason to refuse.
pub fn body_for(path: &str, method: &str) -> Option<Value> {
    Some(match (path.rsplit('/').next().unwrap(), method) {
        ("{id}", "patch") | ("complete", "post") => json!({}),
        ("restores", "post") if path.contains("groups") => json!({"group_snapshot_id": "g"}),
        ("restores" | "upgrades", "post") => json!({"plan_id": "p"}),
        ("dependency-changes", "post") => json!({"action": "resolve"}),
        ("command-plans" | "command-runs", "post") => json!({"command": "c"}),
        ("checkpoints", "post") => json!({"checkpoint_name": "n", "agent_id": "a"}),
        ("fork", "post") if path.contains("snapshots") => json!({"name": "n"}),
        ("deny" | "holds", "post") => json!({"reason": "r"}),
        _ => return None,
    })
}
