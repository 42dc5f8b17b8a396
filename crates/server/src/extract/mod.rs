//! What handlers take from a request, checked.

mod app;
mod caller;
mod json;
mod path;
mod query;
mod remote;
mod tree_path;

pub(crate) use app::App;
pub(crate) use caller::{SignedIn, credential};
pub(crate) use json::{Json, JsonOrDefault, QueryOrBody};
pub(crate) use path::{IdPath, PathId, parse_id};
pub(crate) use query::Query;
pub(crate) use remote::RemoteAddress;
pub(crate) use tree_path::tree_path;
