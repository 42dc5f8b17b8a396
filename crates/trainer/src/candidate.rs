//! The candidate phase: units that climb the correlation of what they give with the residual of the network.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use std::marker::PhantomData;

use fearless_simd::Simd;

use crate::fold::{Fold, mask};
use crate::kernel::{
    Activate, Activation, Columns, Kernel, Lane, dot, dot_columns, launch, sum, weighted_sum, with_activation,
};
use crate::optimizer::{Moments, OptimizerKind, Stepper};
use crate::random::{Purpose, Stream};
use crate::state::Candidate;

/// The length below which what a unit gives is taken as constant: it correlates with nothing.
const CONSTANT: f64 = 1e-12;

impl Candidate {
    /// The candidate number `index` of a round, for `features` columns.
    pub(crate) fn draw(seed: u64, round: u32, index: u32, features: usize, scale: f64) -> Self {
        let mut stream = Stream::new(seed, Purpose::Candidate, round, index);
        let weights: Vec<f32> = (0..=features).map(|_| (stream.normal() * scale) as f32).collect();
        Self {
            best_weights: weights.clone(),
            weights,
            best: -1.0,
            stale: 0,
            epoch: 0,
            done: false,
            moments: Moments::fresh(features + 1),
        }
    }
}

/// Residuals with their mean taken off and their length made one, a column per output. A constant residual is zero.
pub(crate) fn normalized(residual: &[f32], outputs: usize) -> Columns {
    let samples = (residual.len() / outputs) as f64;
    let mut rows = vec![0.0; residual.len()];
    for output in 0..outputs {
        let values = || residual.iter().skip(output).step_by(outputs).map(|value| f64::from(*value));
        let mean = values().sum::<f64>() / samples;
        let length = values().map(|value| (value - mean) * (value - mean)).sum::<f64>().sqrt();
        if length > CONSTANT {
            for (slot, value) in rows.iter_mut().skip(output).step_by(outputs).zip(values()) {
                *slot = ((value - mean) / length) as f32;
            }
        }
    }
    Columns::from_rows(&rows, outputs)
}

/// How candidates are trained.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClimbSettings {
    pub(crate) activation: Activation,
    pub(crate) optimizer: OptimizerKind,
    pub(crate) rate: f64,
    pub(crate) patience: u64,
}

/// Memory for training a candidate; one per thread.
#[derive(Default)]
pub(crate) struct ClimbScratch {
    value: Vec<Lane>,
    slope: Vec<Lane>,
    stepper: Stepper,
}

/// Trains `candidate` for at most `best.len()` epochs, until it is done. Returns how many it trained, and writes to
/// `best` the largest correlation after each.
pub(crate) fn climb(
    fold: &Fold,
    residual: &Columns,
    settings: ClimbSettings,
    candidate: &mut Candidate,
    scratch: &mut ClimbScratch,
    best: &mut [f32],
) -> usize {
    let stride = fold.features.stride();
    scratch.value.resize(stride, Lane::ZERO);
    scratch.slope.resize(stride, Lane::ZERO);
    scratch.stepper.load(&[&candidate.weights], &candidate.moments);
    let mut trained = 0;
    for slot in best {
        if candidate.done {
            break;
        }
        let ClimbScratch { value, slope, stepper } = &mut *scratch;
        with_activation!(settings.activation, A => launch(Respond::<A> {
            columns: fold.features.all(),
            weights: stepper.weights(),
            last_mask: fold.mask,
            value,
            slope,
            activation: PhantomData,
        }));
        launch(Climb { fold, residual, settings, candidate, scratch });
        *slot = candidate.best;
        trained += 1;
    }
    scratch.stepper.store(&mut [&mut candidate.weights], &mut candidate.moments);
    trained
}

/// The part of an epoch that the activation function has a part in: what the candidate gives.
struct Respond<'a, A> {
    columns: &'a [Lane],
    weights: &'a [f32],
    last_mask: Lane,
    value: &'a mut [Lane],
    slope: &'a mut [Lane],
    activation: PhantomData<A>,
}

impl<A: Activate> Kernel for Respond<'_, A> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        respond::<S, A>(simd, self.columns, self.weights, self.last_mask, self.value, self.slope);
    }
}

/// The rest of an epoch: correlate, remember the best, step.
struct Climb<'a> {
    fold: &'a Fold,
    residual: &'a Columns,
    settings: ClimbSettings,
    candidate: &'a mut Candidate,
    scratch: &'a mut ClimbScratch,
}

