//! Samples laid out for training, with the outputs of the hidden units computed once and kept.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use std::marker::PhantomData;

use crate::data::Samples;
use crate::kernel::{Activate, Columns, Kernel, LANES, Lane, launch, weighted_sum, with_activation};
use crate::network::Unit;

/// What no class is, for the padding.
const NO_CLASS: u32 = u32::MAX;

/// Samples in columns: inputs and units, targets, and the class of each.
pub(crate) struct Fold {
    pub(crate) features: Columns,
    pub(crate) targets: Columns,
    pub(crate) classes: Vec<[u32; LANES]>,
    pub(crate) mask: Lane,
}

impl Fold {
    /// Lays out `samples` for a network with `units`.
    pub(crate) fn new(samples: &Samples, units: &[Unit]) -> Self {
        let features = Columns::from_rows(samples.inputs(), samples.input_size());
        let mut classes = vec![[NO_CLASS; LANES]; features.stride()];
        for (sample, row) in samples.targets().chunks_exact(samples.output_size()).enumerate() {
            classes[sample / LANES][sample % LANES] = class(row);
        }
        let mask = features.last_mask();
        let targets = Columns::from_rows(samples.targets(), samples.output_size());
        let mut fold = Self { features, targets, classes, mask };
        for unit in units {
            fold.add(unit);
        }
        fold
    }

    /// Appends the outputs of `unit`, which sees all columns before.
    pub(crate) fn add(&mut self, unit: &Unit) {
        self.features.push();
        let mask = self.mask;
        let stride = self.features.stride();
        let (before, column) = self.features.all_mut().split_at_mut(unit.weights.len() * stride);
        with_activation!(unit.activation, A => launch(Respond::<A> {
            before,
            column,
            weights: &unit.weights,
            bias: unit.bias,
            mask,
            activation: PhantomData,
        }));
    }
}

/// The class that a row of outputs or targets means: the place of the largest, or for a lone output whether it is above
/// one half.
pub(crate) fn class(row: &[f32]) -> u32 {
    if let [only] = row {
        return u32::from(*only > 0.5);
    }
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best as u32
}

/// Computes what a unit gives for every sample.
struct Respond<'a, A> {
    before: &'a [Lane],
    column: &'a mut [Lane],
    weights: &'a [f32],
    bias: f32,
    mask: Lane,
    activation: PhantomData<A>,
}

impl<A: Activate> Kernel for Respond<'_, A> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let stride = self.column.len();
        let mut at = 0;
        while at < stride {
            let sums = weighted_sum(self.before, stride, at, self.bias, self.weights);
            for (lane, sum) in self.column[at..].iter_mut().zip(sums) {
                for i in 0..LANES {
                    lane.0[i] = A::at(sum.0[i]).0;
                }
            }
            at += 2;
        }
        if let Some(last) = self.column.last_mut() {
            for i in 0..LANES {
                last.0[i] *= self.mask.0[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Activation;
    use crate::network::Network;

    #[test]
    fn a_column_holds_what_the_network_predicts() {
        let inputs: Vec<f32> = (0..42).map(|i| i as f32 / 10.0 - 2.0).collect();
        let samples = Samples::new(2, 1, inputs.clone(), vec![0.0; 21]).unwrap();
        for activation in Activation::ALL {
            let unit = Unit { weights: vec![0.7, -1.3], bias: 0.2, correlation: 1.0, activation };
            let fold = Fold::new(&samples, std::slice::from_ref(&unit));
            let network = Network {
                input_size: 2,
                output_size: 1,
                units: vec![unit],
                output_weights: vec![0.0, 0.0, 1.0],
                output_bias: vec![0.0],
            };
            for (sample, output) in network.predict(&inputs).iter().enumerate() {
                let lane = &fold.features.column(2)[sample / LANES].0;
                assert_eq!(
                    lane[sample % LANES].to_bits(),
                    (output + 0.0).to_bits(),
                    "{activation:?} {sample}"
                );
            }
            assert!(
                fold.features.column(2)[1].0[5..].iter().all(|padding| padding.abs() < f32::MIN_POSITIVE)
            );
        }
    }

    #[test]
    fn classes_are_the_largest_or_the_half() {
        assert_eq!([class(&[0.4]), class(&[0.6])], [0, 1]);
        assert_eq!([class(&[0.1, 0.9]), class(&[0.5, 0.5]), class(&[f32::NAN, 1.0])], [1, 0, 0]);
    }
}
