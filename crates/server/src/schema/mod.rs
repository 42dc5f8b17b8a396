//! Checks what a client sends against the very schema that the OpenAPI document shows.
//!
//! One source of truth: a bound is written once, at the field of the wire type. A value that the document allows
//! is never refused here, and one that it forbids is always refused, each field with a sentence of its own.

mod check;
mod parameters;
mod types;

pub(crate) use check::Checker;
pub(crate) use parameters::{read_query, read_values};
pub(crate) use types::body_checker;
