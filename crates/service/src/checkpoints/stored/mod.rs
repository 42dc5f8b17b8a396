//! Contents that are too large for the catalog: they lie in the repository, each under a root manifest of its own, and their
//! rows refer to them.
//!
//! A save writes its large contents before it enters the queue ([`prepare`]), so that small saves do not wait for it. The
//! transaction of the queue stores the references and is the commit point, as for every save. What became of a save that
//! did not get so far is removed when it is old enough ([`unused`]), what rows referred to that are gone within a minute
//! ([`dropped`]). A transaction never reads the repository.

mod damaged;
mod described;
mod dropped;
mod load;
mod pieces;
mod prepare;
mod unused;

pub(crate) use described::{Described, STATE_FILE, is_content};
pub(crate) use load::StoredContent;
pub(crate) use prepare::{Prepared, PreparedContents};
