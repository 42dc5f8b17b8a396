//! Pictures of a network: history, graph, data, decision boundary.

use backstay_api::telemetry::{
    DecisionBoundary, EpochMetrics, MetricsRow, NetworkSizes, Topology, TopologyConnection, TopologyNode,
    TrainingData,
};
use backstay_model::ErrorKind;
use backstay_trainer::{Dataset, EpochRow, Network, State};

use super::feed::seconds;
use super::moments::Moments;
use super::present::finite;
use crate::error::{Result, ServiceError};

/// The most values of a data set that are shown.
const MOST_VALUES: usize = 2_000_000;

/// The part of the range of the data that lies around it.
const MARGIN: f32 = 0.1;

/// The last `most` rows, oldest first.
pub(super) fn history(state: &State, moments: &Moments, most: usize) -> Vec<MetricsRow> {
    let count = state.epochs.len();
    let rows = (count.saturating_sub(most)..count).filter_map(|index| state.epochs.row(index));
    rows.map(|row| metrics_row(&row, &state.network, moments)).collect()
}

/// One row.
pub(super) fn metrics_row(row: &EpochRow, network: &Network, moments: &Moments) -> MetricsRow {
    MetricsRow {
        epoch: row.epoch,
        metrics: EpochMetrics {
            loss: finite(row.loss),
            accuracy: finite(row.accuracy),
            val_loss: finite(row.validation_loss),
            val_accuracy: finite(row.validation_accuracy),
            correlation: finite(row.correlation),
        },
        network_topology: NetworkSizes {
            input_units: network.input_size as u64,
            hidden_units: row.hidden_units.into(),
            output_units: network.output_size as u64,
        },
        phase: row.phase.name().to_lowercase(),
        timestamp: seconds(moments.of(row.epoch)),
    }
}

/// The network as a graph.
pub(super) fn topology(network: &Network) -> Topology {
    let names = |kind: &str, count: usize| (0..count).map(move |index| format!("{kind}_{index}")).collect();
    let inputs: Vec<String> = names("input", network.input_size);
    let hidden: Vec<String> = names("hidden", network.units.len());
    let outputs: Vec<String> = names("output", network.output_size);
    let node = |layer: u8, node_type: &str| {
        let node_type = node_type.to_owned();
        move |id: &String| TopologyNode { id: id.clone(), node_type: node_type.clone(), layer }
    };
    let nodes = inputs.iter().map(node(0, "input"));
    let nodes = nodes.chain(hidden.iter().map(node(1, "hidden")));
    let nodes = nodes.chain(outputs.iter().map(node(2, "output"))).collect();

    let features: Vec<&String> = inputs.iter().chain(&hidden).collect();
    let connection = |from: &String, to: &String, weight: f32| TopologyConnection {
        from: from.clone(),
        to: to.clone(),
        weight,
    };
    let mut connections = Vec::new();
    for (unit, name) in network.units.iter().zip(&hidden) {
        let weights = features.iter().zip(&unit.weights);
        connections.extend(weights.map(|(from, weight)| connection(from, name, *weight)));
    }
    for (row, from) in features.iter().enumerate() {
        let weights = &network.output_weights[row * network.output_size..][..network.output_size];
        connections.extend(outputs.iter().zip(weights).map(|(to, weight)| connection(from, to, *weight)));
    }
    Topology {
        nodes,
        connections,
        input_size: network.input_size as u64,
        output_size: network.output_size as u64,
        hidden_units: network.units.len() as u64,
    }
}

/// What is learned.
///
/// Errors: `TooLarge`.
pub(super) fn data(dataset: &Dataset) -> Result<TrainingData> {
    let samples = dataset.training();
    let (inputs, targets) = (samples.input_size(), samples.output_size());
    if samples.len() * (inputs + targets) > MOST_VALUES {
        let message = format!("The data set has more than {MOST_VALUES} values, too many to be shown");
        return Err(ServiceError::new(ErrorKind::TooLarge, message));
    }
    let rows = |values: &[f32], width: usize| values.chunks(width).map(<[f32]>::to_vec).collect();
    Ok(TrainingData {
        inputs: rows(samples.inputs(), inputs),
        targets: rows(samples.targets(), targets),
        num_samples: samples.len() as u64,
        num_features: inputs as u64,
        num_classes: if targets == 1 { 2 } else { targets as u64 },
    })
}

