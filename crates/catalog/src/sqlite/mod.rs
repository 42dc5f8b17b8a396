//! The embedded database: how it is opened, and its one writer.

mod open;
mod writer;

pub(crate) use open::{SqliteDatabase, open};
pub(crate) use writer::WriterGuard;
