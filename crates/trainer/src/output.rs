//! The output phase: one full-batch step of the output weights, and what the network is worth.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use crate::fold::Fold;
use crate::kernel::{BLOCK, Columns, Kernel, LANES, Lane, dot, dot_columns, weighted_sum};
use crate::network::Network;
use crate::optimizer::{Moments, OptimizerKind, descend};

/// How well a network does on a set of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure {
    /// The mean squared error.
    pub(crate) loss: f64,
    /// The part of the samples whose class is right.
    pub(crate) accuracy: f64,
}

/// Memory of the output phase, made once per shape.
pub(crate) struct OutputScratch {
    /// Weights output by output.
    by_output: Vec<f32>,
    sums: Vec<f64>,
    gradient: Vec<f32>,
    /// Outputs less targets, of the samples that were measured last.
    pub(crate) residual: Columns,
}

impl OutputScratch {
    pub(crate) fn new(network: &Network, fold: &Fold) -> Self {
        let mut residual = Columns::new(fold.features.samples());
        for _ in 0..network.output_size {
            residual.push();
        }
        let weights = network.output_weights.len();
        Self {
            by_output: vec![0.0; weights],
            sums: vec![0.0; network.features()],
            gradient: vec![0.0; weights + network.output_size],
            residual,
        }
    }
}

/// Measures a network.
pub(crate) struct Evaluate<'a> {
    pub(crate) network: &'a Network,
    pub(crate) fold: &'a Fold,
    pub(crate) scratch: &'a mut OutputScratch,
}

impl Kernel for Evaluate<'_> {
    type Output = Measure;

    #[inline(always)]
    fn run(self) -> Measure {
        evaluate(self.network, self.fold, self.scratch)
    }
}

/// Measures a network, then steps its output weights against the gradient of the mean squared error.
pub(crate) struct OutputEpoch<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) moments: &'a mut Moments,
    pub(crate) fold: &'a Fold,
    pub(crate) scratch: &'a mut OutputScratch,
    pub(crate) optimizer: OptimizerKind,
    pub(crate) rate: f64,
}

impl Kernel for OutputEpoch<'_> {
    type Output = Measure;

    #[inline(always)]
    fn run(self) -> Measure {
        let measure = evaluate(self.network, self.fold, self.scratch);
        if !measure.loss.is_finite() {
            return measure;
        }
        let outputs = self.network.output_size;
        let weights = self.network.output_weights.len();
        let OutputScratch { sums, gradient, residual, .. } = self.scratch;
        let scale = 2.0 / (self.fold.features.samples() * outputs) as f64;
        for output in 0..outputs {
            let column = residual.column(output);
            dot_columns(column, self.fold.features.all(), sums);
            for (slot, sum) in gradient[output..weights].iter_mut().step_by(outputs).zip(sums.iter()) {
                *slot = (sum * scale) as f32;
            }
            gradient[weights + output] = (sum(column) * scale) as f32;
        }
        let (for_weights, for_bias) = gradient.split_at(weights);
        let (first_weights, first_bias) = self.moments.first.split_at_mut(weights);
        let (second_weights, second_bias) = self.moments.second.split_at_mut(weights);
        self.moments.step += 1;
        let Network { output_weights, output_bias, .. } = self.network;
        let (kind, rate, step) = (self.optimizer, self.rate, self.moments.step);
        descend(kind, rate, output_weights, for_weights, step, first_weights, second_weights);
        descend(kind, rate, output_bias, for_bias, step, first_bias, second_bias);
        measure
    }
}

/// The sum of a column.
#[inline(always)]
pub(crate) fn sum(column: &[Lane]) -> f64 {
    let mut total = 0.0;
    for block in column.chunks(BLOCK) {
        let mut sums = Lane::splat(0.0);
        for lane in block {
            for i in 0..LANES {
                sums.0[i] += lane.0[i];
            }
        }
        total += f64::from(sums.sum());
    }
    total
}

