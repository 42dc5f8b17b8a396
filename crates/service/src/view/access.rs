//! Users, sessions, tokens, tenants.

use backstay_model::{Role, TenantId, Timestamp, TokenId, UserId};
use serde::{Deserialize, Serialize};

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name to sign in with, unique in the server.
    pub name: String,
    /// The tenant.
    pub tenant: TenantId,
    /// What the person may do.
    pub role: Role,
    /// Whether signing in is forbidden.
    pub disabled: bool,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the person signed in last.
    pub last_login_at: Option<Timestamp>,
}

/// A user to create.
#[derive(Clone)]
pub struct NewUser {
    /// The name: 1 to 100 of `A-Za-z0-9._@-`.
    pub name: String,
    /// The password, 12 to 1024 bytes; without one the user signs in by a login link.
    pub password: Option<String>,
    /// What the person may do; not more than the caller may.
    pub role: Role,
    /// The tenant; that of the caller when `None`. Only a superadmin may name another.
    pub tenant: Option<TenantId>,
}

/// What to change of a user; what is `None` stays.
#[derive(Clone, Default)]
pub struct UserChange {
    /// The new role.
    pub role: Option<Role>,
    /// The new password. It ends every session of the user.
    pub password: Option<String>,
    /// Whether signing in is forbidden. It ends every session of the user.
    pub disabled: Option<bool>,
}

/// A session of a person who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The id; not the secret.
    pub id: String,
    /// Who signed in.
    pub user: UserId,
    /// What must accompany every unsafe request of a browser.
    pub csrf_token: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// What signing in gives.
pub struct SignedIn {
    /// The secret of the session, for the cookie; shown once.
    pub secret: String,
    /// The session.
    pub session: Session,
    /// Who signed in.
    pub user: User,
}

/// A link that signs a user in, once.
pub struct LoginLink {
    /// The secret of the link; shown once.
    pub secret: String,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The id.
    pub id: TokenId,
    /// The name shown to people.
    pub name: String,
    /// The tenant in which it acts.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A token to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The name: 1 to 100 of `A-Za-z0-9 ._@-`.
    pub name: String,
    /// What it may do; not more than the caller may.
    pub role: Role,
    /// When it ends by itself; never when `None`.
    pub expires_at: Option<Timestamp>,
}

/// A token just created.
pub struct CreatedToken {
    /// The token.
    pub token: Token,
    /// The secret; shown once.
    pub secret: String,
}

/// A boundary of visibility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The id.
    pub id: TenantId,
    /// The name shown to people.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A tenant to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTenant {
    /// The id; a random one when `None`.
    pub id: Option<TenantId>,
    /// The name: 1 to 100 characters.
    pub name: String,
}
