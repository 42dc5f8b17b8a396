//! Checkpoints of jobs.

use backstay_api::checkpoint::{
    Checkpoint, CheckpointList, CheckpointQuery, CheckpointResults, CleanJob, CleanedJob, CreatedCheckpoints,
    DiffQuery, ForkCheckpoint, NewCheckpoint, NewCheckpoints, RestoreCheckpoint, RestoredCheckpoint,
    StateDiff,
};
use reqwest::Method;

use crate::client::{Call, Client, Result};

/// The checkpoints of one project.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    client: Client,
    project: String,
}

impl Client {
    /// The checkpoints of a project.
    pub fn checkpoints(&self, project: &str) -> Checkpoints {
        Checkpoints { client: self.clone(), project: project.to_owned() }
    }
}

impl Checkpoints {
    fn call(&self, method: Method, segments: &[&str]) -> Call {
        let mut all = vec!["api", "checkpoints"];
        all.extend(segments);
        self.client.call(method, &all).header("backstay-project", &self.project)
    }

    fn beyond(&self, method: Method, word: &str) -> Call {
        self.client.api(method, &["checkpoints", word]).header("backstay-project", &self.project)
    }

    /// Saves a state. A repetition after a lost answer saves nothing twice.
    pub async fn create(&self, new: &NewCheckpoint) -> Result<Checkpoint> {
        self.client.fetch(self.call(Method::POST, &[]).json(new).key(self.client.new_key())).await
    }

    /// Saves several states, all or none.
    pub async fn create_all(&self, new: &NewCheckpoints) -> Result<CreatedCheckpoints> {
        self.client.fetch(self.call(Method::POST, &["batch"]).json(new).key(self.client.new_key())).await
    }

    /// Saves checkpoints of another program, each for itself; their states may be `null`.
    pub async fn import(&self, new: &NewCheckpoints) -> Result<CheckpointResults> {
        self.client.fetch(self.beyond(Method::POST, "import").json(new).key(self.client.new_key())).await
    }

    /// Lists the checkpoints of a job.
    pub async fn list(&self, query: &CheckpointQuery) -> Result<CheckpointList> {
        self.client.fetch(self.call(Method::GET, &[]).query(query)).await
    }

    /// Shows a checkpoint with its state.
    pub async fn get(&self, id: &str) -> Result<Checkpoint> {
        self.client.fetch(self.call(Method::GET, &[id])).await
    }

    /// Restores a checkpoint.
    pub async fn restore(&self, id: &str, how: &RestoreCheckpoint) -> Result<RestoredCheckpoint> {
        self.client.fetch(self.call(Method::POST, &[id, "restore"]).json(how)).await
    }

    /// Deletes a checkpoint.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.client.send_delete(self.call(Method::DELETE, &[id])).await
    }

    /// Deletes all but the newest checkpoints of a job.
    pub async fn clean(&self, how: &CleanJob) -> Result<CleanedJob> {
        self.client.fetch(self.call(Method::POST, &["cleanup"]).json(how)).await
    }

    /// Compares the states of two checkpoints.
    pub async fn diff(&self, query: &DiffQuery) -> Result<StateDiff> {
        self.client.fetch(self.beyond(Method::GET, "diff").query(query)).await
    }

    /// Saves the state of a checkpoint as a new one.
    pub async fn fork(&self, fork: &ForkCheckpoint) -> Result<Checkpoint> {
        self.client.fetch(self.beyond(Method::POST, "fork").json(fork).key(self.client.new_key())).await
    }
}
