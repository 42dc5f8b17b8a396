//! The arithmetic: columns of lanes, sums in one order, elementary functions, and the choice of instructions.

mod activation;
mod dispatch;
mod lanes;

pub use activation::Activation;
pub(crate) use activation::{Activate, Elu, Gelu, Identity, Relu, Sigmoid, Tanh, with_activation};
pub(crate) use dispatch::{Kernel, launch};
pub(crate) use lanes::{BLOCK, Columns, LANES, Lane, dot, dot_columns, weighted_sum};
