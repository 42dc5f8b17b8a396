//! Where chunks end: content-defined boundaries for streams, fixed blocks for disk images.

mod gear;
mod shape;

pub(crate) use gear::{Boundaries, Candidate, LOOKBACK_BYTES, candidates};
pub(crate) use shape::{HEAD_BYTES, Shape, is_zero, shape_of};
