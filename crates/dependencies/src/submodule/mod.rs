//! Dependencies as git submodules: where they are registered, and how a checkout moves from commit to commit.

mod checkout;
mod index;
mod registry;
mod remove;

pub use checkout::{Checkout, State, draft_checkout, draft_clone};
pub use index::{GitFiles, StagedFile};
pub use registry::Registry;
pub use remove::{draft_removal, why_not_removed};
