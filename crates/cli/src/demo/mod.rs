//! The generated workspace of `backstay demo`.

mod change;
mod generate;

pub(crate) use change::change;
pub(crate) use generate::generate;
