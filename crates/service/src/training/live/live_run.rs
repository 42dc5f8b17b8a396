//! A run in this process, and how it is asked for things.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use backstay_api::telemetry::{ControlOutcome, TrainingState};
use backstay_model::{Caller, ErrorKind, SourceId, TenantId};
use backstay_trainer::{Command, Status, Trainer};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, oneshot};

use super::control_lock::ControlLock;
use super::moments::Moments;
use super::run_thread::{Copied, Replacement, Request};
use super::schedule::SavePlan;
use super::shared::Shared;
use crate::error::{Result, ServiceError};

/// A run in this process: its trainer is on a thread of its own, which ends when nobody can ask it for anything any more.
pub(super) struct LiveRun {
    pub(super) id: SourceId,
    pub(super) name: String,
    pub(super) tenant: TenantId,
    pub(super) control: ControlLock,
    /// The serial of the run since the last save; held while one is written, so that they follow each other.
    pub(super) serial: Mutex<u64>,
    pub(super) shared: Arc<Shared>,
    pub(super) requests: Sender<Request>,
}

/// Keeps a run from training; it trains on when this is dropped.
pub(super) struct Rest<'r>(&'r LiveRun);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        // A thread that is gone does not train.
        drop(self.0.requests.send(Request::Release));
    }
}

impl LiveRun {
    /// Who saves when nobody asked for it.
    pub(super) fn system(&self) -> Caller {
        Caller { tenant: self.tenant.clone(), ..Caller::system("training") }
    }

    /// Carries out a command, and answers when it is in effect.
    pub(super) async fn command(&self, command: Command) -> Result<ControlOutcome> {
        self.ask(|reply| Request::Command { command, reply }).await
    }

    /// Sets parameters, all or none, from the next epoch on.
    pub(super) async fn set_parameters(
        &self,
        changes: Map<String, Value>,
        actor: String,
    ) -> Result<TrainingState> {
        let set = self.ask(|reply| Request::SetParameters { changes, actor, reply }).await?;
        set.map_err(super::invalid_parameters)
    }

    /// What `look` sees at the next epoch boundary.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Trainer, &Moments) -> T + Send + 'static,
    ) -> Result<T> {
        self.ask(|reply| {
            Request::Look(Box::new(move |trainer, moments| drop(reply.send(look(trainer, moments)))))
        })
        .await
    }

    /// A copy of the state at the next epoch boundary.
    pub(super) async fn copy(&self) -> Result<Copied> {
        self.ask(Request::Copy).await
    }

    /// Goes on from another state.
    pub(super) async fn replace(&self, other: Replacement) -> Result<TrainingState> {
        self.ask(|reply| Request::Replace(Box::new(other), reply)).await
    }

    /// Keeps the run from training until the answer is dropped.
    pub(super) fn rest(&self) -> Result<Rest<'_>> {
        self.requests.send(Request::Hold).map_err(|_| self.gone())?;
        Ok(Rest(self))
    }

    /// Tells who follows that a command was carried out.
    pub(super) fn acknowledge(&self, command: &'static str, outcome: &ControlOutcome) {
        let ack =
            Request::Acknowledge { command, success: outcome.changed, message: outcome.message.clone() };
        // A thread that is gone has nothing to tell.
        drop(self.requests.send(ack));
    }

    /// Saves by itself at other times.
    pub(super) fn reschedule(&self, plan: SavePlan) {
        // A thread that is gone saves nothing.
        drop(self.requests.send(Request::Reschedule(plan)));
    }

    /// Ends the thread at the next epoch boundary.
    pub(super) async fn close(&self) {
        // One that is gone is closed.
        drop(self.ask(Request::Close).await);
    }

    /// Whether its thread is gone.
    pub(super) fn has_ended(&self) -> bool {
        // The thread holds the other one.
        Arc::strong_count(&self.shared) == 1
    }

    /// Whether nothing would be lost by forgetting the run: it does not train and its state is in a snapshot.
    pub(super) fn is_idle(&self) -> bool {
        let status = self.shared.present().status;
        !matches!(status, Status::Started | Status::Paused) && self.shared.saved_now().is_some()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())
    }

    fn gone(&self) -> ServiceError {
        let message = format!("The run `{}` is not in this process any more", self.name);
        ServiceError::new(ErrorKind::Unavailable, message)
            .hint("try again: it is loaded from its last snapshot")
    }
}
