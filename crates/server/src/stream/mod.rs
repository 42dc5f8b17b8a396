//! Answers that are made while they are sent.

mod archive;
mod channel;
mod content;
mod live;
mod written;

pub(crate) use archive::tar_zst;
pub(crate) use content::read_range;
pub(crate) use live::{live, stream_place};
pub(crate) use written::written;
