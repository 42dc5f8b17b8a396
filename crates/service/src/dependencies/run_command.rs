//! Runs a declared command or sequence of a workspace.
//!
//! Permission → the command is found → operation row and task → a worker runs it, tells each step, and ends the row.
//! Commands change the workspace itself, as on the command line: there is no way back, so no snapshot and no lock.

use std::sync::Arc;

use backstay_catalog::OperationState;
use backstay_dependencies::{DependencyName, Workspace};
use backstay_model::{Action, Caller, ErrorKind, OperationId, SourceId, TaskId};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use super::called_command::{CalledCommand, CommandEvent, CommandHost};
use super::git::git_of;
use crate::error::{Result, ServiceError};
use crate::restore::{Done, NewOperation};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::tasks::Work;
use crate::upgrades::{Recorder, StepNote, Watch, receive_steps};
use crate::view::{CommandPlan, NewCommandRun, QueuedOperation, RestoreRequest, UpgradeEvent};

impl Service {
    /// What a call comes to. Nothing is run.
    pub async fn plan_command(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: &NewCommandRun,
        run: &Run,
    ) -> Result<CommandPlan> {
        Ok(self.called(caller, source, new, run).await?.invocation().clone())
    }

    /// Queues the run of a command for a worker. What it says is kept as the output of the operation.
    ///
    /// Errors: `Forbidden` where commands are disabled; a name that nothing declares; an argument that is missing.
    pub async fn queue_command(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: NewCommandRun,
    ) -> Result<QueuedOperation> {
        let row = self.permitted_source(caller, source, Action::Restore).await?;
        self.refuse_commands()?;
        self.called(caller, source, &new, &Run::default()).await?;
        let now = self.now();
        let operation = OperationId::generate(now, &**self.rng());
        let work = Work::RunCommand { operation: operation.clone(), command: new };
        let payload = self.payload(operation.to_string(), caller, work);
        let queued = self.new_task(TaskId::generate(now, &**self.rng()), Some(&row), &payload, None);
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&queued).await?.into_row().id;
        let new = NewOperation {
            id: operation.clone(),
            kind: "run",
            target: None,
            undoes: None,
            request: RestoreRequest::default(),
            upgrade: None,
            task: Some(task.clone()),
        };
        self.begin_operation_in(&mut tx, caller, &row, new).await?;
        tx.commit().await?;
        Ok(QueuedOperation { operation, task })
    }

    /// What a worker does with [`Work::RunCommand`]; the result is the report, also of a command that failed.
    pub(crate) async fn run_command(
        &self,
        caller: &Caller,
        operation: &OperationId,
        new: NewCommandRun,
        run: &Run,
    ) -> Result<serde_json::Value> {
        let row = self.running_operation(operation).await?;
        let source = self.permitted_source(caller, &row.source, Action::Restore).await?;
        self.refuse_commands()?;
        let supervisor = self.settings().supervisor.clone();
        let supervisor = supervisor
            .ok_or_else(|| ServiceError::new(ErrorKind::Internal, "This program cannot run commands"))?;
        let called = self.called(caller, &source.id, &new, run).await?;
        let recorder = Recorder::begin(&self.workspace_root(&source)?, operation, Watch::nobody())?;
        let host = CommandHost {
            supervisor,
            clock: Arc::clone(self.clock()),
            cancel: run.cancel.clone(),
            inherits_input: false,
            inherits_output: false,
        };
        let (notes, mut noted) = unbounded_channel();
        let running = blocking("run the command", move || {
            let sequence = called.invocation().sequence.clone().unwrap_or_default();
            let dependency = new.dependency.unwrap_or_default();
            called.run(&host, &mut |event| {
                if let Some(note) = tell(&recorder, &dependency, &sequence, event) {
                    // Nobody listens any more only when the run is broken off.
                    let _ = notes.send(note);
                }
            })
        });
        let noting = async {
            let mut steps = Vec::new();
            while receive_steps(&mut noted, &mut steps).await {
                self.note_steps(caller, &source, &row, std::mem::take(&mut steps)).await;
            }
        };
        let (ran, ()) = tokio::join!(running, noting);
        let report = ran?;
        let mut tx = self.begin().await?;
        match report.steps.last().filter(|_| report.exit_code != 0) {
            Some(failed) => {
                let reason = format!("`{}` exited with code {}", failed.name, failed.exit_code);
                self.fail_operation_in(&mut tx, caller, &row, OperationState::Failed, &reason).await?;
            }
            None => {
                self.end_operation_in(&mut tx, caller, source.kind, &row, &Done::default()).await?;
            }
        }
        tx.commit().await?;
        serde_json::to_value(report)
            .map_err(|error| ServiceError::internal("The report cannot be written as JSON", error))
    }

    async fn called(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: &NewCommandRun,
        run: &Run,
    ) -> Result<CalledCommand> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        let name = new.dependency.as_deref().map(DependencyName::parse).transpose()?;
        let (root, cancel, new) = (self.workspace_root(&source)?, run.cancel.clone(), new.clone());
        blocking("find the command", move || {
            let workspace = Workspace::new(&root, git_of(&cancel));
            Ok(CalledCommand::find(&workspace, name, &new.command, &new.arguments)?)
        })
        .await
    }
}

/// Keeps what happens for whoever follows; returns what the log of events is to tell.
fn tell(recorder: &Recorder, dependency: &str, sequence: &str, event: CommandEvent<'_>) -> Option<StepNote> {
    let milliseconds =
        |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match event {
        CommandEvent::Started { step, name } => {
            let started = UpgradeEvent::Started {
                step,
                dependency: dependency.to_owned(),
                change: sequence.to_owned(),
                kind: "command".to_owned(),
                name: name.to_owned(),
            };
            recorder.started(step, &started);
            let data = json!({"step": step, "name": name, "dependency": dependency, "sequence": sequence});
            Some(StepNote { action: "command.started", failed: false, data })
        }
        CommandEvent::Wrote { stream, bytes } => {
            recorder.wrote(stream, bytes);
            None
        }
        CommandEvent::LeftBehind { name, pid, process } => {
            tracing::warn!(
                command.name = name,
                process.pid = pid,
                process.name = process,
                "a command left a process behind"
            );
            None
        }
        CommandEvent::Ended { step, name, exit_code, duration, timed_out } => {
            let duration_ms = milliseconds(duration);
            recorder.tell(&UpgradeEvent::Ended {
                step,
                exit_code: Some(i32::from(exit_code)),
                duration_ms,
                timed_out,
            });
            let data = json!({
                "step": step, "name": name, "dependency": dependency, "sequence": sequence,
                "exit_code": exit_code, "duration_ms": duration_ms, "timed_out": timed_out,
            });
            Some(StepNote { action: "command.ended", failed: exit_code != 0, data })
        }
    }
}
