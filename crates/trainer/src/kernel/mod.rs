//! The arithmetic: columns of lanes, sums in one order, elementary functions, and the choice of instructions.

mod activation;
mod dispatch;
mod lanes;

pub use activation::Activation;
pub(crate) use activation::{Activate, Elu, Gelu, Identity, Relu, Sigmoid, Tanh, with_activation};
#[cfg(test)]
pub(crate) use dispatch::launch_at;
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) use dispatch::levels;
pub(crate) use dispatch::{Kernel, launch};
pub(crate) use lanes::{Columns, LANES, Lane, dot, dot_columns, sum, weighted_sum};
