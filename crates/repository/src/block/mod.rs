//! Blocks: the unit of compression and sealing, about 1 MiB of neighbouring chunks.

mod codec;
mod encoding;
mod planes;
mod probe;

pub(crate) use codec::{BlockDecoder, BlockEncoder, BlockForm};
pub(crate) use encoding::Encoding;
pub(crate) use probe::{best_width, looks_incompressible};