#[inline(always)]
fn evaluate(network: &Network, fold: &Fold, scratch: &mut OutputScratch) -> Measure {
    let (outputs, features) = (network.output_size, network.features());
    for (feature, row) in network.output_weights.chunks_exact(outputs).enumerate() {
        for (output, weight) in row.iter().enumerate() {
            scratch.by_output[output * features + feature] = *weight;
        }
    }
    let stride = fold.features.stride();
    let columns = fold.features.all();
    let residual = scratch.residual.all_mut();
    let mut right = [0_u32; LANES];
    let mut at = 0;
    while at < stride {
        let mut best = [Lane::splat(f32::NEG_INFINITY); 2];
        let mut class = [[0_u32; LANES]; 2];
        for output in 0..outputs {
            let weights = &scratch.by_output[output * features..][..features];
            let sums = weighted_sum(columns, stride, at, network.output_bias[output], weights);
            let goal = &fold.targets.column(output)[at..];
            let left = &mut residual[output * stride + at..(output + 1) * stride];
            for (half, sum) in sums.iter().enumerate().take(goal.len()) {
                for i in 0..LANES {
                    left[half].0[i] = sum.0[i] - goal[half].0[i];
                }
            }
            for half in 0..2 {
                for i in 0..LANES {
                    let value = sums[half].0[i];
                    if outputs == 1 {
                        class[half][i] = u32::from(value > 0.5);
                    } else {
                        let larger = value > best[half].0[i];
                        best[half].0[i] = if larger { value } else { best[half].0[i] };
                        class[half][i] = if larger { output as u32 } else { class[half][i] };
                    }
                }
            }
        }
        for (half, wanted) in fold.classes[at..].iter().take(2).enumerate() {
            for i in 0..LANES {
                right[i] += u32::from(class[half][i] == wanted[i]);
            }
        }
        at += 2;
    }
    let mut squares = 0.0;
    for output in 0..outputs {
        let column = &mut residual[output * stride..][..stride];
        if let Some(last) = column.last_mut() {
            for i in 0..LANES {
                last.0[i] *= fold.mask.0[i];
            }
        }
        squares += dot(column, column);
    }
    let samples = fold.features.samples();
    let right: u64 = right.iter().map(|count| u64::from(*count)).sum();
    Measure { loss: squares / (samples * outputs) as f64, accuracy: right as f64 / samples as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;
    use crate::fold::class;
    use crate::kernel::launch;

    fn example(outputs: usize) -> (Network, Samples) {
        let wave = |i: usize, k: f32| ((i as f32) * k).sin();
        let inputs: Vec<f32> = (0..37 * 3).map(|i| wave(i, 0.7)).collect();
        let targets: Vec<f32> = (0..37 * outputs).map(|i| wave(i, 1.3)).collect();
        let network = Network {
            input_size: 3,
            output_size: outputs,
            units: Vec::new(),
            output_weights: (0..3 * outputs).map(|i| wave(i, 2.1)).collect(),
            output_bias: (0..outputs).map(|i| wave(i, 0.3)).collect(),
        };
        (network, Samples::new(3, outputs, inputs, targets).unwrap())
    }

    fn loss(network: &Network, samples: &Samples) -> f64 {
        let outputs = network.predict(samples.inputs());
        let squares: f64 =
            outputs.iter().zip(samples.targets()).map(|(y, t)| f64::from(y - t) * f64::from(y - t)).sum();
        squares / outputs.len() as f64
    }

    #[test]
    fn a_measure_is_that_of_the_predictions() {
        for outputs in 1..4 {
            let (network, samples) = example(outputs);
            let fold = Fold::new(&samples, &[]);
            let mut scratch = OutputScratch::new(&network, &fold);
            let measure = launch(Evaluate { network: &network, fold: &fold, scratch: &mut scratch });
            assert!((measure.loss - loss(&network, &samples)).abs() < 1e-6);
            let predicted = network.predict(samples.inputs());
            let right = predicted
                .chunks(outputs)
                .zip(samples.targets().chunks(outputs))
                .filter(|(have, want)| class(have) == class(want))
                .count();
            assert!((measure.accuracy - right as f64 / 37.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_plain_step_follows_the_gradient() {
        let (network, samples) = example(2);
        let fold = Fold::new(&samples, &[]);
        let (mut stepped, mut moments) = (network.clone(), Moments::fresh(8));
        let mut scratch = OutputScratch::new(&network, &fold);
        launch(OutputEpoch {
            network: &mut stepped,
            moments: &mut moments,
            fold: &fold,
            scratch: &mut scratch,
            optimizer: OptimizerKind::Sgd,
            rate: 1.0,
        });
        let probe = |change: &dyn Fn(&mut Network, f32)| {
            let (mut up, mut down) = (network.clone(), network.clone());
            change(&mut up, 1e-2);
            change(&mut down, -1e-2);
            (loss(&up, &samples) - loss(&down, &samples)) / 2e-2
        };
        for index in 0..6 {
            let step = f64::from(network.output_weights[index] - stepped.output_weights[index]);
            let slope = probe(&|network, by| network.output_weights[index] += by);
            assert!((step - slope).abs() < 1e-4, "{step} {slope}");
        }
        for index in 0..2 {
            let step = f64::from(network.output_bias[index] - stepped.output_bias[index]);
            let slope = probe(&|network, by| network.output_bias[index] += by);
            assert!((step - slope).abs() < 1e-4, "{step} {slope}");
        }
    }
}
