//! The group `backstay`: what going on bit for bit needs beyond the network.

mod load;
mod save;

pub(super) use load::{Attributes, load};
pub(super) use save::write;
