//! YAML as a tree that remembers where each value stands in the text.
//!
//! The grammar is `granit-parser`'s; this module bounds it and keeps the byte spans, so that an edit can replace one value
//! and leave the rest of the text as it is. Aliases and merge keys are resolved, within the same bounds.

mod node;
mod parse;
mod scalar;

pub use node::{Entry, Node, Scalar, Style, Value};
pub use parse::{MAX_BYTES, YamlError, parse};
pub(crate) use scalar::render;
