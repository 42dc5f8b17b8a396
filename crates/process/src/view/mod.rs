//! What a command sees of the file system.

mod changes;
mod overlay;
mod probe;

pub use changes::{UpperEntry, UpperKind, changes_of};
pub use overlay::Overlay;
pub use probe::supports_overlay;

/// What a command sees of the file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum View {
    /// All of it, as it is.
    #[default]
    Host,
    /// The same, with one directory replaced by a copy-on-write view of itself.
    Overlay(Overlay),
}