/// What the network says over the square in which the data lie.
///
/// Errors: `Conflict` when it has not two inputs.
pub(super) fn boundary(network: &Network, dataset: &Dataset, resolution: u32) -> Result<DecisionBoundary> {
    if network.input_size != 2 {
        let message = format!("A decision boundary takes two inputs; the network has {}", network.input_size);
        return Err(ServiceError::conflict(message));
    }
    let axis = |column: usize| {
        let values = dataset.training().inputs().iter().skip(column).step_by(2);
        let (least, most) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), value| {
            (least.min(*value), most.max(*value))
        });
        let margin = if most > least { (most - least) * MARGIN } else { 1.0 };
        (least - margin, most + margin)
    };
    let ((x_min, x_max), (y_min, y_max)) = (axis(0), axis(1));
    let steps = |least: f32, most: f32| -> Vec<f32> {
        (0..resolution).map(|step| least + (most - least) * step as f32 / (resolution - 1) as f32).collect()
    };
    let (x, y) = (steps(x_min, x_max), steps(y_min, y_max));
    let points: Vec<f32> = y.iter().flat_map(|second| x.iter().flat_map(|first| [*first, *second])).collect();
    let outputs = network.predict(&points);
    let said = outputs.chunks(network.output_size).map(|outputs| match outputs {
        [only] => *only,
        several => largest(several) as f32,
    });
    let said: Vec<f32> = said.collect();
    let z = said.chunks(resolution as usize).map(<[f32]>::to_vec).collect();
    Ok(DecisionBoundary { x, y, z, x_min, x_max, y_min, y_max, resolution })
}

/// The place of the largest value; of equals the first.
fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use backstay_trainer::{Activation, Samples, Unit};

    use super::*;

    fn network() -> Network {
        Network {
            input_size: 2,
            output_size: 1,
            units: vec![Unit {
                weights: vec![1.0, -1.0],
                bias: 0.5,
                correlation: 0.9,
                activation: Activation::Identity,
            }],
            output_weights: vec![2.0, 0.0, 3.0],
            output_bias: vec![-1.0],
        }
    }

    #[test]
    fn every_weight_is_a_connection() {
        let found = topology(&network());
        let nodes: Vec<_> = found.nodes.iter().map(|node| (node.id.as_str(), node.layer)).collect();
        assert_eq!(nodes, [("input_0", 0), ("input_1", 0), ("hidden_0", 1), ("output_0", 2)]);
        let connections: Vec<_> =
            found.connections.iter().map(|one| (one.from.as_str(), one.to.as_str(), one.weight)).collect();
        assert_eq!(
            connections,
            [
                ("input_0", "hidden_0", 1.0),
                ("input_1", "hidden_0", -1.0),
                ("input_0", "output_0", 2.0),
                ("input_1", "output_0", 0.0),
                ("hidden_0", "output_0", 3.0),
            ]
        );
    }

    #[test]
    fn the_boundary_is_what_the_network_says_at_each_point() {
        let samples = Samples::new(2, 1, vec![0.0, 0.0, 10.0, 20.0], vec![0.0, 1.0]).unwrap();
        let found = boundary(&network(), &Dataset::new(samples, None).unwrap(), 5).unwrap();
        assert_eq!((found.x_min, found.x_max, found.y_min, found.y_max), (-1.0, 11.0, -2.0, 22.0));
        assert_eq!((found.x.len(), found.y.len(), found.z.len(), found.z[0].len()), (5, 5, 5, 5));
        let (first, second) = (found.x[3], found.y[1]);
        assert_eq!(found.z[1][3].to_bits(), network().predict(&[first, second])[0].to_bits());
        let wide = Samples::new(3, 1, vec![0.0; 3], vec![0.0]).unwrap();
        let network = Network { input_size: 3, ..network() };
        assert!(boundary(&network, &Dataset::new(wide, None).unwrap(), 5).is_err());
    }
}
