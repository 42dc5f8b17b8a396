//! Optimizers: one step along a gradient. The formulas and constants are those of PyTorch 2.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16};
use serde::{Deserialize, Serialize};

use crate::kernel::LANES;

/// How a step is made of a gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba 2015) with .9, .999, 1e-8.
    #[default]
    Adam,
    /// Adam with decoupled weight decay of .01 (Loshchilov and Hutter 2019).
    AdamW,
    /// A plain step.
    Sgd,
    /// RMSProp (Tieleman and Hinton 2012) with .99, 1e-8.
    RmsProp,
    /// A plain step up the correlation; for candidates only. It moves as `sgd` does.
    Ascent,
}

impl OptimizerKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Adam, Self::AdamW, Self::Sgd, Self::RmsProp, Self::Ascent];

    /// Its name, for example `adam`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::AdamW => "adamw",
            Self::Sgd => "sgd",
            Self::RmsProp => "rmsprop",
            Self::Ascent => "ascent",
        }
    }

    /// The optimizer of a name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// What an optimizer remembers: how many steps it made, and running means of the gradients and of their squares.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moments {
    /// Steps so far.
    pub step: u64,
    /// Means of the gradients, one per parameter.
    pub first: Vec<f32>,
    /// Means of their squares, one per parameter.
    pub second: Vec<f32>,
}

impl Moments {
    /// Those of an optimizer that has not stepped yet, for `count` parameters.
    pub fn fresh(count: usize) -> Self {
        Self { step: 0, first: vec![0.0; count], second: vec![0.0; count] }
    }
}

/// `base` to the power of `exponent`, by squaring, so that it is the same everywhere.
#[inline(always)]
fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

/// Weights, their gradient and their moments in lanes, for many steps. The padding is zero and stays so.
#[derive(Debug, Default)]
pub(crate) struct Stepper {
    count: usize,
    weights: Vec<[f32; LANES]>,
    gradient: Vec<[f32; LANES]>,
    first: Vec<[f32; LANES]>,
    second: Vec<[f32; LANES]>,
    step: u64,
}

