//! Who may come in: users, sessions, API tokens, login links, and the attempts that are counted against guessing.

mod attempts;
mod links;
mod sessions;
mod tokens;
mod users;

pub use links::LoginLinkRow;
pub use sessions::SessionRow;
pub use tokens::{TokenFilter, TokenRow};
pub use users::{UserChange, UserRow};
