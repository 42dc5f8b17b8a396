//! One way to speak to both databases: values, statements, rows, connections.

mod condition;
mod connection;
mod many;
mod row;
mod statement;
mod value;

pub(crate) use condition::{Condition, NewestOfFacets};
pub(crate) use connection::{Connection, Held};
pub(crate) use many::{any_of, batches, rows};
pub(crate) use row::{Fields, RawRow, Record};
pub(crate) use statement::{Statement, sql};
pub(crate) use value::Value;