impl Stepper {
    /// Takes over `parts` of weights, which `moments` has one after the other.
    pub(crate) fn load(&mut self, parts: &[&[f32]], moments: &Moments) {
        self.count = parts.iter().map(|part| part.len()).sum();
        self.step = moments.step;
        for lanes in [&mut self.weights, &mut self.gradient, &mut self.first, &mut self.second] {
            lanes.clear();
            lanes.resize(self.count.div_ceil(LANES), [0.0; LANES]);
        }
        let mut at = 0;
        for part in parts {
            self.weights.as_flattened_mut()[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.first.as_flattened_mut()[..self.count].copy_from_slice(&moments.first);
        self.second.as_flattened_mut()[..self.count].copy_from_slice(&moments.second);
    }

    /// Gives weights and moments back.
    pub(crate) fn store(&self, parts: &mut [&mut [f32]], moments: &mut Moments) {
        let mut weights = self.weights();
        for part in parts {
            let (mine, rest) = weights.split_at(part.len());
            part.copy_from_slice(mine);
            weights = rest;
        }
        moments.step = self.step;
        moments.first.copy_from_slice(&self.first.as_flattened()[..self.count]);
        moments.second.copy_from_slice(&self.second.as_flattened()[..self.count]);
    }

    /// All weights.
    #[inline(always)]
    pub(crate) fn weights(&self) -> &[f32] {
        &self.weights.as_flattened()[..self.count]
    }

    /// The gradient, to be written.
    #[inline(always)]
    pub(crate) fn gradient_mut(&mut self) -> &mut [f32] {
        &mut self.gradient.as_flattened_mut()[..self.count]
    }

    /// Moves the weights against the gradient.
    #[inline(always)]
    pub(crate) fn descend<S: Simd>(&mut self, simd: S, kind: OptimizerKind, rate: f64) {
        const EPSILON: f32 = 1e-8;
        const DECAY: f64 = 0.01;
        self.step += 1;
        let lanes =
            self.weights.iter_mut().zip(&self.gradient).zip(self.first.iter_mut().zip(&mut self.second));
        match kind {
            OptimizerKind::Adam | OptimizerKind::AdamW => {
                let keep = if kind == OptimizerKind::AdamW { (1.0 - rate * DECAY) as f32 } else { 1.0 };
                let size = (rate / (1.0 - power(0.9, self.step))) as f32;
                let root = (1.0 - power(0.999, self.step)).sqrt() as f32;
                for ((weights, gradient), (first, second)) in lanes {
                    let slope = f32x16::from_slice(simd, gradient);
                    let mean = f32x16::from_slice(simd, first) * 0.9 + slope * 0.1;
                    let square = f32x16::from_slice(simd, second) * 0.999 + (slope * slope) * 0.001;
                    let step = mean / (square.sqrt() / root + EPSILON) * size;
                    let moved = f32x16::from_slice(simd, weights) * keep - step;
                    mean.store_slice(first);
                    square.store_slice(second);
                    moved.store_slice(weights);
                }
            }
            OptimizerKind::RmsProp => {
                for ((weights, gradient), (_, second)) in lanes {
                    let slope = f32x16::from_slice(simd, gradient);
                    let square = f32x16::from_slice(simd, second) * 0.99 + (slope * slope) * 0.01;
                    let moved =
                        f32x16::from_slice(simd, weights) - slope / (square.sqrt() + EPSILON) * rate as f32;
                    square.store_slice(second);
                    moved.store_slice(weights);
                }
            }
            OptimizerKind::Sgd | OptimizerKind::Ascent => {
                for ((weights, gradient), _) in lanes {
                    let slope = f32x16::from_slice(simd, gradient);
                    let moved = f32x16::from_slice(simd, weights) - slope * rate as f32;
                    moved.store_slice(weights);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kernel, launch};

    struct Step<'a>(&'a mut Stepper, OptimizerKind, f64);

    impl Kernel for Step<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            self.0.descend(simd, self.1, self.2);
        }
    }

    /// Three steps on a fixed gradient, against the formulas in 64 bits.
    #[test]
    fn adam_makes_the_steps_of_the_paper() {
        let gradient: Vec<f32> = (0..21).map(|i| i as f32 * 0.25 - 2.0).collect();
        let mut weights: Vec<f32> = (0..21).map(|i| 1.0 - i as f32 * 0.5).collect();
        let (mut m, mut v) = ([0.0_f64; 21], [0.0_f64; 21]);
        let mut wanted: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        let (mut stepper, mut moments) = (Stepper::default(), Moments::fresh(21));
        for step in 1..=3_i32 {
            let (left, right) = weights.split_at(5);
            stepper.load(&[left, right], &moments);
            stepper.gradient_mut().copy_from_slice(&gradient);
            launch(Step(&mut stepper, OptimizerKind::Adam, 0.01));
            let (left, right) = weights.split_at_mut(5);
            stepper.store(&mut [left, right], &mut moments);
            for i in 0..21 {
                let g = f64::from(gradient[i]);
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let (mean, square) = (m[i] / (1.0 - 0.9_f64.powi(step)), v[i] / (1.0 - 0.999_f64.powi(step)));
                wanted[i] -= 0.01 * mean / (square.sqrt() + 1e-8);
            }
        }
        assert_eq!(moments.step, 3);
        for (have, want) in weights.iter().zip(wanted) {
            assert!((f64::from(*have) - want).abs() < 3e-6, "{have} {want}");
        }
    }

    #[test]
    fn every_optimizer_goes_down() {
        for kind in OptimizerKind::ALL {
            let (mut weights, mut moments, mut stepper) = ([3.0_f32], Moments::fresh(1), Stepper::default());
            for _ in 0..500 {
                stepper.load(&[&weights], &moments);
                stepper.gradient_mut()[0] = 2.0 * weights[0];
                launch(Step(&mut stepper, kind, 0.05));
                stepper.store(&mut [&mut weights], &mut moments);
            }
            assert!(weights[0].abs() < 0.2, "{kind:?} ended at {}", weights[0]);
        }
    }

    #[test]
    fn a_power_is_a_power() {
        assert_eq!(power(0.9, 0).to_bits(), 1.0_f64.to_bits());
        assert!((power(0.999, 1000) - 0.999_f64.powi(1000)).abs() < 1e-12);
    }
}
