//! Optimizers: one step along a gradient. The formulas and constants are those of PyTorch 2.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use serde::{Deserialize, Serialize};

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

/// Moves `weights` against `gradient`. All four slices have one length.
#[inline(always)]
pub(crate) fn descend(
    kind: OptimizerKind,
    rate: f64,
    weights: &mut [f32],
    gradient: &[f32],
    step: u64,
    first: &mut [f32],
    second: &mut [f32],
) {
    const EPSILON: f32 = 1e-8;
    let count = weights.len();
    let (gradient, first, second) = (&gradient[..count], &mut first[..count], &mut second[..count]);
    match kind {
        OptimizerKind::Adam | OptimizerKind::AdamW => {
            const DECAY: f64 = 0.01;
            let keep = if kind == OptimizerKind::AdamW { (1.0 - rate * DECAY) as f32 } else { 1.0 };
            let size = (rate / (1.0 - power(0.9, step))) as f32;
            let root = (1.0 - power(0.999, step)).sqrt() as f32;
            for i in 0..count {
                first[i] = first[i] * 0.9 + gradient[i] * 0.1;
                second[i] = second[i] * 0.999 + (gradient[i] * gradient[i]) * 0.001;
                weights[i] = weights[i] * keep - size * (first[i] / (second[i].sqrt() / root + EPSILON));
            }
        }
        OptimizerKind::RmsProp => {
            let rate = rate as f32;
            for i in 0..count {
                second[i] = second[i] * 0.99 + (gradient[i] * gradient[i]) * 0.01;
                weights[i] -= rate * (gradient[i] / (second[i].sqrt() + EPSILON));
            }
        }
        OptimizerKind::Sgd | OptimizerKind::Ascent => {
            let rate = rate as f32;
            for i in 0..count {
                weights[i] -= rate * gradient[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three steps on a fixed gradient, against the formulas in 64 bits.
    #[test]
    fn adam_makes_the_steps_of_the_paper() {
        let gradient = [0.5_f32, -0.25, 3.0];
        let mut weights = [1.0_f32, 2.0, -1.0];
        let mut moments = Moments::fresh(3);
        let (mut m, mut v, mut wanted) = ([0.0_f64; 3], [0.0_f64; 3], [1.0_f64, 2.0, -1.0]);
        for step in 1..=3_i32 {
            let Moments { first, second, .. } = &mut moments;
            descend(OptimizerKind::Adam, 0.01, &mut weights, &gradient, step as u64, first, second);
            for i in 0..3 {
                let g = f64::from(gradient[i]);
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let (mean, square) = (m[i] / (1.0 - 0.9_f64.powi(step)), v[i] / (1.0 - 0.999_f64.powi(step)));
                wanted[i] -= 0.01 * mean / (square.sqrt() + 1e-8);
            }
        }
        for (have, want) in weights.iter().zip(wanted) {
            assert!((f64::from(*have) - want).abs() < 1e-6, "{have} {want}");
        }
    }

    #[test]
    fn every_optimizer_goes_down() {
        for kind in OptimizerKind::ALL {
            let (mut weights, mut moments) = ([3.0_f32], Moments::fresh(1));
            for step in 1..=500 {
                let gradient = [2.0 * weights[0]];
                let Moments { first, second, .. } = &mut moments;
                descend(kind, 0.05, &mut weights, &gradient, step, first, second);
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
