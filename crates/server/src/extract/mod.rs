//! What handlers take from a request, checked.

mod app;
mod caller;
mod idempotency;
mod json;
mod packed;
mod path;
mod project;
mod query;
mod remote;
mod tree_path;
mod verbatim;

pub(crate) use app::App;
pub(crate) use caller::SignedIn;
pub(crate) use idempotency::IdempotencyKey;
pub(crate) use json::{Json, JsonOrDefault};
pub(crate) use packed::{Accepted, Packed};
pub(crate) use path::{IdPath, PathId, parse_id};
pub(crate) use project::Project;
pub(crate) use query::Query;
pub(crate) use remote::RemoteAddress;
pub(crate) use tree_path::tree_path;
pub(crate) use verbatim::{VERBATIM_LIMIT_BYTES, Verbatim, parse as parse_verbatim};
