//! What changes the dependencies of a workspace, as far as it can be computed: each function looks at the workspace, may
//! fetch and clone into the scratch directory of the [`Draft`](crate::change::Draft), and returns the steps of the change
//! and what to tell about it. Applying the steps, all or none, is for the caller.
//!
//! Fetching adds objects to the store of a dependency and moves its remote-tracking refs; that is not undone when the
//! change does not happen.

mod add;
mod apply;
mod fetch;
mod fix;
mod put_back;
mod remove;
mod resolve;
mod session;
mod sync;
mod upgrade;

pub use add::{AddOptions, add};
pub use apply::apply;
pub use fetch::{FetchResult, Fetched, fetch, would_fetch};
pub use fix::{Fixed, fix};
pub use put_back::{GitRecord, PutBack, SubmoduleRecord, put_back};
pub use remove::{RemoveOptions, Removed, remove};
pub use resolve::{ResolveOptions, Resolved, resolve};
pub use session::{Drafted, MoveState, Moved, Options, Session};
pub use sync::{Synced, sync};
pub use upgrade::{Move, Pins, move_back, upgrade};
