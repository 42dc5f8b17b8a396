//! Activation functions and their slopes, from additions, multiplications, divisions and bit operations alone.
//!
//! The system's `exp` and `tanh` differ between processors of one architecture; these do not, and they compute in
//! lanes. `exp` is reduced to `2^n · exp(r)` with `|r| ≤ ln 2 / 2` (Cody and Waite 1980) and a Taylor polynomial; it is
//! evaluated as `exp(x) − 1`, so that `tanh` keeps its relative accuracy near zero.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a kernel keeps the baseline's instructions"
)]

use fearless_simd::prelude::*;
use fearless_simd::{Simd, f32x16, u32x16};
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
}

/// An activation function as a type, so that kernels are compiled for each.
pub(crate) trait Activate {
    /// Value and slope at each of `x`.
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>);
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
fn exp_parts<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
    /// Adding it rounds to whole numbers, and its low bits are then that number.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const EXPONENT_OF_ONE: u32 = 127;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let mut series = f32x16::splat(simd, 1.0 / 5040.0);
    series = series * rest + 1.0 / 720.0;
    series = series * rest + 1.0 / 120.0;
    series = series * rest + 1.0 / 24.0;
    series = series * rest + 1.0 / 6.0;
    series = series * rest + 0.5;
    series = series * rest + 1.0;
    let less_one = series * rest;
    let exponent: u32x16<S> = shifted.bitcast();
    let exponent = exponent - ROUND.to_bits() + EXPONENT_OF_ONE;
    let scale: f32x16<S> = (exponent << 23).bitcast();
    let scaled = scale * less_one;
    (scaled + (scale - 1.0), scaled + scale)
}

/// `x`, at least `low`; a NaN stays one.
#[inline(always)]
fn at_least<S: Simd>(simd: S, x: f32x16<S>, low: f32) -> f32x16<S> {
    let low = f32x16::splat(simd, low);
    x.simd_lt(low).select(low, x)
}

/// `x`, at most `high`; a NaN stays one.
#[inline(always)]
fn at_most<S: Simd>(simd: S, x: f32x16<S>, high: f32) -> f32x16<S> {
    let high = f32x16::splat(simd, high);
    x.simd_gt(high).select(high, x)
}

pub(crate) struct Tanh;
impl Activate for Tanh {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
        let (less_one, _) = exp_parts(simd, at_most(simd, x.abs() * 2.0, 20.0));
        let value = (less_one / (less_one + 2.0)).copysign(x);
        (value, f32x16::splat(simd, 1.0) - value * value)
    }
}

pub(crate) struct Sigmoid;
impl Activate for Sigmoid {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
        let one = f32x16::splat(simd, 1.0);
        let (_, exp) = exp_parts(simd, at_most(simd, at_least(simd, -x, -87.0), 87.0));
        let value = one / (exp + 1.0);
        (value, value * (one - value))
    }
}

pub(crate) struct Relu;
impl Activate for Relu {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
        let (zero, one) = (f32x16::splat(simd, 0.0), f32x16::splat(simd, 1.0));
        (at_least(simd, x, 0.0), x.simd_gt(zero).select(one, zero))
    }
}

pub(crate) struct Identity;
impl Activate for Identity {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
        (x, f32x16::splat(simd, 1.0))
    }
}

pub(crate) struct Elu;
impl Activate for Elu {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
        let (less_one, exp) = exp_parts(simd, at_most(simd, at_least(simd, x, -87.0), 0.0));
        let above = x.simd_gt(f32x16::splat(simd, 0.0));
        (above.select(x, less_one), above.select(f32x16::splat(simd, 1.0), exp))
    }
}

pub(crate) struct Gelu;
impl Activate for Gelu {
    #[inline(always)]
    fn at<S: Simd>(simd: S, x: f32x16<S>) -> (f32x16<S>, f32x16<S>) {
        const DENSITY_AT_ZERO: f32 = 0.398_942_3;
        let one = f32x16::splat(simd, 1.0);
        let size = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let (_, exp) = exp_parts(simd, at_least(simd, -(size * size), -87.0));
        let t = one / (size * 0.327_591_1 + 1.0);
        let mut series = f32x16::splat(simd, 1.061_405_4);
        series = series * t - 1.453_152_1;
        series = series * t + 1.421_413_8;
        series = series * t - 0.284_496_72;
        series = series * t + 0.254_829_6;
        let half_tail = series * t * exp * 0.5;
        let negative = x.simd_lt(f32x16::splat(simd, 0.0));
        let below = negative.select(half_tail, one - half_tail);
        (x * below, below + x * (exp * DENSITY_AT_ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kernel, launch, launch_at};

    struct At<A>(f32, std::marker::PhantomData<A>);

    impl<A: Activate> Kernel for At<A> {
        type Output = (f32, f32);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (f32, f32) {
            let (value, slope) = A::at(simd, f32x16::splat(simd, self.0));
            (value.as_slice()[0], slope.as_slice()[0])
        }
    }

    /// Value and slope at `x`, which are the same with all instructions.
    fn at(activation: Activation, x: f32) -> (f32, f32) {
        with_activation!(activation, A => {
            let kernel = || At::<A>(x, std::marker::PhantomData);
            let (value, slope) = launch(kernel());
            #[cfg(target_arch = "x86_64")]
            for level in crate::kernel::levels() {
                let (v, s) = launch_at(level, kernel());
                if !value.is_nan() {
                    assert_eq!((v.to_bits(), s.to_bits()), (value.to_bits(), slope.to_bits()), "{level:?} at {x}");
                }
            }
            (value, slope)
        })
    }

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
                let (value, slope) = at(activation, x as f32);
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
            assert!((f64::from(at(Activation::Tanh, x).0) / wanted - 1.0).abs() < 3e-7);
        }
        for (x, wanted) in [(50.0, 1.0), (-50.0, -1.0), (f32::INFINITY, 1.0), (f32::NEG_INFINITY, -1.0)] {
            assert_eq!(at(Activation::Tanh, x).0.to_bits(), f32::to_bits(wanted));
        }
    }

    #[test]
    fn a_nan_is_never_hidden() {
        for activation in Activation::ALL {
            assert!(at(activation, f32::NAN).0.is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Activation::parse("ReLU"), Some(Activation::Relu));
        assert_eq!(Activation::parse("softmax"), None);
    }
}
