//! Who may come in.

mod login;
mod login_link;
mod manage_tenants;
mod manage_tokens;
mod manage_users;
