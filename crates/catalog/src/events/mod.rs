//! The event log: appending, reading, searching, following and proving it.

mod append;
mod facet;
mod list;
mod read;
mod subscribe;
mod verify;

pub use list::EventFilter;
pub use subscribe::EventWatch;
pub use verify::{ChainBreak, ChainReport};
