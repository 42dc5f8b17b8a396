//! Control and telemetry of training runs, as dashboards read them.
//!
//! The same shapes are inside the frames of the WebSockets, which is why the service makes them. A number that is none (no epoch yet, no
//! validation data) is `null`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Which run is meant.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// The id or the name of a run; the default run when absent: the newest one of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 200)]
    pub run: Option<String>,
}

/// How training is started.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    /// The id or the name of a run; the default run when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 200)]
    #[schema(min_length = 1, max_length = 200)]
    pub run: Option<String>,
    /// Whether to go back to epoch 0 first; no when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<bool>,
}

/// How far back the history of the metrics is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MetricsQuery {
    /// The id or the name of a run; the default run when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 200)]
    pub run: Option<String>,
    /// How many epochs, 1 to 10000; 100 when absent or unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// How fine a decision boundary is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BoundaryQuery {
    /// The id or the name of a run; the default run when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 200)]
    pub run: Option<String>,
    /// Points along each axis; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 5, maximum = 200)]
    pub resolution: Option<u32>,
}

/// Where a run is, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunNumbers {
    /// Whether it trains.
    pub is_running: bool,
    /// Whether it is paused.
    pub is_paused: bool,
    /// Epochs so far.
    pub current_epoch: u64,
    /// The loss of the last epoch on the training data.
    pub current_loss: Option<f32>,
    /// The accuracy of the last epoch on the training data.
    pub current_accuracy: Option<f32>,
    /// Hidden units of the network.
    pub hidden_units: u64,
    /// Rows of metrics that are kept.
    pub metrics_count: u64,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ControlOutcome {
    /// The word of the command, whether or not it changed anything: `started`, `paused`, `running`, `stopped`, `reset`.
    pub status: String,
    /// Whether it changed anything.
    pub changed: bool,
    /// The status of the run since: `STOPPED`, `STARTED`, `PAUSED`, `COMPLETED`, `FAILED`.
    pub fsm_status: String,
    /// What happened, or why it is impossible now.
    pub message: String,
    /// Where the run is.
    #[serde(flatten)]
    pub numbers: RunNumbers,
}

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingState {
    /// `Stopped`, `Started`, `Paused`, `Completed` or `Failed`.
    pub status: String,
    /// `Idle`, `Output`, `Candidate` or `Inference`.
    pub phase: String,
    /// The step size of the output weights.
    pub learning_rate: f64,
    /// The most hidden units.
    pub max_hidden_units: u64,
    /// The most epochs.
    pub max_epochs: u64,
    /// Epochs so far.
    pub current_epoch: u64,
    /// Epochs of the present phase.
    pub current_step: u64,
    /// The name of the run.
    pub network_name: String,
    /// What is learned.
    pub dataset_name: String,
    /// What hidden units apply.
    pub threshold_function: String,
    /// How output weights step.
    pub optimizer_name: String,
    /// When it was so, in seconds since 1970.
    pub timestamp: f64,
    /// `Active` while there are candidates; else `Inactive`.
    pub candidate_pool_status: String,
    /// `Training`, `Selecting` or `Idle`.
    pub candidate_pool_phase: String,
    /// How many candidates there are.
    pub candidate_pool_size: u64,
    /// The candidate with the largest correlation; empty without one.
    pub top_candidate_id: String,
    /// Its correlation.
    pub top_candidate_score: f32,
    /// The one after it.
    pub second_candidate_id: String,
    /// Its correlation.
    pub second_candidate_score: f32,
    /// The pool as a whole; empty without one.
    #[schema(value_type = Object)]
    pub pool_metrics: Map<String, Value>,
}

