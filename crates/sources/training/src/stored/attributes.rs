//! What lists tell of a snapshot without opening it.

use std::collections::BTreeMap;

use backstay_trainer::{Phase, State};
use serde::{Deserialize, Serialize};

use crate::file::{Content, Snapshot};

/// The attributes of a training snapshot in its manifest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingAttributes {
    /// Why it was taken, for example `manual`, `round`, `schedule`.
    pub trigger: String,
    /// Epochs of the run.
    pub epoch: u64,
    /// `Idle`, `Output`, `Candidate` or `Inference`.
    pub phase: String,
    /// The status of the run, for example `Started`.
    pub status: String,
    /// Hidden units of the network.
    pub hidden_units: u64,
    /// Inputs of the network.
    pub inputs: u64,
    /// Outputs of the network.
    pub outputs: u64,
    /// Losses and accuracies that are numbers.
    pub metrics: BTreeMap<String, f64>,
    /// Whether training goes on from it bit for bit.
    pub exact: bool,
    /// What that lacks.
    pub missing: Vec<String>,
    /// The UUID of the network.
    pub uuid: String,
    /// How many snapshots of the network there were.
    pub snapshot_counter: u64,
    /// The snapshot from which its run was forked.
    pub parent_snapshot_id: Option<String>,
    /// The length of the HDF5 file.
    pub file_bytes: u64,
    /// SHA-256 of the HDF5 file.
    pub sha256: String,
}

impl TrainingAttributes {
    /// What `snapshot` tells of itself. Length and checksum of the file are left to whoever writes it.
    pub fn of(snapshot: &Snapshot) -> Self {
        let network = snapshot.network();
        let about = Self {
            trigger: snapshot.header.lineage.trigger.clone().unwrap_or_default(),
            hidden_units: network.units.len() as u64,
            inputs: network.input_size as u64,
            outputs: network.output_size as u64,
            missing: snapshot.missing().to_vec(),
            uuid: snapshot.header.uuid.clone(),
            snapshot_counter: snapshot.header.snapshot_counter,
            parent_snapshot_id: snapshot.header.lineage.parent_snapshot_id.clone(),
            ..Self::default()
        };
        match &snapshot.content {
            Content::Exact { state, .. } => Self {
                epoch: state.epoch,
                phase: state.phase().name().to_owned(),
                status: state.status.name().to_owned(),
                metrics: metrics(state),
                exact: true,
                ..about
            },
            Content::Partial(partial) => Self {
                epoch: partial.epoch,
                phase: Phase::Idle.name().to_owned(),
                status: "Stopped".to_owned(),
                metrics: partial
                    .rounds
                    .last()
                    .map(|round| {
                        finite(&[
                            ("loss", round.train_loss),
                            ("accuracy", round.train_accuracy),
                            ("val_loss", round.value_loss),
                            ("val_accuracy", round.value_accuracy),
                        ])
                    })
                    .unwrap_or_default(),
                ..about
            },
        }
    }

    /// The attributes of a manifest; what is not there has its default.
    pub fn from_map(map: &BTreeMap<String, serde_json::Value>) -> Self {
        let object: serde_json::Map<_, _> =
            map.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        serde_json::from_value(object.into()).unwrap_or_default()
    }

    /// The same as a manifest keeps it.
    pub fn to_map(&self) -> BTreeMap<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(object)) => object.into_iter().collect(),
            _ => BTreeMap::new(),
        }
    }
}

/// The losses and accuracies of the last epoch, as far as they are numbers.
pub fn metrics(state: &State) -> BTreeMap<String, f64> {
    let Some(row) = state.epochs.len().checked_sub(1).and_then(|last| state.epochs.row(last)) else {
        return BTreeMap::new();
    };
    finite(&[
        ("loss", row.loss.into()),
        ("accuracy", row.accuracy.into()),
        ("val_loss", row.validation_loss.into()),
        ("val_accuracy", row.validation_accuracy.into()),
        ("correlation", row.correlation.into()),
    ])
}

fn finite(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let finite = values.iter().filter(|(_, value)| value.is_finite());
    finite.map(|(name, value)| ((*name).to_owned(), *value)).collect()
}