impl Kernel for Climb<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { fold, residual, settings, candidate, scratch } = self;
        follow(simd, fold, residual, settings, candidate, scratch);
    }
}

/// Follows what the candidate gave uphill.
#[inline(always)]
fn follow<S: Simd>(
    simd: S,
    fold: &Fold,
    residual: &Columns,
    settings: ClimbSettings,
    candidate: &mut Candidate,
    scratch: &mut ClimbScratch,
) {
    let ClimbScratch { value, slope, stepper } = scratch;
    let features = candidate.weights.len() - 1;
    let length = center(simd, value, fold.features.samples(), fold.mask);
    let (output, correlation) = strongest(simd, residual, value, length);
    candidate.epoch += 1;
    if correlation.is_nan() {
        // It has left the numbers and will not come back.
        candidate.done = true;
        return;
    }
    let size = correlation.abs() as f32;
    if size > candidate.best {
        candidate.best = size;
        candidate.best_weights.copy_from_slice(stepper.weights());
        candidate.stale = 0;
    } else {
        candidate.stale += 1;
        candidate.done = candidate.stale >= settings.patience;
        if candidate.done {
            return;
        }
    }
    let gradient = stepper.gradient_mut();
    if length > CONSTANT {
        // The slope of −|r|: r = ê·c / |c| with the centered response c and the normalized residual ê, so
        // ∂r/∂h = (ê − r·c/|c|) / |c|. The mean that is taken off adds nothing, because both sum to zero.
        let along = (-correlation.signum() / length) as f32;
        let across = (correlation.abs() / (length * length)) as f32;
        for ((slope, value), residual) in slope.iter_mut().zip(value.iter()).zip(residual.column(output)) {
            let climb = residual.load(simd) * along + value.load(simd) * across;
            slope.store(slope.load(simd) * climb);
        }
        dot_columns(simd, slope, fold.features.all(), &mut gradient[..features], 1.0);
        gradient[features] = sum(simd, slope) as f32;
    } else {
        gradient.fill(0.0);
    }
    stepper.descend(simd, settings.optimizer, settings.rate);
}

/// What the candidate gives for each sample, and the slope there. The padding is zero.
#[inline(always)]
fn respond<S: Simd, A: Activate>(
    simd: S,
    columns: &[Lane],
    weights: &[f32],
    last_mask: Lane,
    value: &mut [Lane],
    slope: &mut [Lane],
) {
    const AT_ONCE: usize = 4;
    let stride = value.len();
    let (bias, weights) = weights.split_last().map_or((0.0, weights), |(bias, weights)| (*bias, weights));
    let mut at = 0;
    while at + AT_ONCE <= stride {
        let sums: [_; AT_ONCE] = weighted_sum(simd, columns, stride, at, bias, weights);
        for ((value, slope), sum) in value[at..].iter_mut().zip(&mut slope[at..]).zip(sums) {
            let (y, dy) = A::at(simd, sum);
            value.store(y);
            slope.store(dy);
        }
        at += AT_ONCE;
    }
    for at in at..stride {
        let [sum] = weighted_sum(simd, columns, stride, at, bias, weights);
        let (y, dy) = A::at(simd, sum);
        value[at].store(y);
        slope[at].store(dy);
    }
    if let (Some(value), Some(slope)) = (value.last_mut(), slope.last_mut()) {
        mask(simd, value, &last_mask);
        mask(simd, slope, &last_mask);
    }
}

/// Takes the mean off and returns the length of what is left.
#[inline(always)]
fn center<S: Simd>(simd: S, value: &mut [Lane], samples: usize, last_mask: Lane) -> f64 {
    let mean = (sum(simd, value) / samples as f64) as f32;
    for lane in value.iter_mut() {
        lane.store(lane.load(simd) - mean);
    }
    if let Some(last) = value.last_mut() {
        mask(simd, last, &last_mask);
    }
    dot(simd, value, value).sqrt()
}

