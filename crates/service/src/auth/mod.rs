//! Who may come in.

pub(crate) mod login;
mod login_link;
mod manage_tenants;
mod manage_tokens;
mod manage_users;
mod password;
mod secret;

pub(crate) use manage_tokens::Tokens;
pub use password::PasswordCost;
