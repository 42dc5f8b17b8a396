//! Users: people who sign in.

use backstay_model::{Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};
use crate::words;

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The id.
    pub id: String,
    /// The name to sign in with, unique in the server.
    pub name: String,
    /// The tenant.
    pub tenant_id: String,
    /// What the person may do.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// Whether signing in is forbidden.
    pub disabled: bool,
    /// When the user was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the person signed in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<Timestamp>,
}

page!(
    /// A page of users, by name.
    UserPage,
    users: User
);

list_query!(
    /// Which users to list.
    UserQuery {}
);

/// A user to create.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name to sign in with.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._@-]+$")]
    pub name: String,
    /// The password; without one the user signs in by a login link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 12, max_length = 1024, format = Password)]
    pub password: Option<String>,
    /// What the person may do.
    #[schema(schema_with = words::role)]
    pub role: Role,
    /// The tenant; that of the caller when absent. Only a superadmin may name another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_-]+$")]
    pub tenant_id: Option<String>,
}

/// What to change of a user; what is absent stays.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    /// The new role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::role)]
    pub role: Option<Role>,
    /// The new password. It ends every session of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 12, max_length = 1024, format = Password)]
    pub password: Option<String>,
    /// Whether signing in is forbidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A link that signs a user in, once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginLink {
    /// The path and query to open on this server.
    pub path: String,
    /// Until when it can be used.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}
