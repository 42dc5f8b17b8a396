//! Activation functions and their slopes, from additions, multiplications, divisions and bit operations alone.
//!
//! The system's `exp` and `tanh` differ between processors of one architecture; these do not, and they compute in
//! lanes. `exp` is reduced to `2^n · exp(r)` with `|r| ≤ ln 2 / 2` (Cody and Waite 1980) and a Taylor polynomial; it is
//! evaluated as `exp(x) − 1`, so that `tanh` keeps its relative accuracy near zero.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use serde::{Deserialize, Serialize};

/// What a hidden unit applies to its weighted sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// The positive part.
    Relu,
    /// Nothing.
    Identity,
    /// `x` above zero, `exp(x) − 1` below.
    Elu,
    /// `x · Φ(x)`, with the error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
    Gelu,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Tanh, Self::Sigmoid, Self::Relu, Self::Identity, Self::Elu, Self::Gelu];

    /// Its name, for example `tanh`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Relu => "relu",
            Self::Identity => "identity",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
        }
    }

    /// The function of a name, in any case: other tools write `Tanh`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activation| activation.name().eq_ignore_ascii_case(name))
    }

    /// Its value at `x`, the same bits as in training.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Tanh => Tanh::at(x).0,
            Self::Sigmoid => Sigmoid::at(x).0,
            Self::Relu => Relu::at(x).0,
            Self::Identity => Identity::at(x).0,
            Self::Elu => Elu::at(x).0,
            Self::Gelu => Gelu::at(x).0,
        }
    }
}

/// An activation function as a type, so that kernels are compiled for each.
pub(crate) trait Activate {
    /// Value and slope at `x`.
    fn at(x: f32) -> (f32, f32);
}

/// Evaluates `$body` with the type `$name` of the activation function `$activation`.
macro_rules! with_activation {
    ($activation:expr, $name:ident => $body:expr) => {
        match $activation {
            $crate::kernel::Activation::Tanh => {
                type $name = $crate::kernel::Tanh;
                $body
            }
            $crate::kernel::Activation::Sigmoid => {
                type $name = $crate::kernel::Sigmoid;
                $body
            }
            $crate::kernel::Activation::Relu => {
                type $name = $crate::kernel::Relu;
                $body
            }
            $crate::kernel::Activation::Identity => {
                type $name = $crate::kernel::Identity;
                $body
            }
            $crate::kernel::Activation::Elu => {
                type $name = $crate::kernel::Elu;
                $body
            }
            $crate::kernel::Activation::Gelu => {
                type $name = $crate::kernel::Gelu;
                $body
            }
        }
    };
}
pub(crate) use with_activation;

/// `exp(x) − 1` and `exp(x)`, for `x` between −87 and 88; a NaN stays one.
#[inline(always)]
fn exp_parts(x: f32) -> (f32, f32) {
    /// Adding it rounds to whole numbers, and its low bits are then that number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let mut series = 1.0 / 5040.0;
    series = series * rest + 1.0 / 720.0;
    series = series * rest + 1.0 / 120.0;
    series = series * rest + 1.0 / 24.0;
    series = series * rest + 1.0 / 6.0;
    series = series * rest + 0.5;
    series = series * rest + 1.0;
    let less_one = series * rest;
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    let scale = f32::from_bits(exponent << 23);
    let scaled = scale * less_one;
    (scaled + (scale - 1.0), scaled + scale)
}

/// `x`, at least `low` and at most `high`; a NaN stays one.
#[inline(always)]
fn within(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

pub(crate) struct Tanh;
impl Activate for Tanh {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let double = x.abs() * 2.0;
        let (less_one, _) = exp_parts(if double > 20.0 { 20.0 } else { double });
        let value = (less_one / (less_one + 2.0)).copysign(x);
        (value, 1.0 - value * value)
    }
}

pub(crate) struct Sigmoid;
impl Activate for Sigmoid {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let (_, exp) = exp_parts(within(-x, -87.0, 87.0));
        let value = 1.0 / (1.0 + exp);
        (value, value * (1.0 - value))
    }
}

pub(crate) struct Relu;
impl Activate for Relu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        (if x < 0.0 { 0.0 } else { x }, if x > 0.0 { 1.0 } else { 0.0 })
    }
}

pub(crate) struct Identity;
impl Activate for Identity {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        (x, 1.0)
    }
}

pub(crate) struct Elu;
impl Activate for Elu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let (less_one, exp) = exp_parts(within(x, -87.0, 0.0));
        (if x > 0.0 { x } else { less_one }, if x > 0.0 { 1.0 } else { exp })
    }
}

pub(crate) struct Gelu;
impl Activate for Gelu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let size = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let (_, exp) = exp_parts(within(-(size * size), -87.0, 0.0));
        let t = 1.0 / (1.0 + 0.327_591_1 * size);
        let mut series = 1.061_405_4;
        series = series * t - 1.453_152_1;
        series = series * t + 1.421_413_8;
        series = series * t - 0.284_496_72;
        series = series * t + 0.254_829_6;
        let half_tail = 0.5 * series * t * exp;
        let below = if x < 0.0 { half_tail } else { 1.0 - half_tail };
        const DENSITY_AT_ZERO: f32 = 0.398_942_3;
        (x * below, below + x * (DENSITY_AT_ZERO * exp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::Tanh => libm::tanh(x),
            Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Activation::Relu => x.max(0.0),
            Activation::Identity => x,
            Activation::Elu => {
                if x > 0.0 {
                    x
                } else {
                    libm::expm1(x)
                }
            }
            Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        }
    }

    #[test]
    fn values_and_slopes_are_those_of_the_functions() {
        for activation in Activation::ALL {
            for step in -4000..=4000_i32 {
                let x = f64::from(step as f32 * 0.01 + 0.003);
                let (value, slope) = with_activation!(activation, A => A::at(x as f32));
                let wanted = exact(activation, x);
                let tolerance = 4e-7 * wanted.abs() + 3e-7;
                assert!(
                    (f64::from(value) - wanted).abs() < tolerance * x.abs().max(1.0),
                    "{activation:?} {x}"
                );
                let difference = (exact(activation, x + 1e-6) - exact(activation, x - 1e-6)) / 2e-6;
                assert!((f64::from(slope) - difference).abs() < 2e-5, "{activation:?} at {x}: {slope}");
            }
        }
    }

    #[test]
    fn tanh_is_accurate_near_zero_and_one_far_away() {
        for exponent in -30..0 {
            let x = 2f32.powi(exponent) * 1.37;
            let wanted = libm::tanh(f64::from(x));
            assert!((f64::from(Activation::Tanh.apply(x)) / wanted - 1.0).abs() < 3e-7);
        }
        for (x, wanted) in [(50.0, 1.0), (-50.0, -1.0), (f32::INFINITY, 1.0), (f32::NEG_INFINITY, -1.0)] {
            assert_eq!(Activation::Tanh.apply(x).to_bits(), f32::to_bits(wanted));
        }
    }

    #[test]
    fn a_nan_is_never_hidden() {
        for activation in Activation::ALL {
            assert!(activation.apply(f32::NAN).is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Activation::parse("ReLU"), Some(Activation::Relu));
        assert_eq!(Activation::parse("softmax"), None);
    }
}