/// The output with whose residual the centered response correlates most, and Pearson's r; the lower output when equal.
#[inline(always)]
fn strongest<S: Simd>(simd: S, residual: &Columns, value: &[Lane], length: f64) -> (usize, f64) {
    if length <= CONSTANT {
        return (0, 0.0);
    }
    let mut strongest = (0, dot(simd, residual.column(0), value) / length);
    for output in 1..residual.count() {
        let correlation = dot(simd, residual.column(output), value) / length;
        if correlation.abs() > strongest.1.abs() {
            strongest = (output, correlation);
        }
    }
    strongest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;

    fn example() -> (Fold, Columns) {
        let wave = |i: usize, k: f32| ((i as f32) * k).sin();
        let inputs: Vec<f32> = (0..45 * 2).map(|i| wave(i, 0.7)).collect();
        let residual: Vec<f32> = (0..45 * 2).map(|i| wave(i, 1.9) + 0.3).collect();
        let samples = Samples::new(2, 2, inputs, vec![0.0; 90]).unwrap();
        (Fold::new(&samples, &[]), normalized(&residual, 2))
    }

    fn settings(activation: Activation, optimizer: OptimizerKind, rate: f64) -> ClimbSettings {
        ClimbSettings { activation, optimizer, rate, patience: 10 }
    }

    fn correlation(fold: &Fold, residual: &Columns, activation: Activation, weights: &[f32]) -> f64 {
        let mut candidate = Candidate::draw(1, 0, 0, 2, 0.1);
        candidate.weights.copy_from_slice(weights);
        let settings = settings(activation, OptimizerKind::Sgd, 1e-9);
        climb(fold, residual, settings, &mut candidate, &mut ClimbScratch::default(), &mut [0.0]);
        f64::from(candidate.best)
    }

    #[test]
    fn a_plain_step_follows_the_gradient_of_the_correlation() {
        let (fold, residual) = example();
        for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Gelu] {
            let start = [0.4, -0.7, 0.2];
            let mut candidate = Candidate::draw(1, 0, 0, 2, 0.1);
            candidate.weights.copy_from_slice(&start);
            let settings = settings(activation, OptimizerKind::Ascent, 1.0);
            climb(&fold, &residual, settings, &mut candidate, &mut ClimbScratch::default(), &mut [0.0]);
            for index in 0..3 {
                let (mut up, mut down) = (start, start);
                up[index] += 1e-2;
                down[index] -= 1e-2;
                let at = |weights: &[f32]| correlation(&fold, &residual, activation, weights);
                let slope = (at(&up) - at(&down)) / 2e-2;
                let step = f64::from(candidate.weights[index] - start[index]);
                assert!((step - slope).abs() < 2e-4, "{activation:?} {index}: {step} {slope}");
            }
        }
    }

    #[test]
    fn a_candidate_climbs_and_keeps_its_best() {
        let (fold, residual) = example();
        let mut candidate = Candidate::draw(42, 0, 3, 2, 0.1);
        let mut best = [0.0; 300];
        let settings = settings(Activation::Tanh, OptimizerKind::Adam, 0.05);
        let trained =
            climb(&fold, &residual, settings, &mut candidate, &mut ClimbScratch::default(), &mut best);
        assert!(best[..trained].windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(best[trained - 1] > best[0]);
        let kept = correlation(&fold, &residual, Activation::Tanh, &candidate.best_weights);
        assert_eq!((kept as f32).to_bits(), candidate.best.to_bits());
    }

    #[test]
    fn a_constant_unit_correlates_with_nothing_and_runs_out_of_patience() {
        let (fold, residual) = example();
        let mut candidate = Candidate::draw(42, 0, 0, 2, 0.1);
        candidate.weights.copy_from_slice(&[0.0, 0.0, -1.0]);
        let settings = settings(Activation::Relu, OptimizerKind::Adam, 0.05);
        let mut best = [0.0; 100];
        let trained =
            climb(&fold, &residual, settings, &mut candidate, &mut ClimbScratch::default(), &mut best);
        assert_eq!((trained, candidate.done, candidate.stale), (11, true, 10));
        assert!(candidate.best.abs() < f32::MIN_POSITIVE);
    }

    #[test]
    fn a_candidate_that_is_no_number_is_done() {
        let (fold, residual) = example();
        let mut candidate = Candidate::draw(42, 0, 0, 2, 0.1);
        candidate.weights[0] = f32::NAN;
        let settings = settings(Activation::Tanh, OptimizerKind::Adam, 0.05);
        let trained =
            climb(&fold, &residual, settings, &mut candidate, &mut ClimbScratch::default(), &mut [0.0; 5]);
        assert_eq!((trained, candidate.done), (1, true));
        assert!(candidate.best < 0.0);
    }
}
