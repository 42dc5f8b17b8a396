//! The event log: appending, reading, searching, following and proving it.

mod among;
pub(crate) mod append;
mod copied;
mod count;
mod export;
pub(crate) mod facet;
mod groups;
mod list;
mod one_reading;
pub(crate) mod read;
mod search;
mod subscribe;
mod verify;

pub use list::EventFilter;
pub use subscribe::EventWatch;
pub use verify::{ChainBreak, ChainReport};
