//! The output phase: one full-batch step of the output weights, and what the network is worth.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16};

use crate::fold::{Fold, mask};
use crate::kernel::{Columns, Kernel, dot, dot_columns, sum, weighted_sum};
use crate::network::Network;
use crate::optimizer::{Moments, OptimizerKind, Stepper};

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
    gradient: Vec<f32>,
    stepper: Stepper,
    /// Outputs less targets, of the samples that were measured last.
    pub(crate) residual: Columns,
}

impl OutputScratch {
    pub(crate) fn new(network: &Network, fold: &Fold) -> Self {
        let mut residual = Columns::new(fold.features.samples());
        for _ in 0..network.output_size {
            residual.push();
        }
        Self {
            by_output: vec![0.0; network.output_weights.len()],
            gradient: vec![0.0; network.features()],
            stepper: Stepper::default(),
            residual,
        }
    }
}

/// Computes the outputs of a network.
pub(crate) struct Outputs<'a> {
    pub(crate) network: &'a Network,
    pub(crate) features: &'a Columns,
    pub(crate) columns: &'a mut Columns,
}

impl Kernel for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (count, stride) = (self.network.output_size, self.features.stride());
        for (output, bias) in self.network.output_bias.iter().enumerate() {
            let weights: Vec<f32> =
                self.network.output_weights.iter().skip(output).step_by(count).copied().collect();
            for at in 0..stride {
                let [sum] = weighted_sum(simd, self.features.all(), stride, at, *bias, &weights);
                self.columns.all_mut()[output * stride + at].store(sum);
            }
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
    fn run<S: Simd>(self, simd: S) -> Measure {
        evaluate(simd, self.network, self.fold, self.scratch)
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
    fn run<S: Simd>(self, simd: S) -> Measure {
        let measure = evaluate(simd, self.network, self.fold, self.scratch);
        if !measure.loss.is_finite() {
            return measure;
        }
        let outputs = self.network.output_size;
        let OutputScratch { gradient, stepper, residual, .. } = self.scratch;
        let scale = 2.0 / (self.fold.features.samples() * outputs) as f64;
        let Network { output_weights, output_bias, .. } = self.network;
        stepper.load(&[output_weights, output_bias], self.moments);
        let (for_weights, for_bias) = stepper.gradient_mut().split_at_mut(output_weights.len());
        for (output, slot) in for_bias.iter_mut().enumerate() {
            let column = residual.column(output);
            *slot = (sum(simd, column) * scale) as f32;
            dot_columns(simd, column, self.fold.features.all(), gradient, scale);
            for (slot, slope) in for_weights[output..].iter_mut().step_by(outputs).zip(gradient.iter()) {
                *slot = *slope;
            }
        }
        stepper.descend(simd, self.optimizer, self.rate);
        stepper.store(&mut [output_weights, output_bias], self.moments);
        measure
    }
}

#[inline(always)]
fn evaluate<S: Simd>(simd: S, network: &Network, fold: &Fold, scratch: &mut OutputScratch) -> Measure {
    let (outputs, features) = (network.output_size, network.features());
    for (feature, row) in network.output_weights.chunks_exact(outputs).enumerate() {
        for (output, weight) in row.iter().enumerate() {
            scratch.by_output[output * features + feature] = *weight;
        }
    }
    let stride = fold.features.stride();
    let residual = scratch.residual.all_mut();
    let (zero, one) = (f32x16::splat(simd, 0.0), f32x16::splat(simd, 1.0));
    let mut right = zero;
    for at in 0..stride {
        let (mut best, mut class) = (f32x16::splat(simd, f32::NEG_INFINITY), zero);
        for output in 0..outputs {
            let weights = &scratch.by_output[output * features..][..features];
            let bias = network.output_bias[output];
            let [value] = weighted_sum(simd, fold.features.all(), stride, at, bias, weights);
            residual[output * stride + at].store(value - fold.targets.column(output)[at].load(simd));
            if outputs == 1 {
                class = value.simd_gt(f32x16::splat(simd, 0.5)).select(one, zero);
            } else {
                let larger = value.simd_gt(best);
                best = larger.select(value, best);
                class = larger.select(f32x16::splat(simd, output as f32), class);
            }
        }
        right += class.simd_eq(fold.classes[at].load(simd)).select(one, zero);
    }
    let mut squares = 0.0;
    for output in 0..outputs {
        let column = &mut residual[output * stride..][..stride];
        if let Some(last) = column.last_mut() {
            mask(simd, last, &fold.mask);
        }
        squares += dot(simd, column, column);
    }
    // A lane counts to 2^24 without rounding, which is more lanes than there can be.
    let right: f64 = right.as_slice().iter().map(|count| f64::from(*count)).sum();
    let samples = fold.features.samples();
    Measure { loss: squares / (samples * outputs) as f64, accuracy: right / samples as f64 }
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
                .filter(|(have, want)| (class(have) - class(want)).abs() < 0.5)
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