/// The status of a run, with what it is set to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingStatus {
    /// Where the run is.
    #[serde(flatten)]
    pub numbers: RunNumbers,
    /// Whether it trains.
    pub is_training: bool,
    /// Whether training is complete.
    pub completed: bool,
    /// Whether its loss is no number any more.
    pub failed: bool,
    /// `STOPPED`, `STARTED`, `PAUSED`, `COMPLETED` or `FAILED`.
    pub fsm_status: String,
    /// `idle`, `output`, `candidate` or `inference`.
    pub phase: String,
    /// Whether there is a network.
    pub network_connected: bool,
    /// Whether its telemetry is followed.
    pub monitoring_active: bool,
    /// Inputs of the network.
    pub input_size: u64,
    /// Outputs of the network.
    pub output_size: u64,
    /// The step size of the output weights.
    pub learning_rate: f64,
    /// The most hidden units.
    pub max_hidden_units: u64,
    /// The most epochs.
    pub max_epochs: u64,
    /// The name of the run.
    pub network_name: String,
    /// What is learned.
    pub dataset_name: String,
    /// What hidden units apply.
    pub activation_fn: String,
    /// How output weights step.
    pub optimizer: String,
    /// Who trains: `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
}

/// Parameters to set, by name; those that are absent stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParameters {
    /// The step size of the output weights.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 10)]
    pub learning_rate: f64,
    /// The step size of candidates.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 10)]
    pub candidate_learning_rate: f64,
    /// How output weights step: `adam`, `adamw`, `sgd` or `rmsprop`.
    #[serde(default)]
    pub optimizer: String,
    /// How candidates step: one of those, or `ascent`.
    #[serde(default)]
    pub candidate_optimizer: String,
    /// Candidates per round, from the next on.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 4096)]
    pub candidate_pool_size: u64,
    /// The most epochs of a candidate phase.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub candidate_epochs: u64,
    /// Epochs without gain after which a candidate is done.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub candidate_patience: u64,
    /// Epochs of an output phase.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub output_epochs: u64,
    /// Rounds without a lower loss that end the run.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub patience: u64,
    /// The most rounds.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub max_rounds: u64,
    /// The most epochs.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub max_epochs: u64,
    /// The most hidden units.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1000)]
    pub max_hidden_units: u64,
    /// The correlation below which no candidate is worth adding.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    pub correlation_threshold: f64,
    /// The accuracy on the training data that ends the run.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    pub target_accuracy: f64,
    /// What new units apply: `tanh`, `sigmoid`, `relu`, `identity`, `elu` or `gelu`.
    #[serde(default)]
    pub activation: String,
    /// The standard deviation of initial weights.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 10)]
    pub value_scale: f64,
    /// The key of all random numbers, up to 2^63 − 1.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub seed: u64,
    /// Threads that train; 0 for all of the machine.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 256)]
    pub threads: u64,
}

/// What became of setting parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParametersSet {
    /// `success`.
    pub status: String,
    /// The state since.
    pub state: TrainingState,
}

/// What an epoch was like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsRow {
    /// Its number; the first is 1.
    pub epoch: u64,
    /// What was measured.
    pub metrics: EpochMetrics,
    /// The network that it trained.
    pub network_topology: NetworkSizes,
    /// `output` or `candidate`.
    pub phase: String,
    /// When it ended, in seconds since 1970.
    pub timestamp: f64,
}

/// What was measured in an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EpochMetrics {
    /// The mean squared error on the training data.
    pub loss: Option<f32>,
    /// The part of the training samples that were right.
    pub accuracy: Option<f32>,
    /// The mean squared error on the validation data.
    pub val_loss: Option<f32>,
    /// The part of the validation samples that were right.
    pub val_accuracy: Option<f32>,
    /// The largest correlation of the candidates.
    pub correlation: Option<f32>,
}

/// How large a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkSizes {
    /// Inputs.
    pub input_units: u64,
    /// Hidden units.
    pub hidden_units: u64,
    /// Outputs.
    pub output_units: u64,
}

/// The last epochs, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsHistory {
    /// The epochs.
    pub history: Vec<MetricsRow>,
}

/// The network as a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Topology {
    /// Inputs, hidden units, outputs.
    pub nodes: Vec<TopologyNode>,
    /// The weights between them.
    pub connections: Vec<TopologyConnection>,
    /// Inputs.
    pub input_size: u64,
    /// Outputs.
    pub output_size: u64,
    /// Hidden units.
    pub hidden_units: u64,
}

