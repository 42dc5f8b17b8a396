//! The network in numbers.

use backstay_api::telemetry::{NetworkStatistics, WeightStatistics, ZScores};
use backstay_trainer::State;

/// The statistics of the network.
pub(super) fn statistics(state: &State) -> NetworkStatistics {
    let network = &state.network;
    let hidden = network.units.iter().flat_map(|unit| &unit.weights);
    let weights: Vec<f64> = hidden.chain(&network.output_weights).map(|weight| f64::from(*weight)).collect();
    let biases = network.units.len() + network.output_bias.len();
    NetworkStatistics {
        threshold_function: state.parameters.activation.name().to_owned(),
        optimizer: state.parameters.optimizer.name().to_owned(),
        total_nodes: (network.features() + network.output_size) as u64,
        total_edges: weights.len() as u64,
        total_connections: (weights.len() + biases) as u64,
        weight_statistics: spread(weights),
    }
}

/// How `weights` are spread. Moments are those of the whole, not of a sample; of weights that are all equal the higher ones are 0.
fn spread(mut weights: Vec<f64>) -> WeightStatistics {
    weights.sort_by(f64::total_cmp);
    let count = weights.len().max(1) as f64;
    let mean = weights.iter().sum::<f64>() / count;
    let moment = |power: i32| weights.iter().map(|weight| (weight - mean).powi(power)).sum::<f64>() / count;
    let variance = moment(2);
    let std_dev = variance.sqrt();
    let standardized = |power: i32| if std_dev > 0.0 { moment(power) / std_dev.powi(power) } else { 0.0 };
    let median = quantile(&weights, 0.5);
    let mut deviations: Vec<f64> = weights.iter().map(|weight| (weight - median).abs()).collect();
    deviations.sort_by(f64::total_cmp);
    let within = |sigmas: f64| {
        weights.iter().filter(|weight| (*weight - mean).abs() <= sigmas * std_dev).count() as u64
    };
    let total = weights.len() as u64;
    WeightStatistics {
        total_weights: total,
        positive_weights: weights.iter().filter(|weight| **weight > 0.0).count() as u64,
        negative_weights: weights.iter().filter(|weight| **weight < 0.0).count() as u64,
        zero_weights: weights.iter().filter(|weight| **weight == 0.0).count() as u64,
        mean,
        std_dev,
        variance,
        skewness: standardized(3),
        kurtosis: if std_dev > 0.0 { standardized(4) - 3.0 } else { 0.0 },
        median,
        mad: weights.iter().map(|weight| (weight - mean).abs()).sum::<f64>() / count,
        median_ad: quantile(&deviations, 0.5),
        iqr: quantile(&weights, 0.75) - quantile(&weights, 0.25),
        z_score_distribution: ZScores {
            within_1_sigma: within(1.0),
            within_2_sigma: within(2.0),
            within_3_sigma: within(3.0),
            beyond_3_sigma: total - within(3.0),
        },
    }
}

/// The quantile of sorted values, between two of them in proportion.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = part * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_known_numbers() {
        // NumPy and SciPy say the same of [-2, 0, 1, 1, 5].
        let found = spread(vec![1.0, -2.0, 5.0, 0.0, 1.0]);
        let close = |have: f64, want: f64| assert!((have - want).abs() < 1e-9, "{have} is not {want}");
        assert_eq!(
            (found.total_weights, found.positive_weights, found.negative_weights, found.zero_weights),
            (5, 3, 1, 1)
        );
        close(found.mean, 1.0);
        close(found.variance, 5.2);
        close(found.std_dev, 5.2_f64.sqrt());
        close(found.skewness, (36.0 / 5.0) / 5.2_f64.powf(1.5));
        close(found.kurtosis, (338.0 / 5.0) / 5.2_f64.powi(2) - 3.0);
        close(found.median, 1.0);
        close(found.mad, 1.6);
        close(found.median_ad, 1.0);
        close(found.iqr, 1.0);
        let scores = found.z_score_distribution;
        assert_eq!((scores.within_1_sigma, scores.within_2_sigma, scores.beyond_3_sigma), (3, 5, 0));
    }

    #[test]
    fn equal_weights_have_no_spread() {
        let found = spread(vec![0.5; 4]);
        assert_eq!((found.std_dev, found.skewness, found.kurtosis, found.iqr), (0.0, 0.0, 0.0, 0.0));
        assert_eq!(found.z_score_distribution.within_1_sigma, 4);
    }
}
