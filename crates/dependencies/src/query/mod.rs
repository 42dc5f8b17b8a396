//! What is asked about the dependencies of a workspace. Nothing here changes it.

mod changes;
mod show;
mod status;
mod tree;
mod validate;

pub use changes::{ChangeFilter, ChangeList, changes};
pub use show::{CommandDetail, Shown, show};
pub use status::{Status, StatusEntry, status};
pub use tree::{Tree, TreeEntry, tree};
pub use validate::{Checked, Integrity, IntegrityResult, Report, What, validate};
