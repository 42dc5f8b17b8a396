//! What snapshots of training have beyond those of other kinds: files, tensors, comparisons.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::page::{list_query, page};

/// Where the file of an import goes. The fields of a form of the same names win.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// The run, by name or id, which is made when it is missing; without it the newest run.
    #[param(min_length = 1, max_length = 128)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// A name for people, unique in the run; without it the time.
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f]*$")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Any text.
    #[param(max_length = 2000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A tensor of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tensor {
    /// Its path in the HDF5 file.
    #[schema(examples("params/output_layer/weights"))]
    pub path: String,
    /// The type of its numbers, as NumPy names it.
    #[schema(examples("<f4"))]
    pub dtype: String,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// The length of its data.
    pub bytes: u64,
}

page!(
    /// A page of tensors, in the order of their paths.
    TensorPage,
    tensors: Tensor
);

list_query!(
    /// Which tensors to list.
    TensorQuery {}
);

/// Which snapshots to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CompareQuery {
    /// The first snapshot.
    #[param(min_length = 1, max_length = 128)]
    pub a: String,
    /// The second one.
    #[param(min_length = 1, max_length = 128)]
    pub b: String,
}

/// What two snapshots differ in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingComparison {
    /// Whether inputs, hidden units and outputs are as many.
    pub same_architecture: bool,
    /// Whether hidden units are as many.
    pub same_hidden_units: bool,
    /// Whether hidden units apply the same functions.
    pub same_activation: bool,
    /// Hidden units of both.
    #[schema(value_type = Vec<u64>)]
    pub hidden_units: [u64; 2],
    /// Parameters that differ, with both values.
    #[schema(value_type = Object)]
    pub params_diff: BTreeMap<String, [Value; 2]>,
    /// The tensors of both, in the order of their paths.
    pub tensors: Vec<ComparedTensor>,
}

/// A tensor in two snapshots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparedTensor {
    /// Its path in the HDF5 file.
    pub path: String,
    /// What became of it.
    pub status: TensorChange,
    /// Its dimensions in the first and in the second; null where it is not.
    #[schema(value_type = Vec<Option<Vec<u64>>>)]
    pub shapes: [Option<Vec<u64>>; 2],
    /// Its Euclidean norm in both, over the numbers that are finite.
    #[schema(value_type = Vec<Option<f64>>)]
    pub norms: [Option<f64>; 2],
    /// The largest difference of two numbers at the same place; null unless the shapes are the same.
    pub max_delta: Option<f64>,
    /// The cosine of the angle between the two; null unless the shapes are the same and neither is zero.
    pub cosine: Option<f64>,
    /// How many numbers of both are not finite.
    pub nan: u64,
}

/// What became of a tensor from the first snapshot to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TensorChange {
    /// It is the same, bit for bit.
    Same,
    /// It has the same shape and other numbers.
    Changed,
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// It has another shape.
    Reshaped,
}

/// A run that was taken back to a snapshot, or would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RestoredTraining {
    /// `success`; `planned` for a dry run.
    pub status: String,
    /// A sentence for a person.
    pub message: String,
    /// The snapshot.
    pub snapshot_id: String,
    /// The run.
    pub run_id: String,
    /// When it was done; null for a dry run.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub restored_at: Option<Timestamp>,
    /// `real`: the run is no sample.
    pub mode: String,
    /// The epoch of the run now.
    pub current_epoch: u64,
    /// The status of the run: `Stopped`, or `Paused` when it was.
    pub training_status: String,
    /// What the run was doing at that epoch.
    pub phase: String,
    /// Hidden units of the network.
    pub hidden_units: u64,
    /// The state before: restoring it takes the restore back. Null when there was none.
    pub safety_snapshot_id: Option<String>,
    /// Whether training goes on from it bit for bit.
    pub exact: bool,
    /// What that lacks.
    pub missing: Vec<String>,
}
