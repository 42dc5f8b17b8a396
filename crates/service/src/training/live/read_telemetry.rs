//! What there is to tell of a run.

use std::sync::Arc;

use backstay_api::telemetry::{
    DecisionBoundary, MetricsHistory, NetworkStatistics, RunNumbers, Topology, TrainingData, TrainingState,
    TrainingStatus,
};
use backstay_model::{Action, Caller, SourceId};

use super::present::PresentRun;
use super::{pictures, weights};
use crate::error::Result;
use crate::service::{Service, blocking};

impl Service {
    /// The state of a run, with its id.
    pub async fn training_state(
        &self,
        caller: &Caller,
        run: Option<&str>,
    ) -> Result<(SourceId, TrainingState)> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        Ok((live.id.clone(), live.shared.present().state(&live.name, self.now())))
    }

    /// The status of a run, with what it is set to.
    pub async fn training_status(&self, caller: &Caller, run: Option<&str>) -> Result<TrainingStatus> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        Ok(live.shared.present().full_status(&live.name))
    }

    /// Where a run is, in numbers.
    pub async fn training_metrics(&self, caller: &Caller, run: Option<&str>) -> Result<RunNumbers> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        Ok(live.shared.present().numbers())
    }

    /// The last `most` epochs, oldest first.
    pub async fn training_metrics_history(
        &self,
        caller: &Caller,
        run: Option<&str>,
        most: usize,
    ) -> Result<MetricsHistory> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        let history =
            live.look(move |trainer, moments| pictures::history(trainer.state(), moments, most)).await?;
        Ok(MetricsHistory { history })
    }

    /// The network as a graph.
    pub async fn training_topology(&self, caller: &Caller, run: Option<&str>) -> Result<Topology> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        let network = live.look(|trainer, _| trainer.state().network.clone()).await?;
        Ok(pictures::topology(&network))
    }

    /// What is learned. Errors: `TooLarge`.
    pub async fn training_data(&self, caller: &Caller, run: Option<&str>) -> Result<TrainingData> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        let data = live.look(|trainer, _| Arc::clone(trainer.data())).await?;
        pictures::data(&data)
    }

    /// What the network says over the square in which the data lie, at `resolution` points along each axis, at least 2.
    ///
    /// Errors: `Conflict` when the network has not two inputs.
    pub async fn decision_boundary(
        &self,
        caller: &Caller,
        run: Option<&str>,
        resolution: u32,
    ) -> Result<DecisionBoundary> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        let (network, data) =
            live.look(|trainer, _| (trainer.state().network.clone(), Arc::clone(trainer.data()))).await?;
        blocking("compute the decision boundary", move || pictures::boundary(&network, &data, resolution))
            .await
    }

    /// The network in numbers.
    pub async fn network_statistics(&self, caller: &Caller, run: Option<&str>) -> Result<NetworkStatistics> {
        let live = self.open_live_run(caller, run, Action::View).await?;
        live.look(|trainer, _| weights::statistics(trainer.state())).await
    }

    /// Where a run that the caller was shown is, when it is in this process.
    pub fn present_run(&self, run: &SourceId) -> Option<PresentRun> {
        self.live().loaded_run(run).map(|live| live.shared.present().listed())
    }

    /// Loads a run into this process, unless nothing of it was saved yet.
    pub async fn load_training_run(&self, caller: &Caller, run: &SourceId) -> Result<()> {
        match self.open_live_run(caller, Some(run.as_str()), Action::View).await {
            Err(error) if error.code == Some("no_state") => Ok(()),
            opened => opened.map(drop),
        }
    }

    /// Whether any run of any tenant trains in this process.
    pub fn is_training(&self) -> bool {
        self.live().is_training()
    }
}