/// A node of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopologyNode {
    /// For example `input_0`, `hidden_3`, `output_1`.
    pub id: String,
    /// `input`, `hidden` or `output`.
    #[serde(rename = "type")]
    pub node_type: String,
    /// 0 for inputs, 1 for hidden units, 2 for outputs.
    pub layer: u8,
}

/// A weight of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopologyConnection {
    /// The node that it leads from.
    pub from: String,
    /// The node that it leads to.
    pub to: String,
    /// The weight.
    pub weight: f32,
}

/// What a run learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingData {
    /// A list of inputs per sample.
    pub inputs: Vec<Vec<f32>>,
    /// A list of targets per sample.
    pub targets: Vec<Vec<f32>>,
    /// How many samples there are.
    pub num_samples: u64,
    /// Inputs of a sample.
    pub num_features: u64,
    /// Targets of a sample; 2 classes for a lone one.
    pub num_classes: u64,
}

/// What the network says over a square of two inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionBoundary {
    /// The first input of each column.
    pub x: Vec<f32>,
    /// The second input of each row.
    pub y: Vec<f32>,
    /// By row and column: the number of the largest output, or the value of a lone one.
    pub z: Vec<Vec<f32>>,
    /// The least first input.
    pub x_min: f32,
    /// The largest first input.
    pub x_max: f32,
    /// The least second input.
    pub y_min: f32,
    /// The largest second input.
    pub y_max: f32,
    /// Points along each axis.
    pub resolution: u32,
}

/// The network in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NetworkStatistics {
    /// What hidden units apply.
    pub threshold_function: String,
    /// How output weights step.
    pub optimizer: String,
    /// Inputs, hidden units and outputs.
    pub total_nodes: u64,
    /// The weights between them.
    pub total_edges: u64,
    /// The weights and biases.
    pub total_connections: u64,
    /// How the weights are spread.
    pub weight_statistics: WeightStatistics,
}

/// How weights are spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WeightStatistics {
    /// How many there are.
    pub total_weights: u64,
    /// Those above zero.
    pub positive_weights: u64,
    /// Those below zero.
    pub negative_weights: u64,
    /// Those that are zero.
    pub zero_weights: u64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std_dev: f64,
    /// Its square.
    pub variance: f64,
    /// The third standardized moment.
    pub skewness: f64,
    /// The fourth standardized moment, less 3.
    pub kurtosis: f64,
    /// The median.
    pub median: f64,
    /// The mean absolute deviation from the mean.
    pub mad: f64,
    /// The median absolute deviation from the median.
    pub median_ad: f64,
    /// The range of the middle half.
    pub iqr: f64,
    /// How many lie how far from the mean.
    pub z_score_distribution: ZScores,
}

/// How many weights lie within so many standard deviations of the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ZScores {
    /// At most one.
    pub within_1_sigma: u64,
    /// At most two.
    pub within_2_sigma: u64,
    /// At most three.
    pub within_3_sigma: u64,
    /// More than three.
    pub beyond_3_sigma: u64,
}

/// The open WebSockets of the tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SocketStatistics {
    /// How many there are.
    pub active_connections: u64,
    /// The frames of telemetry so far.
    pub total_messages_broadcast: u64,
    /// Each of them.
    pub connections_info: Vec<SocketInfo>,
}

/// An open WebSocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SocketInfo {
    /// What it was told that it is called.
    pub client_id: String,
    /// Since when it is open, in seconds since 1970.
    pub connected_at: f64,
    /// Frames that were sent to it.
    pub messages_sent: u64,
    /// When the last one was, in seconds since 1970.
    pub last_message_at: Option<f64>,
}

/// How the server that trains is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingHealth {
    /// `healthy`.
    pub status: String,
    /// When it was so, in seconds since 1970.
    pub timestamp: f64,
    /// The version of the server.
    pub version: String,
    /// The open WebSockets.
    pub active_connections: u64,
    /// Whether a run trains.
    pub training_active: bool,
    /// Whether the server is a demonstration.
    pub demo_mode: bool,
}
