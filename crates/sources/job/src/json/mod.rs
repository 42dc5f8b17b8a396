//! Strict JSON (RFC 8259) that loses nothing: the order of keys and the text of numbers stay.

mod parser;
mod tree;

pub(crate) use parser::check;
pub use parser::{JsonError, JsonProblem};
pub use tree::Json;
pub(crate) use tree::index as index_of_token;
