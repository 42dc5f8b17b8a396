//! What handlers take from a request, checked.

mod app;
mod caller;
mod json;
mod packed;
mod path;
mod project;
mod query;
mod remote;
mod tree_path;
mod verbatim;

pub(crate) use app::App;
pub(crate) use caller::{SignedIn, credential};
pub(crate) use json::{Json, JsonOrDefault, QueryOrBody};
pub(crate) use packed::{Accepted, Packed};
pub(crate) use path::{CheckpointPath, IdPath, PathId, parse_id};
pub(crate) use project::Project;
pub(crate) use query::Query;
pub(crate) use remote::RemoteAddress;
pub(crate) use tree_path::tree_path;
pub(crate) use verbatim::{Verbatim, parse as parse_verbatim};
