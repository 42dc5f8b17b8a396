//! A snapshot of training in a repository: a directory tree whose files are the tensors.
//!
//! ```text
//! state.json                          attributes, texts, types and shapes, and tensors of up to 4 KiB: one document
//! tensors/params/output_layer/weights the bytes of a larger one, little-endian, row by row, in blocks of 1 MiB
//! ```
//!
//! The tree tells nothing that the HDF5 file does not hold, and everything that it does: [`export`] plans the file from it, with the
//! tensors streamed from the repository, and the same tree gives the same bytes every time. Blocks lie at multiples of
//! [`BLOCK_BYTES`], so a tensor that did not change, or changed in a part, shares its blocks with the snapshots before.

mod attributes;
mod capture;
mod document;
mod error;
mod export;
mod outline;

pub use attributes::{TrainingAttributes, metrics};
pub use capture::capture;
pub use error::StoredError;
pub use export::{export, load};
pub use outline::{Outline, TensorOutline, outline};

/// The length of a block of a tensor; the last one of a tensor may be shorter.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Up to this length a tensor lies in the document.
const INLINE_BYTES: usize = 4096;
/// The longest document that is read.
const MAX_DOCUMENT_BYTES: u64 = 256 << 20;
/// The document.
const DOCUMENT: &str = "state.json";
/// The directory of the larger tensors.
const TENSORS: &str = "tensors";
