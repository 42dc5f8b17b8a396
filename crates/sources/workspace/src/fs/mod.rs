//! The file system, always relative to an open directory.
//!
//! No function here follows a symbolic link, except to open the root that a person named. A directory swapped for a
//! link while Backstay works is an error, never a way out of the root.

mod clock;
mod dir;
mod meta;
mod opener;
mod path;
mod xattr;

pub(crate) use clock::file_system_now;
pub use clock::file_system_time;
pub(crate) use dir::{Dir, Listing, NameKind, c_name};
pub(crate) use meta::{FileKind, Stat};
pub(crate) use opener::Opener;
pub(crate) use path::{display, join, split_parent, walk_order};
pub(crate) use xattr::{XattrError, read_xattrs_of_file, read_xattrs_of_link, write_xattrs};
