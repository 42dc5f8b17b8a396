//! Samples laid out for training, with the outputs of the hidden units computed once and kept.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use std::marker::PhantomData;

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16};

use crate::data::Samples;
use crate::kernel::{Activate, Columns, Kernel, LANES, Lane, launch, weighted_sum, with_activation};
use crate::network::Unit;

/// What no class is, for the padding.
const NO_CLASS: f32 = -1.0;

/// Samples in columns: inputs and units, targets, and the class of each.
pub(crate) struct Fold {
    pub(crate) features: Columns,
    pub(crate) targets: Columns,
    pub(crate) classes: Vec<Lane>,
    pub(crate) mask: Lane,
}

impl Fold {
    /// Lays out `samples` for a network with `units`.
    pub(crate) fn new(samples: &Samples, units: &[Unit]) -> Self {
        let features = Columns::from_rows(samples.inputs(), samples.input_size());
        let mut classes = vec![Lane([NO_CLASS; LANES]); features.stride()];
        for (sample, row) in samples.targets().chunks_exact(samples.output_size()).enumerate() {
            classes[sample / LANES].0[sample % LANES] = class(row);
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
        append(&mut self.features, unit);
    }
}

/// Appends to `features` what `unit` gives, which sees all columns before. The padding is zero.
pub(crate) fn append(features: &mut Columns, unit: &Unit) {
    let mask = features.last_mask();
    features.push();
    let stride = features.stride();
    let (before, column) = features.all_mut().split_at_mut(unit.weights.len() * stride);
    with_activation!(unit.activation, A => launch(Respond::<A> {
        before,
        column,
        weights: &unit.weights,
        bias: unit.bias,
        mask,
        activation: PhantomData,
    }));
}

/// The class that a row of outputs or targets means: the place of the largest, or for a lone output whether it is above
/// one half.
pub(crate) fn class(row: &[f32]) -> f32 {
    if let [only] = row {
        return f32::from(u8::from(*only > 0.5));
    }
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best as f32
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
    fn run<S: Simd>(self, simd: S) {
        let stride = self.column.len();
        for at in 0..stride {
            let [sum] = weighted_sum(simd, self.before, stride, at, self.bias, self.weights);
            self.column[at].store(A::at(simd, sum).0);
        }
        if let Some(last) = self.column.last_mut() {
            mask(simd, last, &self.mask);
        }
    }
}

/// Sets the padding of a lane to zero.
#[inline(always)]
pub(crate) fn mask<S: Simd>(simd: S, lane: &mut Lane, mask: &Lane) {
    let padding = mask.load(simd).simd_lt(f32x16::splat(simd, 0.5));
    lane.store(padding.select(f32x16::splat(simd, 0.0), lane.load(simd)));
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
        let classes = [&[0.4][..], &[0.6], &[0.1, 0.9], &[0.5, 0.5], &[f32::NAN, 1.0]].map(class);
        assert_eq!(classes.map(f32::to_bits), [0.0, 1.0, 1.0, 0.0, 0.0].map(f32::to_bits));
    }
}
